//! Decoded values by stored key, each valid only for the row it was decoded from.

use holdfast_machine::Key;
use holdfast_mutant::Mutant;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::any::Any;
use std::sync::Arc;

/// About how many decoded values are kept; most are small (tokens, policies, mounts).
const VALUES_ESTIMATE: usize = 8_192;
/// Most bytes of plaintext whose decoded values are kept: a policy or a secret's versions may be large.
const BYTES_MAX: u64 = 64 * 1024 * 1024;
/// What keeping a value costs beside its plaintext.
const OVERHEAD_BYTES: u64 = 512;

/// A decoded value and the index at which its row was written.
#[derive(Clone)]
pub(crate) struct Cached {
    written_at: u64,
    plain_len: usize,
    value: Arc<dyn Any + Send + Sync>,
}

impl Cached {
    /// A value that was decoded from `plain_len` bytes.
    pub(crate) fn new<T: Any + Send + Sync>(
        written_at: u64,
        plain_len: usize,
        value: Arc<T>,
    ) -> Self {
        Self {
            written_at,
            plain_len,
            value,
        }
    }
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Key, Cached> for ByBytes {
    fn weight(&self, key: &Key, cached: &Cached) -> u64 {
        let bytes = key.len().saturating_add(cached.plain_len);
        OVERHEAD_BYTES.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX))
    }
}

/// The cache. It lives and dies with the open keys.
pub(crate) struct ValueCache(Cache<Key, Cached, ByBytes>);

impl ValueCache {
    pub(crate) fn new() -> Self {
        Self(Cache::with_weighter(VALUES_ESTIMATE, BYTES_MAX, ByBytes))
    }

    /// The value decoded from the row as it was written at `written_at`.
    pub(crate) fn get<T: Any + Send + Sync>(&self, key: &Key, written_at: u64) -> Option<Arc<T>> {
        let hit = self.0.get(key)?;
        if hit.written_at == written_at || Mutant::CacheUnkeyed.lives() {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_values_do_not_fill_the_memory() {
        let cache = ValueCache::new();
        for at in 1..=1_000u64 {
            let value = Cached::new(at, 1024 * 1024, Arc::new(at));
            cache.put(at.to_be_bytes().to_vec(), value);
        }
        let kept = (1..=1_000u64)
            .filter(|at| cache.get::<u64>(&at.to_be_bytes().to_vec(), *at).is_some())
            .count();
        assert!(kept <= 64, "{kept} megabytes are kept");
    }

    #[test]
    fn a_value_is_only_given_for_its_own_row_and_type() {
        let cache = ValueCache::new();
        cache.put(vec![1], Cached::new(7, 1, Arc::new("seven")));
        assert!(cache.get::<&str>(&vec![1], 7).is_some());
        assert!(cache.get::<&str>(&vec![1], 8).is_none());
        assert!(cache.get::<&str>(&vec![1], 6).is_none());
        assert!(cache.get::<u64>(&vec![1], 7).is_none());
    }
}
