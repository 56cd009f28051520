//! The wall clock. Other clocks pass through.

use crate::layout::{CLOCK_AT, clock};
use crate::page;
use libc::{c_int, c_long, clockid_t, time_t, timespec, timeval};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

const NANOS: i128 = 1_000_000_000;
/// Parts per million that are right.
const RIGHT_PPM: i128 = 1_000_000;

type ClockGettime = unsafe extern "C" fn(clockid_t, *mut timespec) -> c_int;

/// libc's own, which asks no system call; null until it is found.
static REAL: AtomicPtr<libc::c_void> = AtomicPtr::new(ptr::null_mut());

/// Finds libc's own. Called once, before `main`.
pub(crate) fn find_real() {
    // SAFETY: the name ends with a zero.
    let real = unsafe { libc::dlsym(libc::RTLD_NEXT, c"clock_gettime".as_ptr()) };
    REAL.store(real, Ordering::Release);
}

/// The true time.
///
/// # Safety
/// `into` is writable or invalid as the kernel judges it.
unsafe fn real(clock: clockid_t, into: *mut timespec) -> c_int {
    let real = REAL.load(Ordering::Acquire);
    if real.is_null() {
        // SAFETY: as the caller promises.
        let result = unsafe { libc::syscall(libc::SYS_clock_gettime, clock, into) };
        return if result == 0 { 0 } else { -1 };
    }
    // SAFETY: it is libc's function of this name, and has this type.
    let real: ClockGettime = unsafe { std::mem::transmute(real) };
    // SAFETY: as the caller promises.
    unsafe { real(clock, into) }
}

/// Monotonic time, nanoseconds.
pub(crate) fn monotonic_ns() -> u64 {
    let mut now = timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: a place of our own.
    unsafe { real(libc::CLOCK_MONOTONIC, &raw mut now) };
    u64::try_from(nanos(now)).unwrap_or(u64::MAX)
}

fn nanos(time: timespec) -> i128 {
    i128::from(time.tv_sec) * NANOS + i128::from(time.tv_nsec)
}

/// What the process shall take the true time for.
fn bent(time: timespec) -> timespec {
    let get = |at| page::get(CLOCK_AT + at);
    if get(clock::ACTIVE) == 0 || monotonic_ns() >= get(clock::UNTIL_NS) {
        return time;
    }
    let now = nanos(time);
    let offset = i128::from(i64::from_ne_bytes(get(clock::OFFSET_NS).to_ne_bytes()));
    let ahead = i128::from(get(clock::SPEED_PPM)) - RIGHT_PPM;
    let drift = (now - i128::from(get(clock::ANCHOR_NS))) * ahead / RIGHT_PPM;
    let shown = now + offset + drift;
    if let Some(hits) = page::word(CLOCK_AT + clock::HITS) {
        hits.fetch_add(1, Ordering::Relaxed);
    }
    timespec {
        tv_sec: time_t::try_from(shown.div_euclid(NANOS)).unwrap_or(time.tv_sec),
        tv_nsec: c_long::try_from(shown.rem_euclid(NANOS)).unwrap_or(0),
    }
}

/// # Safety
/// As libc's.
// SAFETY: the name and the type of the libc function it stands in for.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn clock_gettime(clock: clockid_t, into: *mut timespec) -> c_int {
    // SAFETY: the caller's promise is the same.
    let result = unsafe { real(clock, into) };
    if result == 0 && matches!(clock, libc::CLOCK_REALTIME | libc::CLOCK_REALTIME_COARSE) {
        // SAFETY: libc has just written there.
        unsafe { *into = bent(*into) };
    }
    result
}

fn wall() -> timespec {
    let mut now = timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: a place of our own.
    unsafe { clock_gettime(libc::CLOCK_REALTIME, &raw mut now) };
    now
}

/// # Safety
/// As libc's.
// SAFETY: the name and the type of the libc function it stands in for.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn gettimeofday(
    into: *mut timeval,
    zone: *mut libc::timezone,
) -> c_int {
    let now = wall();
    if !into.is_null() {
        // SAFETY: the caller says that it may be written.
        unsafe {
            *into = timeval {
                tv_sec: now.tv_sec,
                tv_usec: now.tv_nsec / 1000,
            };
        }
    }
    if !zone.is_null() {
        // SAFETY: the caller says that it may be written; Linux keeps no zone and gives zeros.
        unsafe { ptr::write_bytes(zone, 0, 1) };
    }
    0
}

/// # Safety
/// As libc's.
// SAFETY: the name and the type of the libc function it stands in for.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn time(into: *mut time_t) -> time_t {
    let now = wall().tv_sec;
    if !into.is_null() {
        // SAFETY: the caller says that it may be written.
        unsafe { *into = now };
    }
    now
}
