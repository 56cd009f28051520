//! What a relay without rules costs: round trips of an echo with and without it, and datagrams per second between three nodes.
//!
//! `cargo run -p holdfast-relay --example speed`. It prints; nothing depends on the figures.

#![expect(clippy::print_stdout, reason = "it is run to be read")]

use holdfast_relay::Relay;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const ROUND_TRIPS: usize = 20_000;
const FLOOD: Duration = Duration::from_secs(3);
/// As large as QUIC's packets on loopback.
const BYTES: usize = 1_452;
/// Datagrams that may be under way from one sender: about what a congestion window is here.
const WINDOW: u64 = 64;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sockets: Vec<UdpSocket> = (0..3)
        .map(|_| UdpSocket::bind("127.0.0.1:0"))
        .collect::<Result<_, _>>()?;
    let mut listens = Vec::new();
    for (id, socket) in (1..).zip(&sockets) {
        socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        listens.push((id, socket.local_addr()?));
    }
    let relay = Relay::start(&listens, 1)?;
    let advertised = (1..=3)
        .map(|id| relay.advertised(id).ok_or("a node has no address"))
        .collect::<Result<Vec<_>, _>>()?;
    let direct = round_trips(&sockets[0], &sockets[1], listens[1].1)?;
    let relayed = round_trips(&sockets[0], &sockets[1], advertised[1])?;
    println!("round trip direct:  p50 {:?}, p99 {:?}", direct.0, direct.1);
    println!(
        "round trip relayed: p50 {:?}, p99 {:?}",
        relayed.0, relayed.1
    );
    let before: u64 = relay.counters().values().map(|link| link.forwarded).sum();
    let (sent, got) = flood(&sockets, &advertised)?;
    let after: u64 = relay.counters().values().map(|link| link.forwarded).sum();
    let second = FLOOD.as_secs();
    println!(
        "three nodes, {BYTES} bytes: {} datagrams/s relayed; {sent} sent, {got} came",
        (after - before) / second,
    );
    Ok(())
}

/// Median and 99th percentile of an echo.
fn round_trips(
    one: &UdpSocket,
    two: &UdpSocket,
    to: SocketAddr,
) -> io::Result<(Duration, Duration)> {
    let done = AtomicBool::new(false);
    let mut times = thread::scope(|scope| -> io::Result<Vec<Duration>> {
        scope.spawn(|| {
            let mut buffer = [0; 2_048];
            while !done.load(Ordering::Relaxed) {
                if let Ok((length, from)) = two.recv_from(&mut buffer) {
                    // A lost answer is asked for again below.
                    drop(two.send_to(&buffer[..length], from));
                }
            }
        });
        let times = (0..ROUND_TRIPS).map(|_| round_trip(one, to)).collect();
        done.store(true, Ordering::Relaxed);
        times
    })?;
    times.sort();
    Ok((times[ROUND_TRIPS / 2], times[ROUND_TRIPS * 99 / 100]))
}

fn round_trip(one: &UdpSocket, to: SocketAddr) -> io::Result<Duration> {
    let start = Instant::now();
    one.send_to(&[1; 64], to)?;
    one.recv_from(&mut [0; 2_048])?;
    Ok(start.elapsed())
}

/// Every node sends to the next as fast as the window allows. Gives how many were sent and how many came.
fn flood(sockets: &[UdpSocket], advertised: &[SocketAddr]) -> io::Result<(u64, u64)> {
    let until = Instant::now() + FLOOD;
    let sent = AtomicU64::new(0);
    let got: Vec<AtomicU64> = sockets.iter().map(|_| AtomicU64::new(0)).collect();
    thread::scope(|scope| {
        for (place, socket) in sockets.iter().enumerate() {
            let (got, sent) = (&got, &sent);
            scope.spawn(move || {
                let mut buffer = [0; 2_048];
                let grace = until + Duration::from_millis(200);
                while Instant::now() < grace {
                    if socket.recv_from(&mut buffer).is_ok() {
                        got[place].fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
            scope.spawn(move || {
                let next = (place + 1) % advertised.len();
                let (mut mine, mut written_off) = (0, 0);
                let mut moved = Instant::now();
                while Instant::now() < until {
                    let came = got[next].load(Ordering::Relaxed);
                    if mine < came + written_off + WINDOW {
                        if socket.send_to(&[1; BYTES], advertised[next]).is_ok() {
                            mine += 1;
                        }
                        moved = Instant::now();
                    } else if moved.elapsed() > Duration::from_millis(20) {
                        // What has not come by now is lost.
                        written_off = mine - came;
                    } else {
                        thread::yield_now();
                    }
                }
                sent.fetch_add(mine, Ordering::Relaxed);
            });
        }
    });
    let got = got.iter().map(|count| count.load(Ordering::Relaxed)).sum();
    Ok((sent.into_inner(), got))
}
