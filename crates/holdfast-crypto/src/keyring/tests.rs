//! The ring's rules and its stored form.

use super::*;
use crate::test_rng::TestRng;
use proptest::prelude::*;
use subtle::ConstantTimeEq;

fn ring() -> Keyring {
    Keyring::generate(&mut TestRng::new(1), 1000)
}

fn same(a: &SecretKey, b: &SecretKey) -> bool {
    bool::from(a.ct_eq(b))
}

const OTHER: NamespaceId = NamespaceId([7; 16]);

#[test]
fn a_new_ring_has_one_term_and_the_root_namespace() {
    let ring = ring();
    assert_eq!(ring.active_term(), 1);
    let term = ring.terms().next().unwrap();
    assert_eq!((term.state, term.created_ms), (TermState::Active, 1000));
    assert!(
        ring.name_keys()
            .map(|(namespace, _)| namespace)
            .eq([NamespaceId::ROOT])
    );
}

#[test]
fn record_keys_differ_by_term_and_namespace() {
    let mut ring = ring();
    let rng = &mut TestRng::new(2);
    ring.add_namespace(OTHER, rng).unwrap();
    ring.rotate(rng, 2000).unwrap();
    let keys: Vec<_> = [
        (1, NamespaceId::ROOT),
        (1, OTHER),
        (2, NamespaceId::ROOT),
        (2, OTHER),
    ]
    .map(|(term, namespace)| ring.record_key(term, namespace).unwrap())
    .into();
    for (at, key) in keys.iter().enumerate() {
        assert!(keys[..at].iter().all(|earlier| !same(earlier, key)));
    }
    let again = ring.record_key(1, OTHER).unwrap();
    assert!(Arc::ptr_eq(&again, &keys[1]), "derived once");
}

#[test]
fn what_the_ring_does_not_have_is_refused() {
    let ring = ring();
    let refused = |term, namespace| ring.record_key(term, namespace).err();
    assert_eq!(
        refused(2, NamespaceId::ROOT),
        Some(RecordKeyError::UnknownTerm(2))
    );
    assert_eq!(
        refused(1, OTHER),
        Some(RecordKeyError::UnknownNamespace(OTHER))
    );
}

#[test]
fn a_rotation_keeps_what_was_sealed_readable_until_it_is_retired() {
    let mut ring = ring();
    let before = ring.record_key(1, NamespaceId::ROOT).unwrap();
    let token = ring.token_hmac(b"token");
    assert_eq!(ring.rotate(&mut TestRng::new(3), 2000), Ok(2));
    assert_eq!(ring.active_term(), 2);
    assert_eq!(
        (ring.term_created_ms(2), ring.term_created_ms(3)),
        (Some(2000), None)
    );
    assert!(same(
        &ring.record_key(1, NamespaceId::ROOT).unwrap(),
        &before
    ));
    assert_eq!(ring.token_hmac(b"token"), token, "tokens outlive terms");

    assert_eq!(ring.retire(2), Err(RetireError::Active(2)));
    assert_eq!(ring.retire(3), Err(RetireError::Unknown(3)));
    ring.retire(1).unwrap();
    let gone = Some(RecordKeyError::Retired(1));
    assert_eq!(ring.record_key(1, NamespaceId::ROOT).err(), gone);
    let again = Keyring::decode(&ring.encode()).unwrap();
    assert_eq!(again.record_key(1, NamespaceId::ROOT).err(), gone);
}

#[test]
fn a_namespace_keeps_its_first_key() {
    let mut ring = ring();
    let rng = &mut TestRng::new(4);
    assert_eq!(
        ring.add_namespace(NamespaceId::ROOT, rng),
        Err(AddNamespaceError::Exists)
    );
    assert_eq!(ring.add_namespace(OTHER, rng), Ok(()));
    assert_eq!(
        ring.add_namespace(OTHER, rng),
        Err(AddNamespaceError::Exists)
    );
}

#[test]
fn a_full_ring_still_encodes_and_decodes() {
    let mut ring = ring();
    let rng = &mut TestRng::new(5);
    let mut added = 0u64;
    let refused = loop {
        let mut id = [1; 16];
        id[..8].copy_from_slice(&added.to_be_bytes());
        match ring.add_namespace(NamespaceId(id), rng) {
            Ok(()) => added += 1,
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused, AddNamespaceError::Full);
    assert!(added > 20_000, "{added} namespaces");
    let bytes = ring.encode();
    assert!(bytes.len() <= KEYRING_BYTES_MAX);
    let again = Keyring::decode(&bytes).unwrap();
    assert_eq!(again.encode(), bytes);
}

#[test]
fn retired_terms_make_room() {
    let mut ring = ring();
    let rng = &mut TestRng::new(6);
    while ring.terms().count() < TERMS_MAX {
        ring.rotate(rng, 0).unwrap();
    }
    assert_eq!(ring.rotate(rng, 0), Err(RotateError::Full));
    ring.retire(5).unwrap();
    ring.rotate(rng, 0).unwrap();
    assert!(ring.terms().all(|term| term.term != 5));
    assert_eq!(
        Keyring::decode(&ring.encode()).unwrap().terms().count(),
        TERMS_MAX
    );
}

#[test]
fn the_stored_form_is_read_strictly() {
    let mut ring = ring();
    ring.rotate(&mut TestRng::new(7), 2000).unwrap();
    let bytes = ring.encode();
    let refused = |bytes: &[u8]| Keyring::decode(bytes).err();
    assert_eq!(refused(&bytes), None);
    for cut in 0..bytes.len() {
        assert!(refused(&bytes[..cut]).is_some(), "cut at {cut}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(refused(&longer), Some(KeyringDecodeError::Length));
    let huge = vec![0; KEYRING_BYTES_MAX + 1];
    assert_eq!(refused(&huge), Some(KeyringDecodeError::TooLarge));
    // Offsets of the layout in `ring_key`: the second term begins at 3 + 46.
    for (at, byte, expected) in [
        (0, 2, KeyringDecodeError::Version),
        (7, 2, KeyringDecodeError::Field("suite")),
        (8, 9, KeyringDecodeError::Field("state")),
        (8, 1, KeyringDecodeError::Field("terms")),
        (3 + 46 + 5, 2, KeyringDecodeError::Field("terms")),
        (3 + 46 + 3, 1, KeyringDecodeError::Field("terms")),
        (3 + 92 + 4, 1, KeyringDecodeError::Field("names")),
    ] {
        let mut changed = bytes.to_vec();
        changed[at] = byte;
        assert_eq!(refused(&changed), Some(expected), "byte {at} = {byte}");
    }
}

/// RFC 5869, A.1, the expand step; the ring's derivation is that step alone.
#[test]
fn hkdf_gives_the_rfcs_vector() {
    let prk =
        hex::decode("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5").unwrap();
    let mut okm = [0; 42];
    let info = hex::decode("f0f1f2f3f4f5f6f7f8f9").unwrap();
    Hkdf::<Sha256>::from_prk(&prk)
        .unwrap()
        .expand(&info, &mut okm)
        .unwrap();
    assert_eq!(
        hex::encode(okm),
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    );
}

proptest! {
    #[test]
    fn no_bytes_make_decoding_panic(
        seed in any::<u64>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
    ) {
        let mut bytes = Keyring::generate(&mut TestRng::new(seed), 0).encode();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(ring) = Keyring::decode(&bytes) {
            prop_assert_eq!(ring.encode(), bytes);
        }
    }
}
