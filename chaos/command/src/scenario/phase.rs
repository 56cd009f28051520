//! One phase: a fault, whom it strikes, when and how often.

use crate::length::Length;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A fault and its times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// When it strikes first, after warming up.
    pub at: Length,
    /// How long it lasts.
    #[serde(rename = "for")]
    pub lasts: Length,
    /// What strikes: a name of the catalogue.
    pub fault: String,
    /// Whom.
    #[serde(default)]
    pub target: Target,
    /// How hard.
    #[serde(default, skip_serializing_if = "Params::is_empty")]
    pub params: Params,
    /// It strikes again each time this has passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Length>,
    /// How often in all; with `every` alone, until the time is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<u32>,
    /// Each time it strikes up to this much later: the seed decides.
    #[serde(default = "a_little")]
    pub jitter: Length,
}

const fn a_little() -> Length {
    Length::millis(300)
}

/// Whom a fault strikes. Who leads is looked up when it strikes; chance is the seed's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// The one that leads.
    Leader,
    /// One that follows.
    Follower,
    /// As many as the cluster claims to survive, followers and leader alike.
    Minority,
    /// Every node.
    All,
    /// Any one node.
    #[default]
    Random,
    /// Every node of the region of the one that leads.
    LeaderRegion,
    /// Every node of this region.
    Region(String),
    /// These.
    Nodes(Vec<u64>),
}

impl Target {
    const WORDS: [(&'static str, Self); 6] = [
        ("leader", Self::Leader),
        ("follower", Self::Follower),
        ("minority", Self::Minority),
        ("all", Self::All),
        ("random", Self::Random),
        ("leader-region", Self::LeaderRegion),
    ];
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nodes(ids) => {
                let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
                write!(out, "node {}", ids.join(", "))
            }
            Self::Region(name) => write!(out, "region {name}"),
            word => {
                let known = Self::WORDS.iter().find(|(_, target)| target == word);
                out.write_str(known.map_or("", |(name, _)| name))
            }
        }
    }
}

/// A region as a target names it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    region: String,
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a word, a list of node numbers or a region")]
        enum Written {
            Word(String),
            Nodes(Vec<u64>),
            Region(Named),
        }
        match Written::deserialize(from)? {
            Written::Nodes(ids) => Ok(Self::Nodes(ids)),
            Written::Region(Named { region }) => Ok(Self::Region(region)),
            Written::Word(word) => {
                let known = Self::WORDS.iter().find(|(name, _)| *name == word);
                known.map(|(_, target)| target.clone()).ok_or_else(|| {
                    let names: Vec<&str> = Self::WORDS.iter().map(|(name, _)| *name).collect();
                    D::Error::custom(format!(
                        "unknown target `{word}`: one of {}, node numbers, or {{ region = NAME }}",
                        names.join(", ")
                    ))
                })
            }
        }
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nodes(ids) => ids.serialize(to),
            Self::Region(region) => Named {
                region: region.clone(),
            }
            .serialize(to),
            word => to.collect_str(word),
        }
    }
}

/// How hard a fault strikes. Which of these a fault takes, and what each may be, stands in the catalogue; all else is refused.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Time added to each packet or sync.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Length>,
    /// Up to this much more for each packet; what overtakes arrives out of order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Length>,
    /// Share of packets lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// Share of packets that arrive twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicate: Option<f64>,
    /// Share of packets with one to three bits flipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corrupt: Option<f64>,
    /// Share of packets that are held back until others have overtaken them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reorder: Option<f64>,
    /// How far a clock jumps, seconds; may be negative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset_s: Option<i64>,
    /// How fast a clock runs; 1 is right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<f64>,
    /// Share of one processor that is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// Memory that can be had yet, MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mib: Option<u64>,
    /// Descriptors that can be had yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub descriptors: Option<u64>,
    /// Which file, by the catalogue's word for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// How many bits are flipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bits: Option<u64>,
}

impl Params {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The names of those that are given.
    #[must_use]
    pub fn given(&self) -> Vec<&'static str> {
        [
            ("delay", self.delay.is_some()),
            ("jitter", self.jitter.is_some()),
            ("loss", self.loss.is_some()),
            ("duplicate", self.duplicate.is_some()),
            ("corrupt", self.corrupt.is_some()),
            ("reorder", self.reorder.is_some()),
            ("offset_s", self.offset_s.is_some()),
            ("speed", self.speed.is_some()),
            ("share", self.share.is_some()),
            ("mib", self.mib.is_some()),
            ("descriptors", self.descriptors.is_some()),
            ("file", self.file.is_some()),
            ("bits", self.bits.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, given)| given.then_some(name))
        .collect()
    }
}
