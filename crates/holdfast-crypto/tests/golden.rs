//! Golden bytes of everything this crate stores: a change of a stored form is seen in review.
//!
//! Each file under `tests/golden` is hexadecimal. To write them anew on purpose: `HOLDFAST_GOLDEN=write cargo test`.

use holdfast_crypto::{
    Keyring, NameCipher, RecordContext, Share, ShareCheck, ShareSet, WrapContext, combine,
    open_record, seal_record, split, unwrap_bytes, wrap_bytes,
};
use holdfast_memory::SecretKey;
use holdfast_types::{Class, ClusterId, NamespaceId};
use rand_core::{Infallible, TryCryptoRng, TryRng};
use std::path::PathBuf;

/// Counts up: 0, 1, 2, … as bytes.
struct Counter(u8);

impl TryRng for Counter {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), Infallible> {
        for byte in buffer {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
        Ok(())
    }
}

impl TryCryptoRng for Counter {}

fn key(byte: u8) -> SecretKey {
    SecretKey::from_bytes(&mut [byte; 32])
}

/// The golden bytes, after checking that `made` is the same.
fn golden(name: &str, made: &[u8]) -> Vec<u8> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "golden", name]
        .iter()
        .collect();
    if std::env::var_os("HOLDFAST_GOLDEN").is_some_and(|wish| wish == "write") {
        let lines: Vec<String> = made.chunks(48).map(hex::encode).collect();
        std::fs::write(&path, lines.join("\n") + "\n").expect("the folder is writable");
    }
    let text = std::fs::read_to_string(&path).expect("the golden file is there");
    let bytes = hex::decode(text.replace('\n', "")).expect("the golden file is hexadecimal");
    assert_eq!(
        hex::encode(made),
        hex::encode(&bytes),
        "{name} is sealed otherwise than before"
    );
    bytes
}

#[test]
fn a_record() {
    let context = RecordContext {
        cluster: ClusterId(*b"golden-cluster-1"),
        namespace: NamespaceId::ROOT,
        class: Class::Engine,
        key: b"stored key",
    };
    let made = seal_record(&key(1), &context, 3, 42, b"correct horse", &mut Counter(0)).unwrap();
    let bytes = golden("record.hex", &made);
    let opened = open_record(&key(1), &context, &bytes).unwrap();
    assert_eq!(opened.as_slice(), b"correct horse");
}

#[test]
fn a_key_ring() {
    let rng = &mut Counter(0);
    let mut ring = Keyring::generate(rng, 1_700_000_000_000);
    ring.add_namespace(NamespaceId([7; 16]), rng).unwrap();
    ring.rotate(rng, 1_700_000_001_000).unwrap();
    ring.rotate(rng, 1_700_000_002_000).unwrap();
    ring.retire(1).unwrap();
    let bytes = golden("keyring.hex", &ring.encode());
    let ring = Keyring::decode(&bytes).unwrap();
    assert_eq!(ring.active_term(), 3);
    golden(
        "record-key.hex",
        ring.record_key(2, NamespaceId([7; 16])).unwrap().expose(),
    );
    golden("token-hmac.hex", &ring.token_hmac(b"hvs.token"));
}

#[test]
fn a_wrap() {
    let context = WrapContext {
        cluster: ClusterId(*b"golden-cluster-1"),
        epoch: 2,
        purpose: "root key",
    };
    let made = wrap_bytes(&key(5), &context, &[9; 32], &mut Counter(0));
    let bytes = golden("wrap.hex", &made);
    assert_eq!(
        unwrap_bytes(&key(5), &context, &bytes).unwrap().as_slice(),
        [9; 32]
    );
}

#[test]
fn a_name() {
    let cipher = NameCipher::new(&key(4));
    let segments = ["secret", "data", "a-segment-longer-than-sixteen-bytes"];
    let made = cipher.seal_path(NamespaceId([7; 16]), Class::Engine, &segments);
    let bytes = golden("name.hex", &made.concat());
    let mut parent = cipher.root(NamespaceId([7; 16]), Class::Engine);
    let mut at = 0;
    for (segment, sealed) in segments.iter().zip(&made) {
        let (opened, child) = cipher
            .open_segment(&parent, &bytes[at..at + sealed.len()])
            .unwrap();
        assert_eq!(opened.as_slice(), segment.as_bytes());
        at += sealed.len();
        parent = child;
    }
}

#[test]
fn shares_and_their_set() {
    let rng = &mut Counter(0x35);
    let shares = split(&key(0xee), 3, 2, rng).unwrap();
    let set = ShareSet::new(&shares, 2, 1, rng);
    let joined: Vec<u8> = shares
        .iter()
        .flat_map(|share| share.to_bytes().to_vec())
        .collect();
    let bytes = golden("shares.hex", &joined);
    let shares: Vec<Share> = bytes
        .chunks(33)
        .map(|share| Share::from_bytes(share).unwrap())
        .collect();
    assert_eq!(combine(&shares[1..]).unwrap().expose(), &[0xee; 32]);

    let bytes = golden("share-set.hex", &postcard::to_allocvec(&set).unwrap());
    let set: ShareSet = postcard::from_bytes(&bytes).unwrap();
    for share in &shares {
        assert_eq!(
            set.check(share),
            ShareCheck::Member {
                index: share.index()
            }
        );
    }
}
