//! Sealing the names under which records are stored.
//!
//! Each segment of a path is sealed with AES-256-SIV, its parent's synthetic IV as associated data: deterministic, so that a
//! name is found again, and different under every parent. A segment is first padded to whole 16-byte blocks (ISO 7816-4:
//! 0x80, then zeros), so its length shows in steps of 16.
//!
//! ```text
//! sealed segment = synthetic IV (16) ‖ AES-CTR(segment ‖ 0x80 ‖ zeros)
//! associated data = parent's synthetic IV (16), or for a first segment
//!                   "holdfast/name/v1" ‖ namespace (16) ‖ class (2)
//! ```

use crate::siv::{IV_LEN, KEY_LEN, Siv};
use hkdf::Hkdf;
use holdfast_memory::{SecretBox, SecretBytes, SecretKey};
use holdfast_types::{Class, NamespaceId};
use sha2::Sha256;
use zeroize::Zeroizing;

const DOMAIN: [u8; 16] = *b"holdfast/name/v1";
const KEY_LABEL: &[u8] = b"holdfast/v1/name-siv";
const ROOT_LEN: usize = DOMAIN.len() + 16 + 2;

/// Seals and opens the names of one namespace. Prepared once and shared.
pub struct NameCipher {
    siv: SecretBox<Siv>,
}

/// Under what a segment lies. Not a secret: it is part of stored keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParentIv(Parent);

/// The two differ in length as associated data, so one is never taken for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parent {
    Root([u8; ROOT_LEN]),
    Segment([u8; IV_LEN]),
}

/// Why a sealed segment does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Not sealed with this key under this parent.
    #[error("the stored name does not open under its parent")]
    NotAuthentic,
    /// Of a length, or with padding, that this version does not seal.
    #[error("the stored name is malformed")]
    Malformed,
}

impl NameCipher {
    /// Prepares the cipher of a namespace's name key.
    #[must_use]
    pub fn new(name_key: &SecretKey) -> Self {
        let key = SecretBytes::<KEY_LEN>::fill_with(|key| {
            Hkdf::<Sha256>::from_prk(name_key.expose())
                .expect("a key of 32 bytes is long enough to expand")
                .expand(KEY_LABEL, key)
                .expect("64 bytes are within HKDF's limit");
        });
        Self {
            siv: SecretBox::new(Siv::new(key.expose())),
        }
    }

    /// Above the first segments of a class in a namespace.
    #[must_use]
    pub fn root(&self, namespace: NamespaceId, class: Class) -> ParentIv {
        let mut root = [0; ROOT_LEN];
        root[..16].copy_from_slice(&DOMAIN);
        root[16..32].copy_from_slice(&namespace.0);
        root[32..].copy_from_slice(&(class as u16).to_be_bytes());
        ParentIv(Parent::Root(root))
    }

    /// Seals a segment, and gives what its children lie under.
    #[must_use]
    pub fn seal_segment(&self, parent: &ParentIv, segment: &[u8]) -> (Vec<u8>, ParentIv) {
        let padded = (segment.len() / IV_LEN + 1) * IV_LEN;
        let mut sealed = Vec::with_capacity(IV_LEN + padded);
        sealed.resize(IV_LEN, 0);
        sealed.extend_from_slice(segment);
        sealed.push(0x80);
        sealed.resize(IV_LEN + padded, 0);
        let iv = self
            .siv
            .expose()
            .seal(parent.as_bytes(), &mut sealed[IV_LEN..]);
        sealed[..IV_LEN].copy_from_slice(&iv);
        (sealed, ParentIv(Parent::Segment(iv)))
    }

    /// Opens a sealed segment, and gives what its children lie under.
    ///
    /// # Errors
    /// When it was not sealed with this key under this parent.
    pub fn open_segment(
        &self,
        parent: &ParentIv,
        sealed: &[u8],
    ) -> Result<(Zeroizing<Vec<u8>>, ParentIv), NameError> {
        let (iv, body) = sealed
            .split_first_chunk::<IV_LEN>()
            .ok_or(NameError::Malformed)?;
        if body.is_empty() || body.len() % IV_LEN != 0 {
            return Err(NameError::Malformed);
        }
        let mut segment = Zeroizing::new(body.to_vec());
        if !self.siv.expose().open(parent.as_bytes(), iv, &mut segment) {
            return Err(NameError::NotAuthentic);
        }
        // Authentic from here on, so how long the search takes tells an attacker nothing.
        let mark = segment
            .iter()
            .rposition(|byte| *byte != 0)
            .ok_or(NameError::Malformed)?;
        if segment[mark] != 0x80 || segment.len() - mark > IV_LEN {
            return Err(NameError::Malformed);
        }
        segment.truncate(mark);
        Ok((segment, ParentIv(Parent::Segment(*iv))))
    }

    /// Seals a whole path, segment by segment.
    #[must_use]
    pub fn seal_path(
        &self,
        namespace: NamespaceId,
        class: Class,
        segments: &[&str],
    ) -> Vec<Vec<u8>> {
        let mut parent = self.root(namespace, class);
        let seal = |segment: &&str| {
            let (sealed, child) = self.seal_segment(&parent, segment.as_bytes());
            parent = child;
            sealed
        };
        segments.iter().map(seal).collect()
    }
}

impl ParentIv {
    const fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Parent::Root(root) => root,
            Parent::Segment(iv) => iv,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cipher(byte: u8) -> NameCipher {
        NameCipher::new(&SecretKey::from_bytes(&mut [byte; 32]))
    }

    fn root(cipher: &NameCipher) -> ParentIv {
        cipher.root(NamespaceId::ROOT, Class::Engine)
    }

    #[test]
    fn equal_names_are_equal_only_under_the_same_parent() {
        let cipher = cipher(1);
        let (a, under_a) = cipher.seal_segment(&root(&cipher), b"a");
        let (b, under_b) = cipher.seal_segment(&root(&cipher), b"b");
        assert_ne!(a, b);
        assert_eq!(cipher.seal_segment(&root(&cipher), b"a").0, a);
        let below = |parent: &ParentIv| cipher.seal_segment(parent, b"db").0;
        assert_ne!(below(&under_a), below(&under_b));
        assert_ne!(below(&under_a), below(&root(&cipher)));
        let elsewhere = [
            cipher.root(NamespaceId([1; 16]), Class::Engine),
            cipher.root(NamespaceId::ROOT, Class::Auth),
        ];
        for other in elsewhere {
            assert_ne!(cipher.seal_segment(&other, b"a").0, a);
            assert_eq!(
                cipher.open_segment(&other, &a).err(),
                Some(NameError::NotAuthentic)
            );
        }
    }

    #[test]
    fn lengths_show_in_steps_of_sixteen() {
        let cipher = cipher(1);
        for (length, sealed) in [(0, 32), (1, 32), (15, 32), (16, 48), (31, 48), (32, 64)] {
            let (bytes, _) = cipher.seal_segment(&root(&cipher), &vec![b'x'; length]);
            assert_eq!(bytes.len(), sealed, "of {length}");
        }
    }

    #[test]
    fn another_key_opens_nothing() {
        let (sealed, _) = cipher(1).seal_segment(&root(&cipher(1)), b"name");
        let refused = cipher(2).open_segment(&root(&cipher(2)), &sealed).err();
        assert_eq!(refused, Some(NameError::NotAuthentic));
    }

    #[test]
    fn lengths_that_are_never_sealed_are_refused() {
        let cipher = cipher(1);
        for length in [0, 15, 16, 17, 33, 47] {
            let refused = cipher.open_segment(&root(&cipher), &vec![0; length]).err();
            assert_eq!(refused, Some(NameError::Malformed), "of {length}");
        }
    }

    #[test]
    fn a_path_is_its_segments_one_under_another() {
        let cipher = cipher(3);
        let path = cipher.seal_path(NamespaceId::ROOT, Class::Engine, &["team", "prod", "db"]);
        let mut parent = root(&cipher);
        let mut names = Vec::new();
        for sealed in &path {
            let (name, child) = cipher.open_segment(&parent, sealed).unwrap();
            names.push(String::from_utf8(name.to_vec()).unwrap());
            parent = child;
        }
        assert_eq!(names, ["team", "prod", "db"]);
    }

    proptest! {
        #[test]
        fn any_segment_comes_back(segment in prop::collection::vec(any::<u8>(), 0..100)) {
            let cipher = cipher(4);
            let (sealed, child) = cipher.seal_segment(&root(&cipher), &segment);
            let (opened, again) = cipher.open_segment(&root(&cipher), &sealed).unwrap();
            prop_assert_eq!(opened.as_slice(), segment.as_slice());
            prop_assert_eq!(child, again);
        }

        #[test]
        fn any_changed_bit_is_noticed(
            segment in prop::collection::vec(any::<u8>(), 0..40),
            at in any::<prop::sample::Index>(),
            bit in 0..8u8,
        ) {
            let cipher = cipher(4);
            let (mut sealed, _) = cipher.seal_segment(&root(&cipher), &segment);
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            let refused = cipher.open_segment(&root(&cipher), &sealed).err();
            prop_assert_eq!(refused, Some(NameError::NotAuthentic));
        }
    }
}
