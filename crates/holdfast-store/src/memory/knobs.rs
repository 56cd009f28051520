//! What a simulation can turn while the disk runs. They belong to the disk and outlive its crashes.

use super::{Latency, Tap};
use std::io;

/// An operation of the log that takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskOp {
    /// A batch is written and not synced.
    Write {
        /// Operations in it.
        ops: usize,
    },
    /// A batch is written and synced.
    Sync {
        /// Operations in it.
        ops: usize,
    },
    /// The batch is promised in the watermark.
    Promise,
}

/// Which syncs answer without syncing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lies {
    /// Those of the log.
    pub log: bool,
    /// Those of the watermark.
    pub watermark: bool,
}

#[derive(Default)]
pub(super) struct Knobs {
    pub(super) latency: Option<Latency>,
    pub(super) lies: Lies,
    pub(super) fail_in: Option<u64>,
    pub(super) full: bool,
    pub(super) tap: Option<Tap>,
}

impl Knobs {
    /// A write is about to happen, of these pieces.
    pub(super) fn on_write<'a>(
        &mut self,
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> io::Result<()> {
        if let Some(tap) = &self.tap {
            pieces.into_iter().for_each(|piece| tap(piece));
        }
        if self.full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        match self.fail_in {
            Some(0) => {
                self.fail_in = None;
                Err(io::Error::other("simulated input/output error"))
            }
            Some(left) => {
                self.fail_in = Some(left - 1);
                Ok(())
            }
            None => Ok(()),
        }
    }
}
