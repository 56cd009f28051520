//! Who the members are: what the membership says of each, and the record the replicated state keeps.
//!
//! A node record ties a node's number to one data directory for ever, so that a node that comes back with an empty disk
//! is told from the one it was: it may have voted, and forgotten.

use holdfast_types::{NodeId, StoreId};
use serde::{Deserialize, Serialize};

/// Where a member is found.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MemberInfo {
    /// Address of its peer link, `host:port`.
    pub peer_addr: String,
    /// Address of its API, as a URL.
    pub api_addr: String,
    /// Region label.
    pub region: String,
    /// Zone label within the region.
    pub zone: String,
}

/// A member as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its number; never reused.
    pub id: NodeId,
    /// Where it is found.
    pub info: MemberInfo,
}

/// The value of a [`holdfast_machine::SystemKey::Node`] row, written by the leader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    /// The one data directory this number stands for; zeros where the number is only kept.
    pub store_id: StoreId,
    /// Where it is found.
    pub info: MemberInfo,
    /// Version of the software it runs.
    pub version: String,
    /// It was taken out of the cluster; its number stays taken.
    pub removed: bool,
}

/// Why a node record cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeRecordError {
    /// Written by a newer version.
    #[error("the node record has an unknown format")]
    Format,
    /// Not a record.
    #[error("the node record is malformed")]
    Malformed,
}

/// First byte of the stored form.
const FORMAT: u8 = 1;

impl NodeRecord {
    /// The record of a node that is to be taken out and that nobody has heard. It only keeps the number taken: once `removed`
    /// says so no data directory fits it, and until then the node may be heard after all, from whichever it has.
    pub(crate) fn of_nobody() -> Self {
        Self {
            store_id: StoreId([0; 16]),
            info: MemberInfo::default(),
            version: String::new(),
            removed: false,
        }
    }

    /// The one data directory that may speak under this number; none for a number that was only kept ([`Self::of_nobody`]).
    pub(crate) fn tied_to(&self) -> Option<StoreId> {
        (*self != Self::of_nobody()).then_some(self.store_id)
    }

    /// The stored form: a format byte, then postcard.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![FORMAT]).expect("a record of strings always encodes")
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// When it is of an unknown format or malformed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NodeRecordError> {
        match bytes.split_first() {
            Some((&FORMAT, rest)) => {
                postcard::from_bytes(rest).map_err(|_| NodeRecordError::Malformed)
            }
            Some(_) => Err(NodeRecordError::Format),
            None => Err(NodeRecordError::Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> NodeRecord {
        NodeRecord {
            store_id: StoreId([7; 16]),
            info: MemberInfo {
                peer_addr: "a:1".to_owned(),
                api_addr: "https://a:2".to_owned(),
                region: "r".to_owned(),
                zone: "z".to_owned(),
            },
            version: "0.1.0".to_owned(),
            removed: false,
        }
    }

    #[test]
    fn the_stored_form_is_pinned() {
        let mut golden = vec![1u8];
        golden.extend([7; 16]);
        golden.extend(b"\x03a:1\x0bhttps://a:2\x01r\x01z\x050.1.0\x00");
        assert_eq!(record().to_bytes(), golden);
        assert_eq!(NodeRecord::from_bytes(&golden), Ok(record()));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        assert_eq!(
            NodeRecord::from_bytes(&[2, 0]),
            Err(NodeRecordError::Format)
        );
        assert_eq!(NodeRecord::from_bytes(&[]), Err(NodeRecordError::Malformed));
        assert_eq!(
            NodeRecord::from_bytes(&[1, 0]),
            Err(NodeRecordError::Malformed)
        );
    }
}
