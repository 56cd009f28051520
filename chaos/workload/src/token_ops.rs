//! Operations on tokens, and secrets in their cubbyholes.

use crate::answer::{Answer, Exchange};
use crate::classify::{Judged, Kind, judge};
use crate::door::Ask;
use crate::intent::{Fresh, RevokeHow};
use crate::odd::{self, OddAnswer};
use crate::secret::Secret;
use crate::target::TargetNode;
use crate::tokens::Token;
use crate::world::{Client, Done, Operation, World};
use holdfast_check::{Action, Consistency, Outcome};
use reqwest::Method;
use serde_json::{Value as Json, json};
use std::sync::atomic::Ordering;

impl World {
    /// A child of a token, or of the root token.
    pub(crate) async fn create_token(
        &self,
        client: &Client,
        node: &TargetNode,
        parent: Option<&Token>,
    ) -> Option<Done> {
        let label = self.tokens.label();
        let by = parent.map_or(&self.target.root_token, |parent| &parent.secret);
        let body = json!({
            "policies": [self.policy_name()],
            "meta": { "of": self.marks.name("meta") },
            "ttl": "24h",
        });
        let parent_label = parent.map(|parent| parent.label);
        let operation = Operation {
            node,
            action: Action::CreateToken {
                token: label,
                parent: parent_label,
            },
            kind: Kind::Write,
            ask: Ask::new(Method::POST, "auth/token/create".to_owned(), Some(by)).body(body),
        };
        let text = |answer: &Answer, field: &str| {
            let found = answer.body.pointer(field)?.as_str()?;
            (!found.is_empty()).then(|| found.to_owned())
        };
        let read = |answer: &Answer, _: bool| {
            text(answer, "/auth/client_token")?;
            text(answer, "/auth/accessor")?;
            Some(answer.seen())
        };
        let done = self.run(client, operation, read).await?;
        if let (Outcome::Ok(_), Some(answer)) = (&done.outcome, &done.answer) {
            self.tokens.add(Token {
                label,
                parent: parent_label,
                depth: parent.map_or(0, |parent| parent.depth + 1),
                secret: Secret::new(text(answer, "/auth/client_token").unwrap_or_default()),
                accessor: text(answer, "/auth/accessor").unwrap_or_default(),
            });
        }
        Some(done)
    }

    /// Reads what the token may read. That there is nothing (on a node that is far behind) shows too that it was let in; but
    /// what is there must be what was put there before the clients began.
    pub(crate) async fn use_token(
        &self,
        client: &Client,
        node: &TargetNode,
        token: &Token,
        fresh: Fresh,
    ) -> Option<Done> {
        let (consistency, header) = self.freshness(fresh);
        let operation = Operation {
            node,
            action: Action::UseToken {
                token: token.label,
                consistency,
            },
            kind: Kind::Read,
            ask: Ask::new(Method::GET, self.probe_path(), Some(&token.secret)).fresh(header),
        };
        let behind = consistency != Consistency::Linearizable;
        self.run(client, operation, |answer, missing| {
            let value = answer
                .body
                .pointer("/data/data/value")
                .and_then(Json::as_str);
            let sound = match value {
                None => missing && behind,
                Some(text) => !missing && self.marks.number(text, 0) == Some(0),
            };
            sound.then(|| answer.seen())
        })
        .await
    }

    /// Ends a token and all below.
    pub(crate) async fn revoke_token(
        &self,
        client: &Client,
        node: &TargetNode,
        token: &Token,
        how: RevokeHow,
    ) -> Option<Done> {
        self.tokens.end(token.label);
        let root = Some(&self.target.root_token);
        let (path, by, body) = match how {
            RevokeHow::Itself => ("revoke-self", Some(&token.secret), json!({})),
            RevokeHow::Named => ("revoke", root, json!({ "token": token.secret.expose() })),
            RevokeHow::Accessor => (
                "revoke-accessor",
                root,
                json!({ "accessor": token.accessor }),
            ),
        };
        let operation = Operation {
            node,
            action: Action::RevokeToken { token: token.label },
            kind: Kind::Revoke,
            ask: Ask::new(Method::POST, format!("auth/token/{path}"), by).body(body),
        };
        self.run(client, operation, |answer, _| Some(answer.seen()))
            .await
    }

    /// Puts a canary into a token's cubbyhole and reads it back. The history has no word for it: it is counted only, and an
    /// odd answer noted.
    pub(crate) async fn cubbyhole(&self, client: &mut Client, node: &TargetNode, token: &Token) {
        let number = client.next_value();
        let bytes = self.plan.value_bytes;
        let path = format!("cubbyhole/{}", self.marks.name("own"));
        let body = json!({ "value": self.marks.value(number, bytes) });
        let put = Ask::new(Method::POST, path.clone(), Some(&token.secret)).body(body);
        if !self
            .beside(Kind::Write, node, put, |answer| answer.status == 204)
            .await
        {
            return;
        }
        let get = Ask::new(Method::GET, path, Some(&token.secret));
        // Another client may have put another canary there.
        let whole = |answer: &Answer| {
            let text = answer.body.pointer("/data/value").and_then(Json::as_str);
            text.is_some_and(|text| self.marks.number(text, bytes).is_some())
        };
        if self.beside(Kind::Read, node, get, whole).await {
            self.cubbyholes.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// An exchange beside the history. Whether it was answered with success, as it must be answered then.
    async fn beside(
        &self,
        kind: Kind,
        node: &TargetNode,
        ask: Ask<'_>,
        sound: impl FnOnce(&Answer) -> bool,
    ) -> bool {
        let invoked_ns = self.recorder.now_ns();
        let exchange = self.door.exchange(&node.url, ask).await;
        let Exchange::Answered(answer) = &exchange else {
            return false;
        };
        let not_understood = match judge(kind, &exchange) {
            Judged::Done if sound(answer) => return true,
            // What was acknowledged on this node just now, and nobody deletes, is not there.
            Judged::Done | Judged::Missing => true,
            Judged::Odd(_) => false,
            Judged::Settled(_) => return false,
        };
        self.note_odd(OddAnswer {
            node: node.id,
            asked: odd::asked(kind),
            status: answer.status,
            not_understood,
            invoked_ns,
            returned_ns: self.recorder.now_ns(),
            operation: None,
        });
        false
    }
}
