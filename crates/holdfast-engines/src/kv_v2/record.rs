//! What is known of a secret besides its values, and the pure rules of its versions.

use holdfast_barrier::Stored;
use serde::{Deserialize, Serialize};

/// Versions kept when neither the mount nor the secret says how many.
pub(super) const MAX_VERSIONS_DEFAULT: u32 = 10;
/// Most versions that may be kept of one secret: all of them are removed in one transaction, and listed in one record.
pub(super) const MAX_VERSIONS_MAX: u32 = 1_024;

const _: () = assert!(
    (MAX_VERSIONS_MAX as usize) < holdfast_types::limits::TXN_WRITES_MAX / 2,
    "removing a secret fits a transaction"
);

/// A secret without its values.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct SecretRecord {
    pub(super) created_ms: u64,
    /// When the latest version was written, or the record made.
    pub(super) updated_ms: u64,
    /// Number of the latest version, 0 before the first.
    pub(super) current: u64,
    /// Number of the oldest version since versions began to be dropped, 0 before.
    pub(super) oldest: u64,
    /// The versions up to `current`, without gaps.
    versions: Vec<VersionRecord>,
    /// 0 = as the mount says.
    pub(super) max_versions: u32,
    pub(super) cas_required: bool,
    /// Nanoseconds, 0 = as the mount says.
    pub(super) delete_after_ns: u64,
    pub(super) custom_metadata: Vec<(String, String)>,
    /// How often the settings were changed by clients.
    pub(super) metadata_version: u64,
    pub(super) metadata_cas_required: bool,
}

impl Stored for SecretRecord {
    const VERSION: u8 = 1;
}

/// One version without its value.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct VersionRecord {
    pub(super) created_ms: u64,
    pub(super) deletion: Deletion,
    /// The value is gone for good.
    pub(super) destroyed: bool,
}

/// Whether and when a version is deleted. Deleted values can be brought back.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Deletion {
    /// It stays.
    Never,
    /// When the machine's clock reaches this.
    At(u64),
    /// It was deleted by a client at this time. Holds whatever the clock says: the time written is this node's, and the
    /// machine's clock may be a little behind it.
    Done(u64),
}

impl Deletion {
    pub(super) const fn shown_ms(self) -> Option<u64> {
        match self {
            Self::Never => None,
            Self::At(ms) | Self::Done(ms) => Some(ms),
        }
    }
}

impl VersionRecord {
    pub(super) const fn is_deleted(&self, now_ms: u64) -> bool {
        match self.deletion {
            Deletion::Never => false,
            Deletion::At(ms) => ms <= now_ms,
            Deletion::Done(_) => true,
        }
    }

    /// Neither deleted nor destroyed: its value may be shown.
    pub(super) const fn is_readable(&self, now_ms: u64) -> bool {
        !self.destroyed && !self.is_deleted(now_ms)
    }
}

impl SecretRecord {
    pub(super) const fn new(now_ms: u64) -> Self {
        Self {
            created_ms: now_ms,
            updated_ms: now_ms,
            current: 0,
            oldest: 0,
            versions: Vec::new(),
            max_versions: 0,
            cas_required: false,
            delete_after_ns: 0,
            custom_metadata: Vec::new(),
            metadata_version: 0,
            metadata_cas_required: false,
        }
    }

    /// Number of the first version listed.
    fn first(&self) -> u64 {
        self.current + 1 - self.versions.len() as u64
    }

    /// The versions listed, with their numbers.
    pub(super) fn versions(&self) -> impl Iterator<Item = (u64, &VersionRecord)> {
        (self.first()..).zip(&self.versions)
    }

    pub(super) fn version(&self, number: u64) -> Option<&VersionRecord> {
        let at = number.checked_sub(self.first())?;
        self.versions.get(usize::try_from(at).ok()?)
    }

    pub(super) fn version_mut(&mut self, number: u64) -> Option<&mut VersionRecord> {
        let at = number.checked_sub(self.first())?;
        self.versions.get_mut(usize::try_from(at).ok()?)
    }

    /// Adds the next version and drops the oldest beyond `keep`. Returns the numbers of dropped versions whose values stand.
    pub(super) fn add(&mut self, created_ms: u64, deletion: Deletion, keep: u32) -> Vec<u64> {
        self.current += 1;
        self.updated_ms = created_ms;
        self.versions.push(VersionRecord {
            created_ms,
            deletion,
            destroyed: false,
        });
        let keep = u64::from(keep.max(1));
        if self.current - self.oldest < keep {
            return Vec::new();
        }
        let first = self.first();
        self.oldest = self.current - keep + 1;
        let drop = usize::try_from(self.oldest.saturating_sub(first)).unwrap_or(usize::MAX);
        let dropped = self.versions.drain(..drop.min(self.versions.len()));
        (first..)
            .zip(dropped)
            .filter(|(_, gone)| !gone.destroyed)
            .map(|(number, _)| number)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(secret: &SecretRecord) -> Vec<u64> {
        secret.versions().map(|(number, _)| number).collect()
    }

    #[test]
    fn drops_the_oldest_and_says_which() {
        let mut secret = SecretRecord::new(0);
        for version in 1..=3 {
            assert!(secret.add(version, Deletion::Never, 3).is_empty());
        }
        assert_eq!((secret.current, secret.oldest), (3, 1));
        assert_eq!(secret.add(4, Deletion::Never, 3), [1]);
        assert_eq!((numbers(&secret), secret.oldest), (vec![2, 3, 4], 2));
        secret.version_mut(3).unwrap().destroyed = true;
        assert_eq!(secret.add(5, Deletion::Never, 1), [2, 4]);
        assert_eq!((numbers(&secret), secret.oldest), (vec![5], 5));
        assert!(secret.version(4).is_none() && secret.version(6).is_none());
        assert!(secret.add(6, Deletion::Never, 3).is_empty());
        assert_eq!(numbers(&secret), [5, 6]);
    }

    #[test]
    fn a_client_s_deletion_holds_whatever_the_clock_says() {
        let version = |deletion| VersionRecord {
            created_ms: 5,
            deletion,
            destroyed: false,
        };
        assert!(version(Deletion::Never).is_readable(u64::MAX));
        assert!(version(Deletion::At(10)).is_readable(9));
        assert!(!version(Deletion::At(10)).is_readable(10));
        assert!(!version(Deletion::Done(10)).is_readable(0));
    }
}
