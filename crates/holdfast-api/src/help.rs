//! HELP and `?help=1`: what can be done at a path, cut out of the API's own description.

use crate::dispatch::Dispatch;
use holdfast_contract::{Incoming, Operation, Refusal, Reply};
use holdfast_request::Answer;
use holdfast_types::CanonPath;
use serde_json::{Map, Value as Json, json};

/// Answers a question for help. Needs a token, as the description itself does.
pub(crate) async fn answer(dispatch: &Dispatch, incoming: Incoming) -> Answer {
    let path = incoming.path.as_str().to_owned();
    let ask = |at: &str| {
        CanonPath::parse(at).ok().map(|path| Incoming {
            request_id: incoming.request_id.clone(),
            operation: Operation::Read,
            path,
            namespace: incoming.namespace.clone(),
            token: incoming.token.clone(),
            body: Map::new(),
            query: Vec::new(),
            remote_addr: incoming.remote_addr.clone(),
            freshness: incoming.freshness,
        })
    };
    let Some(question) = ask("sys/internal/specs/openapi") else {
        return refused(&incoming, Refusal::NotFound);
    };
    let description = dispatch.answer(question).await;
    let Ok(Reply {
        data: Some(document),
        ..
    }) = &description.result
    else {
        return description;
    };
    let mut spelled = format!("/{path}");
    if !path.starts_with("sys") && !path.starts_with("auth") {
        // Below a mount, the description speaks of the engine's kind instead of the mount's path.
        let Some(question) = ask(&format!("sys/internal/ui/mounts/{path}")) else {
            return refused(&incoming, Refusal::NotFound);
        };
        let mount = dispatch.answer(question).await;
        let Ok(Reply {
            data: Some(mount), ..
        }) = &mount.result
        else {
            return mount;
        };
        let Some(found) = below_mount(mount, &path) else {
            return refused(&incoming, Refusal::NotFound);
        };
        spelled = found;
    }
    match fragment(document, &spelled) {
        Some(help) => Answer {
            result: Ok(Reply::bare(help)),
            ..description
        },
        None => refused(&incoming, Refusal::NotFound),
    }
}

fn refused(incoming: &Incoming, refusal: Refusal) -> Answer {
    Answer {
        result: Err(refusal),
        request_id: incoming.request_id.clone(),
        mount_type: String::new(),
        index: None,
        age_ms: None,
    }
}

/// The path as the description spells it: `secret/data/a` becomes `/{kv_v2_mount_path}/data/a`.
fn below_mount(mount: &Map<String, Json>, path: &str) -> Option<String> {
    let at = mount.get("path")?.as_str()?.trim_end_matches('/');
    let kind = mount.get("type")?.as_str()?;
    let rest = path.strip_prefix(at)?.trim_start_matches('/');
    let version = mount
        .get("options")
        .and_then(|options| options.get("version"))
        .and_then(Json::as_str);
    Some(match version {
        Some(version) => format!("/{{{kind}_v{version}_mount_path}}/{rest}"),
        None => format!("/{kind}/{rest}"),
    })
}

fn fragment(document: &Map<String, Json>, path: &str) -> Option<Json> {
    let paths = document.get("paths")?.as_object()?;
    let (template, shown) = paths.iter().find(|(template, _)| fits(template, path))?;
    let mut only = Map::new();
    only.insert(template.clone(), shown.clone());
    Some(json!({
        "help": shown.get("description"),
        "see_also": null,
        "openapi": { "openapi": document.get("openapi"), "info": document.get("info"), "paths": only },
    }))
}

/// Whether a path is one of a template's. The last parameter takes what is left.
fn fits(template: &str, path: &str) -> bool {
    let mut given = path.trim_end_matches('/').split('/');
    let mut parts = template.trim_end_matches('/').split('/').peekable();
    while let Some(part) = parts.next() {
        let Some(segment) = given.next() else {
            return false;
        };
        if part == segment {
            continue;
        }
        if !part.starts_with('{') || part.ends_with("_mount_path}") {
            return false;
        }
        if parts.peek().is_none() {
            return true;
        }
    }
    given.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_take_their_paths() {
        assert!(fits("/sys/health", "/sys/health"));
        assert!(fits("/sys/policies/acl/{name}", "/sys/policies/acl/a"));
        assert!(fits(
            "/{kv_v2_mount_path}/data/{path}",
            "/{kv_v2_mount_path}/data/a/b"
        ));
        assert!(!fits(
            "/{kv_v2_mount_path}/data/{path}",
            "/{kv_v1_mount_path}/data/a"
        ));
        assert!(!fits("/sys/health", "/sys/health/x"));
        assert!(!fits("/sys/policies/acl/{name}", "/sys/policies/acl"));
        assert!(!fits("/sys/mounts", "/sys/policies"));
    }

    #[test]
    fn a_fragment_holds_one_path() {
        let document = json!({ "openapi": "3.0.2", "paths": { "/sys/health": { "description": "Fitness." }, "/sys/x": {} } });
        let found = fragment(document.as_object().unwrap(), "/sys/health").unwrap();
        assert_eq!(found["help"], "Fitness.");
        assert_eq!(found["openapi"]["paths"].as_object().unwrap().len(), 1);
        assert!(fragment(document.as_object().unwrap(), "/sys/y").is_none());
    }

    #[test]
    fn paths_below_a_mount_are_spelled_by_kind() {
        let mount = json!({ "path": "team/kv/", "type": "kv", "options": { "version": "2" } });
        let spelled = below_mount(mount.as_object().unwrap(), "team/kv/data/a").unwrap();
        assert_eq!(spelled, "/{kv_v2_mount_path}/data/a");
        let plain = json!({ "path": "cubbyhole/", "type": "cubbyhole", "options": null });
        assert_eq!(
            below_mount(plain.as_object().unwrap(), "cubbyhole/a").unwrap(),
            "/cubbyhole/a"
        );
    }
}
