//! The control page: a file that the shim maps and the harness writes. Both sides include this one file.
//!
//! Words of 64 bits in native order. The harness writes a part's words first and its `ACTIVE` word last, and clears `ACTIVE`
//! first. Counters are the shim's. Every part has an end on the monotonic clock, so that a fault outlives its harness by
//! little.

/// Names the file in the environment of a faulted process.
pub(crate) const CONTROL_ENV: &str = "HOLDFAST_SHIM_CONTROL";
/// Bytes of the file.
pub(crate) const PAGE_BYTES: usize = 4096;
/// First word: what the page is, and its version.
pub(crate) const MAGIC: u64 = 0x4846_5348_494d_0001;

/// Word: the magic.
pub(crate) const MAGIC_AT: usize = 0;
/// Word, counted by the shim: processes that mapped the page.
pub(crate) const ATTACHED_AT: usize = 1;

/// First word of the clock's part.
pub(crate) const CLOCK_AT: usize = 8;
/// First word of the first rule.
pub(crate) const RULES_AT: usize = 32;
/// Words of a rule.
pub(crate) const RULE_WORDS: usize = 48;
/// How many rules there are.
pub(crate) const RULES: usize = 8;
const _: () = assert!((RULES_AT + RULES * RULE_WORDS) * 8 <= PAGE_BYTES);

/// Words of the clock's part.
pub(crate) mod clock {
    /// 0 or 1.
    pub(crate) const ACTIVE: usize = 0;
    /// Added to the time, nanoseconds, two's complement.
    pub(crate) const OFFSET_NS: usize = 1;
    /// How fast the clock runs, parts per million; a million is right.
    pub(crate) const SPEED_PPM: usize = 2;
    /// The true time from which it runs so, nanoseconds since 1970.
    pub(crate) const ANCHOR_NS: usize = 3;
    /// When it ends, monotonic nanoseconds.
    pub(crate) const UNTIL_NS: usize = 4;
    /// Counted by the shim: readings that were changed.
    pub(crate) const HITS: usize = 5;
}

/// Words of a rule.
pub(crate) mod rule {
    /// 0 or 1.
    pub(crate) const ACTIVE: usize = 0;
    /// The calls it is for: bits of [`super::calls`].
    pub(crate) const CALLS: usize = 1;
    /// What it does: one of [`super::effect`].
    pub(crate) const EFFECT: usize = 2;
    /// The error number, for effects that fail.
    pub(crate) const ERRNO: usize = 3;
    /// The delay, microseconds.
    pub(crate) const DELAY_US: usize = 4;
    /// How many calls are hit at most; 0 is no limit.
    pub(crate) const HITS_MAX: usize = 5;
    /// When it ends, monotonic nanoseconds.
    pub(crate) const UNTIL_NS: usize = 6;
    /// Counted by the shim: calls that matched.
    pub(crate) const SEEN: usize = 7;
    /// Counted by the shim: calls that were hit.
    pub(crate) const HITS: usize = 8;
    /// Bytes of the pattern; 0 matches every file.
    pub(crate) const PATTERN_LEN: usize = 9;
    /// The pattern: part of a file's path.
    pub(crate) const PATTERN: usize = 10;
    /// Longest pattern, bytes.
    pub(crate) const PATTERN_MAX: usize = 256;
    const _: () = assert!(PATTERN * 8 + PATTERN_MAX <= super::RULE_WORDS * 8);
}

/// Which calls a rule is for.
pub(crate) mod calls {
    /// `fsync`, `fdatasync`.
    pub(crate) const SYNC: u64 = 1;
    /// `write` and its relatives.
    pub(crate) const WRITE: u64 = 2;
    /// `fallocate` and its relatives.
    pub(crate) const ALLOCATE: u64 = 4;
}

/// What a rule does to a call.
pub(crate) mod effect {
    /// It waits first.
    pub(crate) const DELAY: u64 = 1;
    /// It fails and does nothing.
    pub(crate) const FAIL: u64 = 2;
    /// A write writes its first half and fails.
    pub(crate) const TEAR: u64 = 3;
    /// It does nothing and says that it did.
    pub(crate) const LIE: u64 = 4;
}
