//! Each rule really acts on real datagrams, and the counters tell it.

#![expect(
    clippy::unwrap_used,
    reason = "in a test, a failure to get that far is a failure"
)]

use holdfast_relay::{Effect, Link, Matrix, Relay, Rule, StartError, UnknownNode, patterns};
use std::collections::BTreeSet;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);
const NODES: [u64; 3] = [1, 2, 3];

/// Three sockets, each in place of a node, with a relay before them.
struct Trio {
    relay: Relay,
    sockets: Vec<UdpSocket>,
}

type Taps = Arc<Mutex<Vec<(Link, Vec<u8>)>>>;

fn sockets() -> (Vec<UdpSocket>, Vec<(u64, SocketAddr)>) {
    let sockets: Vec<UdpSocket> = NODES
        .iter()
        .map(|_| UdpSocket::bind("127.0.0.1:0").unwrap())
        .collect();
    for socket in &sockets {
        let short = Some(Duration::from_millis(5));
        socket.set_read_timeout(short).unwrap();
    }
    let listens = NODES
        .iter()
        .zip(&sockets)
        .map(|(id, socket)| (*id, socket.local_addr().unwrap()))
        .collect();
    (sockets, listens)
}

impl Trio {
    fn new() -> Self {
        let (sockets, listens) = sockets();
        let relay = Relay::start(&listens, 7).unwrap();
        Self { relay, sockets }
    }

    fn socket(&self, node: u64) -> &UdpSocket {
        &self.sockets[usize::try_from(node - 1).unwrap()]
    }

    /// Sends to where a node is advertised.
    fn send(&self, from: u64, to: u64, bytes: &[u8]) {
        let at = self.relay.advertised(to).unwrap();
        self.socket(from).send_to(bytes, at).unwrap();
    }

    /// Takes what comes until a condition holds.
    fn take_until(&self, node: u64, done: impl Fn(&[Vec<u8>]) -> bool) -> Vec<Vec<u8>> {
        let deadline = Instant::now() + PATIENCE;
        let mut got = Vec::new();
        let mut buffer = [0; 2_048];
        while !done(&got) {
            assert!(Instant::now() < deadline, "not in time, got {}", got.len());
            if let Ok((length, _)) = self.socket(node).recv_from(&mut buffer) {
                got.push(buffer[..length].to_vec());
            }
        }
        got
    }

    /// Sends until a datagram is through.
    fn passes(&self, from: u64, to: u64) {
        let deadline = Instant::now() + PATIENCE;
        let mut buffer = [0; 2_048];
        let mark = format!("{from} to {to}");
        loop {
            self.send(from, to, mark.as_bytes());
            if let Ok((length, _)) = self.socket(to).recv_from(&mut buffer)
                && &buffer[..length] == mark.as_bytes()
            {
                return;
            }
            assert!(Instant::now() < deadline, "{from} does not reach {to}");
        }
    }

    /// Sends one datagram and waits until the relay has stopped it; what reached the other side is what was sent on.
    fn is_stopped(&self, from: u64, to: u64) {
        let link = Link::new(from, to);
        let before = self.relay.counters()[&link];
        self.send(from, to, b"stop me");
        eventually("the datagram is stopped", || {
            self.relay.counters()[&link].since(&before).cut == 1
        });
        let since = self.relay.counters()[&link].since(&before);
        assert_eq!(since.forwarded, 0, "{link}");
    }
}

fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::yield_now();
    }
}

fn rule_on(from: u64, to: u64, rule: Rule) -> Matrix {
    Matrix::clear().with(Link::new(from, to), rule)
}

#[test]
fn without_rules_every_link_passes_and_answers_find_back() {
    let trio = Trio::new();
    for from in NODES {
        for to in NODES.into_iter().filter(|to| *to != from) {
            trio.send(from, to, b"question");
            let mut buffer = [0; 64];
            trio.socket(to).set_read_timeout(Some(PATIENCE)).unwrap();
            let (length, seen_as) = trio.socket(to).recv_from(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], b"question");
            trio.socket(to).send_to(b"answer", seen_as).unwrap();
            trio.socket(from).set_read_timeout(Some(PATIENCE)).unwrap();
            let (length, answered_from) = trio.socket(from).recv_from(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], b"answer");
            assert_eq!(Some(answered_from), trio.relay.advertised(to));
        }
    }
    eventually("all are counted", || {
        trio.relay
            .counters()
            .values()
            .all(|link| link.forwarded == 2)
    });
    assert_eq!(trio.relay.strangers(), 0);
}

#[test]
fn a_one_way_cut_is_one_way_and_healed_is_healed() {
    let trio = Trio::new();
    let cut = trio.relay.install(patterns::one_way_in(&NODES, 2)).unwrap();
    assert!(!trio.relay.verify(&cut).bit(), "nothing was sent yet");
    trio.is_stopped(1, 2);
    let bite = trio.relay.verify(&cut);
    assert!(bite.bit() && !bite.bit_everywhere(), "{bite}");
    assert_eq!(bite.quiet, BTreeSet::from([Link::new(3, 2)]));
    trio.is_stopped(3, 2);
    trio.passes(2, 1);
    trio.passes(2, 3);
    trio.passes(1, 3);
    let bite = trio.relay.heal(cut);
    assert!(bite.bit_everywhere(), "{bite}");
    assert_eq!(bite.hits[&Effect::Cut], 2);
    trio.passes(1, 2);
    trio.passes(3, 2);
}

#[test]
fn an_answer_is_cut_on_its_own_direction() {
    let trio = Trio::new();
    trio.send(1, 2, b"question");
    let mut buffer = [0; 64];
    trio.socket(2).set_read_timeout(Some(PATIENCE)).unwrap();
    let (_, seen_as) = trio.socket(2).recv_from(&mut buffer).unwrap();
    let cut = trio.relay.install(rule_on(2, 1, Rule::CUT)).unwrap();
    trio.socket(2).send_to(b"answer", seen_as).unwrap();
    eventually("the answer is stopped", || trio.relay.verify(&cut).bit());
    trio.passes(1, 2);
}

#[test]
fn a_bridge_is_not_transitive() {
    let trio = Trio::new();
    let cut = trio.relay.install(patterns::bridge(&NODES, 2)).unwrap();
    trio.is_stopped(1, 3);
    trio.is_stopped(3, 1);
    for (from, to) in [(1, 2), (2, 1), (2, 3), (3, 2)] {
        trio.passes(from, to);
    }
    assert!(trio.relay.heal(cut).bit_everywhere());
    trio.passes(1, 3);
}

#[test]
fn delay_holds_and_keeps_the_order() {
    let trio = Trio::new();
    let delay = Duration::from_millis(30);
    let late = trio
        .relay
        .install(rule_on(1, 2, Rule::delayed(delay)))
        .unwrap();
    let start = Instant::now();
    for number in 0..50u8 {
        trio.send(1, 2, &[number]);
    }
    let got = trio.take_until(2, |got| got.len() == 50);
    assert!(start.elapsed() >= delay);
    assert!(got.iter().map(|bytes| bytes[0]).eq(0..50));
    assert_eq!(trio.relay.heal(late).hits[&Effect::Delay], 50);
}

#[test]
fn jitter_lets_later_ones_arrive_first() {
    let trio = Trio::new();
    let jitter = Duration::from_millis(50);
    let rule = Rule {
        jitter,
        ..Rule::default()
    };
    let late = trio.relay.install(rule_on(1, 2, rule)).unwrap();
    for number in 0..50u8 {
        trio.send(1, 2, &[number]);
    }
    let got = trio.take_until(2, |got| got.len() == 50);
    assert!(!got.iter().map(|bytes| bytes[0]).eq(0..50));
    assert!(trio.relay.heal(late).bit());
}

#[test]
fn a_held_back_datagram_is_overtaken() {
    let trio = Trio::new();
    let rule = Rule {
        reorder: 0.3,
        ..Rule::default()
    };
    let held = trio.relay.install(rule_on(1, 2, rule)).unwrap();
    for number in 0..50u8 {
        trio.send(1, 2, &[number]);
    }
    let got = trio.take_until(2, |got| got.len() == 50);
    assert!(!got.iter().map(|bytes| bytes[0]).eq(0..50));
    assert!(trio.relay.heal(held).hits[&Effect::Reorder] > 0);
}

#[test]
fn loss_duplicates_and_flipped_bits_are_what_the_counters_say() {
    let trio = Trio::new();
    let rule = Rule {
        loss: 0.2,
        duplicate: 0.2,
        corrupt: 0.2,
        ..Rule::default()
    };
    let bad = trio.relay.install(rule_on(1, 2, rule)).unwrap();
    for number in 0..100u8 {
        trio.send(1, 2, &[number; 200]);
    }
    let link = Link::new(1, 2);
    eventually("all have come", || {
        trio.relay.counters()[&link].received == 100
    });
    let bite = trio.relay.heal(bad);
    let link = bite.links[&link];
    let arrive = link.received - link.lost + link.duplicated;
    let got = trio.take_until(2, |got| got.len() as u64 == arrive);
    assert!(bite.bit_everywhere(), "{bite}");
    assert_eq!(link.forwarded, arrive);
    assert_eq!(link.received_bytes, 20_000);
    assert_eq!(link.largest_bytes, 200);
    let whole = |bytes: &&Vec<u8>| bytes.iter().all(|byte| *byte == bytes[0]);
    let flipped = got.len() - got.iter().filter(whole).count();
    // A duplicate of a damaged one is damaged too.
    assert!(flipped as u64 >= link.corrupted, "{flipped} of {link:?}");
    let distinct: BTreeSet<&Vec<u8>> = got.iter().collect();
    assert_eq!(distinct.len() as u64, arrive - link.duplicated);
}

#[test]
fn a_band_slows_down() {
    let trio = Trio::new();
    let rule = Rule {
        bytes_per_second: Some(100_000),
        ..Rule::default()
    };
    let narrow = trio.relay.install(rule_on(1, 2, rule)).unwrap();
    let start = Instant::now();
    for _ in 0..20 {
        trio.send(1, 2, &[0; 500]);
    }
    trio.take_until(2, |got| got.len() == 20);
    // Nineteen datagrams of 5 ms each precede the last.
    assert!(start.elapsed() >= Duration::from_millis(90));
    assert!(trio.relay.heal(narrow).bit());
}

#[test]
fn the_wiretap_sees_what_is_cut_too_and_as_it_was_sent() {
    let (sockets, listens) = sockets();
    let seen = Taps::default();
    let taps = seen.clone();
    let tap = move |link, bytes: &[u8]| taps.lock().unwrap().push((link, bytes.to_vec()));
    let relay = Relay::tapped(&listens, 7, tap).unwrap();
    let trio = Trio { relay, sockets };
    let damage = Rule {
        corrupt: 1.0,
        ..Rule::default()
    };
    let matrix = rule_on(1, 2, Rule::CUT).with(Link::new(2, 3), damage);
    let installed = trio.relay.install(matrix).unwrap();
    trio.send(1, 2, b"cut");
    trio.send(2, 3, b"damaged");
    eventually("both rules strike", || trio.relay.verify(&installed).bit());
    let mut seen = seen.lock().unwrap().clone();
    seen.sort();
    let expected = [
        (Link::new(1, 2), b"cut".to_vec()),
        (Link::new(2, 3), b"damaged".to_vec()),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_stranger_gets_nothing_through() {
    let trio = Trio::new();
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let at = trio.relay.advertised(1).unwrap();
    stranger.send_to(b"let me in", at).unwrap();
    eventually("the stranger is counted", || trio.relay.strangers() == 1);
    assert!(
        trio.relay
            .counters()
            .values()
            .all(|link| link.received == 0)
    );
}

#[test]
fn what_always_holds_is_not_healed() {
    let trio = Trio::new();
    let base = rule_on(1, 2, Rule::delayed(Duration::from_millis(5)));
    trio.relay.set_base(base).unwrap();
    let cut = trio.relay.install(patterns::isolate(&NODES, 1)).unwrap();
    trio.is_stopped(1, 2);
    trio.relay.heal_all();
    trio.passes(1, 2);
    assert!(trio.relay.counters()[&Link::new(1, 2)].delayed > 0);
    assert!(trio.relay.heal(cut).bit());
}

#[test]
fn a_dropped_relay_leaves_no_socket() {
    let trio = Trio::new();
    let ports = NODES.map(|node| trio.relay.advertised(node).unwrap());
    trio.relay
        .set_base(patterns::everywhere(&NODES, Rule::delayed(PATIENCE)))
        .unwrap();
    trio.send(1, 2, b"under way");
    drop(trio);
    for port in ports {
        // A test beside this one may be given the port for a while.
        eventually("the port is free", || UdpSocket::bind(port).is_ok());
    }
}

#[test]
fn what_cannot_be_told_apart_is_refused() {
    let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let twice = Relay::start(&[(1, at(9)), (1, at(10))], 0).err();
    assert!(matches!(twice, Some(StartError::Twice(1))));
    let shared = Relay::start(&[(1, at(9)), (2, at(9))], 0).err();
    assert!(matches!(shared, Some(StartError::Twice(2))));
    let abroad = SocketAddr::from(([192, 0, 2, 1], 9));
    let outside = Relay::start(&[(1, abroad)], 0).err();
    assert!(matches!(
        outside,
        Some(StartError::NotLoopback { node: 1, .. })
    ));
    let relay = Relay::start(&[(1, at(9)), (2, at(10))], 0).unwrap();
    let unknown = relay.install(patterns::single_link(1, 3)).unwrap_err();
    assert_eq!(unknown, UnknownNode(Link::new(1, 3)));
}
