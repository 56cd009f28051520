//! Tests of the policy routes.

use crate::fixture::{ROOT, World};
use holdfast_contract::Form;
use holdfast_contract::Operation::{Delete, List};
use serde_json::{Value as Json, json};

fn none() -> Json {
    json!({})
}

#[test]
fn policies_are_written_read_listed_and_deleted() {
    let world = World::new();
    let text = "path \"secret/*\" { capabilities = [\"read\"] }";
    assert_eq!(
        world
            .write(ROOT, "sys/policies/acl/Team", json!({"policy": text}))
            .status,
        204
    );
    let read = world.read(ROOT, "sys/policies/acl/team").data();
    assert_eq!(
        (read["name"].as_str(), read["policy"].as_str()),
        (Some("team"), Some(text))
    );
    assert_eq!(
        (&read["version"], &read["cas_required"]),
        (&json!(1), &json!(false))
    );
    assert_eq!(read["modified"], "2023-11-14T22:13:20Z");

    let keys = json!(["default", "root", "team"]);
    for path in ["sys/policies/acl", "sys/policies/acl/", "sys/policy"] {
        assert_eq!(
            world.call(ROOT, List, path, none()).data(),
            json!({"keys": keys, "policies": keys}),
            "{path}"
        );
    }
    let page = world
        .call(
            ROOT,
            List,
            "sys/policies/acl/",
            json!({"after": "default", "limit": 1}),
        )
        .data();
    assert_eq!(page["keys"], json!(["root"]));

    assert_eq!(
        world
            .call(ROOT, Delete, "sys/policies/acl/team", none())
            .status,
        204
    );
    assert_eq!(
        world
            .call(ROOT, Delete, "sys/policies/acl/team", none())
            .status,
        204
    );
    assert_eq!(world.read(ROOT, "sys/policies/acl/team").status, 404);
}

#[test]
fn older_clients_read_rules_and_send_base64() {
    let world = World::new();
    let text = "path \"a\" { policy = \"read\" }\n";
    let base64 = "cGF0aCAiYSIgeyBwb2xpY3kgPSAicmVhZCIgfQo=";
    assert_eq!(
        world
            .write(ROOT, "sys/policy/old", json!({"rules": base64}))
            .status,
        204
    );
    let answer = world.read(ROOT, "sys/policy/old");
    assert_eq!(answer.data(), json!({"name": "old", "rules": text}));
    assert!(answer.reply.form == Form::Doubled);
    assert_eq!(
        world.call(ROOT, Delete, "sys/policy/old", none()).status,
        204
    );
}

#[test]
fn root_is_immutable_and_default_stays() {
    let world = World::new();
    let body = || json!({"policy": "path \"*\" { policy = \"sudo\" }"});
    for name in ["root", "ROOT", "Root", "response-wrapping"] {
        let answer = world.write(ROOT, &format!("sys/policies/acl/{name}"), body());
        assert_eq!(answer.status, 400, "{name}");
        assert!(
            answer.error.starts_with("cannot update"),
            "{}",
            answer.error
        );
        assert_eq!(
            world
                .call(ROOT, Delete, &format!("sys/policies/acl/{name}"), none())
                .status,
            400
        );
    }
    assert_eq!(
        world
            .call(ROOT, Delete, "sys/policies/acl/Default", none())
            .error,
        "cannot delete \"default\" policy"
    );
    assert_eq!(
        world.write(ROOT, "sys/policies/acl/default", body()).status,
        204
    );
    assert_eq!(
        world.read(ROOT, "sys/policies/acl/root").data(),
        json!({"name": "root", "policy": ""})
    );
}

#[test]
fn bad_policies_are_refused_with_the_place_and_not_the_value() {
    let world = World::new();
    for (body, error) in [
        (none(), "'policy' parameter not supplied or empty"),
        (
            json!({"policy": ""}),
            "'policy' parameter not supplied or empty",
        ),
        (json!({"policy": {}}), "field \"policy\": must be a string"),
        (
            json!({"policy": "path \"canary\" { canari = 1 }"}),
            "failed to parse policy: path block 1: unknown key \"canari\"",
        ),
        (
            json!({"policy": "canary canary"}),
            "failed to parse policy: line 1, column 8: expected \"=\", \":\" or \"{\"",
        ),
        (
            json!({"policy": "name = \"x\"", "ttl": "1h"}),
            "field \"ttl\": is not supported yet",
        ),
        (
            json!({"policy": "name = \"x\"", "cas": 3}),
            "check-and-set parameter did not match the current version",
        ),
    ] {
        let answer = world.write(ROOT, "sys/policies/acl/p", body);
        assert_eq!((answer.status, answer.error.as_str()), (400, error));
    }
    assert_eq!(
        world
            .write(ROOT, "sys/policies/acl/a%b", json!({"policy": "name = 1"}))
            .status,
        400
    );
    for cas in [-1, 1, 2] {
        assert_eq!(
            world
                .write(
                    ROOT,
                    "sys/policies/acl/p",
                    json!({"policy": "name = \"x\"", "cas": cas})
                )
                .status,
            204
        );
    }
}

#[test]
fn capabilities_are_told_for_every_path_asked() {
    let world = World::new();
    let text = "path \"secret/*\" { capabilities = [\"update\", \"read\"] } path \"secret/x\" { policy = \"deny\" }
        path \"sys/capabilities*\" { policy = \"write\" }";
    world.write(ROOT, "sys/policies/acl/p", json!({"policy": text}));
    let made = world.write(ROOT, "auth/token/create", json!({"policies": ["p"]}));
    let (token, accessor) = (made.token(), made.accessor());
    let paths = json!(["secret/a", "/secret/x", "other"]);
    let expected = json!({"capabilities": ["read", "update"], "secret/a": ["read", "update"], "/secret/x": ["deny"], "other": ["deny"]});

    let own = world.write(&token, "sys/capabilities-self", json!({"paths": paths}));
    assert_eq!(own.data(), expected);
    assert!(own.reply.form == Form::Doubled);
    let of = world.write(
        ROOT,
        "sys/capabilities",
        json!({"paths": paths, "token": token}),
    );
    assert_eq!(of.data(), expected);
    let named = world.write(
        ROOT,
        "sys/capabilities-accessor",
        json!({"path": paths, "accessor": accessor}),
    );
    assert_eq!(named.data(), expected);
    let root = world.write(ROOT, "sys/capabilities-self", json!({"path": "a"}));
    assert_eq!(
        root.data(),
        json!({"capabilities": ["root"], "a": ["root"]})
    );

    for (path, body, error) in [
        (
            "sys/capabilities-self",
            none(),
            "field \"paths\": is required",
        ),
        (
            "sys/capabilities-self",
            json!({"paths": ["a/../b"]}),
            "field \"paths\": path has a relative segment",
        ),
        (
            "sys/capabilities",
            json!({"paths": ["a"], "token": "unknown"}),
            "invalid token",
        ),
        (
            "sys/capabilities-accessor",
            json!({"paths": ["a"], "accessor": "unknown"}),
            "invalid accessor",
        ),
    ] {
        let answer = world.write(ROOT, path, body);
        assert_eq!((answer.status, answer.error.as_str()), (400, error));
    }
}

#[test]
fn the_default_policy_lets_a_token_see_to_itself() {
    let world = World::new();
    let token = world.child(ROOT, json!({"policies": ["default"]}));
    assert_eq!(world.read(&token, "auth/token/lookup-self").status, 200);
    assert_eq!(
        world.write(&token, "auth/token/renew-self", none()).status,
        200
    );
    let rights = world.read(&token, "sys/internal/ui/resultant-acl").data();
    assert_eq!(rights["root"], false);
    assert!(
        rights["glob_paths"]["cubbyhole/"]["capabilities"]
            .as_array()
            .unwrap()
            .contains(&json!("list"))
    );
    assert_eq!(world.write(&token, "auth/token/create", none()).status, 403);
    assert_eq!(world.read(&token, "sys/policies/acl/default").status, 403);
    assert_eq!(
        world.write(&token, "auth/token/revoke-self", none()).status,
        204
    );
    assert!(!world.lives(&token));
    let bare = world.child(ROOT, json!({"policies": ["p"], "no_default_policy": true}));
    assert_eq!(world.read(&bare, "auth/token/lookup-self").status, 403);
}
