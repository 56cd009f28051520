//! The keys of an unsealed node.

use crate::cache::ValueCache;
use crate::surroundings::Surroundings;
use crate::txn::TxnError;
use holdfast_crypto::{Keyring, NameCipher};
use holdfast_types::{ClusterId, NamespaceId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything that sealing and opening needs. Dropped, and with it wiped, when the node is sealed and the last request that
/// began before has ended.
pub(crate) struct OpenKeys {
    pub(crate) cluster: ClusterId,
    pub(crate) keyring: Keyring,
    names: BTreeMap<NamespaceId, NameCipher>,
    pub(crate) cache: ValueCache,
    pub(crate) surroundings: Arc<dyn Surroundings>,
    /// Index at which the count of manual seals was last written when the keys were opened.
    pub(crate) epoch_written_at: u64,
}

impl OpenKeys {
    pub(crate) fn new(
        cluster: ClusterId,
        keyring: Keyring,
        surroundings: Arc<dyn Surroundings>,
        epoch_written_at: u64,
    ) -> Self {
        let names = keyring
            .name_keys()
            .map(|(namespace, key)| (namespace, NameCipher::new(key)))
            .collect();
        Self {
            cluster,
            keyring,
            names,
            cache: ValueCache::new(),
            surroundings,
            epoch_written_at,
        }
    }

    /// The name cipher of a namespace.
    pub(crate) fn name_cipher(&self, namespace: NamespaceId) -> Result<&NameCipher, TxnError> {
        self.names.get(&namespace).ok_or(TxnError::Sealed)
    }
}
