//! Clients: each asks one thing at a time, of any node, and writes down what it was told.

use crate::ask::{Ask, ask, is_broken, refused, seen};
use crate::cluster::Cluster;
use crate::dice::Dice;
use crate::node::Door;
use holdfast_check::{Action, Consistency, Outcome, Seen};
use holdfast_contract::{Operation, Refusal};
use parking_lot::Mutex;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Secrets in use at one time.
const KEYS: u64 = 6;
/// Operations after which others are used, so that no secret's history gets long.
const TURN: u64 = 400;
/// Older versions of each secret that are read in the end.
const OLDER: usize = 4;
/// What a text that no client wrote is taken for.
const NOBODYS: u64 = u64::MAX;

/// What the clients of a run share.
pub(crate) struct Desk {
    cluster: Cluster,
    /// Every token that was made, by label.
    tokens: Mutex<BTreeMap<u64, Held>>,
    next_client: AtomicU64,
    next_value: AtomicU64,
    next_token: AtomicU64,
    asked: AtomicU64,
    stop: AtomicBool,
    /// When the clients were told to stop; never until then.
    pub(crate) closed_ns: AtomicU64,
}

struct Held {
    text: String,
    /// Somebody has asked to revoke it or an ancestor of it.
    doomed: bool,
    parent: Option<u64>,
}

impl Desk {
    pub(crate) fn new(cluster: Cluster) -> Self {
        Self {
            cluster,
            tokens: Mutex::default(),
            next_client: AtomicU64::new(1),
            next_value: AtomicU64::new(1),
            next_token: AtomicU64::new(1),
            asked: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            closed_ns: AtomicU64::new(u64::MAX),
        }
    }

    /// Clients ask nothing more.
    pub(crate) fn close(&self) {
        self.stop.store(true, Ordering::Relaxed);
        let now_ns = self.cluster.trace.now_ns();
        self.closed_ns.store(now_ns, Ordering::Relaxed);
    }

    /// When that was.
    pub(crate) fn closed_at(&self) -> Option<u64> {
        let now_ns = self.closed_ns.load(Ordering::Relaxed);
        (now_ns != u64::MAX).then_some(now_ns)
    }

    fn secret_name(&self, key: u64) -> String {
        secret_name(self.cluster.setup.seed, key)
    }

    /// Everything that must be nowhere in the clear.
    pub(crate) fn canaries(&self) -> Vec<Vec<u8>> {
        let seed = self.cluster.setup.seed;
        let mut canaries = vec![
            value_prefix(seed).into_bytes(),
            name_prefix(seed).into_bytes(),
        ];
        let tokens = self.tokens.lock();
        // Without what all of them begin with: it may be cut off before one is stored.
        let secret = |token: &Held| {
            let (_, secret) = token.text.split_once('.').unwrap_or(("", &token.text));
            secret.as_bytes().to_vec()
        };
        canaries.extend(tokens.values().map(secret));
        let keys = self.cluster.keys.lock();
        canaries.push(keys.root.clone().into_bytes());
        // What the shares open.
        let fit = self.cluster.fit();
        let doors = fit.iter().filter_map(|node| self.cluster.door(*node));
        let behind = |door: Door| door.core.barrier().keys_behind(&keys.shares);
        let opened = doors.filter_map(behind).next().unwrap_or_default();
        canaries.extend(opened.iter().map(|key| key.to_vec()));
        // A share as it is told, and as it is.
        canaries.extend(keys.shares.iter().map(|share| share.clone().into_bytes()));
        canaries.extend(keys.shares.iter().filter_map(|share| unhex(share)));
        canaries
    }

    /// The label of a value or of a name; of any other text one that nobody uses.
    fn label(&self, text: &str) -> Option<u64> {
        let seed = self.cluster.setup.seed;
        let number = text.rsplit(['.', '-']).next()?.parse().ok();
        let whole =
            |number: &u64| text == secret_text(seed, *number) || text == secret_name(seed, *number);
        Some(number.filter(whole).unwrap_or(NOBODYS))
    }

    /// Secrets in use now.
    fn live_key(&self, dice: &Dice) -> u64 {
        let turn = self.asked.load(Ordering::Relaxed) / TURN;
        turn * KEYS + dice.number(0..KEYS)
    }

    /// Every secret that was ever written.
    pub(crate) fn all_keys(&self) -> u64 {
        (self.asked.load(Ordering::Relaxed) / TURN + 1) * KEYS
    }
}

fn value_prefix(seed: u64) -> String {
    format!("canary-value-{seed:016x}")
}

fn name_prefix(seed: u64) -> String {
    format!("canary-name-{seed:016x}")
}

fn secret_name(seed: u64, key: u64) -> String {
    format!("{}-{key}", name_prefix(seed))
}

fn secret_text(seed: u64, value: u64) -> String {
    format!("{}.{value}", value_prefix(seed))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks_exact(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// One logical client, for as long as its answers are known.
struct Client<'a> {
    desk: &'a Desk,
    dice: &'a Dice,
    number: u64,
    /// Version last seen of each secret.
    versions: BTreeMap<u64, u64>,
    /// Highest index seen.
    index: u64,
}

/// Runs clients one after the other until the desk closes: whoever gets no answer is replaced.
pub(crate) async fn run(desk: Arc<Desk>, seat: u64) {
    let dice = Dice::new(desk.cluster.setup.seed, &format!("client seat {seat}"));
    while !desk.stop.load(Ordering::Relaxed) {
        let mut client = Client {
            desk: &desk,
            dice: &dice,
            number: desk.next_client.fetch_add(1, Ordering::Relaxed),
            versions: BTreeMap::new(),
            index: 0,
        };
        while !desk.stop.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(dice.number(4..40))).await;
            if client.act().await == Outcome::Unknown {
                break;
            }
        }
    }
}

impl Client<'_> {
    async fn act(&mut self) -> Outcome {
        self.desk.asked.fetch_add(1, Ordering::Relaxed);
        match self.dice.number(0..100) {
            0..35 => self.put().await,
            35..72 => {
                let (key, consistency) = (self.desk.live_key(self.dice), self.consistency());
                self.get(key, consistency).await
            }
            72..76 => self.delete().await,
            76..78 => self.list().await,
            78..84 => self.create_token().await,
            84..96 => self.use_token().await,
            _ => self.revoke_token().await,
        }
    }

    fn consistency(&self) -> Consistency {
        match self.dice.number(0..100) {
            0..65 => Consistency::Linearizable,
            65..78 => Consistency::AtLeast { index: self.index },
            78..88 => Consistency::Bounded { millis: 2_000 },
            _ => Consistency::Stale,
        }
    }

    fn any_node(&self) -> u64 {
        self.dice.pick(&self.desk.cluster.ids()).unwrap_or(1)
    }

    /// Asks a node and keeps the books; `changes`: whether the request would change something.
    async fn do_it(
        &mut self,
        node: u64,
        action: Action,
        request: Ask,
        changes: bool,
    ) -> (Outcome, Option<holdfast_contract::Reply>) {
        let cluster = &self.desk.cluster;
        let label = |text: &str| self.desk.label(text);
        let reads = matches!(action, Action::Get { .. } | Action::GetVersion { .. });
        let entry = cluster.open_entry(self.number, node, action);
        let (outcome, reply) = match cluster.door(node) {
            None => (Outcome::Unavailable, None),
            Some(door) => match ask(&door, request).await {
                None if changes => (Outcome::Unknown, None),
                None => (Outcome::Unavailable, None),
                Some(mut answer) => {
                    let result = std::mem::replace(&mut answer.result, Err(Refusal::NotFound));
                    match result {
                        Ok(reply) => (Outcome::Ok(seen(&answer, Some(&reply), label)), Some(reply)),
                        // There is nothing, or nothing any more: an answer like any other.
                        Err(Refusal::NotFound) => {
                            let mut nothing = seen(&answer, None, label);
                            nothing.version = reads.then_some(0);
                            (Outcome::Ok(nothing), None)
                        }
                        Err(Refusal::Gone(data)) => {
                            let reply = holdfast_contract::Reply::data(data);
                            (Outcome::Ok(seen(&answer, Some(&reply), label)), None)
                        }
                        Err(refusal) => {
                            if is_broken(&refusal) {
                                cluster.report(node, &refusal);
                            }
                            (refused(&refusal, changes), None)
                        }
                    }
                }
            },
        };
        if let Outcome::Ok(Seen {
            index: Some(index), ..
        }) = &outcome
        {
            self.index = self.index.max(*index);
        }
        cluster.close_entry(entry, outcome.clone());
        (outcome, reply)
    }

    fn root(&self) -> String {
        self.desk.cluster.keys.lock().root.clone()
    }

    fn kv(&self, operation: Operation, key: u64) -> Ask {
        let path = format!("kept/data/{}", self.desk.secret_name(key));
        Ask::new(operation, path, Some(&self.root()))
    }

    async fn put(&mut self) -> Outcome {
        let key = self.desk.live_key(self.dice);
        self.put_on(self.any_node(), key).await
    }

    async fn put_on(&mut self, node: u64, key: u64) -> Outcome {
        let value = self.desk.next_value.fetch_add(1, Ordering::Relaxed);
        let known = self.versions.get(&key).copied();
        let cas = self.dice.percent(40).then(|| known.unwrap_or(0));
        let text = secret_text(self.desk.cluster.setup.seed, value);
        let mut body = json!({ "data": { "value": text } });
        if let Some(cas) = cas {
            body["options"] = json!({ "cas": cas });
        }
        let action = Action::Put { key, value, cas };
        let request = self.kv(Operation::Write, key).body(body);
        let (outcome, _) = self.do_it(node, action, request, true).await;
        self.note_version(key, &outcome);
        outcome
    }

    fn note_version(&mut self, key: u64, outcome: &Outcome) {
        if let Outcome::Ok(Seen {
            version: Some(version),
            ..
        }) = outcome
        {
            self.versions.insert(key, *version);
        }
    }

    async fn get(&mut self, key: u64, consistency: Consistency) -> Outcome {
        self.get_on(self.any_node(), key, consistency).await
    }

    async fn get_on(&mut self, node: u64, key: u64, consistency: Consistency) -> Outcome {
        let action = Action::Get { key, consistency };
        let request = self.kv(Operation::Read, key).fresh(consistency);
        let (outcome, _) = self.do_it(node, action, request, false).await;
        self.note_version(key, &outcome);
        outcome
    }

    async fn get_version_on(&mut self, node: u64, key: u64, version: u64) -> Outcome {
        let consistency = Consistency::Linearizable;
        let action = Action::GetVersion {
            key,
            version,
            consistency,
        };
        let request = self.kv(Operation::Read, key).version(version);
        self.do_it(node, action, request, false).await.0
    }

    async fn delete(&mut self) -> Outcome {
        let key = self.desk.live_key(self.dice);
        let request = self.kv(Operation::Delete, key);
        let action = Action::Delete { key };
        self.do_it(self.any_node(), action, request, true).await.0
    }

    async fn list(&mut self) -> Outcome {
        let consistency = self.consistency();
        let action = Action::List { consistency };
        let request = Ask::new(Operation::List, "kept/metadata/", Some(&self.root()));
        let node = self.any_node();
        self.do_it(node, action, request.fresh(consistency), false)
            .await
            .0
    }

    async fn create_token(&mut self) -> Outcome {
        let token = self.desk.next_token.fetch_add(1, Ordering::Relaxed);
        let parent = self.parent();
        let by = match &parent {
            Some((_, text)) => text.clone(),
            None => self.root(),
        };
        let parent = parent.map(|(label, _)| label);
        let action = Action::CreateToken { token, parent };
        let body = json!({ "policies": ["root"], "ttl": "1h" });
        let request = Ask::new(Operation::Write, "auth/token/create", Some(&by)).body(body);
        let (outcome, reply) = self.do_it(self.any_node(), action, request, true).await;
        if let Some(auth) = reply.and_then(|reply| reply.auth) {
            let mut tokens = self.desk.tokens.lock();
            let doomed = parent.is_some_and(|parent| tokens.get(&parent).is_none_or(|p| p.doomed));
            let text = auth.client_token;
            tokens.insert(
                token,
                Held {
                    text,
                    doomed,
                    parent,
                },
            );
        }
        outcome
    }

    /// The token that shall make another: the root token, one that lives, or one that must not any more.
    fn parent(&self) -> Option<(u64, String)> {
        match self.dice.number(0..100) {
            0..20 => self.some_token(true),
            20..60 => self.some_token(false),
            _ => None,
        }
    }

    /// A token that somebody has asked to revoke, or that nobody has.
    fn some_token(&self, doomed: bool) -> Option<(u64, String)> {
        let tokens = self.desk.tokens.lock();
        let such = tokens.iter().filter(|(_, token)| token.doomed == doomed);
        let such: Vec<(u64, String)> = such
            .map(|(label, token)| (*label, token.text.clone()))
            .collect();
        self.dice.pick(&such)
    }

    async fn use_token(&mut self) -> Outcome {
        let all: Vec<(u64, String)> = {
            let tokens = self.desk.tokens.lock();
            let all = tokens.iter().rev().take(12);
            all.map(|(label, token)| (*label, token.text.clone()))
                .collect()
        };
        match self.dice.pick(&all) {
            Some((token, text)) => self.use_token_on(self.any_node(), token, &text).await,
            None => self.create_token().await,
        }
    }

    async fn use_token_on(&mut self, node: u64, token: u64, text: &str) -> Outcome {
        let consistency = Consistency::Linearizable;
        let action = Action::UseToken { token, consistency };
        let request = Ask::new(Operation::Read, "auth/token/lookup-self", Some(text));
        self.do_it(node, action, request, false).await.0
    }

    async fn revoke_token(&mut self) -> Outcome {
        let Some((token, text)) = self.some_token(false) else {
            return self.create_token().await;
        };
        self.desk.doom(token);
        let action = Action::RevokeToken { token };
        let body = json!({ "token": text });
        let request = Ask::new(Operation::Write, "auth/token/revoke", Some(&self.root()));
        self.do_it(self.any_node(), action, request.body(body), true)
            .await
            .0
    }
}

impl Desk {
    /// Marks a token and all below it: somebody asks to revoke it.
    fn doom(&self, token: u64) {
        let mut tokens = self.tokens.lock();
        // A child's label is above its parent's.
        let mut doomed = vec![token];
        for (label, held) in tokens.range_mut(token..) {
            if *label == token || held.parent.is_some_and(|parent| doomed.contains(&parent)) {
                held.doomed = true;
                doomed.push(*label);
            }
        }
    }

    /// After healing: every secret read on every node, every token tried on one of them, then one write on every node.
    ///
    /// # Errors
    /// The node that did not answer as a healthy one does.
    pub(crate) async fn final_round(&self) -> Result<(), String> {
        let dice = Dice::new(self.cluster.setup.seed, "final round");
        let mut client = Client {
            desk: self,
            dice: &dice,
            number: self.next_client.fetch_add(1, Ordering::Relaxed),
            versions: BTreeMap::new(),
            index: 0,
        };
        let fit = self.cluster.fit();
        // Before anything is written: what lies there is what was acknowledged.
        for key in 0..self.all_keys() {
            for node in &fit {
                let read = client.get_on(*node, key, Consistency::Linearizable).await;
                healthy(*node, "read", &read)?;
            }
            let latest = client.versions.get(&key).copied().unwrap_or(0);
            let older = (1..latest).rev().take(OLDER);
            for (version, node) in older.zip(fit.iter().cycle()) {
                let read = client.get_version_on(*node, key, version).await;
                healthy(*node, "read an older version", &read)?;
            }
        }
        let tokens: Vec<(u64, String)> = {
            let tokens = self.tokens.lock();
            let all = tokens.iter();
            all.map(|(label, token)| (*label, token.text.clone()))
                .collect()
        };
        for ((token, text), node) in tokens.iter().zip(fit.iter().cycle()) {
            let used = client.use_token_on(*node, *token, text).await;
            healthy(*node, "judge a token", &used)?;
        }
        for node in &fit {
            let written = client.put_on(*node, self.live_key(&dice)).await;
            healthy(*node, "write", &written)?;
        }
        Ok(())
    }
}

fn healthy(node: u64, what: &str, outcome: &Outcome) -> Result<(), String> {
    match outcome {
        Outcome::Ok(_) | Outcome::CasMismatch | Outcome::Denied => Ok(()),
        other => Err(format!(
            "node {node} does not {what} after healing: {other:?}"
        )),
    }
}
