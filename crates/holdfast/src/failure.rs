//! How a command fails: what happened, what to do next, and the exit code.

use crate::cli::{EXIT_LOCAL, EXIT_REFUSED};
use holdfast_client::{BuildError, CallError, ServerRefusal};
use serde_json::Value as Json;
use std::error::Error;
use std::fmt::Write as _;

/// Why a command did not do what it was asked. No `Debug`: the server's body may hold secrets.
pub(crate) struct Failure {
    pub(crate) code: u8,
    /// One or more lines for people; empty when there is nobody to read them.
    pub(crate) text: String,
    /// What the server sent, for `--json`.
    pub(crate) body: Option<Json>,
}

impl Failure {
    /// Wrong on this side.
    pub(crate) fn local(text: impl Into<String>) -> Self {
        Self {
            code: EXIT_LOCAL,
            text: text.into(),
            body: None,
        }
    }

    /// The same, with its causes and what was attempted.
    pub(crate) fn because(attempted: &str, error: &dyn Error) -> Self {
        Self::local(format!("{attempted}: {}", chain(error)))
    }

    fn with_hint(mut self, hint: &str) -> Self {
        if !hint.is_empty() {
            let _infallible = write!(self.text, "\n{hint}");
        }
        self
    }
}

/// An error with its causes, each once.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let said = next.to_string();
        if !text.contains(&said) {
            let _infallible = write!(text, ": {said}");
        }
        cause = next.source();
    }
    text
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(refusal) => refused(*refusal),
            CallError::Unreachable { .. } => {
                let text = chain(&error);
                let hint = connection_hint(&text);
                Self::local(text).with_hint(hint)
            }
            CallError::NoAnswer { .. } => Self::local(chain(&error))
                .with_hint("Look whether it was done before you ask again."),
            other => Self::local(chain(&other)),
        }
    }
}

fn refused(refusal: ServerRefusal) -> Failure {
    let text = refusal.to_string();
    let hint = match refusal.status {
        403 => {
            "The token may be missing, expired, or without a policy for this path. Log in with `holdfast login`, or set HOLDFAST_TOKEN; `holdfast token lookup` shows what it may do."
        }
        503 if text.contains("sealed") => "Key holders open it with `holdfast operator unseal`.",
        501 => "It has no keys yet: `holdfast operator init` makes them.",
        503 if text.contains("not initialized") => {
            "It has no keys yet: `holdfast operator init` makes them."
        }
        503 => "It may pass: try again, or ask another node. `holdfast status` shows who leads.",
        405 => "What stands at this path cannot do this.",
        _ => "",
    };
    Failure {
        code: EXIT_REFUSED,
        text,
        body: refusal.body,
    }
    .with_hint(hint)
}

fn connection_hint(text: &str) -> &'static str {
    if text.contains("certificate") || text.contains("UnknownIssuer") {
        "The server's certificate is not trusted here: name its authority with --ca-cert FILE or HOLDFAST_CACERT."
    } else if text.contains("https://")
        && (text.contains("InvalidContentType") || text.contains("corrupt message"))
    {
        "The server speaks plain HTTP there: set HOLDFAST_ADDR to the same address with http://."
    } else {
        "Is the server running? Set HOLDFAST_ADDR (or --addr) to a node's address, such as https://10.0.0.1:8200."
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        Self::local(chain(&error))
            .with_hint("Check --addr or HOLDFAST_ADDR, and --ca-cert or HOLDFAST_CACERT.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, error: &str) -> CallError {
        let errors = if error.is_empty() {
            vec![]
        } else {
            vec![error.to_owned()]
        };
        CallError::Refused(Box::new(ServerRefusal {
            status,
            errors,
            warnings: vec![],
            body: None,
        }))
    }

    #[test]
    fn refusals_say_what_to_do_next() {
        for (status, error, hint) in [
            (403, "permission denied", "holdfast login"),
            (503, "Vault is sealed", "operator unseal"),
            (503, "Vault is not initialized", "operator init"),
            (503, "no leader is known", "try again"),
        ] {
            let failure = Failure::from(refusal(status, error));
            assert_eq!(failure.code, EXIT_REFUSED);
            assert!(
                failure.text.contains(error) && failure.text.contains(hint),
                "{}",
                failure.text
            );
        }
        assert!(!Failure::from(refusal(404, "")).text.contains('\n'));
    }

    #[test]
    fn connection_trouble_names_the_way_out() {
        assert!(connection_hint("invalid peer certificate: UnknownIssuer").contains("--ca-cert"));
        assert!(
            connection_hint("https://h: received corrupt message of type InvalidContentType")
                .contains("http://")
        );
        assert!(connection_hint("connection refused").contains("Is the server running?"));
    }
}
