//! One message to a peer and its answer: header, checks, and honest errors.
//!
//! Both ends check version, cluster name, sender, addressee, and that the sender's data directory is the one the replicated
//! state knows under its number. Only pings and join questions pass with an unknown data directory.

use crate::acknowledged::Acknowledged;
use crate::quorum_gate::QuorumGate;
use crate::witness::Witness;
use bytes::Bytes;
use holdfast_proto::peer::v1 as pb;
use holdfast_transport::{CallError, Channel, Transport};
use holdfast_types::{NodeId, StoreId};
use parking_lot::{Mutex, RwLock};
use prost::Message;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Version of `peer.proto`.
const VERSION: u32 = 1;

/// Why a peer gave no usable answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LinkError {
    /// The peer did nothing with the message.
    #[error("{0}")]
    NotDone(String),
    /// The peer said that it did nothing with the message.
    #[error("refused: {0}")]
    Refused(String),
    /// The same, and to ask again does not help.
    #[error("refused: {0}")]
    Forbidden(String),
    /// The peer may have acted.
    #[error("{0}")]
    Unknown(String),
}

impl From<CallError> for LinkError {
    fn from(error: CallError) -> Self {
        if error.fate_unknown() {
            Self::Unknown(error.to_string())
        } else {
            Self::NotDone(error.to_string())
        }
    }
}

/// Why a message is not for us.
pub(crate) type Foreign = pb::Refusal;

/// Which data directory each number stands for: by the records this node has applied, refreshed as they change, and, before
/// a record ties a number to one, by what its node first said in Raft's messages.
#[derive(Default)]
pub(crate) struct KnownStores {
    recorded: RwLock<BTreeMap<u64, StoreId>>,
    observed: Mutex<BTreeMap<u64, Bytes>>,
}

impl KnownStores {
    pub(crate) fn replace(&self, stores: BTreeMap<u64, StoreId>) {
        *self.recorded.write() = stores;
    }

    pub(crate) fn get(&self, node: u64) -> Option<StoreId> {
        self.recorded.read().get(&node).copied()
    }

    /// Forgets what was observed of nodes that are no peers.
    pub(crate) fn retain(&self, keep: impl Fn(u64) -> bool) {
        self.observed.lock().retain(|node, _| keep(*node));
    }

    fn contradicts(&self, node: u64, claimed: &Bytes) -> bool {
        if let Some(known) = self.get(node) {
            return known.0[..] != claimed[..];
        }
        let mut observed = self.observed.lock();
        observed.entry(node).or_insert_with(|| claimed.clone()) != claimed
    }
}

/// This node's end of its links.
pub(crate) struct Link {
    pub(crate) node: u64,
    pub(crate) cluster: String,
    pub(crate) store_id: StoreId,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) known: KnownStores,
    pub(crate) acknowledged: Acknowledged,
    pub(crate) witness: Witness,
    pub(crate) gate: QuorumGate,
}

impl Link {
    pub(crate) fn header(&self, to: u64) -> pb::Header {
        pb::Header {
            version: VERSION,
            cluster: self.cluster.clone(),
            from: self.node,
            to,
            store_id: Bytes::copy_from_slice(&self.store_id.0),
        }
    }

    /// Checks the header of what `from`, authenticated by the transport, sent.
    pub(crate) fn check(
        &self,
        header: Option<&pb::Header>,
        from: u64,
        any_store: bool,
    ) -> Result<(), Foreign> {
        use pb::refusal::Reason;
        let foreign = |text: &str| Err(refusal(Reason::Foreign, text));
        let Some(header) = header else {
            return foreign("the message has no header");
        };
        if header.version != VERSION {
            return foreign("unknown version of the peer protocol");
        }
        if header.cluster != self.cluster {
            return foreign("another cluster's message");
        }
        if header.from != from || header.to != self.node {
            return foreign("the message names another sender or addressee");
        }
        if !any_store && self.known.contradicts(from, &header.store_id) {
            return Err(refusal(
                Reason::WrongStore,
                "this data directory is not the one the node had",
            ));
        }
        Ok(())
    }

    /// Sends one message and waits for its answer.
    pub(crate) async fn call(
        &self,
        to: u64,
        channel: Channel,
        body: pb::request::Body,
        deadline: Duration,
    ) -> Result<pb::response::Body, LinkError> {
        let any_store = matches!(
            body,
            pb::request::Body::Ping(_) | pb::request::Body::Join(_)
        );
        let response = self.exchange(to, channel, body, deadline).await?;
        if let Err(foreign) = self.check(response.header.as_ref(), to, any_store) {
            return Err(LinkError::Unknown(foreign.text));
        }
        match response.body {
            Some(pb::response::Body::Refusal(refusal)) => Err(match refusal.reason() {
                pb::refusal::Reason::Forbidden => LinkError::Forbidden(refusal.text),
                _ => LinkError::Refused(refusal.text),
            }),
            Some(body) => Ok(body),
            None => Err(LinkError::Unknown("the answer is empty".to_owned())),
        }
    }

    /// The peer's ping answer and the data directory it speaks for.
    pub(crate) async fn ping(
        &self,
        to: u64,
        request: pb::PingRequest,
        deadline: Duration,
    ) -> Result<(pb::PingResponse, StoreId), LinkError> {
        let body = pb::request::Body::Ping(request);
        let response = self
            .exchange(to, Channel::Heartbeat, body, deadline)
            .await?;
        self.check(response.header.as_ref(), to, true)
            .map_err(|foreign| LinkError::Refused(foreign.text))?;
        let store = response
            .header
            .and_then(|h| <[u8; 16]>::try_from(&*h.store_id).ok());
        match (response.body, store) {
            (Some(pb::response::Body::Ping(pong)), Some(store)) => Ok((pong, StoreId(store))),
            (Some(pb::response::Body::Refusal(refusal)), _) => {
                Err(LinkError::Refused(refusal.text))
            }
            _ => Err(malformed()),
        }
    }

    async fn exchange(
        &self,
        to: u64,
        channel: Channel,
        body: pb::request::Body,
        deadline: Duration,
    ) -> Result<pb::Response, LinkError> {
        let request = pb::Request {
            header: Some(self.header(to)),
            body: Some(body),
        };
        let bytes = Bytes::from(request.encode_to_vec());
        let answer = self
            .transport
            .call(NodeId(to), channel, bytes, deadline)
            .await?;
        pb::Response::decode(answer).map_err(|_| malformed())
    }
}

/// An answer of the wrong kind. The peer may have acted.
pub(crate) fn malformed() -> LinkError {
    LinkError::Unknown("the answer cannot be read".to_owned())
}

pub(crate) fn refusal(reason: pb::refusal::Reason, text: impl Into<String>) -> pb::Refusal {
    pb::Refusal {
        reason: reason.into(),
        text: text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_transport::MemoryNetwork;
    use pb::refusal::Reason;

    fn link(node: u64) -> Link {
        Link {
            node,
            cluster: "c".to_owned(),
            store_id: StoreId([u8::try_from(node).unwrap(); 16]),
            transport: MemoryNetwork::default().join(NodeId(node)),
            known: KnownStores::default(),
            acknowledged: Acknowledged::default(),
            witness: Witness::of(1, 0),
            gate: QuorumGate::new(Duration::ZERO, Duration::ZERO),
        }
    }

    fn reason(result: Result<(), Foreign>) -> Option<Reason> {
        result.err().map(|refusal| refusal.reason())
    }

    #[tokio::test]
    async fn refuses_what_is_not_meant_for_it() {
        let (one, two) = (link(1), link(2));
        let fits = one.header(2);
        assert_eq!(reason(two.check(Some(&fits), 1, false)), None);
        assert_eq!(reason(two.check(None, 1, true)), Some(Reason::Foreign));
        let with = |change: fn(&mut pb::Header)| {
            let mut header = one.header(2);
            change(&mut header);
            reason(two.check(Some(&header), 1, true))
        };
        assert_eq!(with(|h| h.version = 2), Some(Reason::Foreign));
        assert_eq!(with(|h| h.cluster = "d".to_owned()), Some(Reason::Foreign));
        assert_eq!(with(|h| h.to = 3), Some(Reason::Foreign));
        assert_eq!(with(|h| h.from = 3), Some(Reason::Foreign));
    }

    #[tokio::test]
    async fn another_data_directory_passes_for_questions_only() {
        let (one, two) = (link(1), link(2));
        assert_eq!(reason(two.check(Some(&one.header(2)), 1, false)), None);
        let mut wiped = one.header(2);
        wiped.store_id = Bytes::from_static(&[9; 16]);
        // Pinned by its first message, before there is a record.
        let refused = two.check(Some(&wiped), 1, false);
        assert_eq!(reason(refused), Some(Reason::WrongStore));
        assert_eq!(reason(two.check(Some(&wiped), 1, true)), None);
        // A record rules over what was observed.
        two.known.replace(BTreeMap::from([(1, StoreId([9; 16]))]));
        assert_eq!(reason(two.check(Some(&wiped), 1, false)), None);
        assert_eq!(
            reason(two.check(Some(&one.header(2)), 1, false)),
            Some(Reason::WrongStore)
        );
    }
}
