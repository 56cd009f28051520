//! The names that tie a certificate to one node of one cluster: `node-<id>.<cluster>` as a DNS subject alternative name.
//!
//! Invariant: [`node_of_certificate`] answers a node only for a certificate that names exactly one node of the cluster.

use holdfast_types::NodeId;
use std::fmt;
use std::str::FromStr;
use x509_parser::prelude::GeneralName;

/// A cluster's name as certificates carry it: one or more DNS labels in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterName(String);

/// Why a text is no cluster name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClusterNameError {
    /// Empty, or longer than [`ClusterName::BYTES_MAX`].
    #[error("a cluster's name has 1 to {max} characters", max = ClusterName::BYTES_MAX)]
    Length,
    /// Not lower-case DNS labels.
    #[error(
        "a cluster's name is made of lower-case letters, digits, '-' and '.', and each part between dots begins and ends with a letter or digit"
    )]
    Shape,
}

impl ClusterName {
    /// Longest name, in bytes: `node-<20 digits>.` and the name stay within DNS's 253.
    pub const BYTES_MAX: usize = 200;

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The DNS name of one of its nodes.
    #[must_use]
    pub fn node_name(&self, node: NodeId) -> String {
        format!("node-{node}.{self}")
    }

    /// The node that a DNS name of this cluster stands for. Only the canonical spelling counts: no leading zeros.
    #[must_use]
    pub fn node_of(&self, dns_name: &str) -> Option<NodeId> {
        let digits = dns_name
            .strip_suffix(&self.0)?
            .strip_suffix('.')?
            .strip_prefix("node-")?;
        let node = NodeId(digits.parse().ok()?);
        (node.0 > 0 && node.to_string() == digits).then_some(node)
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ClusterName {
    type Err = ClusterNameError;

    fn from_str(text: &str) -> Result<Self, ClusterNameError> {
        if text.is_empty() || text.len() > Self::BYTES_MAX {
            return Err(ClusterNameError::Length);
        }
        let good_label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        // A last label of digits would make the whole an IP address to some parsers.
        let numeric_end = text
            .rsplit('.')
            .next()
            .is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
        if !text.split('.').all(good_label) || numeric_end {
            return Err(ClusterNameError::Shape);
        }
        Ok(Self(text.to_owned()))
    }
}

/// The DNS names in a certificate's subject alternative names. Empty when there are none or it cannot be parsed.
pub(super) fn dns_names(certificate_der: &[u8]) -> Vec<String> {
    let Ok((_, certificate)) = x509_parser::parse_x509_certificate(certificate_der) else {
        return Vec::new();
    };
    let Ok(Some(names)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    names
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        })
        .collect()
}

/// The one node of `cluster` that a certificate names. The caller has checked its signature.
pub(crate) fn node_of_certificate(certificate_der: &[u8], cluster: &ClusterName) -> Option<NodeId> {
    let mut nodes = dns_names(certificate_der)
        .into_iter()
        .filter_map(|name| cluster.node_of(&name));
    let node = nodes.next()?;
    nodes.all(|other| other == node).then_some(node)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_name_round_trips_and_nothing_else_parses() {
        let cluster: ClusterName = "prod.example".parse().unwrap();
        assert_eq!(cluster.node_name(NodeId(7)), "node-7.prod.example");
        assert_eq!(cluster.node_of("node-7.prod.example"), Some(NodeId(7)));
        for bad in [
            "node-07.prod.example",
            "node-0.prod.example",
            "node-+7.prod.example",
            "node-.prod.example",
            "node-7.test.example",
            "node-7.x.prod.example",
            "node-7prod.example",
            "anode-7.prod.example",
            "node-99999999999999999999999.prod.example",
        ] {
            assert_eq!(cluster.node_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn refuses_names_that_are_not_dns_labels() {
        for bad in [
            "", "Prod", "a..b", "-a", "a-", "a b", "a/b", ".", "10.0.0.1", "ü",
        ] {
            assert!(bad.parse::<ClusterName>().is_err(), "{bad}");
        }
        assert!("a".repeat(201).parse::<ClusterName>().is_err());
        assert!("holdfast-1".parse::<ClusterName>().is_ok());
    }
}
