//! Freshness, conflicts, unknown outcomes and outages.

use crate::fixture::{Delete, List, Read, World, Write, denied, missing, refused, shown};
use holdfast_barrier::{CommitError, Freshness};
use holdfast_contract::Refusal;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

const ALL_OF_KV: &str = r#"path "kv/*" { capabilities = ["create", "read", "update", "delete", "list"] }
path "sys/seal" { capabilities = ["update", "sudo"] }
path "sys/step-down" { capabilities = ["update", "sudo"] }
path "sys/metrics" { capabilities = ["read"] }
path "sys/ha-status" { capabilities = ["read"] }
path "sys/key-status" { capabilities = ["read"] }"#;

#[tokio::test]
async fn what_was_just_granted_elsewhere_is_not_refused_here() {
    let world = World::open().await;
    world.replica.set_lagging(true);
    world.policy(&world.there, "kv", ALL_OF_KV).await;
    let asked = json!({ "policies": ["kv"] });
    let token = world.token(&world.there, asked).await;
    shown(
        world
            .here
            .ask(&token, Write, "kv/a", json!({ "v": 1 }))
            .await,
    );
    world
        .there
        .must(&world.root, "kv/b", json!({ "v": 2 }))
        .await;
    assert_eq!(world.here.data(&token, "kv/b").await["v"], json!(2));
    // What it wrote before, another node removed: the write that finds nothing to remove looks again.
    world
        .there
        .must(&world.root, "kv/c", json!({ "v": 3 }))
        .await;
    shown(world.here.ask(&token, Delete, "kv/c", json!({})).await);
    missing(world.there.ask(&world.root, Read, "kv/c", json!({})).await);
}

#[tokio::test]
async fn what_was_just_revoked_elsewhere_is_refused_here() {
    let world = World::open().await;
    let token = world.token_with(ALL_OF_KV).await;
    shown(
        world
            .here
            .ask(&token, Write, "kv/a", json!({ "v": 1 }))
            .await,
    );
    for body in [json!({ "token": token })] {
        world.replica.set_lagging(true);
        world
            .there
            .must(&world.root, "auth/token/revoke", body)
            .await;
    }
    denied(
        world
            .here
            .ask(&token, Write, "kv/a", json!({ "v": 2 }))
            .await,
    );
    denied(world.here.ask(&token, Read, "kv/a", json!({})).await);
    assert_eq!(world.here.data(&world.root, "kv/a").await["v"], json!(1));
}

#[tokio::test]
async fn a_policy_taken_away_elsewhere_no_longer_allows_writes_here() {
    let world = World::open().await;
    let token = world.token_with(ALL_OF_KV).await;
    world.replica.set_lagging(true);
    let nothing = r#"path "other/*" { capabilities = ["read"] }"#;
    world.policy(&world.there, "only", nothing).await;
    denied(
        world
            .here
            .ask(&token, Write, "kv/a", json!({ "v": 2 }))
            .await,
    );
}

#[tokio::test]
async fn actions_of_the_node_are_not_granted_by_an_old_state() {
    for (operation, path) in [
        (Write, "sys/step-down"),
        (Read, "sys/metrics"),
        (Read, "sys/ha-status"),
        (Read, "sys/key-status"),
        (Write, "sys/seal"),
    ] {
        let world = World::open().await;
        let token = world.token_with(ALL_OF_KV).await;
        shown(world.here.ask(&token, Read, "sys/metrics", json!({})).await);
        world.replica.set_lagging(true);
        let body = json!({ "token": token });
        world
            .there
            .must(&world.root, "auth/token/revoke", body)
            .await;
        denied(world.here.ask(&token, operation, path, json!({})).await);
        assert!(!world.here.0.barrier().is_sealed(), "{path}");
    }
}

#[tokio::test]
async fn without_a_leader_a_node_still_tells_of_itself_and_does_nothing_else() {
    let world = World::open().await;
    let token = world.token_with(ALL_OF_KV).await;
    world.replica.set_available(false);
    for path in ["sys/metrics", "sys/ha-status", "sys/key-status"] {
        shown(world.here.ask(&token, Read, path, json!({})).await);
    }
    for path in ["sys/metrics", "sys/ha-status"] {
        denied(world.here.ask("unknown", Read, path, json!({})).await);
    }
    let refusal = refused(world.here.ask(&token, Write, "sys/seal", json!({})).await);
    assert!(matches!(refusal, Refusal::Unavailable(_)), "{refusal}");
    assert!(!world.here.0.barrier().is_sealed());
}

#[tokio::test]
async fn a_conflict_is_evaluated_afresh() {
    let world = World::open().await;
    world.mount("versions", "2").await;
    let (there, root) = (Arc::clone(&world.there), world.root.clone());
    world.stage.meanwhile(async move {
        let body = json!({ "data": { "by": "there" } });
        there.must(&root, "versions/data/a", body).await;
    });
    let body = json!({ "data": { "by": "here" } });
    let reply = world.here.must(&world.root, "versions/data/a", body).await;
    assert_eq!(reply.data.unwrap()["version"], json!(2));
    let text = metrics(&world).await;
    assert!(text.contains("holdfast_conflicts_total 1"), "{text}");
}

#[tokio::test]
async fn a_right_that_ends_between_evaluation_and_commit_is_gone() {
    let world = World::open().await;
    let token = world.token_with(ALL_OF_KV).await;
    let (there, root, body) = (
        Arc::clone(&world.there),
        world.root.clone(),
        json!({ "token": token }),
    );
    world.stage.meanwhile(async move {
        there.must(&root, "auth/token/revoke", body).await;
    });
    denied(
        world
            .here
            .ask(&token, Write, "kv/a", json!({ "v": 1 }))
            .await,
    );
    missing(world.here.ask(&world.root, Read, "kv/a", json!({})).await);
}

#[tokio::test]
async fn a_write_on_a_node_that_is_behind_in_time_is_judged_by_the_present() {
    let world = World::open().await;
    world.policy(&world.here, "kv", ALL_OF_KV).await;
    let asked = json!({ "policies": ["kv"], "ttl": "60s" });
    let token = world.token(&world.here, asked).await;
    world.replica.set_lagging(true);
    world.stage.age_ms.store(120_000, Ordering::SeqCst);
    world.time_is(120_000).await;
    // Nobody has cleared the token's records yet, so that nothing it read has changed.
    denied(
        world
            .here
            .ask(&token, Write, "kv/a", json!({ "v": 1 }))
            .await,
    );
}

#[tokio::test]
async fn an_answer_tells_the_age_of_what_it_was_read_from() {
    let world = World::open().await;
    let read = async |freshness| {
        world.stage.age_ms.store(120_000, Ordering::SeqCst);
        let path = "kv/absent";
        let answer = world
            .here
            .answer(&world.root, Read, path, json!({}), freshness);
        answer.await.age_ms
    };
    // Too old for the bound, so the leader was asked first.
    let bounded = read(Freshness::BoundedMs(2_000)).await;
    assert!(bounded.is_some_and(|age_ms| age_ms <= 2_000), "{bounded:?}");
    let stale = read(Freshness::Stale).await;
    assert!(stale.is_some_and(|age_ms| age_ms >= 120_000), "{stale:?}");
    assert_eq!(read(Freshness::Linearizable).await, None);
}

#[tokio::test]
async fn what_is_gone_stands_at_an_index_too() {
    let world = World::open().await;
    world.mount("versions", "2").await;
    let path = "versions/data/a";
    world
        .here
        .must(&world.root, path, json!({ "data": { "v": 1 } }))
        .await;
    shown(world.here.ask(&world.root, Delete, path, json!({})).await);
    let answer = world
        .here
        .answer(&world.root, Read, path, json!({}), Freshness::Linearizable)
        .await;
    assert!(matches!(answer.result, Err(Refusal::Gone(_))));
    assert!(answer.index.is_some());
}

#[tokio::test]
async fn a_seal_that_others_may_not_hear_of_is_told_as_unknown() {
    let world = World::open().await;
    world.replica.refuse_next_proposal();
    let refusal = refused(
        world
            .here
            .ask(&world.root, Write, "sys/seal", json!({}))
            .await,
    );
    assert!(
        matches!(refusal, Refusal::Commit(CommitError::Unknown(_))),
        "{refusal}"
    );
    // Here it is done all the same.
    let asked = world.here.ask(&world.root, Read, "kv/a", json!({})).await;
    assert!(matches!(asked, Err(Refusal::Sealed)));
}

#[tokio::test]
async fn an_unknown_outcome_is_told_as_such() {
    let world = World::open().await;
    world.replica.lose_next_answer();
    let asked = world
        .here
        .ask(&world.root, Write, "kv/a", json!({ "v": 1 }))
        .await;
    let refusal = refused(asked);
    assert!(
        matches!(refusal, Refusal::Commit(CommitError::Unknown(_))),
        "{refusal}"
    );
    assert_eq!(world.here.data(&world.root, "kv/a").await["v"], json!(1));
}

#[tokio::test]
async fn a_write_that_was_not_proposed_may_be_tried_again() {
    let world = World::open().await;
    world.replica.refuse_next_proposal();
    let ask = || {
        world
            .here
            .ask(&world.root, Write, "kv/a", json!({ "v": 1 }))
    };
    let refusal = refused(ask().await);
    assert!(
        matches!(refusal, Refusal::Commit(CommitError::Unavailable(_))),
        "{refusal}"
    );
    missing(world.here.ask(&world.root, Read, "kv/a", json!({})).await);
    shown(ask().await);
}

#[tokio::test]
async fn without_a_leader_requests_fail_fast_and_stale_reads_go_on() {
    let world = World::open().await;
    world
        .here
        .must(&world.root, "kv/a", json!({ "v": 1 }))
        .await;
    world.replica.set_available(false);
    let started = Instant::now();
    for (operation, path) in [
        (Read, "kv/a"),
        (List, "kv"),
        (Write, "kv/a"),
        (Delete, "kv/never"),
    ] {
        let body = json!({ "v": 2 });
        let refusal = refused(world.here.ask(&world.root, operation, path, body).await);
        let unavailable = matches!(
            refusal,
            Refusal::Unavailable(_) | Refusal::Commit(CommitError::Unavailable(_))
        );
        assert!(unavailable, "{path}: {refusal}");
    }
    assert!(started.elapsed() < Duration::from_secs(1));
    let stale = world
        .here
        .answer(&world.root, Read, "kv/a", json!({}), Freshness::Stale)
        .await;
    assert!(stale.index.is_some());
    assert_eq!(shown(stale.result).data.unwrap()["v"], json!(1));
}

#[tokio::test]
async fn an_index_that_was_not_reached_is_told_as_behind() {
    let world = World::open().await;
    let far = Freshness::AtLeast(1_000_000);
    let answer = world
        .here
        .answer(&world.root, Read, "kv/a", json!({}), far)
        .await;
    assert!(matches!(refused(answer.result), Refusal::Behind));
    assert_eq!(answer.index, None);
}

#[tokio::test]
async fn a_read_sees_the_index_of_the_write_before_it() {
    let world = World::open().await;
    world.replica.set_lagging(true);
    let written = world
        .there
        .answer(
            &world.root,
            Write,
            "kv/a",
            json!({ "v": 1 }),
            Freshness::Linearizable,
        )
        .await;
    let seen = Freshness::AtLeast(written.index.unwrap());
    let read = world
        .here
        .answer(&world.root, Read, "kv/a", json!({}), seen)
        .await;
    assert_eq!(shown(read.result).data.unwrap()["v"], json!(1));
    assert!(read.index >= written.index);
}

#[tokio::test]
async fn sealed_and_empty_nodes_say_so() {
    let world = World::open().await;
    world.here.must(&world.root, "sys/seal", json!({})).await;
    for node in [&world.here, &*world.there] {
        for operation in [Read, Write, List, Delete] {
            let refusal = refused(node.ask(&world.root, operation, "kv/a", json!({})).await);
            assert!(matches!(refusal, Refusal::Sealed), "{refusal}");
        }
    }
    world
        .here
        .must("", "sys/unseal", json!({ "key": world.share }))
        .await;
    missing(world.here.ask(&world.root, Read, "kv/a", json!({})).await);
}

#[tokio::test]
async fn every_use_of_a_counted_token_counts_also_when_it_is_refused() {
    let world = World::open().await;
    world.policy(&world.here, "kv", ALL_OF_KV).await;
    for (operation, path) in [
        (Read, "kv/missing"),
        (Read, "elsewhere/denied"),
        (Write, "kv"),
        (Read, "sys/metrics"),
        (List, "kv"),
    ] {
        let asked = json!({ "policies": ["kv"], "num_uses": 2 });
        let token = world.token(&world.here, asked).await;
        for _ in 0..2 {
            let _answer = world.here.ask(&token, operation, path, json!({})).await;
        }
        denied(world.here.ask(&token, Read, "sys/metrics", json!({})).await);
        missing_token(&world, &token).await;
    }
}

/// The token has ended for whoever looks it up, too.
async fn missing_token(world: &World, token: &str) {
    let body = json!({ "token": token });
    denied(
        world
            .here
            .ask(&world.root, Write, "auth/token/lookup", body)
            .await,
    );
}

#[tokio::test]
async fn a_counted_token_is_charged_once_when_its_request_conflicts() {
    let world = World::open().await;
    world.policy(&world.here, "kv", ALL_OF_KV).await;
    let asked = json!({ "policies": ["kv"], "num_uses": 2 });
    let token = world.token(&world.here, asked).await;
    let (there, root) = (Arc::clone(&world.there), world.root.clone());
    world.stage.meanwhile(async move {
        there.must(&root, "kv/a", json!({ "by": "there" })).await;
    });
    shown(
        world
            .here
            .ask(&token, Write, "kv/a", json!({ "by": "here" }))
            .await,
    );
    assert_eq!(world.here.data(&token, "kv/a").await["by"], json!("here"));
    denied(world.here.ask(&token, Read, "kv/a", json!({})).await);
}

pub(crate) async fn metrics(world: &World) -> String {
    let data = world.here.data(&world.root, "sys/metrics").await;
    data["text"].as_str().unwrap().to_owned()
}
