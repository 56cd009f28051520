//! The control page, once it is mapped.

use crate::layout::{ATTACHED_AT, CONTROL_ENV, MAGIC, MAGIC_AT, PAGE_BYTES};
use std::ffi::CStr;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// Null until it is mapped; then it stays.
static PAGE: AtomicPtr<AtomicU64> = AtomicPtr::new(ptr::null_mut());

/// A word of the page, when there is one.
pub(crate) fn word(at: usize) -> Option<&'static AtomicU64> {
    let page = PAGE.load(Ordering::Acquire);
    if page.is_null() || at >= PAGE_BYTES / 8 {
        return None;
    }
    // SAFETY: the page has PAGE_BYTES bytes, is aligned, readable and writable, and is never unmapped. The harness changes it
    // through the file; whole words, which only atomics read here.
    Some(unsafe { &*page.add(at) })
}

/// A word's value; 0 without a page.
pub(crate) fn get(at: usize) -> u64 {
    word(at).map_or(0, |word| word.load(Ordering::Acquire))
}

/// Maps the page that the environment names. Called once, before `main`.
pub(crate) fn map() {
    let Some(path) = variable(CONTROL_ENV) else {
        return;
    };
    // SAFETY: the path ends with a zero; the flags are valid.
    let fd = unsafe { libc::open(path.as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) };
    if fd < 0 {
        return;
    }
    let bytes = i64::try_from(PAGE_BYTES).unwrap_or(i64::MAX);
    // SAFETY: the descriptor is open; seeking does not touch memory.
    let whole = unsafe { libc::lseek(fd, 0, libc::SEEK_END) } >= bytes;
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a fresh mapping at a place of the kernel's choice, of a file that was seen to be long enough.
    let page = unsafe {
        libc::mmap(
            ptr::null_mut(),
            PAGE_BYTES,
            protection,
            libc::MAP_SHARED,
            fd,
            0,
        )
    };
    // SAFETY: ours, and not used again; the mapping keeps the file.
    unsafe { libc::close(fd) };
    if !whole || page == libc::MAP_FAILED {
        return;
    }
    PAGE.store(page.cast(), Ordering::Release);
    if get(MAGIC_AT) != MAGIC {
        PAGE.store(ptr::null_mut(), Ordering::Release);
    } else if let Some(attached) = word(ATTACHED_AT) {
        attached.fetch_add(1, Ordering::Relaxed);
    }
}

/// A variable of the environment. Only before `main`, while nobody changes it.
pub(crate) fn variable(name: &str) -> Option<&'static CStr> {
    let mut zeroed = [0_u8; 64];
    let room = zeroed.get_mut(..name.len())?;
    room.copy_from_slice(name.as_bytes());
    if name.len() == zeroed.len() {
        return None;
    }
    // SAFETY: the name ends with a zero.
    let value = unsafe { libc::getenv(zeroed.as_ptr().cast()) };
    if value.is_null() {
        return None;
    }
    // SAFETY: what `getenv` gives ends with a zero, and no other thread runs yet that could change it.
    Some(unsafe { CStr::from_ptr(value) })
}
