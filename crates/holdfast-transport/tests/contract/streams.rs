//! Framed streams, as snapshots use them.

use crate::fabric::Fabric;
use crate::for_both;
use crate::node::{PATIENCE, two};
use bytes::Bytes;
use holdfast_transport::{Channel, FrameSource, OpenError, Settings, StreamError};
use holdfast_types::NodeId;
use holdfast_types::limits::PEER_FRAME_BYTES_MAX;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

for_both!(
    a_conversation_with_resume_and_a_final_answer,
    sixty_four_mebibytes_while_heartbeats_are_answered,
    a_slow_reader_holds_the_sender_back_and_nothing_else,
    a_dropped_sink_is_never_a_complete_stream,
    a_dropped_source_stops_the_sender,
    frames_have_the_limit_of_messages,
    silence_is_bounded_by_the_callers_wait,
    excess_streams_are_refused,
    no_stream_to_an_absent_node,
);

const CHUNK: usize = 1024 * 1024;

async fn next(source: &mut Box<dyn FrameSource>) -> Bytes {
    let frame = source.recv(PATIENCE).await.unwrap();
    frame.expect("another frame")
}

async fn a_conversation_with_resume_and_a_final_answer<F: Fabric>() {
    let fabric = F::new(Settings::default());
    let (one, mut two) = two(&fabric).await;
    let sender = async {
        let (mut sink, mut source) = one.open(2).await;
        sink.send("snapshot 7".into()).await.unwrap();
        assert_eq!(next(&mut source).await, "have 2");
        for chunk in 2..10u8 {
            sink.send(Bytes::from(vec![chunk; 70_000])).await.unwrap();
        }
        sink.send(Bytes::new()).await.unwrap();
        sink.finish().await.unwrap();
        assert_eq!(next(&mut source).await, "installed");
        assert_eq!(source.recv(PATIENCE).await, Ok(None));
        assert_eq!(
            source.recv(PATIENCE).await,
            Ok(None),
            "the end stays the end"
        );
    };
    let receiver = async {
        let (mut sink, mut source) = two.accepted().await;
        assert_eq!(next(&mut source).await, "snapshot 7");
        sink.send("have 2".into()).await.unwrap();
        for chunk in 2..10u8 {
            assert_eq!(next(&mut source).await, vec![chunk; 70_000]);
        }
        assert!(
            next(&mut source).await.is_empty(),
            "an empty frame is no end"
        );
        assert_eq!(source.recv(PATIENCE).await, Ok(None));
        sink.send("installed".into()).await.unwrap();
        sink.finish().await.unwrap();
    };
    tokio::join!(sender, receiver);
}

async fn sixty_four_mebibytes_while_heartbeats_are_answered<F: Fabric>() {
    let fabric = F::new(Settings::default());
    let (one, mut two) = two(&fabric).await;
    let (mut sink, _source) = one.open(2).await;
    let (_sink, mut source) = two.accepted().await;
    let sending = async move {
        let chunk = Bytes::from(vec![9; CHUNK]);
        for _ in 0..64 {
            sink.send(chunk.clone()).await.unwrap();
        }
        sink.finish().await.unwrap();
    };
    // Half-way the receiver waits for three heartbeats, so that they meet a stream in full flight however fast it is.
    let (go_on, mut half_way) = tokio::sync::mpsc::channel(1);
    let receiving = async move {
        let mut total = 0;
        while let Some(frame) = source.recv(PATIENCE).await.unwrap() {
            total += frame.len();
            if total == 32 * CHUNK {
                half_way.recv().await.unwrap();
            }
        }
        assert_eq!(total, 64 * CHUNK);
    };
    let bulk = async { tokio::join!(tokio::spawn(sending), tokio::spawn(receiving)) };
    tokio::pin!(bulk);
    let mut beats = 0;
    let mut worst = Duration::ZERO;
    let (sent, received) = loop {
        tokio::select! {
            done = &mut bulk => break done,
            took = one.ping(2) => {
                beats += 1;
                worst = worst.max(took);
                if beats == 3 {
                    go_on.send(()).await.unwrap();
                }
            }
        }
    };
    sent.unwrap();
    received.unwrap();
    assert!(beats >= 3, "heartbeats were answered meanwhile");
    assert!(
        worst < Duration::from_secs(1),
        "the slowest of {beats} took {worst:?}"
    );
}

async fn a_slow_reader_holds_the_sender_back_and_nothing_else<F: Fabric>() {
    let fabric = F::new(Settings {
        // Long enough for some calls on a machine that is busy.
        stream_stall: Duration::from_secs(2),
        ..Settings::default()
    });
    let (one, mut two) = two(&fabric).await;
    let (sink, _source) = one.open(2).await;
    let (_sink, unread) = two.accepted().await;
    let sent = AtomicUsize::new(0);
    let filling = async {
        let mut sink = sink;
        let chunk = Bytes::from(vec![1; CHUNK]);
        loop {
            match sink.send(chunk.clone()).await {
                Ok(()) => sent.fetch_add(CHUNK, Ordering::SeqCst),
                Err(error) => break (error, sink),
            };
        }
    };
    tokio::pin!(filling);
    let body = Bytes::from(vec![2; CHUNK]);
    let mut calls = 0;
    let (error, mut sink) = loop {
        tokio::select! {
            ended = &mut filling => break ended,
            answer = one.call(2, Channel::Log, body.clone(), PATIENCE) => {
                assert_eq!(answer.unwrap().len(), CHUNK);
                calls += 1;
            }
        }
    };
    assert_eq!(error, StreamError::Stalled);
    assert!(calls > 3, "other channels went on: {calls}");
    let sent = sent.load(Ordering::SeqCst);
    assert!(
        sent <= 2 * PEER_FRAME_BYTES_MAX,
        "{sent} bytes are in flight"
    );
    assert_eq!(sink.send("x".into()).await, Err(StreamError::Abandoned));
    drop(unread);
}

async fn a_dropped_sink_is_never_a_complete_stream<F: Fabric>() {
    let fabric = F::new(Settings::default());
    let (one, mut two) = two(&fabric).await;
    let (mut sink, source) = one.open(2).await;
    let (_two_sink, mut two_source) = two.accepted().await;
    sink.send("part".into()).await.unwrap();
    drop((sink, source));
    let end = loop {
        match two_source.recv(PATIENCE).await {
            Ok(Some(frame)) => assert_eq!(frame, "part"),
            other => break other,
        }
    };
    assert_eq!(end, Err(StreamError::Abandoned));

    let (_sink, mut source) = one.open(2).await;
    let (two_sink, _two_source) = two.accepted().await;
    drop(two_sink);
    assert_eq!(source.recv(PATIENCE).await, Err(StreamError::Abandoned));
}

async fn a_dropped_source_stops_the_sender<F: Fabric>() {
    let fabric = F::new(Settings::default());
    let (one, mut two) = two(&fabric).await;
    let (mut sink, _source) = one.open(2).await;
    let (_two_sink, two_source) = two.accepted().await;
    drop(two_source);
    let begun = Instant::now();
    let error = loop {
        assert!(begun.elapsed() < PATIENCE);
        if let Err(error) = sink.send(Bytes::from(vec![0; 1000])).await {
            break error;
        }
    };
    assert_eq!(error, StreamError::Abandoned);
}

async fn frames_have_the_limit_of_messages<F: Fabric>() {
    let fabric = F::new(Settings::default());
    let (one, mut two) = two(&fabric).await;
    let (mut sink, _source) = one.open(2).await;
    let (_two_sink, mut two_source) = two.accepted().await;
    let over = Bytes::from(vec![0; PEER_FRAME_BYTES_MAX + 1]);
    assert_eq!(sink.send(over).await, Err(StreamError::TooLarge));
    let full = Bytes::from(vec![3; PEER_FRAME_BYTES_MAX]);
    let (sent, got) = tokio::join!(sink.send(full.clone()), two_source.recv(PATIENCE));
    assert_eq!(sent, Ok(()), "a frame too large harms no later one");
    assert!(got.unwrap().unwrap() == full);
}

async fn silence_is_bounded_by_the_callers_wait<F: Fabric>() {
    let fabric = F::new(Settings::default());
    let (one, mut two) = two(&fabric).await;
    let (_sink, mut source) = one.open(2).await;
    let _accepted = two.accepted().await;
    let wait = Duration::from_millis(100);
    let begun = Instant::now();
    assert_eq!(source.recv(wait).await, Err(StreamError::Stalled));
    assert!(begun.elapsed() >= wait && begun.elapsed() < wait * 20);
}

async fn excess_streams_are_refused<F: Fabric>() {
    let fabric = F::new(Settings {
        inbound_streams_max: 1,
        ..Settings::default()
    });
    let (one, mut two) = two(&fabric).await;
    let _first = one.open(2).await;
    let _accepted = two.accepted().await;
    let (_sink, mut source) = one.open(2).await;
    let error = source.recv(PATIENCE).await;
    assert!(matches!(error, Err(StreamError::Refused(_))), "{error:?}");
    one.ping(2).await;
}

async fn no_stream_to_an_absent_node<F: Fabric>() {
    let fabric = F::new(Settings {
        dial_timeout: Duration::from_millis(300),
        ..Settings::default()
    });
    let (one, _two) = two(&fabric).await;
    crate::node::set_peers(&fabric, &one, &[1, 2, 3]);
    let begun = Instant::now();
    for id in [3, 9] {
        let error = one.transport.open_stream(NodeId(id)).await.err();
        assert_eq!(error, Some(OpenError::Unreachable(NodeId(id))));
    }
    assert!(begun.elapsed() < Duration::from_secs(3));
}
