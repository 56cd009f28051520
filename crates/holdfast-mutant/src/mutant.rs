//! Seeded bugs. Each proves that the checker named for it can find what it exists for: a harness that lets one live is blind
//! there.
//!
//! They exist only with the feature `mutants`, which refuses to compile without debug assertions, so that no release can
//! contain it; without the feature [`Mutant::lives`] is the constant `false` and nothing of them is left in the program.
//! At most one lives in a process: the one that `release` was called with, or named by `HOLDFAST_MUTANT`.

#[cfg(all(feature = "mutants", not(debug_assertions)))]
compile_error!("the feature `mutants` must not be in a release");

macro_rules! mutants {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $checker:literal;)*) => {
        /// One seeded bug.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Mutant {
            $($(#[$doc])* $variant,)*
        }

        impl Mutant {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// As it is named on command lines and in reports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The checker that must find it.
            #[must_use]
            pub const fn checker(self) -> &'static str {
                match self {
                    $(Self::$variant => $checker,)*
                }
            }
        }
    };
}

mutants! {
    /// A leader answers a write once it stands in its own log.
    AckBeforeQuorum = "ack-before-quorum", "durability";
    /// The log says "durable" before it is.
    AckBeforeSync = "ack-before-sync", "durability";
    /// A leader answers a read index without asking a quorum whether it still leads.
    ReadUnconfirmed = "read-unconfirmed", "linearizability";
    /// A read joins a read-index round that is under way already.
    ReadJoinsLate = "read-joins-late", "linearizability";
    /// A log that lost what it had promised is taken up as if nothing were missing.
    WatermarkIgnored = "watermark-ignored", "quarantine";
    /// What applying writes depends on the order of a hash table.
    ApplyByHashOrder = "apply-by-hash-order", "digests";
    /// A transaction that is proposed again is applied again.
    DedupeForgotten = "dedupe-forgotten", "duplicates";
    /// A transaction is applied although a row it read has changed.
    RevisionUnchecked = "revision-unchecked", "cas";
    /// The revocation of a token is answered before it is committed.
    RevocationNotAwaited = "revocation-not-awaited", "revocation";
    /// What a write was allowed by - a token, a policy, a mount - may have changed when it is applied.
    RightsUnasserted = "rights-unasserted", "revocation";
    /// The root key stands behind its wrap as it is.
    KeyInClear = "key-in-clear", "canaries";
    /// The segments of a record's name are stored as they are.
    NameInClear = "name-in-clear", "canaries";
    /// Nonces are counted from zero after each unseal.
    NonceReused = "nonce-reused", "nonces";
    /// Sealing tells everybody that it has sealed and keeps the key.
    SealKeepsKey = "seal-keeps-key", "sealed";
    /// A vote is answered before it is on the disk.
    VoteUnsaved = "vote-unsaved", "election-safety";
    /// A node takes part although its peers know another data directory under its number.
    WipedDiskTrusted = "wiped-disk-trusted", "quarantine";
    /// A cached value is believed although its row has changed.
    CacheUnkeyed = "cache-unkeyed", "linearizability";
}

impl Mutant {
    /// The one with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|mutant| mutant.name() == name)
    }

    /// Whether this bug is alive in this process.
    #[cfg(not(feature = "mutants"))]
    #[must_use]
    pub const fn lives(self) -> bool {
        false
    }

    /// Whether this bug is alive in this process.
    #[cfg(feature = "mutants")]
    #[must_use]
    pub fn lives(self) -> bool {
        living() == Some(self)
    }
}

#[cfg(feature = "mutants")]
static LIVING: std::sync::OnceLock<Option<Mutant>> = std::sync::OnceLock::new();

#[cfg(feature = "mutants")]
fn living() -> Option<Mutant> {
    *LIVING.get_or_init(|| {
        let name = std::env::var("HOLDFAST_MUTANT").ok()?;
        let known = Mutant::parse(&name);
        assert!(
            known.is_some(),
            "HOLDFAST_MUTANT names no seeded bug; `cargo xtask sim --list-mutants` shows them"
        );
        known
    })
}

/// Lets a mutant live in this process, or none. The first call decides for the life of the process.
///
/// # Errors
/// When the process already has another.
#[cfg(feature = "mutants")]
pub fn release(mutant: Option<Mutant>) -> Result<(), Option<Mutant>> {
    let living = *LIVING.get_or_init(|| mutant);
    if living == mutant {
        Ok(())
    } else {
        Err(living)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_are_read_back() {
        for mutant in Mutant::ALL {
            assert_eq!(Mutant::parse(mutant.name()), Some(*mutant));
        }
        assert_eq!(Mutant::parse("none"), None);
    }

    #[cfg(not(feature = "mutants"))]
    #[test]
    fn none_lives_without_the_feature() {
        assert!(Mutant::ALL.iter().all(|mutant| !mutant.lives()));
    }
}
