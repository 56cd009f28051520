//! Canaries are found in every encoding, over the borders of pieces, and nothing else is.

use super::*;
use crate::Ruling;

const CANARY: &[u8] = b"hf-canary-\xff\xfe\xfb0123456789";

fn found(text: &[u8], chunk: usize) -> bool {
    let mut canaries = Canaries::new(&[CANARY]).unwrap();
    for piece in text.chunks(chunk) {
        canaries.scan("a file", piece);
    }
    match canaries.verdict().ruling {
        Ruling::Violation => true,
        Ruling::Ok => false,
        Ruling::Inconclusive => panic!("bytes were looked through"),
    }
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes
        .iter()
        .flat_map(|b| format!("{b:02x}").into_bytes())
        .collect()
}

/// Written apart from the searched one: a textbook encoder with padding.
fn plain_base64(bytes: &[u8], url: bool) -> Vec<u8> {
    let mut letters: Vec<u8> = (b'A'..=b'Z')
        .chain(b'a'..=b'z')
        .chain(b'0'..=b'9')
        .collect();
    letters.extend(if url { b"-_" } else { b"+/" });
    let mut out = Vec::new();
    for group in bytes.chunks(3) {
        let mut three = [0_u8; 3];
        three[..group.len()].copy_from_slice(group);
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for at in 0..4 {
            let six = usize::try_from(bits >> (18 - 6 * at) & 63).unwrap();
            out.push(if at > group.len() { b'=' } else { letters[six] });
        }
    }
    out
}

#[test]
fn finds_every_encoding_at_every_alignment_across_every_border() {
    for before in 0..7 {
        let mut plain = vec![b'.'; before];
        plain.extend_from_slice(CANARY);
        plain.extend_from_slice(b"after");
        let upper = hex(&plain).to_ascii_uppercase();
        for text in [
            plain.clone(),
            hex(&plain),
            upper,
            plain_base64(&plain, false),
            plain_base64(&plain, true),
            format!("{plain:?}").into_bytes(),
            serde_json::to_vec(&plain).unwrap(),
        ] {
            for chunk in [1, 2, 3, 7, 16, 1_000] {
                assert!(
                    found(&text, chunk),
                    "{before} bytes before, pieces of {chunk}"
                );
            }
        }
    }
}

#[test]
fn does_not_find_what_is_not_there() {
    let mut other = CANARY.to_vec();
    other[11] ^= 1;
    let numbers = format!("{other:?}").into_bytes();
    for text in [
        other.clone(),
        hex(&other),
        plain_base64(&other, false),
        numbers,
    ] {
        assert!(!found(&text, 5));
    }
}

#[test]
fn two_places_are_not_one() {
    let mut canaries = Canaries::new(&[CANARY]).unwrap();
    canaries.scan("one", &CANARY[..9]);
    canaries.scan("two", &CANARY[9..]);
    assert_eq!(canaries.verdict().ruling, Ruling::Ok);
}

#[test]
fn what_is_found_is_told_without_its_content() {
    let mut canaries = Canaries::new(&[&b"first-canary"[..], &b"second-canary"[..]]).unwrap();
    canaries.scan("log of node 2", b"xx second-canary yy");
    let verdict = canaries.verdict();
    assert_eq!(verdict.violations.len(), 1);
    assert!(
        verdict
            .summary
            .contains("canary 1 of 13 bytes stands as it is in log of node 2")
    );
    assert!(!verdict.summary.contains("second"));
}

#[test]
fn short_patterns_are_refused_and_nothing_is_no_proof() {
    let error = Canaries::new(&[&b"longenough"[..], &b"short"[..]])
        .err()
        .unwrap();
    assert!(error.to_string().contains("pattern 1 has 5 bytes"));
    assert!(!error.to_string().contains("short"));
    let none: [&[u8]; 0] = [];
    let mut canaries = Canaries::new(&none).unwrap();
    canaries.scan("a file", b"bytes");
    assert_eq!(canaries.verdict().ruling, Ruling::Inconclusive);
    let unread = Canaries::new(&[CANARY]).unwrap();
    assert_eq!(unread.verdict().ruling, Ruling::Inconclusive);
}
