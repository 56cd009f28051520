//! The log as openraft sees it, over [`holdfast_store::LogStore`].
//!
//! Durability is the store's: `append` returns when the entries are readable and its callback fires when they are on disk;
//! `save_vote` returns when the vote is on disk; the committed mark is written and never synced.

use crate::codec;
use crate::raft_types::{Entry, LogId, TypeConfig, Vote};
use bytes::Bytes;
use futures::Stream;
use holdfast_mutant::Mutant;
use holdfast_store::{LogStore, Purged};
use holdfast_types::limits::APPEND_BYTES_MAX;
use openraft::OptionalSend;
use openraft::RaftLogReader;
use openraft::entry::RaftEntry as _;
use openraft::storage::{IOFlushed, LogState, RaftLogStorage};
use std::fmt::Debug;
use std::io;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

/// The log of this node.
#[derive(Clone)]
pub(crate) struct LogAdapter {
    log: Arc<LogStore>,
}

impl LogAdapter {
    pub(crate) fn new(log: Arc<LogStore>) -> Self {
        Self { log }
    }

    fn read(&self, from: u64, to: u64, max_bytes: usize) -> io::Result<Vec<Entry>> {
        if from >= to {
            return Ok(Vec::new());
        }
        let stored = self
            .log
            .read(from, to, max_bytes)
            .map_err(io::Error::other)?;
        stored
            .into_iter()
            .map(|(index, bytes)| decode(index, bytes))
            .collect()
    }
}

fn decode(index: u64, bytes: Bytes) -> io::Result<Entry> {
    let entry = codec::to_entry_bytes(bytes).map_err(io::Error::other)?;
    if entry.index() == index {
        Ok(entry)
    } else {
        Err(io::Error::other(
            "a log entry stands at another index than its own",
        ))
    }
}

/// `range` as `from..to`.
fn bounds(range: &impl RangeBounds<u64>) -> (u64, u64) {
    let from = match range.start_bound() {
        Bound::Included(i) => *i,
        Bound::Excluded(i) => i.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let to = match range.end_bound() {
        Bound::Included(i) => i.saturating_add(1),
        Bound::Excluded(i) => *i,
        Bound::Unbounded => u64::MAX,
    };
    (from, to)
}

impl RaftLogReader<TypeConfig> for LogAdapter {
    async fn entries_stream<RB>(
        &mut self,
        range: RB,
    ) -> impl Stream<Item = io::Result<Entry>> + OptionalSend
    where
        RB: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        let (from, to) = bounds(&range);
        let chunks = futures::stream::unfold((self.clone(), from), move |(log, from)| async move {
            match log.read(from, to, APPEND_BYTES_MAX) {
                Ok(entries) => {
                    let next = entries.last()?.index() + 1;
                    Some((Ok(entries), (log, next)))
                }
                Err(error) => Some((Err(error), (log, to))),
            }
        });
        Box::pin(futures::StreamExt::flat_map(chunks, |chunk| {
            let items: Vec<io::Result<Entry>> = match chunk {
                Ok(entries) => entries.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            };
            futures::stream::iter(items)
        }))
    }

    async fn try_get_log_entries<RB>(&mut self, range: RB) -> io::Result<Vec<Entry>>
    where
        RB: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        let (from, to) = bounds(&range);
        self.read(from, to, usize::MAX)
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> io::Result<Vec<Entry>> {
        self.read(start, end, APPEND_BYTES_MAX)
    }

    async fn read_vote(&mut self) -> io::Result<Option<Vote>> {
        let stored = self.log.vote();
        stored
            .map(|bytes| codec::to_vote_bytes(&bytes))
            .transpose()
            .map_err(io::Error::other)
    }
}

impl RaftLogStorage<TypeConfig> for LogAdapter {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> io::Result<LogState<TypeConfig>> {
        let bounds = self.log.bounds();
        let last_purged_log_id = bounds
            .purged
            .map(|purged| codec::to_log_id_bytes(&purged.log_id))
            .transpose()
            .map_err(io::Error::other)?;
        let last = match bounds.last {
            Some(index) => {
                let mut entries = self.read(index, index + 1, usize::MAX)?;
                let entry = entries
                    .pop()
                    .ok_or_else(|| io::Error::other("the last entry is missing"))?;
                Some(entry.log_id)
            }
            None => None,
        };
        Ok(LogState {
            last_purged_log_id,
            last_log_id: last.or(last_purged_log_id),
        })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> io::Result<()> {
        if Mutant::VoteUnsaved.lives() {
            return Ok(());
        }
        let (done, saved) = tokio::sync::oneshot::channel();
        let on_durable = Box::new(move |result| {
            // The task that waits is gone only while the node stops.
            let _ = done.send(result);
        });
        self.log
            .save_vote(codec::vote_bytes(vote), on_durable)
            .map_err(io::Error::other)?;
        match saved.await {
            Ok(result) => result.map_err(io::Error::other),
            Err(_) => Err(io::Error::other("the log was closed")),
        }
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> io::Result<()> {
        self.log
            .save_committed(committed.as_ref().map(codec::log_id_bytes))
            .map_err(io::Error::other)
    }

    async fn read_committed(&mut self) -> io::Result<Option<LogId>> {
        let stored = self.log.committed();
        stored
            .map(|bytes| codec::to_log_id_bytes(&bytes))
            .transpose()
            .map_err(io::Error::other)
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<TypeConfig>) -> io::Result<()>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries = entries
            .into_iter()
            .map(|entry| (entry.index(), codec::entry_bytes(&entry)))
            .collect();
        let on_durable = Box::new(move |result: Result<(), _>| {
            callback.io_completed(result.map_err(io::Error::other));
        });
        self.log
            .append(entries, on_durable)
            .map_err(io::Error::other)
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> io::Result<()> {
        self.log
            .truncate_after(last.map(|id| id.index))
            .map_err(io::Error::other)
    }

    async fn purge(&mut self, upto: LogId) -> io::Result<()> {
        let purged = Purged {
            index: upto.index,
            log_id: codec::log_id_bytes(&upto),
        };
        self.log.purge(purged).map_err(io::Error::other)
    }
}
