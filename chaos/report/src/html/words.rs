//! Operations in words, as short as they can be understood.

use holdfast_check::{Action, Consistency, Outcome, Seen};

/// What was asked.
pub(crate) fn asked(action: &Action) -> String {
    match action {
        Action::Put {
            key,
            value,
            cas: None,
        } => format!("put k{key} = {value}"),
        Action::Put {
            key,
            value,
            cas: Some(version),
        } => {
            format!("put k{key} = {value} if at version {version}")
        }
        Action::Get { key, consistency } => format!("get k{key}, {}", fresh(*consistency)),
        Action::GetVersion {
            key,
            version,
            consistency,
        } => format!("get k{key} version {version}, {}", fresh(*consistency)),
        Action::Delete { key } => format!("delete k{key}"),
        Action::List { consistency } => format!("list, {}", fresh(*consistency)),
        Action::CreateToken {
            token,
            parent: None,
        } => format!("create token t{token}"),
        Action::CreateToken {
            token,
            parent: Some(parent),
        } => {
            format!("create token t{token} under t{parent}")
        }
        Action::UseToken { token, consistency } => {
            format!("use token t{token}, {}", fresh(*consistency))
        }
        Action::RevokeToken { token } => format!("revoke token t{token}"),
        Action::Seal => "seal".to_owned(),
        Action::Unseal => "unseal".to_owned(),
    }
}

fn fresh(consistency: Consistency) -> String {
    match consistency {
        Consistency::Linearizable => "linearizable".to_owned(),
        Consistency::AtLeast { index } => format!("at least index {index}"),
        Consistency::Bounded { millis } => format!("at most {millis} ms old"),
        Consistency::Stale => "stale".to_owned(),
    }
}

/// What became of it.
pub(crate) fn answered(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Ok(seen) => done(seen),
        Outcome::CasMismatch => "refused: another version".to_owned(),
        Outcome::Denied => "refused: token not valid".to_owned(),
        Outcome::Sealed => "refused: sealed".to_owned(),
        Outcome::Unavailable => "refused: unavailable".to_owned(),
        Outcome::Unknown => "unknown".to_owned(),
    }
}

/// Listed keys that are told one by one.
const KEYS_MAX: usize = 8;

fn done(seen: &Seen) -> String {
    let mut parts = vec!["done".to_owned()];
    if let Some(value) = seen.value {
        parts.push(format!("saw {value}"));
    }
    if let Some(version) = seen.version {
        parts.push(format!("version {version}"));
    }
    if !seen.keys.is_empty() {
        let keys: Vec<String> = seen
            .keys
            .iter()
            .take(KEYS_MAX)
            .map(|key| format!("k{key}"))
            .collect();
        let more = if seen.keys.len() > KEYS_MAX {
            " …"
        } else {
            ""
        };
        parts.push(format!("keys {}{more}", keys.join(" ")));
    }
    if let Some(index) = seen.index {
        parts.push(format!("index {index}"));
    }
    if let Some(age) = seen.age_ms {
        parts.push(format!("{age} ms old"));
    }
    parts.join(", ")
}

/// Whether the service did what was asked.
pub(crate) const fn is_good(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Ok(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_read_as_sentences() {
        let put = Action::Put {
            key: 3,
            value: 17,
            cas: Some(2),
        };
        assert_eq!(asked(&put), "put k3 = 17 if at version 2");
        let get = Action::Get {
            key: 3,
            consistency: Consistency::Bounded { millis: 500 },
        };
        assert_eq!(asked(&get), "get k3, at most 500 ms old");
        let seen = Seen {
            value: Some(17),
            version: Some(3),
            index: Some(41),
            ..Seen::default()
        };
        assert_eq!(
            answered(&Outcome::Ok(seen)),
            "done, saw 17, version 3, index 41"
        );
        let many = Seen {
            keys: (1..=20).collect(),
            ..Seen::default()
        };
        assert_eq!(
            answered(&Outcome::Ok(many)),
            "done, keys k1 k2 k3 k4 k5 k6 k7 k8 …"
        );
    }
}
