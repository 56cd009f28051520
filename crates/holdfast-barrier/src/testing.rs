//! For the harness alone: the keys behind the shares, so that it can look for them where they must not stand.

use crate::Barrier;
use crate::seal::SealConfig;
use holdfast_crypto::{Keyring, Share};
use holdfast_machine::SystemKey;
use zeroize::Zeroizing;

/// Bytes of a key.
pub type KeyBytes = Zeroizing<Vec<u8>>;

impl Barrier {
    /// The seal key, the root key, and keys of the ring, opened with shares from what this node has stored; it stays as it is.
    /// `None` when there is nothing to open or the shares do not open it.
    #[must_use]
    pub fn keys_behind(&self, shares: &[String]) -> Option<Vec<KeyBytes>> {
        let view = self.replica().view().ok()?;
        let config = SealConfig::of(&*view).ok()??;
        let wrapped = view.get(&SystemKey::Keyring.to_bytes()).ok()??.value;
        let shares: Option<Vec<Share>> =
            shares.iter().map(|text| Share::parse(text).ok()).collect();
        let seal_key = holdfast_crypto::combine(&shares?).ok()?;
        let root_context = config.root_context();
        let root =
            holdfast_crypto::unwrap_key(&seal_key, &root_context, &config.wrapped_root).ok()?;
        let ring =
            holdfast_crypto::unwrap_bytes(&root, &config.keyring_context(), &wrapped).ok()?;
        let ring = Keyring::decode(&ring).ok()?;
        let (_, batch) = ring.batch_key();
        let names = ring.name_keys().map(|(_, key)| key);
        let keys = [&seal_key, &root, batch].into_iter().chain(names);
        Some(
            keys.map(|key| Zeroizing::new(key.expose().to_vec()))
                .collect(),
        )
    }
}
