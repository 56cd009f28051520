//! Tests of ending tokens: trees, crashes in between, races, expiry.

use super::keys::cubbyhole_name;
use super::*;
use crate::fixture::{CUBBYHOLE, NS, ROOT, World, evaluate};
use holdfast_barrier::{CommitError, Txn};
use holdfast_contract::Operation::Write;
use holdfast_lease::{Expiring, schedule};
use holdfast_types::Class;
use holdfast_types::limits::{REVOKED_AT_ONCE_MAX, REVOKED_SECRETS_AT_ONCE_MAX, TOKEN_DEPTH_MAX};
use serde_json::json;
use zeroize::Zeroizing;

/// A token with all rights that ends, so that its children may do anything too.
fn node(world: &World, parent: &str) -> String {
    world.child(parent, json!({"policies": ["root"], "ttl": "10h"}))
}

fn make(txn: &mut Txn, parent: &str, end_ms: u64) -> Created {
    let life = Lifetime {
        expiry: Expiry::At(end_ms),
        ttl_s: 1,
        explicit_max_ttl_s: 0,
        period_s: 0,
        warnings: vec![],
    };
    let new = NewToken {
        id: None,
        parent: Some(token_key(txn, parent)),
        policies: vec!["default".to_owned()],
        meta: vec![],
        display_name: "token".to_owned(),
        path: "auth/token/create".to_owned(),
        life,
        created_ms: txn.now_ms(),
        num_uses: 0,
        renewable: true,
        entity_id: String::new(),
    };
    create(txn, NS, new).unwrap_or_else(|refusal| panic!("{refusal}"))
}

/// Many children, in transactions of 100.
fn brood(world: &World, parent: &str, count: usize) -> Vec<String> {
    let mut tokens = Vec::new();
    while tokens.len() < count {
        let some = (count - tokens.len()).min(100);
        world.commit(|txn| {
            let end_ms = txn.now_ms() + 36_000_000;
            tokens.extend((0..some).map(|_| make(txn, parent, end_ms).token.to_string()));
        });
    }
    tokens
}

fn records(world: &World) -> [usize; 4] {
    [
        Class::Token,
        Class::Accessor,
        Class::TokenChild,
        Class::Expiry,
    ]
    .map(|class| world.count(class))
}

/// The leader's duty until nothing is left; how many transactions it took.
fn expire(world: &World) -> usize {
    let step = || {
        world
            .commit(|txn| expire_due(txn, NS, CUBBYHOLE, 100))
            .unwrap()
    };
    (0..100).take_while(|_| step() > 0).count()
}

fn keep_secrets(world: &World, token: &str, count: usize) {
    for chunk in 0..count.div_ceil(500) {
        world.commit(|txn| {
            let root = cubbyhole_name(NS, CUBBYHOLE, &token_key(txn, token));
            for i in 0..500.min(count - chunk * 500) {
                let name = root.clone().with(format!("{chunk}-{i}"));
                txn.put(&name, Zeroizing::new(vec![1])).unwrap();
            }
        });
    }
}

#[test]
fn tokens_are_kept_as_keyed_hashes_only() {
    let world = World::new();
    let token = node(&world, ROOT);
    assert!(token.starts_with("hfs.") && token.len() == 53);
    let txn = world.txn();
    let key = token_key(&txn, &token);
    assert!(key.len() == 64 && key != token_key(&txn, ROOT) && key == token_key(&txn, &token));
    // Domains are apart: a token that spells another's input has another key.
    assert_ne!(
        txn.token_hmac(token.as_bytes()).to_vec(),
        txn.token_hmac(&[b"token\0", token.as_bytes()].concat())
            .to_vec()
    );
}

#[test]
fn a_small_tree_ends_in_one_transaction() {
    let world = World::new();
    let before = records(&world);
    let top = node(&world, ROOT);
    let (left, right) = (node(&world, &top), node(&world, &top));
    let leaf = node(&world, &left);
    let bystander = node(&world, ROOT);
    keep_secrets(&world, &leaf, 3);
    keep_secrets(&world, &bystander, 2);
    assert_eq!(world.count(Class::Engine), 5);
    world.write(ROOT, "auth/token/revoke", json!({"token": top}));
    for dead in [&top, &left, &right, &leaf] {
        assert!(!world.lives(dead));
    }
    assert!(world.lives(&bystander) && world.lives(ROOT));
    assert_eq!(world.count(Class::Engine), 2);
    world.write(&bystander, "auth/token/revoke-self", json!({}));
    assert_eq!(records(&world), before);
    assert_eq!((world.count(Class::Engine), expire(&world)), (0, 0));
}

#[test]
fn a_large_tree_is_dead_at_once_and_cleared_by_the_leader() {
    let world = World::new();
    let before = records(&world);
    let top = node(&world, ROOT);
    let middle = node(&world, &top);
    let leaves = brood(&world, &middle, REVOKED_AT_ONCE_MAX + 130);
    world.write(ROOT, "auth/token/revoke", json!({"token": top}));
    assert!(records(&world)[0] > before[0]);
    assert!(
        leaves
            .iter()
            .chain([&top, &middle])
            .all(|token| !world.lives(token))
    );
    // Nothing can be made under it any more.
    let mut txn = world.txn();
    assert!(evaluate(&mut txn, &middle, Write, "auth/token/create", json!({})).is_err());
    // Each step may be lost and done again.
    let mut lost = world.txn();
    expire_due(&mut lost, NS, CUBBYHOLE, 50).unwrap();
    drop(lost);
    assert!(expire(&world) >= 2);
    assert_eq!(records(&world), before);
}

#[test]
fn many_secrets_of_one_token_are_deleted_in_steps() {
    let world = World::new();
    let before = records(&world);
    let token = node(&world, ROOT);
    keep_secrets(&world, &token, REVOKED_SECRETS_AT_ONCE_MAX + 300);
    world.write(&token, "auth/token/revoke-self", json!({}));
    assert!(!world.lives(&token));
    assert_eq!(world.count(Class::Engine), 300);
    assert_eq!(expire(&world), 1);
    assert_eq!((world.count(Class::Engine), records(&world)), (0, before));
}

#[test]
fn a_child_made_while_its_parent_ends_does_not_live() {
    let world = World::new();
    let parent = node(&world, ROOT);
    // Revoked first: the child's parent is not as it was read.
    let mut late = world.txn();
    evaluate(
        &mut late,
        &parent,
        Write,
        "auth/token/create",
        json!({"ttl": "1h"}),
    )
    .unwrap_or_else(|why| panic!("{why}"));
    world.write(ROOT, "auth/token/revoke", json!({"token": parent}));
    assert_eq!(world.try_commit(late), Err(CommitError::Conflict));

    // Made first, and the revocation did not see it: without its parent it is dead, and its own end clears it.
    let parent = node(&world, ROOT);
    let before = records(&world);
    let mut revocation = world.txn();
    let key = token_key(&revocation, &parent);
    assert_eq!(
        revoke(&mut revocation, NS, CUBBYHOLE, &key),
        Ok(Revoked::Done)
    );
    let child = world.child(&parent, json!({"ttl": "1h"}));
    assert_eq!(world.try_commit(revocation), Ok(()));
    assert!(!world.lives(&child));
    world.wait_ms(3_600_000);
    assert_eq!(expire(&world), 1);
    assert_eq!(records(&world).map(|count| count + 1)[..2], before[..2]);
    assert_eq!(world.count(Class::TokenChild), before[2] - 1);

    // A child without an end would stay for ever, so it conflicts.
    let endless = world.child(ROOT, json!({}));
    let mut revocation = world.txn();
    let key = token_key(&revocation, &endless);
    revoke(&mut revocation, NS, CUBBYHOLE, &key).unwrap();
    world.child(&endless, json!({}));
    assert_eq!(world.try_commit(revocation), Err(CommitError::Conflict));
}

#[test]
fn tokens_end_by_themselves_with_their_children() {
    let world = World::new();
    let before = records(&world);
    let parent = world.child(ROOT, json!({"policies": ["root"], "ttl": "10s"}));
    let child = world.child(&parent, json!({"policies": ["root"], "ttl": "1h"}));
    let other = world.child(ROOT, json!({"policies": ["root"], "ttl": "11s"}));
    world.wait_ms(9_999);
    assert!(world.lives(&parent) && world.lives(&child));
    assert_eq!(expire(&world), 0);
    world.wait_ms(1);
    assert!(!world.lives(&parent) && !world.lives(&child) && world.lives(&other));
    assert_eq!(expire(&world), 1);
    assert!(world.lives(&other));
    world.wait_ms(1_000);
    assert_eq!(expire(&world), 1);
    assert_eq!(records(&world), before);
}

#[test]
fn a_token_revoked_alone_leaves_orphans() {
    for brood_size in [3, REVOKED_AT_ONCE_MAX + 20] {
        let world = World::new();
        let top = node(&world, ROOT);
        let middle = node(&world, &top);
        let children = brood(&world, &middle, brood_size);
        world.write(ROOT, "auth/token/revoke-orphan", json!({"token": middle}));
        assert!(!world.lives(&middle));
        assert!(
            children.iter().all(|child| world.lives(child)),
            "{brood_size}"
        );
        // Ending what was above does not reach them, done or not.
        world.write(ROOT, "auth/token/revoke", json!({"token": top}));
        assert!(
            children.iter().all(|child| world.lives(child)),
            "{brood_size}"
        );
        expire(&world);
        assert!(
            children.iter().all(|child| world.lives(child)),
            "{brood_size}"
        );
        let [tokens, _, links, _] = records(&world);
        assert_eq!((tokens, links), (1 + brood_size, 0));
        let orphan = world
            .write(ROOT, "auth/token/lookup", json!({"token": children[0]}))
            .data();
        assert_eq!(orphan["orphan"], true);
    }
}

#[test]
fn lines_of_ancestors_are_bounded() {
    let world = World::new();
    let mut token = ROOT.to_owned();
    for _ in 0..TOKEN_DEPTH_MAX {
        token = node(&world, &token);
    }
    let answer = world.write(&token, "auth/token/create", json!({"ttl": "1h"}));
    assert_eq!(answer.status, 400);
    assert!(world.lives(&token));
    world.write(ROOT, "auth/token/revoke-self", json!({}));
    assert!(!world.lives(&token) && !world.lives(ROOT));
    assert_eq!(records(&world), [0; 4]);
}

#[test]
fn stale_and_unknown_entries_of_the_index_do_no_harm() {
    let world = World::new();
    let token = node(&world, ROOT);
    let before = records(&world);
    let unknown = Expiring::Other {
        tag: "newer".to_owned(),
        id: "x".to_owned(),
    };
    world.commit(|txn| {
        let key = token_key(txn, &token);
        let now_ms = txn.now_ms();
        schedule(txn, NS, now_ms - 5, &Expiring::Token { key }).unwrap();
        schedule(
            txn,
            NS,
            now_ms - 4,
            &Expiring::Token {
                key: "gone".to_owned(),
            },
        )
        .unwrap();
        schedule(txn, NS, now_ms - 3, &unknown).unwrap();
    });
    assert_eq!(expire(&world), 1);
    assert!(world.lives(&token));
    let after = records(&world);
    assert_eq!((after[0], after[3]), (before[0], before[3] + 1));
}

#[test]
fn never_is_for_root_alone() {
    let record = |policies: &[&str], expiry| TokenRecord {
        accessor: String::new(),
        parent: None,
        depth: 0,
        policies: policies.iter().map(|name| (*name).to_owned()).collect(),
        meta: vec![],
        display_name: String::new(),
        path: String::new(),
        created_ms: 0,
        ttl_s: 0,
        explicit_max_ttl_s: 0,
        period_s: 0,
        expiry,
        due_ms: None,
        num_uses: 0,
        renewable: false,
        renewed_ms: 0,
        entity_id: String::new(),
        state: State::Live,
    };
    assert!(record(&["root"], Expiry::Never).lives_at(u64::MAX));
    assert!(!record(&["default"], Expiry::Never).lives_at(1));
    assert!(!record(&["root"], Expiry::At(0)).lives_at(0));
    assert!(
        !record(&["root"], Expiry::At(5)).lives_at(5) && record(&["a"], Expiry::At(5)).lives_at(4)
    );
}
