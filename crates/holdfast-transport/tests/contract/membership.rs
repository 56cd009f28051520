//! Who is let in, and what happens to those who leave.

use crate::fabric::Fabric;
use crate::for_both;
use crate::node::{Node, PATIENCE, eventually, introduce, set_peers, two};
use holdfast_transport::{CallError, Channel, OpenError, PeerState, Settings, StreamError};
use holdfast_types::NodeId;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

for_both!(
    a_stranger_is_refused_both_ways,
    a_stranger_that_is_refused_is_told_of,
    a_removed_peer_loses_its_connections,
    a_peer_may_be_added_later,
    status_lists_every_peer,
);

async fn a_stranger_is_refused_both_ways<F: Fabric>() {
    let fabric = F::new(Settings::default());
    let (one, two) = two(&fabric).await;
    let stranger = Node::start(&fabric, 3);
    set_peers(&fabric, &stranger, &[1, 2]);
    let begun = Instant::now();
    // Long enough for several dials.
    while begun.elapsed() < Duration::from_millis(300) {
        let error = stranger.call(1, Channel::Heartbeat, "x", PATIENCE).await;
        assert_eq!(error.unwrap_err(), CallError::Unreachable(NodeId(1)));
    }
    let error = stranger.transport.open_stream(NodeId(1)).await.err();
    assert_eq!(error, Some(OpenError::Unreachable(NodeId(1))));
    let error = one.call(3, Channel::Heartbeat, "x", PATIENCE).await;
    assert_eq!(error.unwrap_err(), CallError::Unreachable(NodeId(3)));
    two.ping(1).await;
}

async fn a_stranger_that_is_refused_is_told_of<F: Fabric>() {
    let fabric = F::new(Settings::default());
    let (one, two) = two(&fabric).await;
    let stranger = Node::start(&fabric, 3);
    set_peers(&fabric, &stranger, &[1, 3]);
    let knocked = || one.handler.knocks.lock().unwrap().contains(&NodeId(3));
    let begun = Instant::now();
    while !knocked() {
        assert!(
            begun.elapsed() < PATIENCE,
            "nobody was told of the stranger"
        );
        let error = stranger.call(1, Channel::Heartbeat, "x", PATIENCE).await;
        assert_eq!(error.unwrap_err(), CallError::Unreachable(NodeId(1)));
    }
    // (The other one may have heard of the first before it was told of it.)
    assert!(!two.handler.knocks.lock().unwrap().contains(&NodeId(3)));
    // Who is made a peer because of it is let in when it tries again.
    introduce(&fabric, &[&one, &stranger]).await;
    stranger.ping(1).await;
}

async fn a_removed_peer_loses_its_connections<F: Fabric>() {
    let fabric = F::new(Settings::default());
    let (one, mut two) = two(&fabric).await;
    let (_sink, mut source) = one.open(2).await;
    let (_two_sink, mut two_source) = two.accepted().await;
    let begun = Instant::now();
    let hanging = one.call(2, Channel::Log, "stuck", PATIENCE);
    let removal = async {
        eventually("the call has arrived", || {
            two.handler.inside.load(Ordering::SeqCst) == 1
        })
        .await;
        set_peers(&fabric, &two, &[2]);
    };
    let (hung, ()) = tokio::join!(hanging, removal);
    assert_eq!(hung.unwrap_err(), CallError::Lost(NodeId(2)));
    assert!(begun.elapsed() < PATIENCE / 4, "{:?}", begun.elapsed());

    let (far, near) = tokio::join!(source.recv(PATIENCE), two_source.recv(PATIENCE));
    assert_eq!(far, Err(StreamError::Lost));
    assert_eq!(near, Err(StreamError::Lost));
    eventually("the stream's handler ends", || {
        two.handler.serving.load(Ordering::SeqCst) == 0
    })
    .await;
    assert_eq!(two.state(1), None);
    let error = two.call(1, Channel::Log, "x", PATIENCE).await;
    assert_eq!(error.unwrap_err(), CallError::Unreachable(NodeId(1)));
    eventually("the removed node notices", || {
        one.state(2) != Some(PeerState::Connected)
    })
    .await;
    let error = one.call(2, Channel::Log, "x", PATIENCE).await;
    assert_eq!(error.unwrap_err(), CallError::Unreachable(NodeId(2)));

    introduce(&fabric, &[&one, &two]).await;
    one.ping(2).await;
}

async fn a_peer_may_be_added_later<F: Fabric>() {
    let fabric = F::new(Settings::default());
    let (one, two) = two(&fabric).await;
    let three = Node::start(&fabric, 3);
    introduce(&fabric, &[&one, &two, &three]).await;
    three.ping(1).await;
    two.ping(3).await;
    one.ping(2).await;
}

async fn status_lists_every_peer<F: Fabric>() {
    let fabric = F::new(Settings::default());
    let (one, _two) = two(&fabric).await;
    set_peers(&fabric, &one, &[1, 2, 3]);
    eventually("the absent peer is known to be absent", || {
        one.state(3) == Some(PeerState::Unreachable)
    })
    .await;
    let status = one.transport.status();
    let ids: Vec<u64> = status.iter().map(|peer| peer.id.0).collect();
    assert_eq!(ids, [2, 3], "the node itself is not listed");
    assert_eq!(status[0].state, PeerState::Connected);
    assert_eq!(status[0].address, fabric.address(2));
    assert_eq!(status[0].connects, 1);
    assert!(status[0].rtt.is_some());
    assert_eq!((status[1].rtt, status[1].connects), (None, 0));
}
