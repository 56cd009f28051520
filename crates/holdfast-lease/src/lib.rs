//! What ends by itself: the expiry index, on disk and ordered by time.
//!
//! Whatever ends at a moment has one entry in the index, written and removed in the same transaction as the thing itself.
//! Finding what is due costs as much as there is due, however much is stored, so a new leader loads nothing.
//!
//! # Caller contract
//! 1. Whoever stores a thing that ends keeps the moment of its entry in the thing's own record, and passes it to
//!    [`unschedule`] or [`reschedule`] when it changes.
//! 2. An entry only says *look at this*: judge by the thing's own record whether it has ended. An entry whose thing is gone
//!    or stands elsewhere in the index is stale and is simply removed.
//! 3. [`due`] and [`next_ms`] see committed entries only, not those that the transaction itself wrote.

mod index;

pub use index::{DueItem, Expiring, due, next_ms, reschedule, schedule, unschedule};
