//! Key holders: they open sealed nodes with shares, each share from another connection, and seal the cluster by plan.

use crate::answer::{Answer, Exchange};
use crate::classify::Kind;
use crate::door::{Ask, Door};
use crate::odd::OddAnswer;
use crate::rng::Rng;
use crate::secret::Secret;
use crate::target::TargetNode;
use crate::world::{Client, Operation, World};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::join_all;
use holdfast_check::{Action, Outcome, Seen};
use reqwest::Method;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;

/// How often a node is looked at.
const LOOK_MS: u64 = 100;
/// Streams of key holders' random numbers.
const STREAM: u64 = 1 << 41;

/// Opens a node whenever it is sealed and not kept closed by plan. One such task for each node, so that no dead node delays
/// another; their pauses make the order random.
pub(crate) async fn attend(world: Arc<World>, place: usize) {
    let Some(node) = world.target.nodes.get(place) else {
        return;
    };
    let mut rng = Rng::new(world.plan.seed, STREAM + 1 + node.id);
    let mut client = world.client();
    while !world.stopping() {
        world
            .pause(Duration::from_millis(LOOK_MS + rng.below(2 * LOOK_MS)))
            .await;
        if world.recorder.now_ns() < world.closed_until_ns.load(Ordering::SeqCst)
            || world.stopping()
        {
            continue;
        }
        if !is_sealed(&world, node).await {
            continue;
        }
        match open(&world, &client, node, &mut rng).await {
            None => return,
            Some(Outcome::Unknown) => client = world.client(),
            Some(_) => {}
        }
    }
}

/// Seals the cluster from time to time, through any node, until told that it is enough. What it sealed may then be opened.
pub(crate) async fn close(world: Arc<World>, mut enough: watch::Receiver<bool>) {
    let Some(sealing) = world.plan.sealing else {
        return;
    };
    let mut rng = Rng::new(world.plan.seed, STREAM);
    let mut client = world.client();
    loop {
        let every_ms = sealing.every_ms / 2 + rng.below(sealing.every_ms.max(1));
        tokio::select! {
            () = world.pause(Duration::from_millis(every_ms)) => {}
            _told = enough.wait_for(|enough| *enough) => return,
        }
        let place = rng.index(world.target.nodes.len());
        let Some(node) = world.target.nodes.get(place).filter(|_| !world.stopping()) else {
            return;
        };
        world.closed_until_ns.store(u64::MAX, Ordering::SeqCst);
        let operation = Operation {
            node,
            action: Action::Seal,
            kind: Kind::Seal,
            ask: Ask::new(
                Method::PUT,
                "sys/seal".to_owned(),
                Some(&world.target.root_token),
            )
            .body(json!({})),
        };
        let done = world
            .run(&client, operation, |answer, _| Some(answer.seen()))
            .await;
        if done
            .as_ref()
            .is_some_and(|done| done.outcome != Outcome::Unavailable)
        {
            world.pause(Duration::from_millis(sealing.closed_ms)).await;
        }
        world.closed_until_ns.store(0, Ordering::SeqCst);
        match done.map(|done| done.outcome) {
            None => return,
            Some(Outcome::Ok(_)) => {
                world.seals.fetch_add(1, Ordering::Relaxed);
            }
            Some(Outcome::Unknown) => client = world.client(),
            Some(_) => {}
        }
    }
}

/// Whether a node says that it is initialised and sealed.
pub(crate) async fn is_sealed(world: &World, node: &TargetNode) -> bool {
    let ask = Ask::new(Method::GET, "sys/seal-status".to_owned(), None);
    match world.door.exchange(&node.url, ask).await {
        Exchange::Answered(answer) => {
            answer.body["initialized"] == json!(true) && answer.body["sealed"] == json!(true)
        }
        Exchange::NotSent | Exchange::Lost => false,
    }
}

/// Submits enough shares to one node, at once or one after another. `None` when the record takes no more.
pub(crate) async fn open(
    world: &World,
    client: &Client,
    node: &TargetNode,
    rng: &mut Rng,
) -> Option<Outcome> {
    let mut shares: Vec<&Secret> = world.target.shares.iter().collect();
    rng.shuffle(&mut shares);
    shares.truncate(world.target.threshold);
    let invocation = world
        .recorder
        .invoke(client.number, node.id, Action::Unseal)?;
    let invoked_ns = world.recorder.now_ns();
    let mut exchanges = Vec::new();
    if rng.below(2) == 0 {
        exchanges = join_all(shares.iter().map(|share| submit(world, node, share))).await;
    } else {
        for share in shares {
            exchanges.push(submit(world, node, share).await);
        }
    }
    let now_ns = world.recorder.now_ns();
    for answer in exchanges.iter().filter_map(Answer::of) {
        if let Some(not_understood) = odd(answer) {
            world.note_odd(OddAnswer {
                node: node.id,
                asked: "share",
                status: answer.status,
                not_understood,
                invoked_ns,
                returned_ns: now_ns,
                operation: Some(invocation.id()),
            });
        }
    }
    let outcome = judge(&exchanges);
    if matches!(outcome, Outcome::Ok(_)) {
        world.unseals.fetch_add(1, Ordering::Relaxed);
    }
    let silent = exchanges.iter().any(|one| matches!(one, Exchange::Lost));
    let returned_ns = (outcome != Outcome::Unknown || !silent).then_some(now_ns);
    world
        .recorder
        .complete(invocation, returned_ns, outcome.clone());
    Some(outcome)
}

/// A holder comes with a connection of its own.
async fn submit(world: &World, node: &TargetNode, share: &Secret) -> Exchange {
    let Ok(door) = Door::new(world.target.ca_pem.as_deref(), world.plan.timeout()) else {
        return Exchange::NotSent;
    };
    let ask =
        Ask::new(Method::PUT, "sys/unseal".to_owned(), None).body(json!({ "key": share.expose() }));
    door.exchange(&node.url, ask).await
}

/// Whether an answer to a share is one that no working server gives: with `true` when its status is fine and the rest is not
/// understood.
fn odd(answer: &Answer) -> Option<bool> {
    let sealed = answer.body.get("sealed").and_then(Json::as_bool);
    match answer.status {
        200 => sealed.is_none().then_some(true),
        400 | 503 => None,
        _ => Some(false),
    }
}

/// What the answers to the shares prove together. A share that was taken without opening the node may open it with another.
fn judge(exchanges: &[Exchange]) -> Outcome {
    let mut outcome = Outcome::Unavailable;
    for exchange in exchanges {
        let answer = match exchange {
            Exchange::NotSent => continue,
            Exchange::Lost => {
                outcome = Outcome::Unknown;
                continue;
            }
            Exchange::Answered(answer) => answer,
        };
        match (
            answer.status,
            answer.body.get("sealed").and_then(Json::as_bool),
        ) {
            (200, Some(false)) => return Outcome::Ok(Seen::default()),
            (400, _) => {}
            (503, _) if answer.retry_after => {}
            _ => outcome = Outcome::Unknown,
        }
    }
    outcome
}

/// A share in every form in which it could leak: both texts and the bytes.
pub(crate) fn forms(share: &Secret) -> Vec<Vec<u8>> {
    let text = share.expose();
    let bytes = hex::decode(text).or_else(|_| STANDARD.decode(text));
    let Ok(bytes) = bytes else {
        return vec![text.as_bytes().to_vec()];
    };
    let base64 = STANDARD.encode(&bytes);
    // The last letters depend on the padding, which another way to write may leave out.
    let base64 = base64.trim_end_matches('=').as_bytes().to_vec();
    vec![hex::encode(&bytes).into_bytes(), base64, bytes]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, retry_after: bool, body: Json) -> Exchange {
        Exchange::Answered(Answer {
            status,
            retry_after,
            index: None,
            age_ms: None,
            body,
        })
    }

    #[test]
    fn a_node_is_open_when_it_says_so_and_perhaps_open_when_a_share_was_taken() {
        let taken = || answered(200, false, json!({ "sealed": true }));
        let opened = || answered(200, false, json!({ "sealed": false }));
        let refused = || answered(400, false, json!({ "errors": ["wrong"] }));
        let ok = Outcome::Ok(Seen::default());
        for (exchanges, expected) in [
            (vec![taken(), opened()], ok.clone()),
            (vec![opened(), Exchange::Lost], ok),
            (vec![taken(), Exchange::NotSent], Outcome::Unknown),
            (vec![Exchange::Lost], Outcome::Unknown),
            (vec![answered(500, false, Json::Null)], Outcome::Unknown),
            (vec![answered(503, false, Json::Null)], Outcome::Unknown),
            (
                vec![answered(503, true, Json::Null), refused()],
                Outcome::Unavailable,
            ),
            (
                vec![Exchange::NotSent, Exchange::NotSent],
                Outcome::Unavailable,
            ),
            (vec![], Outcome::Unavailable),
        ] {
            assert_eq!(judge(&exchanges), expected);
        }
        for (one, expected) in [
            (taken(), None),
            (answered(503, false, Json::Null), None),
            (answered(200, false, Json::Null), Some(true)),
            (answered(500, false, Json::Null), Some(false)),
        ] {
            assert_eq!(Answer::of(&one).and_then(odd), expected);
        }
    }

    #[test]
    fn a_share_is_looked_for_in_all_its_forms() {
        let bytes = [7_u8; 33];
        let hex_form = Secret::new(hex::encode(bytes));
        let base64_form = Secret::new(STANDARD.encode(bytes));
        assert_eq!(forms(&hex_form), forms(&base64_form));
        assert!(forms(&hex_form).contains(&bytes.to_vec()));
        assert_eq!(forms(&Secret::new("?")), [b"?".to_vec()]);
    }
}
