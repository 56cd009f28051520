//! Tests of the token routes.

use crate::fixture::{CUBBYHOLE, NS, ROOT, World};
use holdfast_contract::Operation::List;
use holdfast_types::Class;
use serde_json::{Value as Json, json};

fn none() -> Json {
    json!({})
}

const MAKER: &str =
    "path \"auth/token/*\" { capabilities = [\"create\", \"read\", \"update\", \"list\"] }";

/// A token that may make tokens, without sudo.
fn maker(world: &World) -> String {
    world.write(ROOT, "sys/policies/acl/maker", json!({"policy": MAKER}));
    world.child(ROOT, json!({"policies": ["maker"], "ttl": "1h"}))
}

#[test]
fn a_lookup_shows_what_clients_read() {
    let world = World::new();
    let body = json!({"policies": ["p"], "meta": {"k": "v"}, "ttl": "90m", "display_name": "a b!", "num_uses": 9,
        "explicit_max_ttl": "2h", "odd": 1});
    let made = world.write(ROOT, "auth/token/create", body);
    let auth = made.reply.auth.as_ref().unwrap();
    assert_eq!(
        (
            auth.lease_duration_s,
            auth.renewable,
            auth.orphan,
            auth.num_uses
        ),
        (5400, true, false, 9)
    );
    assert_eq!(made.policies(), ["default", "p"]);
    assert_eq!(auth.metadata, Some(vec![("k".to_owned(), "v".to_owned())]));
    let warnings = [
        "Endpoint ignored these unrecognized parameters: [odd]",
        "policy \"p\" does not exist",
    ];
    assert_eq!(made.reply.warnings, warnings);

    let mut expected = json!({
        "accessor": made.accessor(), "creation_time": 1_700_000_000, "creation_ttl": 5400, "display_name": "token-a-b",
        "entity_id": "", "expire_time": "2023-11-14T23:43:20Z", "explicit_max_ttl": 7200, "id": made.token(),
        "issue_time": "2023-11-14T22:13:20Z", "meta": {"k": "v"}, "num_uses": 9, "orphan": false,
        "path": "auth/token/create", "policies": ["default", "p"], "renewable": true, "ttl": 5400, "type": "service",
    });
    assert_eq!(
        world
            .write(ROOT, "auth/token/lookup", json!({"token": made.token()}))
            .data(),
        expected
    );
    world.wait_ms(1500);
    expected["ttl"] = json!(5399);
    expected["num_uses"] = json!(8);
    assert_eq!(
        world.read(&made.token(), "auth/token/lookup-self").data(),
        expected
    );
    expected["id"] = json!("");
    let named = world.write(
        ROOT,
        "auth/token/lookup-accessor",
        json!({"accessor": made.accessor()}),
    );
    assert_eq!(named.data(), expected);

    let root = world.write(ROOT, "auth/token/lookup", none()).data();
    assert_eq!(
        (&root["expire_time"], &root["ttl"], &root["meta"]),
        (&Json::Null, &json!(0), &Json::Null)
    );
    assert_eq!(
        (&root["path"], &root["id"]),
        (&json!("auth/token/root"), &json!(ROOT))
    );
}

#[test]
fn unknown_tokens_and_accessors_are_refused() {
    let world = World::new();
    for (token, path, body, status) in [
        ("unknown", "auth/token/lookup-self", none(), 403),
        ("", "auth/token/lookup-self", none(), 403),
        (ROOT, "auth/token/lookup", json!({"token": "unknown"}), 403),
        (
            ROOT,
            "auth/token/lookup-accessor",
            json!({"accessor": "unknown"}),
            400,
        ),
        (ROOT, "auth/token/lookup-accessor", none(), 400),
        (ROOT, "auth/token/renew", json!({"token": "unknown"}), 403),
        (ROOT, "auth/token/renew", none(), 400),
        (
            ROOT,
            "auth/token/renew-accessor",
            json!({"accessor": "unknown"}),
            400,
        ),
        (ROOT, "auth/token/revoke", json!({"token": "unknown"}), 204),
        (ROOT, "auth/token/revoke", none(), 400),
        (
            ROOT,
            "auth/token/revoke-accessor",
            json!({"accessor": "unknown"}),
            400,
        ),
        (ROOT, "auth/token/tidy", none(), 202),
    ] {
        let answer = world.write(token, path, body);
        assert_eq!(answer.status, status, "{path}: {}", answer.error);
        assert!(!answer.error.contains("unknown"));
    }
}

#[test]
fn only_sudo_gives_more_than_one_has() {
    let world = World::new();
    let maker = maker(&world);
    for (body, error) in [
        (
            json!({"policies": ["other"]}),
            "child policies must be subset of parent",
        ),
        (
            json!({"policies": ["ROOT"]}),
            "child policies must be subset of parent",
        ),
        (
            json!({"id": "mine"}),
            "root or sudo privileges required to specify token id",
        ),
        (
            json!({"no_parent": true}),
            "root or sudo privileges required to create orphan token",
        ),
        (
            json!({"period": "1h"}),
            "root or sudo privileges required to create periodic token",
        ),
        (
            json!({"type": "batch"}),
            "field \"type\": batch is not supported yet",
        ),
        (
            json!({"type": "canary"}),
            "field \"type\": must be \"service\"",
        ),
        (
            json!({"num_uses": -1}),
            "field \"num_uses\": must not be negative",
        ),
        (
            json!({"ttl": "-1s"}),
            "field \"ttl\": must be a duration in seconds or with a unit",
        ),
        (
            json!({"entity_alias": "canary"}),
            "field \"entity_alias\": needs a role, and roles are not supported yet",
        ),
    ] {
        let answer = world.write(&maker, "auth/token/create", body);
        assert_eq!((answer.status, answer.error.as_str()), (400, error));
    }
    assert_eq!(
        world
            .write(&maker, "auth/token/create-orphan", none())
            .status,
        403
    );
    assert_eq!(
        world
            .call(&maker, List, "auth/token/accessors/", none())
            .status,
        403
    );
    let child = world.write(&maker, "auth/token/create", none());
    assert_eq!(child.policies(), ["default", "maker"]);

    let sudo = "path \"auth/token/*\" { capabilities = [\"update\", \"sudo\"] }";
    world.write(ROOT, "sys/policies/acl/sudo", json!({"policy": sudo}));
    let sudo = world.child(ROOT, json!({"policies": ["sudo"]}));
    let wide = world.write(
        &sudo,
        "auth/token/create",
        json!({"policies": ["other"], "period": "1h", "id": "mine"}),
    );
    assert_eq!(
        (wide.policies(), wide.token()),
        (
            vec!["default".to_owned(), "other".to_owned()],
            "mine".to_owned()
        )
    );
    assert_eq!(
        world
            .write(&sudo, "auth/token/create", json!({"policies": ["root"]}))
            .status,
        400
    );
    assert_eq!(
        world
            .write(&sudo, "auth/token/create", json!({"id": "mine"}))
            .error,
        "cannot create a token with a duplicate ID"
    );
    assert_eq!(
        world
            .write(&sudo, "auth/token/create", json!({"id": "hfs.x"}))
            .status,
        400
    );
    let orphan = world.write(&sudo, "auth/token/create-orphan", none());
    assert!(orphan.reply.auth.as_ref().unwrap().orphan);
}

#[test]
fn root_children_of_root() {
    let world = World::new();
    let endless = world.write(ROOT, "auth/token/create", none());
    let auth = endless.reply.auth.as_ref().unwrap();
    assert_eq!((auth.lease_duration_s, auth.renewable), (0, false));
    assert_eq!(endless.policies(), ["root"]);
    let ending = world.child(ROOT, json!({"ttl": "1h"}));
    let answer = world.write(&ending, "auth/token/create", none());
    assert_eq!(
        answer.error,
        "expiring root tokens cannot create non-expiring root tokens"
    );
    assert_eq!(
        world
            .write(&ending, "auth/token/create", json!({"ttl": "1h"}))
            .status,
        200
    );
    let answer = world.write(ROOT, "auth/token/renew-self", none());
    assert_eq!(
        (answer.status, answer.error.as_str()),
        (400, "lease is not renewable")
    );
}

#[test]
fn a_counted_token_ends_with_its_last_use() {
    let world = World::new();
    let maker = maker(&world);
    let token = world.child(&maker, json!({"num_uses": 2}));
    assert_eq!(
        world.write(&token, "auth/token/create", none()).error,
        "restricted use token cannot generate child tokens"
    );
    // A refused call is not committed here, so two uses are left.
    assert_eq!(
        world.read(&token, "auth/token/lookup-self").data()["num_uses"],
        1
    );
    assert_eq!(
        world.read(&token, "auth/token/lookup-self").data()["num_uses"],
        0
    );
    assert_eq!(world.read(&token, "auth/token/lookup-self").status, 403);
    let left = world.count(Class::Token);
    assert_eq!(
        world.commit(|txn| crate::expire_due(txn, NS, CUBBYHOLE, 10)),
        Ok(2)
    );
    assert_eq!(world.count(Class::Token), left - 1);
    assert_eq!(
        world.commit(|txn| crate::expire_due(txn, NS, CUBBYHOLE, 10)),
        Ok(0)
    );
}

#[test]
fn renewing_puts_the_end_off() {
    let world = World::new();
    let made = world.write(
        ROOT,
        "auth/token/create",
        json!({"policies": ["default"], "ttl": "10s", "explicit_max_ttl": "25s"}),
    );
    let token = made.token();
    world.wait_ms(8_000);
    let renewed = world.write(&token, "auth/token/renew-self", none());
    assert_eq!(renewed.token(), token);
    assert_eq!(renewed.reply.auth.as_ref().unwrap().lease_duration_s, 10);
    world.wait_ms(8_000);
    let capped = world.write(
        ROOT,
        "auth/token/renew",
        json!({"token": token, "increment": "1h"}),
    );
    assert_eq!(capped.reply.auth.as_ref().unwrap().lease_duration_s, 9);
    assert_eq!(capped.reply.warnings.len(), 1);
    let lookup = world.read(&token, "auth/token/lookup-self").data();
    assert_eq!(lookup["last_renewal_time"], 1_700_000_016);
    let named = world.write(
        ROOT,
        "auth/token/renew-accessor",
        json!({"accessor": made.accessor(), "increment": 5}),
    );
    assert_eq!(
        (
            named.token(),
            named.reply.auth.as_ref().unwrap().lease_duration_s
        ),
        (String::new(), 5)
    );
    world.wait_ms(5_000);
    assert!(!world.lives(&token));
    assert_eq!(
        world
            .write(ROOT, "auth/token/renew", json!({"token": token}))
            .status,
        403
    );
    let fixed = world.child(ROOT, json!({"policies": ["default"], "renewable": false}));
    assert_eq!(
        world.write(&fixed, "auth/token/renew-self", none()).status,
        400
    );
    let periodic = world.child(ROOT, json!({"policies": ["default"], "period": "1m"}));
    assert_eq!(
        world.read(&periodic, "auth/token/lookup-self").data()["period"],
        60
    );
}

#[test]
fn accessors_are_listed_and_end_with_their_tokens() {
    let world = World::new();
    let made = world.write(ROOT, "auth/token/create", json!({"policies": ["p"]}));
    let keys = world
        .call(ROOT, List, "auth/token/accessors/", none())
        .data()["keys"]
        .clone();
    assert_eq!(keys.as_array().unwrap().len(), 2);
    assert!(keys.as_array().unwrap().contains(&json!(made.accessor())));
    assert_eq!(
        world
            .write(
                ROOT,
                "auth/token/revoke-accessor",
                json!({"accessor": made.accessor()})
            )
            .status,
        204
    );
    assert!(!world.lives(&made.token()));
    let gone = world.write(
        ROOT,
        "auth/token/lookup-accessor",
        json!({"accessor": made.accessor()}),
    );
    assert_eq!(
        (gone.status, gone.error.as_str()),
        (400, "invalid accessor")
    );
}
