//! Pages that hold keys, in 32-byte slots.
//!
//! A slab is one page; keys share it, so that hundreds of them stay far below the lock limit. A slab is never given back:
//! the number of keys is bounded by the key ring.

use std::io;
use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};

/// How the pages that hold keys are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protection {
    /// `memfd_secret`: not even the kernel maps them.
    MemfdSecret,
    /// `mlock`: not swapped, not in core files.
    Locked,
    /// Neither could be had: the operator should raise `RLIMIT_MEMLOCK`.
    Unlocked,
}

/// Bytes of one slot: one key.
pub(crate) const SLOT: usize = 32;
const PAGE: usize = 4096;
const SLOTS: usize = PAGE / SLOT;

struct Slab {
    base: NonNull<u8>,
    /// One bit for each slot in use.
    used: u128,
}

const _: () = assert!(SLOTS == 128, "one bit for each slot");

// SAFETY: a slab's memory is reached only through slots, each owned by one `Slot`, and the list of slabs only under its mutex.
unsafe impl Send for Slab {}

struct Arena {
    slabs: Vec<Slab>,
    worst: Protection,
}

static ARENA: Mutex<Arena> = Mutex::new(Arena {
    slabs: Vec::new(),
    worst: Protection::MemfdSecret,
});

/// One slot, owned until dropped, then wiped.
pub(crate) struct Slot {
    at: NonNull<[u8; SLOT]>,
}

// SAFETY: a slot is owned memory like a `Box<[u8; 32]>`: shared references only read, changes need `&mut`.
unsafe impl Send for Slot {}
// SAFETY: as above.
unsafe impl Sync for Slot {}

impl Slot {
    /// A zeroed slot.
    pub(crate) fn take() -> Self {
        let mut arena = ARENA.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = arena.slabs.iter_mut().find_map(Slab::take) {
            return slot;
        }
        let (base, protection) = map_page();
        arena.worst = arena.worst.max(protection);
        let mut slab = Slab { base, used: 0 };
        let slot = slab.take().expect("a new slab has free slots");
        arena.slabs.push(slab);
        slot
    }

    pub(crate) const fn bytes(&self) -> &[u8; SLOT] {
        // SAFETY: `at` points into a live page, aligned for bytes, owned by this slot alone.
        unsafe { self.at.as_ref() }
    }

    pub(crate) const fn bytes_mut(&mut self) -> &mut [u8; SLOT] {
        // SAFETY: as in `bytes`, and `&mut self` makes the borrow unique.
        unsafe { self.at.as_mut() }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(self.bytes_mut());
        let address = self.at.as_ptr() as usize;
        let mut arena = ARENA.lock().unwrap_or_else(PoisonError::into_inner);
        for slab in &mut arena.slabs {
            let base = slab.base.as_ptr() as usize;
            if (base..base + PAGE).contains(&address) {
                slab.used &= !(1 << ((address - base) / SLOT));
                return;
            }
        }
    }
}

impl Slab {
    fn take(&mut self) -> Option<Slot> {
        let free = self.used.trailing_ones() as usize;
        if free == SLOTS {
            return None;
        }
        self.used |= 1 << free;
        // SAFETY: `free < SLOTS`, so the slot lies within the page.
        let at = unsafe { self.base.add(free * SLOT) }.cast();
        Some(Slot { at })
    }
}

/// The weakest protection of any page that holds keys, taking one page if there is none yet.
pub(crate) fn worst() -> Protection {
    drop(Slot::take());
    ARENA.lock().unwrap_or_else(PoisonError::into_inner).worst
}

fn map_page() -> (NonNull<u8>, Protection) {
    if let Ok(page) = map_secret() {
        return (page, Protection::MemfdSecret);
    }
    let page = map_anonymous().expect("the operating system gives a page of memory");
    // SAFETY: the page was just mapped with this length; these calls change no contents.
    let locked = unsafe {
        libc::madvise(page.as_ptr().cast(), PAGE, libc::MADV_DONTDUMP);
        libc::madvise(page.as_ptr().cast(), PAGE, libc::MADV_WIPEONFORK);
        libc::mlock(page.as_ptr().cast(), PAGE) == 0
    };
    (
        page,
        if locked {
            Protection::Locked
        } else {
            Protection::Unlocked
        },
    )
}

fn map_secret() -> io::Result<NonNull<u8>> {
    // SAFETY: plain system calls with checked results; the descriptor is closed on every path and the mapping stays.
    unsafe {
        let fd = libc::syscall(libc::SYS_memfd_secret, libc::O_CLOEXEC);
        let fd = i32::try_from(fd)
            .ok()
            .filter(|fd| *fd >= 0)
            .ok_or_else(io::Error::last_os_error)?;
        let length = libc::off_t::try_from(PAGE).expect("a page's length fits");
        let mapped = if libc::ftruncate(fd, length) == 0 {
            map(libc::MAP_SHARED, fd)
        } else {
            Err(io::Error::last_os_error())
        };
        libc::close(fd);
        mapped
    }
}

fn map_anonymous() -> io::Result<NonNull<u8>> {
    map(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1)
}

fn map(flags: i32, fd: i32) -> io::Result<NonNull<u8>> {
    // SAFETY: a new mapping at an address of the kernel's choice overlaps nothing.
    let page = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            PAGE,
            libc::PROT_READ | libc::PROT_WRITE,
            flags,
            fd,
            0,
        )
    };
    if page == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    NonNull::new(page.cast()).ok_or_else(io::Error::last_os_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_slot_is_wiped_and_used_again() {
        let mut slot = Slot::take();
        slot.bytes_mut().fill(0xa5);
        let at = slot.at;
        drop(slot);
        // SAFETY: pages are never unmapped, so the freed slot's memory can still be looked at.
        let left = unsafe { *at.as_ptr() };
        // Another test may have taken the slot since; it then holds that test's zeroes or bytes, never these.
        assert_ne!(left, [0xa5; SLOT]);
    }

    #[test]
    fn slots_never_overlap() {
        let slots: Vec<Slot> = (0..300).map(|_| Slot::take()).collect();
        let mut at: Vec<usize> = slots.iter().map(|slot| slot.at.as_ptr() as usize).collect();
        at.sort_unstable();
        assert!(at.windows(2).all(|pair| pair[1] - pair[0] >= SLOT));
    }
}
