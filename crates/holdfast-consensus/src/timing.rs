//! How fast the cluster beats, and whether the network can bear it.
//!
//! openraft gives a heartbeat as long to be answered as lies between two heartbeats: where a round trip is longer, a leader
//! is elected and can never hold on. So the heartbeat interval is checked against measured round trips, at start and ever after.

use openraft::{Config, SnapshotPolicy};
use std::str::FromStr;
use std::time::Duration;

/// Which set of intervals fits the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Preset {
    /// One region: failover in about half a second. Round trips up to 30 ms.
    #[default]
    Lan,
    /// Several regions: failover in about three seconds. Round trips up to 200 ms.
    Wan,
}

/// The intervals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Between two heartbeats of the leader.
    pub heartbeat: Duration,
    /// Shortest wait of a node for its leader before it seeks votes.
    pub election_min: Duration,
    /// Longest such wait; also the leader's lease.
    pub election_max: Duration,
}

/// Why intervals do not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimingError {
    /// An interval is zero, or too close to the next longer one.
    #[error(
        "heartbeat {heartbeat_ms} ms, election {election_min_ms} to {election_max_ms} ms: \
         the election must wait at least three heartbeats and its longest wait be longer than its shortest"
    )]
    Order {
        /// The heartbeat interval, in milliseconds.
        heartbeat_ms: u64,
        /// The shortest election timeout, in milliseconds.
        election_min_ms: u64,
        /// The longest election timeout, in milliseconds.
        election_max_ms: u64,
    },
    /// A peer is too far away.
    #[error(
        "the round trip to node {peer} takes {rtt_ms} ms; a heartbeat of {heartbeat_ms} ms needs it to be at most \
         {limit_ms} ms. {advice}"
    )]
    RoundTrip {
        /// The peer.
        peer: u64,
        /// Its round trip, in milliseconds.
        rtt_ms: u64,
        /// The heartbeat interval, in milliseconds.
        heartbeat_ms: u64,
        /// The longest bearable round trip, in milliseconds.
        limit_ms: u64,
        /// What helps.
        advice: &'static str,
    },
}

/// What the receiving disk may take of a heartbeat's time.
const DISK_MARGIN: Duration = Duration::from_millis(5);
/// Log entries after which a snapshot is made.
const SNAPSHOT_EVERY: u64 = 20_000;
/// Log entries kept behind the snapshot, so that a node that was away briefly needs no snapshot.
const KEEP_BEHIND_SNAPSHOT: u64 = 10_000;
/// Most entries of one append; bytes are capped apart from that.
const APPEND_ENTRIES_MAX: u64 = 4096;

/// A text that names no preset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a timing preset is `lan` or `wan`")]
pub struct UnknownPreset;

impl FromStr for Preset {
    type Err = UnknownPreset;
    fn from_str(text: &str) -> Result<Self, UnknownPreset> {
        match text {
            "lan" => Ok(Self::Lan),
            "wan" => Ok(Self::Wan),
            _ => Err(UnknownPreset),
        }
    }
}

impl Preset {
    /// Its intervals.
    #[must_use]
    pub const fn timing(self) -> Timing {
        let (heartbeat, min, max) = match self {
            Self::Lan => (50, 150, 300),
            Self::Wan => (300, 900, 1800),
        };
        Timing {
            heartbeat: Duration::from_millis(heartbeat),
            election_min: Duration::from_millis(min),
            election_max: Duration::from_millis(max),
        }
    }
}

impl Timing {
    /// Checks the intervals against each other.
    ///
    /// # Errors
    /// When they are out of order.
    pub fn check(&self) -> Result<(), TimingError> {
        let ordered = !self.heartbeat.is_zero()
            && self.election_min >= self.heartbeat * 3
            && self.election_max > self.election_min;
        if ordered {
            return Ok(());
        }
        Err(TimingError::Order {
            heartbeat_ms: millis(self.heartbeat),
            election_min_ms: millis(self.election_min),
            election_max_ms: millis(self.election_max),
        })
    }

    /// The longest round trip that this heartbeat bears: 1.4 round trips and the disk's margin fit into it.
    #[must_use]
    pub fn round_trip_max(&self) -> Duration {
        self.heartbeat
            .saturating_sub(DISK_MARGIN)
            .mul_f64(1.0 / 1.4)
    }

    /// Checks the heartbeat against the measured round trip to a peer.
    ///
    /// # Errors
    /// When the peer is too far away.
    pub fn check_round_trip(&self, peer: u64, rtt: Duration) -> Result<(), TimingError> {
        let limit = self.round_trip_max();
        if rtt <= limit {
            return Ok(());
        }
        Err(TimingError::RoundTrip {
            peer,
            rtt_ms: millis(rtt),
            heartbeat_ms: millis(self.heartbeat),
            limit_ms: millis(limit),
            advice: if self.heartbeat < Preset::Wan.timing().heartbeat {
                "Use the timing preset `wan`, or repair the network"
            } else {
                "No preset bears more: repair the network, or move the node nearer"
            },
        })
    }

    /// How long a write waits for a leader to appear: a whole failover, and some more.
    pub(crate) fn failover(&self) -> Duration {
        self.election_max * 6 + self.heartbeat * 2
    }

    /// How long a leader without a quorum is silent, and how long it then tries again. Others can elect meanwhile: their lease
    /// runs out and the longest election timeout passes.
    pub(crate) fn silence(&self) -> Duration {
        self.election_max * 2 + self.heartbeat
    }

    /// openraft's configuration.
    pub(crate) fn config(&self, cluster: &str, snapshots: Snapshots) -> Config {
        Config {
            cluster_name: cluster.to_owned(),
            heartbeat_interval: millis(self.heartbeat),
            election_timeout_min: millis(self.election_min),
            election_timeout_max: millis(self.election_max),
            max_payload_entries: APPEND_ENTRIES_MAX,
            max_append_entries: Some(APPEND_ENTRIES_MAX),
            snapshot_policy: SnapshotPolicy::LogsSinceLast(snapshots.every),
            max_in_snapshot_log_to_keep: snapshots.keep_behind,
            // Must exceed the distance between snapshots, or a snapshot could not end a lag.
            replication_lag_threshold: snapshots.every + snapshots.keep_behind + APPEND_ENTRIES_MAX,
            // Purging one by one would cost a write each.
            purge_batch_size: (snapshots.keep_behind / 4).max(1),
            // A first retry soon, for a peer that restarts; then slower.
            backoff: format!("{}ms ...1000ms", millis(self.heartbeat)),
            // A stopped peer is probed; a leader without quorum falls silent so that others may elect (issue 2080 of openraft).
            quorum_loss_probe_interval: Some(millis(self.silence())),
            enable_pre_vote: Some(true),
            // A restarted leader's state may be behind what it had acknowledged: it must be elected anew.
            enable_leader_restore: Some(false),
            ..Config::default()
        }
    }
}

/// When snapshots are made and what of the log stays behind them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshots {
    /// A snapshot is made after so many entries.
    pub every: u64,
    /// So many entries stay in the log behind the snapshot.
    pub keep_behind: u64,
}

impl Default for Snapshots {
    fn default() -> Self {
        Self {
            every: SNAPSHOT_EVERY,
            keep_behind: KEEP_BEHIND_SNAPSHOT,
        }
    }
}

/// Whole milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_in_order_and_accepted_by_openraft() {
        for preset in ["lan", "wan"] {
            let preset: Preset = preset.parse().unwrap();
            let timing = preset.timing();
            assert_eq!(timing.check(), Ok(()));
            let config = timing.config("c", Snapshots::default()).validate();
            let config = config.expect("openraft takes the preset");
            assert_eq!(config.enable_pre_vote, Some(true));
            assert_eq!(config.enable_leader_restore, Some(false));
            let probe = config.quorum_loss_probe_interval.expect("set");
            assert!(probe >= 2 * config.election_timeout_max);
        }
    }

    #[test]
    fn a_round_trip_beyond_the_heartbeat_is_named() {
        let lan = Preset::Lan.timing();
        assert_eq!(lan.check_round_trip(2, Duration::from_millis(30)), Ok(()));
        let error = lan.check_round_trip(2, Duration::from_millis(60));
        let text = error.expect_err("too far").to_string();
        assert!(text.contains("node 2") && text.contains("60 ms") && text.contains("wan"));
        let wan = Preset::Wan.timing();
        assert_eq!(wan.check_round_trip(2, Duration::from_millis(200)), Ok(()));
        let error = wan.check_round_trip(2, Duration::from_millis(250));
        let text = error.expect_err("too far").to_string();
        assert!(
            text.contains("move the node") && !text.contains("wan"),
            "{text}"
        );
    }

    #[test]
    fn intervals_out_of_order_are_refused() {
        let mut timing = Preset::Lan.timing();
        timing.heartbeat = Duration::from_millis(100);
        assert!(timing.check().is_err());
        timing.heartbeat = Duration::ZERO;
        assert!(timing.check().is_err());
    }
}
