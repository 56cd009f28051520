//! Directory listings and ordered scans.
//!
//! Sealed names do not keep the plain order, so a directory is opened whole and sorted. Listings are not asserted at
//! commit: what must not appear meanwhile has to be guarded by a record that both sides write.

use crate::keys::{KeyPath, after_prefix, class_prefix, open_segment, segment_at, segments_start};
use crate::name::{Child, Name};
use crate::txn::{Txn, TxnError};
use holdfast_machine::Key;
use holdfast_types::limits::LIST_KEYS_MAX;
use holdfast_types::{Class, NamespaceId};

/// Rows fetched at a time.
pub(crate) const PAGE: usize = 128;

impl Txn {
    /// The entries directly below a name, sorted. Sees committed records only, not this transaction's own writes.
    ///
    /// # Errors
    /// When the disk fails, a key does not open, or there are more than [`LIST_KEYS_MAX`] entries.
    pub fn list(&mut self, name: &Name) -> Result<Vec<Child>, TxnError> {
        let path = self.seal_name(name)?;
        let mut children = self.children(name, &path)?;
        children.sort_unstable();
        Ok(children)
    }

    fn children(&self, name: &Name, path: &KeyPath) -> Result<Vec<Child>, TxnError> {
        let cipher = self.keys.name_cipher(name.namespace)?;
        let mut children: Vec<Child> = Vec::new();
        let mut current: Key = Vec::new();
        let mut from = path.key.clone();
        loop {
            let rows = self.view.scan_keys(&path.key, &from, PAGE)?;
            let full = rows.len() == PAGE;
            let mut last_below = false;
            for key in &rows {
                if *key == path.key {
                    continue;
                }
                let (sealed, end) = segment_at(key, path.key.len())?;
                let leaf = end == key.len();
                last_below = !leaf;
                if key.get(..end) != Some(current.as_slice()) {
                    let (segment, _) = open_segment(cipher, &path.iv, sealed)?;
                    current = key.get(..end).unwrap_or_default().to_vec();
                    children.push(Child {
                        segment,
                        leaf,
                        folder: !leaf,
                    });
                } else if let Some(child) = children.last_mut() {
                    child.leaf |= leaf;
                    child.folder |= !leaf;
                }
            }
            if children.len() > LIST_KEYS_MAX {
                return Err(TxnError::TooLarge("directory"));
            }
            match rows.last() {
                Some(key) if full => {
                    // Skip the rest of a folder that is already known to be one.
                    from = if last_below {
                        after_prefix(&current)
                    } else {
                        [key.as_slice(), &[0]].concat()
                    };
                }
                _ => return Ok(children),
            }
        }
    }

    /// Every record below a name, as paths relative to it joined by `/`, sorted. Stops at `limit`.
    ///
    /// # Errors
    /// As [`Txn::list`].
    pub fn walk(&mut self, name: &Name, limit: usize) -> Result<Vec<String>, TxnError> {
        let cipher = self.keys.name_cipher(name.namespace)?;
        let path = self.seal_name(name)?;
        let mut found = Vec::new();
        let mut from = path.key.clone();
        loop {
            let rows = self.view.scan_keys(&path.key, &from, PAGE)?;
            for key in &rows {
                let mut at = path.key.len();
                let mut iv = path.iv;
                let mut text = String::new();
                while at < key.len() {
                    let (sealed, end) = segment_at(key, at)?;
                    let (segment, next) = open_segment(cipher, &iv, sealed)?;
                    if !text.is_empty() {
                        text.push('/');
                    }
                    text.push_str(&segment);
                    (at, iv) = (end, next);
                }
                if !text.is_empty() {
                    found.push(text);
                }
            }
            if found.len() > limit.min(LIST_KEYS_MAX) {
                return Err(TxnError::TooLarge("directory"));
            }
            match rows.last() {
                Some(key) if rows.len() == PAGE => from = [key.as_slice(), &[0]].concat(),
                _ => break,
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Names of an ordered class whose order is at most `up_to`, lowest first, at most `limit`.
    ///
    /// # Errors
    /// When the disk fails or a key does not open.
    pub fn scan_ordered(
        &mut self,
        namespace: NamespaceId,
        class: Class,
        up_to: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<String>)>, TxnError> {
        let cipher = self.keys.name_cipher(namespace)?;
        let prefix = class_prefix(namespace, class);
        let start = segments_start(class);
        let mut found = Vec::new();
        for key in self.view.scan_keys(&prefix, &prefix, limit)? {
            let order = key.get(start - 8..start).ok_or(TxnError::Corrupt("key"))?;
            let order = order
                .iter()
                .fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
            if order > up_to {
                break;
            }
            let mut segments = Vec::new();
            let mut iv = cipher.root(namespace, class);
            let mut at = start;
            while at < key.len() {
                let (sealed, end) = segment_at(&key, at)?;
                let (segment, next) = open_segment(cipher, &iv, sealed)?;
                segments.push(segment);
                (at, iv) = (end, next);
            }
            found.push((order, segments));
        }
        Ok(found)
    }

    /// Counts records below a name, at most `limit`, without opening them.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn count_below(&mut self, name: &Name, limit: usize) -> Result<usize, TxnError> {
        let path = self.seal_name(name)?;
        Ok(self.view.scan_keys(&path.key, &path.key, limit)?.len())
    }

    /// Names directly below a name of the first `limit` records found there, in no plain order. Unlike [`Txn::list`] its
    /// work is bounded however large the directory is; like it, it sees committed records only.
    ///
    /// # Errors
    /// When the disk fails or a key does not open.
    pub fn some_below(&mut self, name: &Name, limit: usize) -> Result<Vec<String>, TxnError> {
        let cipher = self.keys.name_cipher(name.namespace)?;
        let path = self.seal_name(name)?;
        let mut found: Vec<String> = Vec::new();
        for key in self.view.scan_keys(&path.key, &path.key, limit)? {
            if key.len() > path.key.len() {
                let (sealed, _) = segment_at(&key, path.key.len())?;
                let (segment, _) = open_segment(cipher, &path.iv, sealed)?;
                if found.last() != Some(&segment) {
                    found.push(segment);
                }
            }
        }
        Ok(found)
    }
}
