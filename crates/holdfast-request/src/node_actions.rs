//! What a node does by itself, outside any transaction.

use crate::core::Core;
use holdfast_barrier::{CommitError, InitError, InitOptions, SealStatus, UnsealError};
use holdfast_contract::{Fields, NodeAction, Refusal, Reply};
use holdfast_machine::{MemberStatus, ReplicaStatus, Role, StorageFault};
use holdfast_types::NodeId;
use serde_json::{Value as Json, json};
use std::time::Duration;
use zeroize::Zeroizing;

/// How long a change of the whole cluster may take before the node gives up on it.
const CLUSTER_CHANGE: Duration = Duration::from_secs(10);

/// The version of the Vault API that is spoken. Semantic versioning, for clients parse it, and without `ent` behind the
/// plus, which they take for another product.
const SPOKEN_API: &str = "1.19.0";

impl Core {
    /// Does one action. Guards were checked before.
    pub(crate) async fn act(&self, action: NodeAction, fields: &Fields) -> Result<Reply, Refusal> {
        match action {
            NodeAction::InitStatus => {
                let initialized = self
                    .barrier()
                    .config()
                    .map_err(|why| self.fault(&why))?
                    .is_some();
                Ok(Reply::bare(json!({ "initialized": initialized })))
            }
            NodeAction::Init => self.init(fields).await,
            NodeAction::SealStatus => Ok(Reply::bare(
                self.shown_seal(
                    &self
                        .barrier()
                        .seal_status()
                        .map_err(|why| self.fault(&why))?,
                ),
            )),
            NodeAction::Unseal => self.unseal(fields).await,
            NodeAction::Seal => {
                let sealed = self.barrier().seal_cluster(CLUSTER_CHANGE).await;
                sealed
                    .map(|()| Reply::none())
                    // Here it is done, and elsewhere it may be: whoever asked must look before asking again.
                    .map_err(|why| Refusal::Commit(CommitError::Unknown(why.to_string())))
            }
            NodeAction::Health => self.health(fields),
            NodeAction::Leader => Ok(Reply::bare(self.leader())),
            NodeAction::HaStatus => Ok(Reply::doubled(self.members())),
            NodeAction::StepDown => self.step_down(fields).await,
            NodeAction::KeyStatus => self.key_status(),
            NodeAction::Metrics => Ok(self.metrics().reply(self.barrier())),
            NodeAction::OpenApi => Ok(Reply::bare(crate::openapi::document())),
        }
    }

    /// What a client is told when the state cannot be read: that this node takes no part, or that something is wrong inside.
    pub(crate) fn fault(&self, fault: &StorageFault) -> Refusal {
        let status = self.barrier().replica().status();
        if matches!(status.role, Role::Quarantined | Role::Stopped) {
            let why = status
                .trouble
                .unwrap_or_else(|| "this node is not serving".to_owned());
            return Refusal::Unavailable(why);
        }
        tracing::error!(error = %fault, "storage failed");
        Refusal::Internal("storage")
    }

    async fn init(&self, fields: &Fields) -> Result<Reply, Refusal> {
        for name in ["pgp_keys", "recovery_pgp_keys"] {
            if fields.texts(name).is_some_and(|keys| !keys.is_empty()) {
                return Err(Refusal::field(name, "is not available yet"));
            }
        }
        for name in ["recovery_shares", "recovery_threshold"] {
            if fields.integer(name).is_some_and(|count| count != 0) {
                return Err(Refusal::field(
                    name,
                    "is only for seals that open by themselves",
                ));
            }
        }
        if fields
            .text("root_token_pgp_key")
            .is_some_and(|key| !key.is_empty())
        {
            return Err(Refusal::field("root_token_pgp_key", "is not available yet"));
        }
        let options = InitOptions {
            cluster_name: self.info().cluster_name.clone(),
            shares: count(fields, "secret_shares")?,
            threshold: count(fields, "secret_threshold")?,
        };
        let mut root_token = Zeroizing::new(String::new());
        let made = self
            .barrier()
            .initialize(&options, CLUSTER_CHANGE, |txn| {
                crate::first_records::write(txn, &mut root_token)
            })
            .await
            .map_err(|why| match why {
                InitError::Already | InitError::Options(..) => Refusal::Invalid(why.to_string()),
                InitError::Unavailable(why) => Refusal::Unavailable(why.to_string()),
                InitError::Unknown(_) => CommitError::Unknown(why.to_string()).into(),
                InitError::Txn(why) => why.into(),
            })?;
        let hex: Vec<String> = made
            .shares
            .iter()
            .map(|share| share.to_hex().to_string())
            .collect();
        let base64: Vec<String> = made
            .shares
            .iter()
            .map(|share| share.to_base64().to_string())
            .collect();
        Ok(Reply::bare(
            json!({ "keys": hex, "keys_base64": base64, "root_token": root_token.as_str() }),
        ))
    }

    async fn unseal(&self, fields: &Fields) -> Result<Reply, Refusal> {
        if fields.boolean("migrate") == Some(true) {
            return Err(Refusal::field(
                "migrate",
                "is not available: there is one kind of seal",
            ));
        }
        let status = if fields.boolean("reset") == Some(true) {
            self.barrier().reset_attempt();
            self.barrier()
                .seal_status()
                .map_err(|why| self.fault(&why))?
        } else {
            let share = fields
                .text("key")
                .ok_or_else(|| Refusal::field("key", "is required, unless reset is true"))?;
            self.barrier()
                .submit_share(share)
                .await
                .map_err(|why| match why {
                    UnsealError::Storage(why) => self.fault(&why),
                    why => Refusal::Invalid(why.to_string()),
                })?
        };
        Ok(Reply::bare(self.shown_seal(&status)))
    }

    /// Clients turn features on by this number, so it says whose API is spoken, and behind it who speaks.
    fn spoken_version(&self) -> String {
        format!("{SPOKEN_API}+holdfast.{}", self.info().version)
    }

    fn shown_seal(&self, status: &SealStatus) -> Json {
        let mut shown = json!({
            "type": "shamir",
            "initialized": status.initialized,
            "sealed": status.sealed,
            "t": status.threshold,
            "n": status.shares,
            "progress": status.progress,
            "nonce": status.nonce,
            "version": self.spoken_version(),
            "build_date": "",
            "migration": false,
            "recovery_seal": false,
            "storage_type": "raft",
        });
        if let Some((cluster, name)) = &status.cluster {
            shown["cluster_name"] = Json::from(name.as_str());
            shown["cluster_id"] = Json::from(cluster.to_string());
        }
        shown
    }

    fn health(&self, fields: &Fields) -> Result<Reply, Refusal> {
        let seal = self
            .barrier()
            .seal_status()
            .map_err(|why| self.fault(&why))?;
        let status = self.barrier().replica().status();
        let standby = status.role != Role::Leader;
        let standby_ok = fields.boolean("standbyok") == Some(true)
            || fields.boolean("perfstandbyok") == Some(true);
        let (name, code) = if !seal.initialized {
            ("uninitcode", 501)
        } else if seal.sealed {
            ("sealedcode", 503)
        } else if matches!(status.role, Role::Quarantined | Role::Stopped)
            || status.leader.is_none()
        {
            ("haunhealthycode", 474)
        } else if standby && !standby_ok {
            ("standbycode", 429)
        } else {
            ("activecode", 200)
        };
        let code = match fields.integer(name) {
            None => code,
            Some(asked) => u16::try_from(asked)
                .ok()
                .filter(|code| (100..600).contains(code))
                .ok_or_else(|| Refusal::field(name, "must be a status code, 100 to 599"))?,
        };
        let mut body = json!({
            "initialized": seal.initialized,
            "sealed": seal.sealed,
            "standby": standby,
            "performance_standby": false,
            "replication_performance_mode": "disabled",
            "replication_dr_mode": "disabled",
            "server_time_utc": self.barrier().surroundings().wall_ms() / 1000,
            "version": self.spoken_version(),
            "enterprise": false,
            "echo_duration_ms": 0,
            "clock_skew_ms": 0,
            "last_wal": 0,
            "replication_primary_canary_age_ms": 0,
            "ha_connection_healthy": status.leader.is_some(),
            "last_request_forwarding_heartbeat_ms": 0,
            "removed_from_cluster": false,
            "role": role_name(status.role),
        });
        if let Some((cluster, name)) = &seal.cluster {
            body["cluster_name"] = Json::from(name.as_str());
            body["cluster_id"] = Json::from(cluster.to_string());
        }
        if let Some(trouble) = status.trouble {
            body["trouble"] = Json::from(trouble);
        }
        let mut reply = Reply::bare(body);
        reply.status = Some(code);
        Ok(reply)
    }

    fn leader(&self) -> Json {
        let status = self.barrier().replica().status();
        let leader = status.leader.and_then(|id| member(&status, id));
        json!({
            "ha_enabled": true,
            "is_self": status.role == Role::Leader,
            "active_time": "0001-01-01T00:00:00Z",
            "leader_address": leader.map_or("", |member| member.api_addr.as_str()),
            "leader_cluster_address": leader.map_or("", |member| member.peer_addr.as_str()),
            "performance_standby": false,
            "performance_standby_last_remote_wal": 0,
            "raft_committed_index": status.committed,
            "raft_applied_index": status.applied,
            "raft_term": status.term,
            "leader_id": status.leader.map(|id| id.0),
        })
    }

    fn members(&self) -> Json {
        let status = self.barrier().replica().status();
        let nodes: Vec<Json> = status
            .members
            .iter()
            .map(|member| self.shown_member(&status, member))
            .collect();
        json!({ "nodes": nodes })
    }

    fn shown_member(&self, status: &ReplicaStatus, member: &MemberStatus) -> Json {
        json!({
            "hostname": format!("node-{}", member.id),
            "node_id": member.id.0,
            "api_address": member.api_addr,
            "cluster_address": member.peer_addr,
            "active_node": status.leader == Some(member.id),
            "voter": member.voter,
            "region": member.region,
            "last_echo": null,
            "last_contact_ms": member.last_contact_ms,
            "matched_index": member.matched,
            "rtt_us": member.rtt_us,
            "echo_duration_ms": member.rtt_us.unwrap_or(0) / 1000,
            "clock_skew_ms": member.clock_skew_ms.unwrap_or(0),
            "version": self.spoken_version(),
            "upgrade_version": "",
            "redundancy_zone": "",
        })
    }

    async fn step_down(&self, fields: &Fields) -> Result<Reply, Refusal> {
        let to = match fields.integer("node_id") {
            None => None,
            Some(id) => {
                Some(NodeId(u64::try_from(id).map_err(|_| {
                    Refusal::field("node_id", "must be a node's number")
                })?))
            }
        };
        if let Some(to) = to
            && member(&self.barrier().replica().status(), to).is_none()
        {
            return Err(Refusal::field("node_id", "names no member"));
        }
        let done = self.barrier().replica().step_down(to, CLUSTER_CHANGE).await;
        done.map(|()| Reply::none())
            .map_err(|why| Refusal::Unavailable(why.to_string()))
    }

    fn key_status(&self) -> Result<Reply, Refusal> {
        let (term, created_ms) = self.barrier().key_status().ok_or(Refusal::Sealed)?;
        Ok(Reply::doubled(json!({
            "term": term,
            "install_time": crate::time_text::rfc3339(created_ms),
            "encryptions": 0,
        })))
    }
}

fn member(status: &ReplicaStatus, id: NodeId) -> Option<&MemberStatus> {
    status.members.iter().find(|member| member.id == id)
}

/// A role in one word.
pub(crate) const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Leader => "leader",
        Role::Follower => "follower",
        Role::Candidate => "candidate",
        Role::Learner => "learner",
        Role::Quarantined => "quarantined",
        Role::Stopped => "stopped",
    }
}

fn count(fields: &Fields, name: &str) -> Result<u8, Refusal> {
    let given = fields
        .integer(name)
        .ok_or_else(|| Refusal::field(name, "is required"))?;
    u8::try_from(given).map_err(|_| Refusal::field(name, "must be 1 to 255"))
}
