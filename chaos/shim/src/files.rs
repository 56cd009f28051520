//! Writes and syncs. What passes goes to the kernel directly: these calls do no more in libc.

use crate::layout::calls::{ALLOCATE, SYNC, WRITE};
use crate::rules::{Verdict, judge, set_errno};
use libc::{c_int, c_long, c_void, iovec, off_t, size_t, ssize_t};

/// The calls of one kind, by what a judgement makes of them.
fn judged(
    fd: c_int,
    call: u64,
    lie: c_long,
    whole: impl Fn() -> c_long,
    half: impl Fn() -> c_long,
) -> c_long {
    match judge(fd, call) {
        Verdict::Pass => whole(),
        Verdict::Lie => lie,
        Verdict::Fail(errno) => {
            set_errno(errno);
            -1
        }
        Verdict::Tear(errno) => {
            // Whether even the half arrives is the disk's affair.
            half();
            set_errno(errno);
            -1
        }
    }
}

/// There is no half of it.
const fn nothing() -> c_long {
    0
}

fn int(result: c_long) -> c_int {
    c_int::try_from(result).unwrap_or(-1)
}

fn long(count: size_t) -> c_long {
    c_long::try_from(count).unwrap_or(c_long::MAX)
}

/// # Safety
/// As libc's.
// SAFETY: the name and the type of the libc function it stands in for.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn fsync(fd: c_int) -> c_int {
    // SAFETY: a plain number.
    let whole = || unsafe { libc::syscall(libc::SYS_fsync, fd) };
    int(judged(fd, SYNC, 0, whole, nothing))
}

/// # Safety
/// As libc's.
// SAFETY: the name and the type of the libc function it stands in for.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn fdatasync(fd: c_int) -> c_int {
    // SAFETY: a plain number.
    let whole = || unsafe { libc::syscall(libc::SYS_fdatasync, fd) };
    int(judged(fd, SYNC, 0, whole, nothing))
}

/// # Safety
/// As libc's.
// SAFETY: the name and the type of the libc function it stands in for.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn write(fd: c_int, from: *const c_void, count: size_t) -> ssize_t {
    // SAFETY: the caller's promise for the whole holds for every part.
    let some = |count: size_t| unsafe { libc::syscall(libc::SYS_write, fd, from, count) };
    let torn = judged(fd, WRITE, long(count), || some(count), || some(count / 2));
    isize::try_from(torn).unwrap_or(-1)
}

/// # Safety
/// As libc's.
// SAFETY: the name and the type of the libc function it stands in for.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn pwrite(
    fd: c_int,
    from: *const c_void,
    count: size_t,
    at: off_t,
) -> ssize_t {
    // SAFETY: the caller's promise for the whole holds for every part.
    let some = |count: size_t| unsafe { libc::syscall(libc::SYS_pwrite64, fd, from, count, at) };
    let torn = judged(fd, WRITE, long(count), || some(count), || some(count / 2));
    isize::try_from(torn).unwrap_or(-1)
}

/// # Safety
/// As libc's.
// SAFETY: the name and the type of the libc function it stands in for.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn pwrite64(
    fd: c_int,
    from: *const c_void,
    count: size_t,
    at: off_t,
) -> ssize_t {
    // SAFETY: the caller's promise is the same; an offset has 64 bits in both.
    unsafe { pwrite(fd, from, count, at) }
}

/// Bytes of a list of buffers.
///
/// # Safety
/// `list` has `count` buffers.
unsafe fn bytes(list: *const iovec, count: c_int) -> c_long {
    let count = usize::try_from(count).unwrap_or(0);
    // SAFETY: as the caller promises.
    let buffers = (0..count).map(|place| unsafe { (*list.add(place)).iov_len });
    long(buffers.sum())
}

/// Writes a list of buffers by system call; half of the list when it has several, else half of its one buffer.
///
/// # Safety
/// As `pwritev`; `at` of `None` is `writev`.
unsafe fn write_list(
    fd: c_int,
    list: *const iovec,
    count: c_int,
    at: Option<off_t>,
    half: bool,
) -> c_long {
    let few = if half && count > 1 { count / 2 } else { count };
    if half && count == 1 {
        // SAFETY: the list has one buffer.
        let one = unsafe { *list };
        let cut = iovec {
            iov_base: one.iov_base,
            iov_len: one.iov_len / 2,
        };
        // SAFETY: a part of what the caller gave, as a list of one.
        return unsafe { write_list(fd, &raw const cut, 1, at, false) };
    }
    match at {
        // SAFETY: as the caller promises, for the list's beginning.
        None => unsafe { libc::syscall(libc::SYS_writev, fd, list, few) },
        // SAFETY: as the caller promises; with 64 bits the upper half of the offset is not looked at.
        Some(at) => unsafe { libc::syscall(libc::SYS_pwritev, fd, list, few, at, 0) },
    }
}

/// # Safety
/// As libc's.
// SAFETY: the name and the type of the libc function it stands in for.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn writev(fd: c_int, list: *const iovec, count: c_int) -> ssize_t {
    // SAFETY: the caller promises a list of so many.
    let some = |half| unsafe { write_list(fd, list, count, None, half) };
    // SAFETY: the caller promises a list of so many.
    let all = unsafe { bytes(list, count) };
    let torn = judged(fd, WRITE, all, || some(false), || some(true));
    isize::try_from(torn).unwrap_or(-1)
}

/// # Safety
/// As libc's.
// SAFETY: the name and the type of the libc function it stands in for.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn pwritev(
    fd: c_int,
    list: *const iovec,
    count: c_int,
    at: off_t,
) -> ssize_t {
    // SAFETY: the caller promises a list of so many.
    let some = |half| unsafe { write_list(fd, list, count, Some(at), half) };
    // SAFETY: the caller promises a list of so many.
    let all = unsafe { bytes(list, count) };
    let torn = judged(fd, WRITE, all, || some(false), || some(true));
    isize::try_from(torn).unwrap_or(-1)
}

/// # Safety
/// As libc's.
// SAFETY: the name and the type of the libc function it stands in for.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn pwritev64(
    fd: c_int,
    list: *const iovec,
    count: c_int,
    at: off_t,
) -> ssize_t {
    // SAFETY: the caller's promise is the same; an offset has 64 bits in both.
    unsafe { pwritev(fd, list, count, at) }
}

/// # Safety
/// As libc's.
// SAFETY: the name and the type of the libc function it stands in for.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn fallocate(
    fd: c_int,
    mode: c_int,
    at: off_t,
    count: off_t,
) -> c_int {
    // SAFETY: plain numbers.
    let whole = || unsafe { libc::syscall(libc::SYS_fallocate, fd, mode, at, count) };
    int(judged(fd, ALLOCATE, 0, whole, nothing))
}

/// # Safety
/// As libc's.
// SAFETY: the name and the type of the libc function it stands in for.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn fallocate64(
    fd: c_int,
    mode: c_int,
    at: off_t,
    count: off_t,
) -> c_int {
    // SAFETY: plain numbers.
    unsafe { fallocate(fd, mode, at, count) }
}
