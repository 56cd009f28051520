//! Operations on the secrets of a KV v2 mount.

use crate::answer::Answer;
use crate::classify::Kind;
use crate::door::Ask;
use crate::intent::Fresh;
use crate::target::TargetNode;
use crate::world::{Client, Done, Operation, World};
use holdfast_check::{Action, Consistency, Seen};
use reqwest::Method;
use serde_json::{Value as Json, json};

impl World {
    /// A new version, unconditionally or if the latest is `cas`.
    pub(crate) async fn put(
        &self,
        client: &mut Client,
        node: &TargetNode,
        key: u64,
        cas: Option<u64>,
    ) -> Option<Done> {
        let value = client.next_value();
        let text = self.marks.value(value, self.plan.value_bytes);
        let mut body = json!({ "data": { "value": text } });
        if let Some(cas) = cas {
            body["options"] = json!({ "cas": cas });
        }
        let operation = Operation {
            node,
            action: Action::Put { key, value, cas },
            kind: if cas.is_some() {
                Kind::Cas
            } else {
                Kind::Write
            },
            ask: Ask::new(
                Method::POST,
                self.path("data", Some(key)),
                Some(&self.target.root_token),
            )
            .body(body),
        };
        self.run(client, operation, |answer, _| {
            let version = answer.body.pointer("/data/version")?.as_u64()?;
            Some(Seen {
                version: Some(version),
                ..answer.seen()
            })
        })
        .await
    }

    /// The latest version. Of an absent secret it is 0; a deleted one has a version and no value.
    pub(crate) async fn get(
        &self,
        client: &Client,
        node: &TargetNode,
        key: u64,
        fresh: Fresh,
    ) -> Option<Done> {
        let (consistency, header) = self.freshness(fresh);
        let operation = Operation {
            node,
            action: Action::Get { key, consistency },
            kind: Kind::Read,
            ask: Ask::new(
                Method::GET,
                self.path("data", Some(key)),
                Some(&self.target.root_token),
            )
            .fresh(header),
        };
        self.run(client, operation, |answer, missing| {
            self.read_secret(answer, missing)
        })
        .await
    }

    /// One version, the latest or an older one, as fresh as can be.
    pub(crate) async fn get_version(
        &self,
        client: &Client,
        node: &TargetNode,
        key: u64,
        version: u64,
    ) -> Option<Done> {
        let path = self.path("data", Some(key));
        let operation = Operation {
            node,
            action: Action::GetVersion {
                key,
                version,
                consistency: Consistency::Linearizable,
            },
            kind: Kind::Read,
            ask: Ask::new(
                Method::GET,
                format!("{path}?version={version}"),
                Some(&self.target.root_token),
            ),
        };
        self.run(client, operation, |answer, missing| {
            let seen = self.read_secret(answer, missing)?;
            // Of one that is gone nothing is told; otherwise it is the one that was asked for.
            let asked = seen.value.is_none() || seen.version == Some(version);
            asked.then_some(seen)
        })
        .await
    }

    fn read_secret(&self, answer: &Answer, missing: bool) -> Option<Seen> {
        let version = answer
            .body
            .pointer("/data/metadata/version")
            .and_then(Json::as_u64);
        if missing {
            // With data it was deleted, without it never was. An error text would mean neither.
            let says_nothing = answer
                .body
                .get("errors")
                .is_none_or(|errors| errors.as_array().is_some_and(Vec::is_empty));
            return says_nothing.then(|| Seen {
                version: Some(version.unwrap_or(0)),
                ..answer.seen()
            });
        }
        let text = answer.body.pointer("/data/data/value")?.as_str()?;
        Some(Seen {
            version: Some(version?),
            value: Some(self.marks.number(text, self.plan.value_bytes)?),
            ..answer.seen()
        })
    }

    /// Deletes the latest version.
    pub(crate) async fn delete(
        &self,
        client: &Client,
        node: &TargetNode,
        key: u64,
    ) -> Option<Done> {
        let operation = Operation {
            node,
            action: Action::Delete { key },
            kind: Kind::Write,
            ask: Ask::new(
                Method::DELETE,
                self.path("data", Some(key)),
                Some(&self.target.root_token),
            ),
        };
        self.run(client, operation, |answer, _| Some(answer.seen()))
            .await
    }

    /// All names.
    pub(crate) async fn list(
        &self,
        client: &Client,
        node: &TargetNode,
        fresh: Fresh,
    ) -> Option<Done> {
        let (consistency, header) = self.freshness(fresh);
        let method = Method::from_bytes(b"LIST").unwrap_or(Method::GET);
        let operation = Operation {
            node,
            action: Action::List { consistency },
            kind: Kind::Read,
            ask: Ask::new(
                method,
                self.path("metadata", None),
                Some(&self.target.root_token),
            )
            .fresh(header),
        };
        self.run(client, operation, |answer, missing| {
            if missing {
                return Some(answer.seen());
            }
            let names = answer.body.pointer("/data/keys")?.as_array()?;
            let key = |name: &Json| self.marks.key_of(name.as_str()?);
            let mut keys = names.iter().map(key).collect::<Option<Vec<u64>>>()?;
            keys.sort_unstable();
            Some(Seen {
                keys,
                ..answer.seen()
            })
        })
        .await
    }
}
