//! What happened to the datagrams of one link.

/// Datagrams of one directed link since the relay started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Came from the sender.
    pub received: u64,
    /// Came from the sender, bytes.
    pub received_bytes: u64,
    /// The largest that came, bytes.
    pub largest_bytes: u64,
    /// The most that were under way at the same time, of those that were made later.
    pub waiting_most: u64,
    /// Went to the receiver, second copies included.
    pub forwarded: u64,
    /// Stopped by a cut, those still under way when it was made included.
    pub cut: u64,
    /// Lost by chance.
    pub lost: u64,
    /// Sent twice.
    pub duplicated: u64,
    /// Sent with flipped bits.
    pub corrupted: u64,
    /// Made later by delay or jitter.
    pub delayed: u64,
    /// Held back so that others overtake.
    pub reordered: u64,
    /// Made to wait because the band was taken.
    pub queued: u64,
    /// Refused because too many waited already.
    pub overflowed: u64,
    /// Refused by the operating system.
    pub undeliverable: u64,
}

impl Counters {
    /// What happened since an earlier look. What is largest or most is that of the whole time.
    #[must_use]
    pub const fn since(&self, earlier: &Self) -> Self {
        Self {
            received: self.received - earlier.received,
            received_bytes: self.received_bytes - earlier.received_bytes,
            largest_bytes: self.largest_bytes,
            waiting_most: self.waiting_most,
            forwarded: self.forwarded - earlier.forwarded,
            cut: self.cut - earlier.cut,
            lost: self.lost - earlier.lost,
            duplicated: self.duplicated - earlier.duplicated,
            corrupted: self.corrupted - earlier.corrupted,
            delayed: self.delayed - earlier.delayed,
            reordered: self.reordered - earlier.reordered,
            queued: self.queued - earlier.queued,
            overflowed: self.overflowed - earlier.overflowed,
            undeliverable: self.undeliverable - earlier.undeliverable,
        }
    }
}
