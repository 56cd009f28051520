//! Opening this node with shares.
//!
//! Each share is checked against its public commitment the moment it arrives, so a wrong, foreign or retired one is named
//! and never counts. Valid ones wait in locked memory until there are enough.

use crate::barrier::Barrier;
use crate::open::OpenKeys;
use crate::seal::{SealConfig, SealStatus, seal_epoch};
use holdfast_crypto::{Keyring, Share, ShareCheck};
use holdfast_machine::{StorageFault, SystemKey};
use std::time::Duration;

/// Why a share did not bring the node closer to open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnsealError {
    /// No cluster has been initialised.
    #[error("not initialized")]
    Uninitialized,
    /// It is open already.
    #[error("already unsealed")]
    AlreadyOpen,
    /// Not a share in any known form.
    #[error("field \"key\": not a share in hexadecimal or base64")]
    Malformed,
    /// The index belongs to the set, the bytes do not.
    #[error(
        "field \"key\": share {0} of this set has other bytes; it was mistyped, or belongs to another set"
    )]
    Wrong(u8),
    /// No share of the set has this index.
    #[error("field \"key\": foreign share: index {0} is not part of this cluster's set")]
    Foreign(u8),
    /// Shares that are each right do not open the keys: the stored configuration was tampered with.
    #[error(
        "the shares are right, but the stored keys do not open under them; the seal configuration was damaged"
    )]
    Damaged,
    /// The disk failed.
    #[error(transparent)]
    Storage(#[from] StorageFault),
}

/// Valid shares collected so far.
#[derive(Default)]
pub(crate) struct Attempt {
    shares: Vec<Share>,
    nonce: String,
}

impl Attempt {
    pub(crate) fn shown(&self) -> (u8, String) {
        (
            u8::try_from(self.shares.len()).unwrap_or(u8::MAX),
            self.nonce.clone(),
        )
    }

    pub(crate) fn clear(&mut self) {
        self.shares.clear();
        self.nonce.clear();
    }

    fn add(&mut self, share: Share, nonce: impl FnOnce() -> String) {
        if self.shares.is_empty() {
            self.nonce = nonce();
        }
        // The same share again is accepted and changes nothing.
        if !self
            .shares
            .iter()
            .any(|known| known.index() == share.index())
        {
            self.shares.push(share);
        }
    }
}

/// How long opening waits to learn of a manual seal that happened while this node was away.
const CATCH_UP: Duration = Duration::from_secs(2);

impl Barrier {
    /// Takes one share, in any text form; opens this node when there are enough.
    ///
    /// # Errors
    /// When the share does not count (and says which and why), or the stored keys do not open.
    pub async fn submit_share(&self, text: &str) -> Result<SealStatus, UnsealError> {
        let config = self.config()?.ok_or(UnsealError::Uninitialized)?;
        if !self.is_sealed() {
            return Ok(self.seal_status()?);
        }
        let share = Share::parse(text).map_err(|_| UnsealError::Malformed)?;
        match config.shares.check(&share) {
            ShareCheck::Member { .. } => {}
            ShareCheck::WrongBytes { index } => return Err(UnsealError::Wrong(index)),
            ShareCheck::Foreign { index } => return Err(UnsealError::Foreign(index)),
        }
        if self.collect(share, config.shares.threshold()) {
            // Without a leader this node opens on what it has; a seal that it missed closes it again when it catches up.
            let _freshest = self.replica().read_index(CATCH_UP).await;
            self.open_with_shares()?;
        }
        Ok(self.seal_status()?)
    }

    /// Keeps a valid share. Returns whether there are enough.
    fn collect(&self, share: Share, threshold: u8) -> bool {
        let mut attempt = self.attempt.lock();
        // Another share may have opened the node meanwhile: then this one is not kept.
        if !self.is_sealed() {
            return false;
        }
        attempt.add(share, || self.new_nonce());
        attempt.shares.len() >= usize::from(threshold)
    }

    /// Forgets the shares collected so far.
    pub fn reset_attempt(&self) {
        self.attempt.lock().clear();
    }

    fn open_with_shares(&self) -> Result<(), UnsealError> {
        let view = self.replica().view()?;
        let config = SealConfig::of(&*view)?.ok_or(UnsealError::Uninitialized)?;
        let wrapped = view
            .get(&SystemKey::Keyring.to_bytes())?
            .ok_or(UnsealError::Damaged)?
            .value;
        let (_, epoch_written_at) = seal_epoch(&*view)?;
        {
            // Held until the keys stand, so that of several who bring enough shares one opens the node and the others see it.
            let mut attempt = self.attempt.lock();
            if !self.is_sealed() || attempt.shares.len() < usize::from(config.shares.threshold()) {
                return Ok(());
            }
            let keyring = open_keyring(&config, &wrapped, &attempt.shares);
            attempt.clear();
            self.hold_keys(OpenKeys::new(
                config.cluster,
                keyring.ok_or(UnsealError::Damaged)?,
                self.shared_surroundings(),
                epoch_written_at,
            ));
        }
        tracing::info!("unsealed");
        // A seal that was applied after the view was taken found no keys to forget, and nothing may ever wake the watch again.
        self.forget_if_sealed()?;
        Ok(())
    }

    fn new_nonce(&self) -> String {
        let mut bytes = [0; 16];
        self.surroundings().fill(&mut bytes);
        holdfast_types::TxnId(bytes).to_string()
    }
}

fn open_keyring(config: &SealConfig, wrapped_keyring: &[u8], shares: &[Share]) -> Option<Keyring> {
    let seal_key = holdfast_crypto::combine(shares).ok()?;
    let root_context = config.root_context();
    let root = holdfast_crypto::unwrap_key(&seal_key, &root_context, &config.wrapped_root).ok()?;
    let plain =
        holdfast_crypto::unwrap_bytes(&root, &config.keyring_context(), wrapped_keyring).ok()?;
    Keyring::decode(&plain).ok()
}
