//! Identifiers, canonical paths, durations, limits and the record header.
//!
//! What both halves of the house share. It holds no behaviour beyond parsing and printing: a value of one
//! of these types is proof that its rules held when it was made.

mod canon_path;
mod duration;
mod ids;
pub mod limits;
mod record;

pub use canon_path::{CanonPath, PathError};
pub use duration::{DurationError, format_go_duration, parse_duration};
pub use ids::{ClusterId, IdError, MountId, NamespaceId, NodeId, StoreId, TxnId};
pub use record::{
    Class, RECORD_HEADER_LEN, RECORD_OVERHEAD, RecordHeader, RecordHeaderError, Suite,
};
