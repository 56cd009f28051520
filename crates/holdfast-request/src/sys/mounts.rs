//! `sys/mounts`, `sys/auth`: the mount table.

use crate::mounts::{self, MountEntry, SYSTEM_LEASE_S};
use holdfast_contract::{
    Body, Call, Context, Field, FieldKind, Guard, Method, Object, Refusal, Reply, Route,
};
use serde_json::{Value as Json, json};
use std::time::Duration;

/// Most options of a mount.
const OPTIONS_MAX: usize = 64;
/// Most bytes of a mount's options, keys and values together.
const OPTIONS_BYTES_MAX: usize = 16 * 1024;
/// Longest description of a mount, in bytes.
const DESCRIPTION_BYTES_MAX: usize = 4 * 1024;

const LEASES: [Field; 4] = [
    Field::new(
        "default_lease_ttl",
        FieldKind::Duration,
        "Lease of what the mount gives; 0 takes the system's.",
    )
    .public(),
    Field::new(
        "max_lease_ttl",
        FieldKind::Duration,
        "Longest lease of what the mount gives; 0 takes the system's.",
    )
    .public(),
    Field::new("description", FieldKind::Text, "For people.").public(),
    Field::new(
        "listing_visibility",
        FieldKind::Text,
        "`unauth` shows the mount to anyone, `hidden` to nobody.",
    )
    .public(),
];

pub(crate) static ROUTES: &[Route] = &[
    Route {
        pattern: "mounts",
        summary: "All mounts with their settings.",
        fields: &[],
        body: Body::Declared,
        guard: Guard::Token,
        exists: None,
        methods: &[Method::read(list)],
    },
    Route {
        pattern: "auth",
        summary: "All auth methods with their settings.",
        fields: &[],
        body: Body::Declared,
        guard: Guard::Token,
        exists: None,
        methods: &[Method::read(list_auth)],
    },
    Route {
        pattern: "mounts/{path*}",
        summary: "One mount, or its settings when the path ends in `/tune`.",
        fields: &[
            Field::new("path", FieldKind::Text, "Where it is mounted.")
                .in_path()
                .public(),
            Field::new("type", FieldKind::Text, "Kind of engine, such as `kv`.").public(),
            Field::new(
                "config",
                FieldKind::Object,
                "Settings: `default_lease_ttl`, `max_lease_ttl`, `listing_visibility`.",
            )
            .public(),
            Field::new(
                "options",
                FieldKind::TextMap,
                "Options of the engine, such as `version`.",
            )
            .public(),
            Field::new(
                "local",
                FieldKind::Boolean,
                "Taken for older clients; every mount is replicated.",
            )
            .public(),
            Field::new(
                "seal_wrap",
                FieldKind::Boolean,
                "Taken for older clients; every record is sealed.",
            )
            .public(),
            Field::new(
                "external_entropy_access",
                FieldKind::Boolean,
                "Taken for older clients.",
            )
            .public(),
            Field::new(
                "plugin_name",
                FieldKind::Text,
                "Kind of engine, for older clients.",
            )
            .public(),
            Field::new(
                "plugin_version",
                FieldKind::Text,
                "Taken for older clients.",
            )
            .public(),
            LEASES[0],
            LEASES[1],
            LEASES[2],
            LEASES[3],
        ],
        body: Body::Declared,
        guard: Guard::Token,
        exists: None,
        methods: &[
            Method::read(read),
            Method::write(write),
            Method::delete(disable),
        ],
    },
];

/// The settings of a mount as clients read them.
pub(crate) fn shown(entry: &MountEntry) -> Json {
    let options: Object = entry
        .options
        .iter()
        .map(|(key, value)| (key.clone(), Json::from(value.as_str())))
        .collect();
    let options = if options.is_empty() {
        Json::Null
    } else {
        Json::Object(options)
    };
    let mut config = json!({
        "default_lease_ttl": entry.default_lease_s,
        "max_lease_ttl": entry.max_lease_s,
        "force_no_cache": false,
    });
    if !entry.listing_visibility.is_empty() {
        config["listing_visibility"] = Json::from(entry.listing_visibility.as_str());
    }
    json!({
        "type": entry.kind,
        "description": entry.description,
        "accessor": entry.accessor,
        "uuid": entry.id.to_string(),
        "local": false,
        "seal_wrap": false,
        "external_entropy_access": false,
        "options": options,
        "plugin_version": "",
        "running_plugin_version": concat!("v", env!("CARGO_PKG_VERSION"), "+builtin.holdfast"),
        "running_sha256": "",
        "deprecation_status": "supported",
        "config": config,
    })
}

/// The two tables that are part of the product and not of the mount table.
pub(crate) fn builtin(kind: &'static str, description: &'static str) -> Json {
    json!({
        "type": kind,
        "description": description,
        "accessor": format!("{kind}_builtin"),
        "uuid": "00000000-0000-0000-0000-000000000000",
        "local": false,
        "seal_wrap": false,
        "external_entropy_access": false,
        "options": null,
        "plugin_version": "",
        "running_plugin_version": concat!("v", env!("CARGO_PKG_VERSION"), "+builtin.holdfast"),
        "running_sha256": "",
        "deprecation_status": "supported",
        "config": {
            "default_lease_ttl": 0,
            "max_lease_ttl": 0,
            "force_no_cache": false,
            "token_type": if kind == "token" { "default-service" } else { "" },
        },
    })
}

fn list(ctx: &mut Context<'_>, _: &Call) -> Result<Reply, Refusal> {
    let mut found = Object::new();
    for entry in mounts::all(ctx.txn, ctx.namespace)? {
        found.insert(entry.path.clone(), shown(&entry));
    }
    found.insert(
        "sys/".to_owned(),
        builtin("system", "the system's own routes"),
    );
    Ok(Reply::doubled(Json::Object(found)))
}

fn list_auth(_: &mut Context<'_>, _: &Call) -> Result<Reply, Refusal> {
    Ok(Reply::doubled(
        json!({ "token/": builtin("token", "token based credentials") }),
    ))
}

/// `mounts/a/b/tune` is the settings of `a/b`, unless a mount of that name stands.
fn tuned(path: &str) -> (&str, bool) {
    path.strip_suffix("/tune")
        .map_or((path, false), |path| (path, true))
}

fn standing(ctx: &mut Context<'_>, path: &str) -> Result<std::sync::Arc<MountEntry>, Refusal> {
    let entry = mounts::at(ctx.txn, ctx.namespace, path)?;
    entry.ok_or_else(|| Refusal::Invalid("no matching mount at this path".to_owned()))
}

fn read(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let (path, tune) = tuned(call.param("path"));
    let entry = standing(ctx, path)?;
    if !tune {
        return Ok(Reply::doubled(shown(&entry)));
    }
    let or_system = |seconds: u64| {
        if seconds == 0 {
            SYSTEM_LEASE_S
        } else {
            seconds
        }
    };
    let mut settings = json!({
        "default_lease_ttl": or_system(entry.default_lease_s),
        "max_lease_ttl": or_system(entry.max_lease_s),
        "description": entry.description,
        "force_no_cache": false,
    });
    if !entry.listing_visibility.is_empty() {
        settings["listing_visibility"] = Json::from(entry.listing_visibility.as_str());
    }
    if !entry.options.is_empty() {
        let options: Object = entry
            .options
            .iter()
            .map(|(key, value)| (key.clone(), Json::from(value.as_str())))
            .collect();
        settings["options"] = Json::Object(options);
    }
    Ok(Reply::doubled(settings))
}

fn write(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let (path, tune) = tuned(call.param("path"));
    if tune {
        tune_mount(ctx, call, path)
    } else {
        enable(ctx, call, path)
    }
}

fn enable(ctx: &mut Context<'_>, call: &Call, path: &str) -> Result<Reply, Refusal> {
    let reserved = ["sys", "auth", "identity", "cubbyhole", "audit"];
    let first = path.split('/').next().unwrap_or_default();
    if path.is_empty() || reserved.contains(&first) {
        return Err(Refusal::field("path", "is empty or reserved"));
    }
    let kind = call
        .fields
        .text("type")
        .or_else(|| call.fields.text("plugin_name"));
    let kind = kind.ok_or_else(|| Refusal::field("type", "is required"))?;
    let (kind, implied) = if kind == "kv-v2" {
        ("kv", Some("2"))
    } else if kind == "kv-v1" {
        ("kv", Some("1"))
    } else {
        (kind, None)
    };
    let asked = call.fields.text_map("options").unwrap_or_default();
    let version = asked
        .iter()
        .find(|(key, _)| key == "version")
        .map(|(_, value)| value.as_str())
        .or(implied);
    let engine = holdfast_engines::find(kind, version.unwrap_or_default())
        .filter(|engine| engine.name != "cubbyhole")
        .ok_or_else(|| {
            Refusal::field(
                "type",
                "names no engine that can be mounted, or no version of it",
            )
        })?;
    let mut entry = MountEntry::new(ctx.txn, path, engine);
    check_options(asked)?;
    for (key, value) in asked.iter().filter(|(key, _)| key != "version") {
        entry.options.push((key.clone(), value.clone()));
    }
    apply_settings(&mut entry, call)?;
    mounts::add(ctx.txn, ctx.namespace, &entry)?;
    Ok(Reply::none())
}

fn tune_mount(ctx: &mut Context<'_>, call: &Call, path: &str) -> Result<Reply, Refusal> {
    let mut entry = (*standing(ctx, path)?).clone();
    let asked = call.fields.text_map("options").unwrap_or_default();
    check_options(asked)?;
    for (key, value) in asked {
        if key == "version" && *value != entry.version {
            return Err(Refusal::field(
                "options.version",
                "cannot be changed after mounting",
            ));
        }
        entry.options.retain(|(known, _)| known != key);
        entry.options.push((key.clone(), value.clone()));
    }
    check_options(&entry.options)?;
    apply_settings(&mut entry, call)?;
    mounts::replace(ctx.txn, ctx.namespace, &entry)?;
    Ok(Reply::none())
}

/// A mount's record is read by every request that lies in it.
fn check_options(options: &[(String, String)]) -> Result<(), Refusal> {
    let bytes: usize = options
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    if options.len() > OPTIONS_MAX || bytes > OPTIONS_BYTES_MAX {
        let text = format!("has more than {OPTIONS_MAX} members or {OPTIONS_BYTES_MAX} bytes");
        return Err(Refusal::field("options", &text));
    }
    Ok(())
}

/// Settings may stand at the top (tune) or in `config` (enable).
fn apply_settings(entry: &mut MountEntry, call: &Call) -> Result<(), Refusal> {
    let config = call.fields.json("config").and_then(Json::as_object);
    let duration = |name: &str| -> Result<Option<u64>, Refusal> {
        if let Some(found) = call.fields.duration(name) {
            return Ok(Some(found.as_secs()));
        }
        let Some(raw) = config
            .and_then(|config| config.get(name))
            .filter(|raw| !raw.is_null())
        else {
            return Ok(None);
        };
        let text = raw.as_str().map_or_else(|| raw.to_string(), str::to_owned);
        if text.is_empty() {
            return Ok(None);
        }
        let parsed: Result<Duration, _> = holdfast_types::parse_duration(&text);
        parsed
            .map(|found| Some(found.as_secs()))
            .map_err(|_| Refusal::field(&format!("config.{name}"), "must be a duration"))
    };
    if let Some(seconds) = duration("default_lease_ttl")? {
        entry.default_lease_s = seconds;
    }
    if let Some(seconds) = duration("max_lease_ttl")? {
        entry.max_lease_s = seconds;
    }
    if entry.max_lease_s != 0 && entry.default_lease_s > entry.max_lease_s {
        return Err(Refusal::field(
            "default_lease_ttl",
            "is longer than max_lease_ttl",
        ));
    }
    if let Some(description) = call.fields.text("description") {
        if description.len() > DESCRIPTION_BYTES_MAX {
            let text = format!("is longer than {DESCRIPTION_BYTES_MAX} bytes");
            return Err(Refusal::field("description", &text));
        }
        description.clone_into(&mut entry.description);
    }
    let nested = config
        .and_then(|config| config.get("listing_visibility"))
        .and_then(Json::as_str);
    if let Some(visibility) = call.fields.text("listing_visibility").or(nested) {
        if !matches!(visibility, "" | "hidden" | "unauth") {
            return Err(Refusal::field(
                "listing_visibility",
                "must be hidden or unauth",
            ));
        }
        visibility.clone_into(&mut entry.listing_visibility);
    }
    Ok(())
}

fn disable(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let (path, tune) = tuned(call.param("path"));
    if tune {
        return Err(Refusal::Unsupported);
    }
    // Removing what is not there is not an error, so that a repeated call is harmless.
    let Some(entry) = mounts::at(ctx.txn, ctx.namespace, path)? else {
        return Ok(Reply::none());
    };
    if entry.builtin {
        return Err(Refusal::Invalid(
            "this mount is part of the product and cannot be disabled".to_owned(),
        ));
    }
    mounts::remove(ctx.txn, ctx.namespace, &entry)?;
    Ok(Reply::none())
}
