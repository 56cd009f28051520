//! Sending a snapshot: on a stream of its own, in chunks, from where the receiver stands.

use crate::codec;
use crate::host;
use crate::link::{Link, LinkError};
use crate::raft_types::Vote;
use bytes::Bytes;
use holdfast_proto::peer::v1 as pb;
use holdfast_store::{SnapshotChunk, SnapshotCursor, SnapshotHandle, SnapshotReader};
use holdfast_transport::{FrameSink, FrameSource, OpenError, StreamError};
use holdfast_types::NodeId;
use pb::snapshot_frame::Body as Frame;
use pb::snapshot_reply::Body as Reply;
use prost::Message;
use std::time::Duration;

/// Longest wait for the receiver to say where to go on: it may have to read what it already holds.
const OPEN_WAIT: Duration = Duration::from_secs(60);
/// Longest wait for the receiver to install what it has.
const INSTALL_WAIT: Duration = Duration::from_secs(600);

impl From<StreamError> for LinkError {
    fn from(error: StreamError) -> Self {
        Self::Unknown(error.to_string())
    }
}

/// Sends `handle` to `target` and returns the receiver's vote.
pub(crate) async fn send(
    link: &Link,
    target: u64,
    vote: &Vote,
    handle: &SnapshotHandle,
) -> Result<Vote, LinkError> {
    let opened = link.transport.open_stream(NodeId(target)).await;
    let (mut sink, mut source) =
        opened.map_err(|error: OpenError| LinkError::NotDone(error.to_string()))?;
    let manifest = postcard::to_allocvec(handle.header())
        .map_err(|_| LinkError::NotDone("the snapshot's header cannot be encoded".to_owned()))?;
    let open = pb::SnapshotOpen {
        header: Some(link.header(target)),
        vote: Some(codec::vote(vote)),
        manifest: manifest.into(),
    };
    send_frame(&mut *sink, Frame::Open(open)).await?;
    let from = match reply(&mut *source, OPEN_WAIT).await? {
        Reply::ResumeAt(cursor) => SnapshotCursor {
            file: cursor.file,
            offset: cursor.offset,
        },
        Reply::Vote(vote) => return to_vote(&vote),
        Reply::Refusal(refusal) => return Err(LinkError::Refused(refusal.text)),
    };
    let mut reader = Some(start(handle.clone(), from).await?);
    while let Some(open) = reader.take() {
        if let Some((next, chunk)) = read(open).await? {
            send_frame(&mut *sink, Frame::Chunk(to_chunk(chunk))).await?;
            reader = Some(next);
        }
    }
    send_frame(&mut *sink, Frame::End(pb::Done {})).await?;
    match reply(&mut *source, INSTALL_WAIT).await? {
        Reply::Vote(vote) => {
            // The answer is here: how the stream ends no longer matters.
            let _ = sink.finish().await;
            to_vote(&vote)
        }
        Reply::Refusal(refusal) => Err(LinkError::Refused(refusal.text)),
        Reply::ResumeAt(_) => Err(unreadable()),
    }
}

fn to_vote(vote: &pb::Vote) -> Result<Vote, LinkError> {
    codec::to_vote(Some(vote)).map_err(|_| unreadable())
}

fn unreadable() -> LinkError {
    LinkError::Unknown("the snapshot's receiver cannot be understood".to_owned())
}

fn to_chunk(chunk: SnapshotChunk) -> pb::SnapshotChunk {
    pb::SnapshotChunk {
        at: Some(pb::SnapshotCursor {
            file: chunk.at.file,
            offset: chunk.at.offset,
        }),
        bytes: chunk.bytes.into(),
        file_hash: chunk
            .file_hash
            .map(|hash| Bytes::copy_from_slice(&hash))
            .unwrap_or_default(),
    }
}

async fn start(handle: SnapshotHandle, from: SnapshotCursor) -> Result<SnapshotReader, LinkError> {
    match host::blocking(move || handle.read_from(from)).await {
        Ok(Ok(reader)) => Ok(reader),
        Ok(Err(fault)) => Err(LinkError::NotDone(fault.to_string())),
        Err(_) => Err(LinkError::NotDone("reading the snapshot failed".to_owned())),
    }
}

async fn read(
    mut reader: SnapshotReader,
) -> Result<Option<(SnapshotReader, SnapshotChunk)>, LinkError> {
    let read = host::blocking(move || {
        let chunk = reader.next_chunk();
        chunk.map(|chunk| chunk.map(|chunk| (reader, chunk)))
    });
    match read.await {
        Ok(Ok(next)) => Ok(next),
        Ok(Err(fault)) => Err(LinkError::NotDone(fault.to_string())),
        Err(_) => Err(LinkError::NotDone("reading the snapshot failed".to_owned())),
    }
}

async fn send_frame(sink: &mut dyn FrameSink, body: Frame) -> Result<(), LinkError> {
    let frame = pb::SnapshotFrame { body: Some(body) };
    Ok(sink.send(frame.encode_to_vec().into()).await?)
}

async fn reply(source: &mut dyn FrameSource, wait: Duration) -> Result<Reply, LinkError> {
    let frame = source.recv(wait).await?.ok_or_else(unreadable)?;
    let reply = pb::SnapshotReply::decode(frame).map_err(|_| unreadable())?;
    reply.body.ok_or_else(unreadable)
}
