//! Nodes that end, in good order or not, and come back.

use crate::fabric::Fabric;
use crate::for_both;
use crate::node::{Node, PATIENCE, eventually, set_peers, two};
use holdfast_transport::{CallError, Channel, OpenError, PeerState, Settings};
use holdfast_types::NodeId;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

for_both!(
    reconnects_after_a_crash,
    reconnects_after_an_orderly_restart,
    calls_to_a_crashed_peer_keep_their_deadline,
    close_answers_what_runs_and_lets_go_of_the_handler,
    close_gives_up_on_a_stuck_handler,
);

async fn crash_and_restart<F: Fabric>(fabric: &F, one: &Node, two: Node) -> Node {
    one.ping(2).await;
    drop(two);
    fabric.crash(2);
    let two = Node::start(fabric, 2);
    set_peers(fabric, &two, &[1, 2]);
    two
}

async fn answered(one: &Node, to: u64) {
    let deadline = Instant::now() + PATIENCE;
    let short = Duration::from_millis(200);
    while let Err(error) = one.call(to, Channel::Heartbeat, "x", short).await {
        assert!(Instant::now() < deadline, "still {error}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn reconnects_after_a_crash<F: Fabric>() {
    let fabric = F::new(Settings::default());
    let (one, two) = two(&fabric).await;
    let begun = Instant::now();
    let two = crash_and_restart(&fabric, &one, two).await;
    answered(&one, 2).await;
    answered(&two, 1).await;
    // The restarted node's own dial tells that the old connection is dead; without that it would take the idle timeout.
    let took = begun.elapsed();
    assert!(took < Settings::default().idle_timeout, "{took:?}");
}

async fn reconnects_after_an_orderly_restart<F: Fabric>() {
    let fabric = F::new(Settings::default());
    let (one, mut two) = two(&fabric).await;
    for _ in 0..3 {
        two.transport.close().await;
        eventually("the closed peer is known to be gone", || {
            one.state(2) != Some(PeerState::Connected)
        })
        .await;
        // The closed transport is still there: closing alone has released its address.
        two = Node::start(&fabric, 2);
        set_peers(&fabric, &two, &[1, 2]);
        answered(&one, 2).await;
        answered(&two, 1).await;
    }
}

async fn calls_to_a_crashed_peer_keep_their_deadline<F: Fabric>() {
    let fabric = F::new(Settings::default());
    let (one, two) = two(&fabric).await;
    one.ping(2).await;
    drop(two);
    fabric.crash(2);
    let deadline = Duration::from_millis(150);
    let until = Instant::now() + PATIENCE;
    loop {
        let begun = Instant::now();
        let error = one.call(2, Channel::Log, "x", deadline).await.unwrap_err();
        assert!(begun.elapsed() < deadline * 5, "{:?}", begun.elapsed());
        if error == CallError::Unreachable(NodeId(2)) {
            break;
        }
        assert!(Instant::now() < until, "still {error}");
    }
    // From now on the deadline is not even waited for.
    let begun = Instant::now();
    let error = one.call(2, Channel::Log, "x", PATIENCE).await.unwrap_err();
    assert_eq!(error, CallError::Unreachable(NodeId(2)));
    assert!(begun.elapsed() < Duration::from_secs(1));
}

async fn close_answers_what_runs_and_lets_go_of_the_handler<F: Fabric>() {
    let fabric = F::new(Settings::default());
    let (one, two) = two(&fabric).await;
    let held = one.call(2, Channel::Log, "hold", PATIENCE);
    let closing = async {
        eventually("the handler runs", || {
            two.handler.inside.load(Ordering::SeqCst) == 1
        })
        .await;
        let release = async {
            let error = loop {
                match two.call(1, Channel::Log, "x", PATIENCE).await {
                    Ok(_) => tokio::task::yield_now().await,
                    Err(error) => break error,
                }
            };
            assert_eq!(error, CallError::Closed, "closing has begun");
            // Long enough for a close that does not wait to have ended the handler.
            let ends = eventually("the handler ends", || {
                two.handler.inside.load(Ordering::SeqCst) == 0
            });
            let ended = tokio::time::timeout(Duration::from_millis(100), ends).await;
            assert!(ended.is_err(), "the handler still runs");
            two.handler.release.notify_waiters();
        };
        tokio::join!(two.transport.close(), release);
    };
    let (answer, ()) = tokio::join!(held, closing);
    assert_eq!(answer.unwrap(), "hold", "a running handler is waited for");
    two.transport.close().await;
    assert_eq!(
        Arc::strong_count(&two.handler),
        1,
        "the handler is let go of"
    );
    let error = two.transport.open_stream(NodeId(1)).await.err();
    assert_eq!(error, Some(OpenError::Closed));
    eventually("the other node notices", || {
        one.state(2) != Some(PeerState::Connected)
    })
    .await;
}

async fn close_gives_up_on_a_stuck_handler<F: Fabric>() {
    let fabric = F::new(Settings {
        drain: Duration::from_millis(100),
        ..Settings::default()
    });
    let (one, two) = two(&fabric).await;
    let stuck = one.call(2, Channel::Log, "stuck", PATIENCE);
    let closing = async {
        eventually("the handler runs", || {
            two.handler.inside.load(Ordering::SeqCst) == 1
        })
        .await;
        two.transport.close().await;
        assert_eq!(two.handler.inside.load(Ordering::SeqCst), 0);
    };
    let begun = Instant::now();
    let (answer, ()) = tokio::join!(stuck, closing);
    assert_eq!(answer.unwrap_err(), CallError::Lost(NodeId(2)));
    assert!(begun.elapsed() < PATIENCE / 4, "{:?}", begun.elapsed());
    assert_eq!(Arc::strong_count(&two.handler), 1);
}
