//! Vectors of RFC 4493 and RFC 5297, and agreement with the `aes-siv` crate.

use super::*;
use aes::Aes128Enc;
use aes_siv::siv::Aes256Siv;
use proptest::prelude::*;

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

#[test]
fn cmac_gives_the_vectors_of_rfc_4493() {
    let key = bytes("2b7e151628aed2a6abf7158809cf4f3c").repeat(2);
    let siv = Siv::<Aes128Enc>::prepare(&key);
    let message = bytes(
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51\
         30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
    );
    for (length, expected) in [
        (0, "bb1d6929e95937287fa37d129b756746"),
        (16, "070a16b46b4d4144f79bdd9dd04a287c"),
        (40, "dfa66747de9ae63030ca32611497c827"),
        (64, "51f0bebf7e3b9d92fc49741779363cfe"),
    ] {
        assert_eq!(
            hex::encode(siv.cmac(&message[..length])),
            expected,
            "of {length} bytes"
        );
    }
}

#[test]
fn siv_gives_the_vector_of_rfc_5297_a1() {
    let key = bytes("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    let associated = bytes("101112131415161718191a1b1c1d1e1f2021222324252627");
    let plaintext = bytes("112233445566778899aabbccddee");
    let siv = Siv::<Aes128Enc>::prepare(&key);
    let mut buffer = plaintext.clone();
    let iv = siv.seal(&associated, &mut buffer);
    assert_eq!(hex::encode(iv), "85632d07c6e8f37f950acd320a2ecc93");
    assert_eq!(hex::encode(&buffer), "40c02b9690c4dc04daef7f6afe5c");
    assert!(siv.open(&associated, &iv, &mut buffer));
    assert_eq!(buffer, plaintext);
}

#[test]
fn what_is_not_authentic_is_wiped() {
    let siv = Siv::new(&[3; KEY_LEN]);
    let mut buffer = b"a name that is longer than one block".to_vec();
    let iv = siv.seal(b"parent", &mut buffer);
    assert!(!siv.open(b"other", &iv, &mut buffer));
    assert!(buffer.iter().all(|byte| *byte == 0));
}

#[test]
fn the_counter_carries_over_all_of_its_bits() {
    let siv = Siv::new(&[3; KEY_LEN]);
    let mut iv = [0xff; IV_LEN];
    iv[8] = 0x7f;
    iv[12] = 0x7f;
    let mut buffer = [0; 2 * IV_LEN];
    siv.apply_keystream(iv, &mut buffer);
    let second = u128::from_be_bytes(iv).wrapping_add(1).to_be_bytes();
    assert_eq!(buffer[IV_LEN..], encrypt(&siv.ctr, second));
}

proptest! {
    #[test]
    fn it_agrees_with_another_implementation(
        key in any::<[u8; KEY_LEN]>(),
        associated in prop::collection::vec(any::<u8>(), 0..70),
        plaintext in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let oracle = Aes256Siv::new(&key.into()).encrypt([&associated], &plaintext).unwrap();
        let siv = Siv::new(&key);
        let mut buffer = plaintext.clone();
        let iv = siv.seal(&associated, &mut buffer);
        prop_assert_eq!([iv.as_slice(), &buffer].concat(), oracle);
        prop_assert!(siv.open(&associated, &iv, &mut buffer));
        prop_assert_eq!(buffer, plaintext);
    }
}
