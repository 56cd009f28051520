//! Messages and their answers.

use crate::fabric::Fabric;
use crate::for_both;
use crate::node::{Node, PATIENCE, eventually, introduce, set_peers, two};
use bytes::Bytes;
use holdfast_transport::{CallError, Channel, Part, Refused, Settings};
use holdfast_types::NodeId;
use holdfast_types::limits::PEER_FRAME_BYTES_MAX;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

for_both!(
    round_trip_on_every_channel,
    frames_up_to_the_limit_and_not_beyond,
    deadline_holds_with_a_stuck_handler,
    refusals_carry_their_reason,
    before_serving_messages_are_refused,
    excess_messages_are_refused_by_channel,
    a_panicking_handler_leaves_the_fate_unknown,
    a_peer_that_never_was_up_fails_fast,
    many_calls_at_once_are_all_answered,
);

async fn round_trip_on_every_channel<F: Fabric>() {
    let fabric = F::new(Settings::default());
    let (one, two) = two(&fabric).await;
    for channel in Channel::ALL {
        let there = one.call(2, channel, "who", PATIENCE).await.unwrap();
        assert_eq!(there, format!("2<1:{channel:?}"));
        let back = two.call(1, channel, "who", PATIENCE).await.unwrap();
        assert_eq!(back, format!("1<2:{channel:?}"));
        let empty = one.call(2, channel, "", PATIENCE).await.unwrap();
        assert!(empty.is_empty());
    }
    assert_eq!(one.transport.local_id(), NodeId(1));
    assert!(one.transport.rtt(NodeId(2)).is_some());
}

async fn frames_up_to_the_limit_and_not_beyond<F: Fabric>() {
    let fabric = F::new(Settings::default());
    let (one, _two) = two(&fabric).await;
    for channel in [Channel::Log, Channel::Heartbeat] {
        let mut body = vec![7; PEER_FRAME_BYTES_MAX];
        body[PEER_FRAME_BYTES_MAX / 2] = 8;
        let body = Bytes::from(body);
        let answer = one.call(2, channel, body.clone(), PATIENCE).await.unwrap();
        assert!(answer == body, "the largest frame comes back unchanged");
    }
    let over = vec![0; PEER_FRAME_BYTES_MAX + 1];
    let error = one.call(2, Channel::Log, over, PATIENCE).await.unwrap_err();
    let what = Part::Message;
    assert_eq!(error, CallError::TooLarge { what });
    let error = one
        .call(2, Channel::Log, "long", PATIENCE)
        .await
        .unwrap_err();
    let what = Part::Answer;
    assert_eq!(error, CallError::TooLarge { what });
    one.ping(2).await;
}

async fn deadline_holds_with_a_stuck_handler<F: Fabric>() {
    let fabric = F::new(Settings::default());
    let (one, two) = two(&fabric).await;
    let deadline = Duration::from_millis(200);
    let begun = Instant::now();
    let error = one
        .call(2, Channel::Log, "stuck", deadline)
        .await
        .unwrap_err();
    let took = begun.elapsed();
    assert_eq!(error, CallError::Timeout(NodeId(2)));
    assert!(error.fate_unknown());
    assert!(took >= deadline && took < deadline * 5, "{took:?}");
    one.ping(2).await;
    eventually("the stuck handler is dropped", || {
        two.handler.inside.load(Ordering::SeqCst) == 0
    })
    .await;
}

async fn refusals_carry_their_reason<F: Fabric>() {
    let fabric = F::new(Settings::default());
    let (one, _two) = two(&fabric).await;
    let error = one.call(2, Channel::Forward, "refuse", PATIENCE).await;
    let refused = Refused::new("because I say so");
    assert_eq!(error.unwrap_err(), CallError::Refused(refused));
}

async fn before_serving_messages_are_refused<F: Fabric>() {
    let fabric = F::new(Settings::default());
    let one = Node::start(&fabric, 1);
    let silent = fabric.start(2);
    set_peers(&fabric, &one, &[1, 2]);
    silent.set_peers([(NodeId(1), fabric.address(1))].into());
    eventually("the node is reached", || {
        one.transport.rtt(NodeId(2)).is_some()
    })
    .await;
    let error = one.call(2, Channel::Log, "x", PATIENCE).await.unwrap_err();
    assert!(matches!(error, CallError::Refused(_)), "{error}");
    silent.close().await;
}

async fn excess_messages_are_refused_by_channel<F: Fabric>() {
    let fabric = F::new(Settings {
        inbound_calls_max: 2,
        ..Settings::default()
    });
    let (one, two) = two(&fabric).await;
    let hold = || one.call(2, Channel::Log, "hold", PATIENCE);
    let third = async {
        eventually("two handlers run", || {
            two.handler.inside.load(Ordering::SeqCst) == 2
        })
        .await;
        let error = one.call(2, Channel::Log, "x", PATIENCE).await.unwrap_err();
        assert!(matches!(error, CallError::Refused(_)), "{error}");
        one.ping(2).await;
        two.handler.release.notify_waiters();
    };
    let (first, second, ()) = tokio::join!(hold(), hold(), third);
    assert_eq!(
        (first.unwrap(), second.unwrap()),
        ("hold".into(), "hold".into())
    );
    let mut last = one.call(2, Channel::Log, "x", PATIENCE).await;
    let deadline = Instant::now() + PATIENCE;
    // Room is given back when the handler's task ends, which may be a moment after its answer.
    while matches!(last, Err(CallError::Refused(_))) && Instant::now() < deadline {
        last = one.call(2, Channel::Log, "x", PATIENCE).await;
    }
    assert_eq!(last.unwrap(), "x");
}

async fn a_panicking_handler_leaves_the_fate_unknown<F: Fabric>() {
    let fabric = F::new(Settings::default());
    let (one, _two) = two(&fabric).await;
    let error = one.call(2, Channel::Forward, "panic", PATIENCE).await;
    assert_eq!(error.unwrap_err(), CallError::Lost(NodeId(2)));
    one.ping(2).await;
}

async fn a_peer_that_never_was_up_fails_fast<F: Fabric>() {
    let fabric = F::new(Settings::default());
    let one = Node::start(&fabric, 1);
    set_peers(&fabric, &one, &[1, 2]);
    for _ in 0..5 {
        let begun = Instant::now();
        let error = one.call(2, Channel::Heartbeat, "x", PATIENCE).await;
        assert_eq!(error.unwrap_err(), CallError::Unreachable(NodeId(2)));
        assert!(
            begun.elapsed() < Duration::from_secs(1),
            "{:?}",
            begun.elapsed()
        );
    }
    let error = one.call(9, Channel::Log, "x", PATIENCE).await.unwrap_err();
    assert_eq!(error, CallError::Unreachable(NodeId(9)), "not even a peer");
}

async fn many_calls_at_once_are_all_answered<F: Fabric>() {
    let fabric = F::new(Settings::default());
    let nodes = [1, 2, 3].map(|id| Node::start(&fabric, id));
    introduce(&fabric, &[&nodes[0], &nodes[1], &nodes[2]]).await;
    let calls = (0..300u64).map(|i| {
        let (from, to) = (usize::try_from(i % 3).unwrap(), (i + 1) % 3 + 1);
        let channel = Channel::ALL[usize::try_from(i / 3 % 4).unwrap()];
        let body = i.to_string();
        let node = &nodes[from];
        async move {
            let answer = node.call(to, channel, body.clone(), PATIENCE).await;
            assert_eq!(answer.unwrap(), body);
        }
    });
    futures::future::join_all(calls).await;
}
