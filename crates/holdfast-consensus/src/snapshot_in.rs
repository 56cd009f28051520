//! Receiving a snapshot and installing it.
//!
//! What has arrived of an interrupted transfer is kept by the store, so the next one goes on from there.

use crate::codec;
use crate::host;
use crate::inner::Inner;
use crate::link::refusal;
use crate::raft_types::{Raft, Vote};
use bytes::Bytes;
use holdfast_proto::peer::v1 as pb;
use holdfast_store::{
    ReceiveError, SnapshotChunk, SnapshotCursor, SnapshotHandle, SnapshotHeader, SnapshotWriter,
};
use holdfast_transport::{FrameSink, FrameSource};
use openraft::async_runtime::watch::WatchReceiver as _;
use openraft::storage::Snapshot;
use pb::refusal::Reason;
use pb::snapshot_frame::Body as Frame;
use pb::snapshot_reply::Body as Reply;
use prost::Message;
use std::sync::Arc;
use std::time::Duration;

/// Longest wait for the sender's next frame.
const FRAME_WAIT: Duration = Duration::from_secs(30);

/// Serves a stream on which `from` sends a snapshot.
pub(crate) async fn serve(
    inner: &Arc<Inner>,
    from: u64,
    mut sink: Box<dyn FrameSink>,
    mut source: Box<dyn FrameSource>,
) {
    let answer = match receive(inner, from, &mut *sink, &mut *source).await {
        Ok(Some(vote)) => Reply::Vote(codec::vote(&vote)),
        // The stream broke: there is nobody to tell.
        Ok(None) => return,
        Err(refused) => Reply::Refusal(refused),
    };
    if send(&mut *sink, answer).await {
        // The sender may be gone; what it sent is installed all the same.
        let _ = sink.finish().await;
    }
}

/// Our vote once the snapshot is installed or unwanted; `None` when the stream broke.
async fn receive(
    inner: &Arc<Inner>,
    from: u64,
    sink: &mut dyn FrameSink,
    source: &mut dyn FrameSource,
) -> Result<Option<Vote>, pb::Refusal> {
    let Some(Frame::Open(open)) = next(source).await? else {
        return Ok(None);
    };
    inner.link.check(open.header.as_ref(), from, false)?;
    let raft = inner
        .raft()
        .map_err(|why| refusal(Reason::NotServing, why.to_string()))?;
    let vote = codec::to_vote(open.vote.as_ref()).map_err(|_| malformed())?;
    let own = raft.metrics().borrow_watched().vote;
    if own > vote {
        return Ok(Some(own));
    }
    let header: SnapshotHeader = postcard::from_bytes(&open.manifest).map_err(|_| malformed())?;
    let state = Arc::clone(&inner.state);
    let mut writer = blocking(move || state.receive(header)).await?;
    if !send(sink, Reply::ResumeAt(to_cursor(writer.cursor()))).await {
        return Ok(None);
    }
    loop {
        match next(source).await? {
            Some(Frame::Chunk(chunk)) => writer = write(writer, chunk).await?,
            Some(Frame::End(_)) => break,
            Some(Frame::Open(_)) => return Err(malformed()),
            None => return Ok(None),
        }
    }
    let handle = blocking(move || writer.finish()).await?;
    install(&raft, vote, handle).await.map(Some)
}

async fn write(
    writer: SnapshotWriter,
    chunk: pb::SnapshotChunk,
) -> Result<SnapshotWriter, pb::Refusal> {
    let at = chunk.at.ok_or_else(malformed)?;
    let file_hash = match chunk.file_hash.len() {
        0 => None,
        _ => Some(<[u8; 32]>::try_from(&*chunk.file_hash).map_err(|_| malformed())?),
    };
    let chunk = SnapshotChunk {
        at: SnapshotCursor {
            file: at.file,
            offset: at.offset,
        },
        bytes: chunk.bytes.into(),
        file_hash,
    };
    let mut writer = writer;
    blocking(move || writer.write(&chunk).map(|()| writer)).await
}

async fn install(raft: &Raft, vote: Vote, handle: SnapshotHandle) -> Result<Vote, pb::Refusal> {
    let meta = codec::snapshot_meta(handle.header()).map_err(|_| malformed())?;
    let snapshot = Snapshot {
        meta,
        snapshot: handle,
    };
    match raft.install_full_snapshot(vote, snapshot).await {
        Ok(response) => Ok(response.vote),
        Err(fatal) => Err(refusal(Reason::NotServing, fatal.to_string())),
    }
}

fn to_cursor(cursor: SnapshotCursor) -> pb::SnapshotCursor {
    pb::SnapshotCursor {
        file: cursor.file,
        offset: cursor.offset,
    }
}

fn malformed() -> pb::Refusal {
    refusal(Reason::Malformed, "the snapshot's frame cannot be read")
}

/// The next frame; `None` when the stream broke or ended.
async fn next(source: &mut dyn FrameSource) -> Result<Option<Frame>, pb::Refusal> {
    let Ok(Some(bytes)) = source.recv(FRAME_WAIT).await else {
        return Ok(None);
    };
    let frame = pb::SnapshotFrame::decode(bytes).map_err(|_| malformed())?;
    frame.body.map(Some).ok_or_else(malformed)
}

async fn send(sink: &mut dyn FrameSink, body: Reply) -> bool {
    let reply = pb::SnapshotReply { body: Some(body) };
    sink.send(Bytes::from(reply.encode_to_vec())).await.is_ok()
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ReceiveError> + Send + 'static,
) -> Result<T, pb::Refusal> {
    match host::blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(refusal(Reason::Unavailable, error.to_string())),
        Err(_) => Err(refusal(
            Reason::Unavailable,
            "receiving the snapshot failed",
        )),
    }
}
