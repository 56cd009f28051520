//! Decoded values by stored key, each valid only for the row it was decoded from.

use holdfast_machine::Key;
use quick_cache::sync::Cache;
use std::any::Any;
use std::sync::Arc;

/// Most decoded values kept; they are small (tokens, policies, mounts).
const VALUES_MAX: usize = 8_192;

/// A decoded value and the index at which its row was written.
#[derive(Clone)]
pub(crate) struct Cached {
    written_at: u64,
    value: Arc<dyn Any + Send + Sync>,
}

impl Cached {
    pub(crate) fn new<T: Any + Send + Sync>(written_at: u64, value: Arc<T>) -> Self {
        Self { written_at, value }
    }
}

/// The cache. It lives and dies with the open keys.
pub(crate) struct ValueCache(Cache<Key, Cached>);

impl ValueCache {
    pub(crate) fn new() -> Self {
        Self(Cache::new(VALUES_MAX))
    }

    /// The value decoded from the row as it was written at `written_at`.
    pub(crate) fn get<T: Any + Send + Sync>(&self, key: &Key, written_at: u64) -> Option<Arc<T>> {
        let hit = self.0.get(key)?;
        if hit.written_at == written_at {
            hit.value.downcast().ok()
        } else {
            None
        }
    }

    /// Keeps a value. A view that is behind may put an older one back; the index tells them apart.
    pub(crate) fn put(&self, key: Key, value: Cached) {
        self.0.insert(key, value);
    }
}
