//! `list workloads`: what clients can do, and each field of `[workload]` with its default, which is the plan's own.

use crate::table::table;
use anyhow::Context;
use holdfast_workload::Plan;
use serde_json::{Map, Value, json};

/// What clients can do: the weights of `[workload.mix]`.
const MIX: &[(&str, &str)] = &[
    ("put", "a new version of a secret"),
    (
        "cas",
        "a new version if the latest is as expected; sometimes an old one is expected",
    ),
    ("get", "reads in each freshness, from every node"),
    ("delete", "deletes the latest version"),
    ("list", "all names"),
    ("create_token", "tokens, their children and grandchildren"),
    ("use_token", "reads with such a token, from every node"),
    (
        "revoke_token",
        "ends a token by itself, by name or by accessor, with all below",
    ),
    ("cubbyhole", "secrets in a token's own place"),
];

/// The fields of `[workload]`.
const FIELDS: &[(&str, &str)] = &[
    ("clients", "how many work at one time, 1 to 1024"),
    (
        "rate_per_client",
        "operations a second that each attempts; not set: the next as soon as the last is answered; else 0.01 to 10000",
    ),
    ("keys", "secrets in play at one time, 6 to 4096"),
    (
        "operations_per_key",
        "operations on a secret before another takes its place, 1 to 1000",
    ),
    (
        "mix",
        "weights of what is done; those that are not given stay as they are, 0 leaves one out",
    ),
    (
        "freshness",
        "weights of how fresh reads are asked to be; those that are not given stay as they are",
    ),
    ("bounds_ms", "the ages that bounded reads choose from"),
    ("value_bytes", "least bytes of a value, 0 to 262144"),
    ("tokens", "tokens alive at one time, 1 to 10000"),
    (
        "timeout_ms",
        "how long a client waits for an answer, 10 to 120000",
    ),
    (
        "sealing",
        "key holders seal the whole cluster about every_ms apart and open it closed_ms later, node by node; \
         not set: never; as { every_ms = 6000, closed_ms = 1000 }",
    ),
    (
        "keyholders",
        "key holders open whatever node they find sealed",
    ),
];

/// What a plan has and a scenario may not give: it is the run's.
const OF_THE_RUN: &str = "seed";

/// For people.
pub(super) fn text() -> anyhow::Result<String> {
    let plan = defaults()?;
    let mix = &plan.get("mix").context("a plan has a mix")?;
    let row = |(name, about): &(&str, &str), default: &Value| {
        vec![(*name).to_owned(), shown(default), (*about).to_owned()]
    };
    let mix = MIX.iter().map(|one| row(one, &mix[one.0]));
    let fields = FIELDS.iter().map(|one| {
        // The weights stand above.
        let default = if one.0 == "mix" {
            &Value::Null
        } else {
            &plan[one.0]
        };
        row(one, default)
    });
    Ok(format!(
        "workloads: what clients do, and by default how often, as weights of [workload.mix]\n{}\
         \nfields of [workload], with defaults; `seed` is the run's\n{}",
        table(2, &mix.collect::<Vec<_>>()),
        table(2, &fields.collect::<Vec<_>>())
    ))
}

/// For programs.
pub(super) fn json() -> anyhow::Result<Value> {
    let plan = defaults()?;
    let all = |fields: &[(&str, &str)], of: &Value| -> Value {
        let one = |(name, about): &(&str, &str)| json!({ "name": name, "about": about, "default": of[*name] });
        fields.iter().map(one).collect()
    };
    let mix = plan.get("mix").context("a plan has a mix")?;
    Ok(json!({ "mix": all(MIX, mix), "fields": all(FIELDS, &Value::Object(plan.clone())) }))
}

fn defaults() -> anyhow::Result<Map<String, Value>> {
    match serde_json::to_value(Plan::default()).context("showing the defaults")? {
        Value::Object(mut fields) => {
            fields.retain(|name, _| name != OF_THE_RUN);
            Ok(fields)
        }
        _ => anyhow::bail!("a plan is a table"),
    }
}

/// As a scenario writes it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Object(fields) => {
            let one = |(name, value): (&String, &Value)| format!("{name} = {value}");
            format!(
                "{{ {} }}",
                fields.iter().map(one).collect::<Vec<_>>().join(", ")
            )
        }
        plain => plain.to_string().replace(',', ", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_a_plan_is_shown_with_its_default() {
        let plan = defaults().unwrap();
        let names = |shown: &[(&str, &str)]| -> Vec<String> {
            shown.iter().map(|(name, _)| (*name).to_owned()).collect()
        };
        assert_eq!(names(FIELDS), plan.keys().cloned().collect::<Vec<_>>());
        let mix = plan["mix"].as_object().unwrap();
        assert_eq!(names(MIX), mix.keys().cloned().collect::<Vec<_>>());
        // What a plan refuses names its bounds.
        for (name, about) in FIELDS {
            let beyond: Result<Plan, _> =
                serde_json::from_value(json!({ *name: 4_000_000_000_u32 }));
            let refused = beyond.ok().and_then(|plan| plan.validate().err());
            let Some(bounds) =
                refused.and_then(|error| Some(error.what.strip_prefix("must be ")?.to_owned()))
            else {
                continue;
            };
            assert!(about.ends_with(&bounds), "{name}: {bounds}");
        }
        let text = text().unwrap();
        for line in [
            "  clients             16 ",
            "  put           20  ",
            "[500, 2000, 10000]",
            "{ linearizable = 60, ",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        let json = json().unwrap();
        assert_eq!(json["fields"][0]["default"], json!(16));
        assert_eq!(json["mix"][0]["default"], json!(20));
    }
}
