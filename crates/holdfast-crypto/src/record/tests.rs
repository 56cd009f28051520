//! A record opens where it was sealed, whole, and nowhere else.

use super::*;
use crate::test_rng::TestRng;
use chacha20poly1305::aead::{Aead, Payload};
use proptest::prelude::*;

fn key(byte: u8) -> SecretKey {
    SecretKey::fill_with(|key| key.fill(byte))
}

fn context(key: &[u8]) -> RecordContext<'_> {
    RecordContext {
        cluster: ClusterId([1; 16]),
        namespace: NamespaceId([2; 16]),
        class: Class::Engine,
        key,
    }
}

fn sealed(plaintext: &[u8]) -> Vec<u8> {
    seal_record(
        &key(9),
        &context(b"key"),
        3,
        7,
        plaintext,
        &mut TestRng::new(1),
    )
    .unwrap()
}

#[test]
fn it_opens_where_it_was_sealed() {
    let record = sealed(b"hunter2");
    let header = RecordHeader::parse(&record).unwrap();
    assert_eq!((header.term, header.revision), (3, 7));
    assert_eq!(
        open_record(&key(9), &context(b"key"), &record)
            .unwrap()
            .as_slice(),
        b"hunter2"
    );
}

#[test]
fn it_opens_nowhere_else() {
    let record = sealed(b"hunter2");
    for other in [
        RecordContext {
            cluster: ClusterId([0; 16]),
            ..context(b"key")
        },
        RecordContext {
            namespace: NamespaceId([0; 16]),
            ..context(b"key")
        },
        RecordContext {
            class: Class::Token,
            ..context(b"key")
        },
        context(b"kez"),
        context(b"key\0"),
        context(b""),
    ] {
        let refused = open_record(&key(9), &other, &record).err();
        assert_eq!(refused, Some(OpenError::NotAuthentic));
    }
    let refused = open_record(&key(8), &context(b"key"), &record).err();
    assert_eq!(refused, Some(OpenError::NotAuthentic));
}

#[test]
fn any_changed_bit_and_any_cut_is_noticed() {
    let record = sealed(b"a secret of some length");
    let open = |record: &[u8]| open_record(&key(9), &context(b"key"), record);
    assert!(open(&record).is_ok());
    for at in 0..record.len() {
        for bit in 0..8 {
            let mut changed = record.clone();
            changed[at] ^= 1 << bit;
            assert!(open(&changed).is_err(), "byte {at}, bit {bit}");
        }
        assert!(open(&record[..at]).is_err(), "cut at {at}");
    }
    assert!(
        open(&[record.as_slice(), &[0]].concat()).is_err(),
        "a byte more"
    );
}

#[test]
fn short_secrets_all_look_alike() {
    let length = sealed(b"").len();
    for secret in [&b"x"[..], b"hunter2", &[7; 60]] {
        assert_eq!(sealed(secret).len(), length);
    }
    assert!(sealed(&[7; 61]).len() > length);
}

#[test]
fn limits_are_kept() {
    let seal = |key_len: usize, plain: usize, revision| {
        let stored = vec![1; key_len];
        let plain = vec![0; plain];
        seal_record(
            &key(1),
            &context(&stored),
            1,
            revision,
            &plain,
            &mut TestRng::new(1),
        )
        .err()
    };
    assert_eq!(seal(1, RECORD_PLAINTEXT_BYTES_MAX, 1), None);
    assert_eq!(
        seal(1, RECORD_PLAINTEXT_BYTES_MAX + 1, 1),
        Some(SealError::PlaintextTooLong)
    );
    assert_eq!(seal(KEY_BYTES_MAX, 0, 1), None);
    assert_eq!(seal(KEY_BYTES_MAX + 1, 0, 1), Some(SealError::KeyTooLong));
    assert_eq!(seal(1, 0, 0), Some(SealError::Revision));
}

/// Whoever has the key could seal a wrong length; it must not be believed.
#[test]
fn a_wrong_length_inside_is_refused() {
    let mut record = sealed(b"x")[..RECORD_HEADER_LEN].to_vec();
    let head = RecordHeader::parse(&sealed(b"x")).unwrap();
    let aad = associated_data(&head.to_bytes(), &context(b"key"));
    for length in [61u32, 65, u32::MAX] {
        let mut inner = vec![0; 64];
        inner[..4].copy_from_slice(&length.to_be_bytes());
        let payload = Payload {
            msg: &inner,
            aad: &aad,
        };
        let body =
            XChaCha20Poly1305::new(key(9).expose().into()).encrypt(&head.nonce.into(), payload);
        record.truncate(RECORD_HEADER_LEN);
        record.extend_from_slice(&body.unwrap());
        let refused = open_record(&key(9), &context(b"key"), &record).err();
        assert_eq!(refused, Some(OpenError::Malformed), "length {length}");
    }
}

/// draft-irtf-cfrg-xchacha-03, A.3.1.
#[test]
fn the_cipher_gives_the_drafts_vector() {
    let key: Vec<u8> = (0x80..=0x9f).collect();
    let nonce: [u8; 24] = std::array::from_fn(|at| 0x40 + u8::try_from(at).unwrap());
    let aad = hex::decode("50515253c0c1c2c3c4c5c6c7").unwrap();
    let plaintext =
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the \
                      future, sunscreen would be it.";
    let cipher = XChaCha20Poly1305::new_from_slice(&key).unwrap();
    let payload = Payload {
        msg: plaintext,
        aad: &aad,
    };
    let sealed = cipher.encrypt(&nonce.into(), payload).unwrap();
    assert_eq!(
        hex::encode(&sealed),
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb\
         731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452\
         2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9\
         21f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49"
    );
}

fn any_header() -> impl Strategy<Value = [u8; RECORD_HEADER_LEN]> {
    (any::<u32>(), 1..u64::MAX, any::<[u8; 24]>()).prop_map(|(term, revision, nonce)| {
        RecordHeader {
            suite: Suite::XChaCha20Poly1305,
            term,
            revision,
            nonce,
        }
        .to_bytes()
    })
}

type Place = ([u8; 16], [u8; 16], Class, Vec<u8>);

fn any_place() -> impl Strategy<Value = Place> {
    let classes = [Class::Mount, Class::Token, Class::Engine, Class::Expiry];
    // Few values, so that two places often share some.
    let id = prop_oneof![Just([0; 16]), Just([1; 16]), any::<[u8; 16]>()];
    let key = prop::collection::vec(0u8..3, 0..5);
    (id.clone(), id, prop::sample::select(classes.to_vec()), key)
}

fn aad_of(header: &[u8; RECORD_HEADER_LEN], place: &Place) -> Vec<u8> {
    let context = RecordContext {
        cluster: ClusterId(place.0),
        namespace: NamespaceId(place.1),
        class: place.2,
        key: &place.3,
    };
    associated_data(header, &context)
}

proptest! {
    #[test]
    fn two_places_never_share_associated_data(
        headers in (any_header(), any_header()),
        places in (any_place(), any_place()),
    ) {
        let bound = |header: &[u8; RECORD_HEADER_LEN]| header[..BOUND_HEADER_LEN].to_vec();
        let same = bound(&headers.0) == bound(&headers.1) && places.0 == places.1;
        let equal = aad_of(&headers.0, &places.0) == aad_of(&headers.1, &places.1);
        prop_assert_eq!(equal, same);
        let (of_first, of_second) =
            (aad_of(&headers.0, &places.0), aad_of(&headers.0, &places.1));
        prop_assert_eq!(of_first == of_second, places.0 == places.1);
    }

    #[test]
    fn any_plaintext_comes_back(
        plaintext in prop::collection::vec(any::<u8>(), 0..3000),
        stored in prop::collection::vec(any::<u8>(), 0..200),
        term in any::<u32>(),
        revision in 1..u64::MAX,
        seed in any::<u64>(),
    ) {
        let rng = &mut TestRng::new(seed);
        let record =
            seal_record(&key(5), &context(&stored), term, revision, &plaintext, rng).unwrap();
        let opened = open_record(&key(5), &context(&stored), &record).unwrap();
        prop_assert_eq!(opened.as_slice(), plaintext.as_slice());
    }
}
