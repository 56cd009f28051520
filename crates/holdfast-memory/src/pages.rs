//! Pages for secrets, from the operating system.
//!
//! Each run of pages lies between two pages that nobody may touch, is left out of core dumps and is not copied to
//! children. Runs are never given back: the slab above reuses their slots.

#![expect(unsafe_code, reason = "maps and locks pages; nothing safe offers that")]

use std::ptr::{self, NonNull};

/// How well key pages are kept. The order is from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protection {
    /// `memfd_secret`: neither swapped nor dumped, and not even mapped in the kernel.
    MemfdSecret,
    /// Locked in memory: neither swapped nor dumped.
    Locked,
    /// Ordinary memory, left out of dumps where the system allows; it may be swapped. Raise `RLIMIT_MEMLOCK`.
    Unlocked,
}

/// Bytes of one run: a multiple of every page size in use (4, 16 and 64 KiB).
pub(crate) const RUN_BYTES: usize = 64 * 1024;

/// A run of zeroed, writable pages, [`RUN_BYTES`] long, valid for the life of the process.
pub(crate) struct Run {
    pub(crate) start: NonNull<u8>,
    pub(crate) protection: Protection,
}

/// Maps a run with the best protection the system grants. `None` when it grants no memory at all.
pub(crate) fn map_run() -> Option<Run> {
    let start = reserve_between_guards()?;
    let protection = if map_hidden(start) {
        Protection::MemfdSecret
    } else if !map_at(start, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1) {
        return None;
    } else if lock(start) {
        Protection::Locked
    } else {
        Protection::Unlocked
    };
    for advice in [libc::MADV_DONTDUMP, libc::MADV_DONTFORK] {
        // Where an advice is refused it is implied already, or there is nothing to be done.
        // SAFETY: neither advice touches the bytes, and nobody else uses the run yet.
        let _result = unsafe { libc::madvise(start.as_ptr().cast(), RUN_BYTES, advice) };
    }
    Some(Run { start, protection })
}

/// Reserves addresses for a run and a guard on each side, all untouchable; returns where the run goes.
fn reserve_between_guards() -> Option<NonNull<u8>> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // A guard as large as a run is a whole number of pages, whatever their size.
    let bytes = RUN_BYTES * 3;
    // SAFETY: a fresh mapping at an address of the kernel's choice overlaps nothing.
    let base = unsafe { libc::mmap(ptr::null_mut(), bytes, libc::PROT_NONE, flags, -1, 0) };
    if base == libc::MAP_FAILED {
        return None;
    }
    // SAFETY: the reservation is three runs long, so one run further lies inside it.
    NonNull::new(unsafe { base.cast::<u8>().add(RUN_BYTES) })
}

/// Puts pages that the kernel itself cannot see at `start`; false when the system has none to give.
fn map_hidden(start: NonNull<u8>) -> bool {
    // SAFETY: memfd_secret takes one flag word and returns a descriptor or -1.
    let fd = unsafe { libc::syscall(libc::SYS_memfd_secret, libc::O_CLOEXEC) };
    let Ok(fd) = libc::c_int::try_from(fd) else {
        return false;
    };
    if fd < 0 {
        return false;
    }
    let sized = libc::off_t::try_from(RUN_BYTES).is_ok_and(|length| {
        // SAFETY: `fd` is a descriptor that this function just opened and owns.
        unsafe { libc::ftruncate(fd, length) == 0 }
    });
    // The lock limit is checked by the mapping, so a refusal is an answer here and not a signal at the first touch.
    let mapped = sized && map_at(start, libc::MAP_SHARED, fd);
    // SAFETY: `fd` is ours and is not used again; the mapping stays without it.
    unsafe { libc::close(fd) };
    mapped
}

/// Puts writable pages at `start`.
fn map_at(start: NonNull<u8>, flags: libc::c_int, fd: libc::c_int) -> bool {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let flags = flags | libc::MAP_FIXED;
    // SAFETY: `start` is the middle of a reservation made above, in which nothing lives yet; replacing its pages is the
    // purpose of MAP_FIXED.
    let at = unsafe { libc::mmap(start.as_ptr().cast(), RUN_BYTES, access, flags, fd, 0) };
    at != libc::MAP_FAILED
}

fn lock(start: NonNull<u8>) -> bool {
    // SAFETY: the run was just mapped and belongs to nobody else; locking it changes no bytes.
    unsafe { libc::mlock(start.as_ptr().cast(), RUN_BYTES) == 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_zeroed_and_writable_to_both_ends() {
        let run = map_run().expect("memory is granted");
        // SAFETY: the run is ours, mapped, and RUN_BYTES long.
        let bytes = unsafe { std::slice::from_raw_parts_mut(run.start.as_ptr(), RUN_BYTES) };
        assert!(bytes.iter().all(|byte| *byte == 0));
        bytes[0] = 1;
        bytes[RUN_BYTES - 1] = 2;
        assert_eq!((bytes[0], bytes[RUN_BYTES - 1]), (1, 2));
    }

    #[test]
    fn the_map_of_the_process_shows_the_protection() {
        let run = map_run().expect("memory is granted");
        let maps = std::fs::read_to_string("/proc/self/smaps").expect("procfs is mounted");
        let head = format!("{:x}-", run.start.as_ptr().addr());
        let entry = maps.split_once(&head).expect("the run is mapped").1;
        let flags = entry
            .lines()
            .find(|line| line.starts_with("VmFlags:"))
            .expect("has flags");
        let has = |flag: &str| flags.split_whitespace().any(|known| known == flag);
        assert!(has("dd"), "left out of dumps: {flags}");
        assert!(has("dc"), "not copied to children: {flags}");
        if run.protection != Protection::Unlocked {
            assert!(has("lo"), "locked: {flags}");
        }
        if run.protection == Protection::MemfdSecret {
            let first = entry.lines().next().expect("a first line");
            assert!(first.contains("secretmem"));
        }
    }
}
