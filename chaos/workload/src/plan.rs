//! What the clients shall do: a seed, how many, how often, and in which mixture.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Most seats of one workload.
const CLIENTS_MAX: u32 = 1024;
/// Fewest keys in play: with fewer, clients only meet at one place.
const KEYS_MIN: u32 = 6;
/// Most keys in play.
const KEYS_MAX: u32 = 4096;
/// Most operations on one key before another takes its place: the second checker's work grows with their square.
const KEY_OPERATIONS_MAX: u32 = 1000;
/// Largest value, in bytes.
const VALUE_BYTES_MAX: usize = 256 * 1024;

/// A plan, as a scenario file states it. Everything has a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plan {
    /// Decides every intention.
    pub seed: u64,
    /// Seats: logical clients at one time.
    pub clients: u32,
    /// Operations a second that each seat attempts; `None` sends the next as soon as the last is answered.
    pub rate_per_client: Option<f64>,
    /// Keys in play at one time.
    pub keys: u32,
    /// Operations on a key before another takes its place.
    pub operations_per_key: u32,
    /// What is done how often.
    pub mix: Mix,
    /// How fresh reads are asked to be.
    pub freshness: FreshnessMix,
    /// The ages that bounded reads choose from, milliseconds.
    pub bounds_ms: Vec<u64>,
    /// Least bytes of a written value.
    pub value_bytes: usize,
    /// Tokens alive at one time.
    pub tokens: usize,
    /// How long a client waits for an answer, milliseconds.
    pub timeout_ms: u64,
    /// Key holders seal the cluster from time to time.
    pub sealing: Option<Sealing>,
    /// Key holders open every sealed node that they see, unless it was sealed by plan just now.
    pub keyholders: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            seed: 0,
            clients: 16,
            rate_per_client: None,
            keys: 8,
            operations_per_key: 900,
            mix: Mix::default(),
            freshness: FreshnessMix::default(),
            bounds_ms: vec![500, 2_000, 10_000],
            value_bytes: 96,
            tokens: 48,
            timeout_ms: 2_000,
            sealing: None,
            keyholders: true,
        }
    }
}

/// Weights of what is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mix {
    /// New versions.
    pub put: u32,
    /// New versions if the latest is as expected.
    pub cas: u32,
    /// Reads.
    pub get: u32,
    /// Deletions of the latest version.
    pub delete: u32,
    /// Lists of all names.
    pub list: u32,
    /// New tokens, children and grandchildren.
    pub create_token: u32,
    /// Reads with such a token.
    pub use_token: u32,
    /// Ends of tokens with all below.
    pub revoke_token: u32,
    /// Secrets in a token's own cubbyhole: canaries, not judged as operations.
    pub cubbyhole: u32,
}

impl Default for Mix {
    fn default() -> Self {
        Self {
            put: 20,
            cas: 15,
            get: 42,
            delete: 3,
            list: 2,
            create_token: 4,
            use_token: 10,
            revoke_token: 3,
            cubbyhole: 1,
        }
    }
}

impl Mix {
    /// In the order of [`What`](crate::What).
    pub(crate) const fn weights(&self) -> [u32; 9] {
        [
            self.put,
            self.cas,
            self.get,
            self.delete,
            self.list,
            self.create_token,
            self.use_token,
            self.revoke_token,
            self.cubbyhole,
        ]
    }
}

/// Weights of how fresh reads are asked to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FreshnessMix {
    /// Everything acknowledged.
    pub linearizable: u32,
    /// At least what an earlier answer showed.
    pub at_least: u32,
    /// No older than a bound.
    pub bounded: u32,
    /// Whatever the node has.
    pub stale: u32,
}

impl Default for FreshnessMix {
    fn default() -> Self {
        Self {
            linearizable: 60,
            at_least: 15,
            bounded: 15,
            stale: 10,
        }
    }
}

impl FreshnessMix {
    /// In the order of [`Fresh`](crate::Fresh).
    pub(crate) const fn weights(&self) -> [u32; 4] {
        [self.linearizable, self.at_least, self.bounded, self.stale]
    }
}

/// How often the cluster is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealing {
    /// Time between two seals, milliseconds, from half to one and a half of it.
    pub every_ms: u64,
    /// How long it then stays closed before key holders come, milliseconds.
    pub closed_ms: u64,
}

/// Why a plan cannot be carried out.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {what}")]
pub struct PlanError {
    /// Which field.
    pub field: &'static str,
    /// What it must be.
    pub what: String,
}

impl Plan {
    /// Looks whether it can be carried out.
    ///
    /// # Errors
    /// Naming the first field that is out of bounds.
    pub fn validate(&self) -> Result<(), PlanError> {
        let within = |field, value: u64, least: u64, most: u64| {
            if (least..=most).contains(&value) {
                return Ok(());
            }
            let what = format!("must be {least} to {most}");
            Err(PlanError { field, what })
        };
        let count = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
        within("clients", self.clients.into(), 1, CLIENTS_MAX.into())?;
        within("keys", self.keys.into(), KEYS_MIN.into(), KEYS_MAX.into())?;
        let operations = self.operations_per_key.into();
        within(
            "operations_per_key",
            operations,
            1,
            KEY_OPERATIONS_MAX.into(),
        )?;
        within(
            "value_bytes",
            count(self.value_bytes),
            0,
            count(VALUE_BYTES_MAX),
        )?;
        within("tokens", count(self.tokens), 1, 10_000)?;
        within("timeout_ms", self.timeout_ms, 10, 120_000)?;
        within("bounds_ms", count(self.bounds_ms.len()), 1, 64)?;
        let fails = |field, what: &str| {
            let what = what.to_owned();
            Err(PlanError { field, what })
        };
        if self
            .rate_per_client
            .is_some_and(|rate| !(0.01..=10_000.0).contains(&rate))
        {
            return fails("rate_per_client", "must be 0.01 to 10000");
        }
        if self.mix.weights().iter().all(|weight| *weight == 0) {
            return fails("mix", "must have a weight above 0");
        }
        if self.freshness.weights().iter().all(|weight| *weight == 0) {
            return fails("freshness", "must have a weight above 0");
        }
        if self.sealing.is_some() && !self.keyholders {
            return fails(
                "keyholders",
                "must be true where the cluster is sealed by plan",
            );
        }
        Ok(())
    }

    /// [`timeout_ms`](Self::timeout_ms).
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_can_be_carried_out_and_nonsense_cannot() {
        assert_eq!(Plan::default().validate(), Ok(()));
        type Break = fn(&mut Plan);
        let broken: [(&str, Break); 8] = [
            ("clients", |plan| plan.clients = 0),
            ("keys", |plan| plan.keys = 5),
            ("operations_per_key", |plan| plan.operations_per_key = 1001),
            ("bounds_ms", |plan| plan.bounds_ms.clear()),
            ("rate_per_client", |plan| {
                plan.rate_per_client = Some(f64::NAN)
            }),
            ("mix", |plan| {
                plan.mix = serde_json::from_str(
                    r#"{"put":0,"cas":0,"get":0,"delete":0,"list":0,"create_token":0,"use_token":0,"revoke_token":0,"cubbyhole":0}"#,
                )
                .unwrap();
            }),
            ("timeout_ms", |plan| plan.timeout_ms = 0),
            ("keyholders", |plan| {
                plan.keyholders = false;
                plan.sealing = Some(Sealing {
                    every_ms: 1,
                    closed_ms: 1,
                });
            }),
        ];
        for (field, break_it) in broken {
            let mut plan = Plan::default();
            break_it(&mut plan);
            assert_eq!(plan.validate().unwrap_err().field, field);
        }
    }

    #[test]
    fn a_scenario_names_only_what_differs() {
        let plan: Plan = serde_json::from_str(r#"{"seed":3,"mix":{"get":0}}"#).unwrap();
        assert_eq!((plan.seed, plan.mix.get, plan.mix.put), (3, 0, 20));
        assert!(serde_json::from_str::<Plan>(r#"{"sead":3}"#).is_err());
    }
}
