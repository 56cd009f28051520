//! Which rule of the control page is for a call, and what it says.

use crate::clock::monotonic_ns;
use crate::layout::{RULE_WORDS, RULES, RULES_AT, effect, rule};
use crate::page;
use std::sync::atomic::Ordering;

/// Longest path that is looked at, bytes.
const PATH_MAX: usize = 1024;

/// What is done with a call, after any delay.
#[derive(Clone, Copy)]
pub(crate) enum Verdict {
    /// As if nobody were here.
    Pass,
    /// Nothing, and it fails with this number.
    Fail(i32),
    /// Half of it, and it fails with this number.
    Tear(i32),
    /// Nothing, and it succeeds.
    Lie,
}

/// Judges a call on a descriptor, and waits where a rule says so. `errno` is left as it was.
pub(crate) fn judge(fd: i32, call: u64) -> Verdict {
    let mut path = None;
    for place in 0..RULES {
        let at = RULES_AT + place * RULE_WORDS;
        if page::get(at + rule::ACTIVE) == 0 || page::get(at + rule::CALLS) & call == 0 {
            continue;
        }
        let path = path.get_or_insert_with(|| Path::of(fd));
        if !path.holds_pattern_of(at) || monotonic_ns() >= page::get(at + rule::UNTIL_NS) {
            continue;
        }
        count(at + rule::SEEN);
        if !hit(at) {
            continue;
        }
        let errno = i32::try_from(page::get(at + rule::ERRNO)).unwrap_or(libc::EIO);
        match page::get(at + rule::EFFECT) {
            effect::DELAY => wait(page::get(at + rule::DELAY_US)),
            effect::FAIL => return Verdict::Fail(errno),
            effect::TEAR => return Verdict::Tear(errno),
            effect::LIE => return Verdict::Lie,
            _ => {}
        }
    }
    Verdict::Pass
}

fn count(at: usize) {
    if let Some(word) = page::word(at) {
        word.fetch_add(1, Ordering::Relaxed);
    }
}

/// Takes one of the hits that a rule still has.
fn hit(at: usize) -> bool {
    let most = page::get(at + rule::HITS_MAX);
    page::word(at + rule::HITS).is_some_and(|hits| {
        let take = |hits: u64| (most == 0 || hits < most).then_some(hits + 1);
        hits.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
    })
}

/// Sleeps, signals or not.
fn wait(us: u64) {
    let saved = errno();
    let mut left = libc::timespec {
        tv_sec: i64::try_from(us / 1_000_000).unwrap_or(i64::MAX),
        tv_nsec: i64::try_from(us % 1_000_000 * 1000).unwrap_or(0),
    };
    // SAFETY: both places are our own; what is left after a signal is slept on.
    while unsafe { libc::nanosleep(&raw const left, &raw mut left) } != 0 {}
    set_errno(saved);
}

/// The path behind a descriptor.
struct Path {
    bytes: [u8; PATH_MAX],
    length: usize,
}

impl Path {
    fn of(fd: i32) -> Self {
        let mut path = Self {
            bytes: [0; PATH_MAX],
            length: 0,
        };
        let mut link = [0_u8; 32];
        if fd < 0 || !write_link(&mut link, fd.unsigned_abs()) {
            return path;
        }
        let saved = errno();
        // SAFETY: the link ends with a zero, and the room has the length that is given.
        let length = unsafe {
            libc::readlink(
                link.as_ptr().cast(),
                path.bytes.as_mut_ptr().cast(),
                PATH_MAX,
            )
        };
        set_errno(saved);
        path.length = usize::try_from(length).unwrap_or(0);
        path
    }

    /// Files only: a socket or a pipe has no path from the root.
    fn holds_pattern_of(&self, at: usize) -> bool {
        let path = &self.bytes[..self.length.min(PATH_MAX)];
        if path.first() != Some(&b'/') {
            return false;
        }
        let length = usize::try_from(page::get(at + rule::PATTERN_LEN)).unwrap_or(usize::MAX);
        if length > rule::PATTERN_MAX {
            return false;
        }
        let mut pattern = [0_u8; rule::PATTERN_MAX];
        for (place, chunk) in pattern.chunks_exact_mut(8).enumerate() {
            chunk.copy_from_slice(&page::get(at + rule::PATTERN + place).to_ne_bytes());
        }
        let pattern = &pattern[..length];
        pattern.is_empty() || path.windows(length).any(|part| part == pattern)
    }
}

/// Writes `/proc/self/fd/<fd>` and a zero, without allocating.
fn write_link(into: &mut [u8; 32], fd: u32) -> bool {
    const DIR: &[u8] = b"/proc/self/fd/";
    let mut digits = [0_u8; 10];
    let mut first = digits.len();
    let mut left = fd;
    loop {
        first -= 1;
        digits[first] = b'0' + u8::try_from(left % 10).unwrap_or(0);
        left /= 10;
        if left == 0 {
            break;
        }
    }
    let digits = &digits[first..];
    let end = DIR.len() + digits.len();
    into[..DIR.len()].copy_from_slice(DIR);
    into[DIR.len()..end].copy_from_slice(digits);
    into[end] == 0
}

fn errno() -> i32 {
    // SAFETY: libc gives each thread a place of its own.
    unsafe { *libc::__errno_location() }
}

pub(crate) fn set_errno(to: i32) {
    // SAFETY: libc gives each thread a place of its own.
    unsafe { *libc::__errno_location() = to };
}
