//! Making tokens.

use super::keys::{accessor_name, child_name, load, token_key, token_name};
use super::lifetime::Lifetime;
use super::record::{AccessorRecord, Expiry, State, TokenRecord};
use super::text;
use holdfast_barrier::{Txn, TxnError};
use holdfast_contract::Refusal;
use holdfast_lease::{Expiring, schedule};
use holdfast_types::NamespaceId;
use holdfast_types::limits::{TOKEN_BYTES_MAX, TOKEN_DEPTH_MAX};
use zeroize::Zeroizing;

/// What a token is to be. Its policies and its life are settled: see [`super::child_policies`] and [`Lifetime::plan`].
///
/// No `Debug`: it may hold the token.
pub struct NewToken {
    /// The token itself; random when not given.
    pub id: Option<Zeroizing<String>>,
    /// Keyed hash of the parent; `None` for an orphan.
    pub parent: Option<String>,
    /// Policies, sorted, each once.
    pub policies: Vec<String>,
    /// Given metadata.
    pub meta: Vec<(String, String)>,
    /// Shown name.
    pub display_name: String,
    /// The path that makes it.
    pub path: String,
    /// How long it lives.
    pub life: Lifetime,
    /// When it is made, milliseconds since the Unix epoch: what its life was planned from.
    pub created_ms: u64,
    /// Uses, 0 = not counted.
    pub num_uses: u64,
    /// Can be renewed.
    pub renewable: bool,
    /// Identity, empty when there is none.
    pub entity_id: String,
}

/// A token that was made. It exists nowhere else.
///
/// No `Debug`: it holds the token.
pub struct Created {
    /// The token.
    pub token: Zeroizing<String>,
    /// Its keyed hash.
    pub key: String,
    /// What is kept of it.
    pub record: TokenRecord,
}

/// Makes a token.
///
/// # Errors
/// [`Refusal::Invalid`] when the given token exists already or cannot be one, or its line of ancestors is too long;
/// [`Refusal::Denied`] when the parent does not live.
pub fn create(txn: &mut Txn, namespace: NamespaceId, new: NewToken) -> Result<Created, Refusal> {
    let token = match new.id {
        Some(given) => given,
        None => random_token(txn),
    };
    if token.is_empty()
        || token.len() > TOKEN_BYTES_MAX
        || !token.bytes().all(|b| b.is_ascii_graphic())
    {
        return Err(Refusal::field(
            "id",
            "must be printable characters without spaces",
        ));
    }
    let key = token_key(txn, &token);
    if load(txn, namespace, &key)?.is_some() {
        return Err(Refusal::Invalid(
            "cannot create a token with a duplicate ID".to_owned(),
        ));
    }
    let depth = match &new.parent {
        Some(parent) => adopt(txn, namespace, parent, &key, new.life.expiry)?,
        None => 0,
    };
    let mut random = [0; 16];
    txn.fill_random(&mut random);
    let mut record = TokenRecord {
        accessor: text::accessor(&random),
        parent: new.parent,
        depth,
        policies: new.policies,
        meta: new.meta,
        display_name: new.display_name,
        path: new.path,
        created_ms: new.created_ms,
        ttl_s: new.life.ttl_s,
        explicit_max_ttl_s: new.life.explicit_max_ttl_s,
        period_s: new.life.period_s,
        expiry: new.life.expiry,
        due_ms: None,
        num_uses: new.num_uses,
        renewable: new.renewable,
        renewed_ms: 0,
        entity_id: new.entity_id,
        state: State::Live,
    };
    if let Expiry::At(end_ms) = record.expiry {
        record.due_ms = Some(end_ms);
        schedule(
            txn,
            namespace,
            end_ms,
            &Expiring::Token { key: key.clone() },
        )?;
    } else if !record.is_root() {
        return Err(Refusal::Internal("a token without an end"));
    }
    let accessor = AccessorRecord {
        token_key: key.clone(),
    };
    txn.store(&accessor_name(namespace, &record.accessor), &accessor)?;
    txn.store(&token_name(namespace, &key), &record)?;
    Ok(Created { token, key, record })
}

/// Enters a child under its parent. Returns how many ancestors the child has.
///
/// The parent's record was read, so a revocation that is committed first makes this conflict. One that begins before and is
/// committed after does not see the child; without its parent the child is dead all the same, and its records go when it would
/// have ended. A child without an end would leave its records for ever: therefore it writes its parent, and the two conflict.
fn adopt(
    txn: &mut Txn,
    namespace: NamespaceId,
    parent_key: &str,
    key: &str,
    expiry: Expiry,
) -> Result<u16, Refusal> {
    let alive = super::judge(txn, namespace, parent_key.to_owned())?.ok_or(Refusal::Denied)?;
    let depth = alive.record.depth.saturating_add(1);
    if depth > TOKEN_DEPTH_MAX {
        let text =
            format!("a token has at most {TOKEN_DEPTH_MAX} ancestors; make an orphan instead");
        return Err(Refusal::Invalid(text));
    }
    if expiry == Expiry::Never {
        txn.store(&token_name(namespace, parent_key), &*alive.record)?;
    }
    txn.put(
        &child_name(namespace, parent_key, key),
        Zeroizing::new(Vec::new()),
    )?;
    Ok(depth)
}

fn random_token(txn: &Txn) -> Zeroizing<String> {
    let mut random = Zeroizing::new([0; 32]);
    txn.fill_random(&mut *random);
    text::token(&random)
}

/// Makes a root token: everything is allowed to it, and it does not end by itself.
///
/// # Errors
/// When the transaction is too large, or the disk fails.
pub fn create_root_token(
    txn: &mut Txn,
    namespace: NamespaceId,
) -> Result<Zeroizing<String>, TxnError> {
    create_root(txn, namespace, None).map_err(internal)
}

/// Makes a root token of a given text, for development.
///
/// # Errors
/// As [`create`].
pub fn create_root_token_as(
    txn: &mut Txn,
    namespace: NamespaceId,
    token: &str,
) -> Result<(), Refusal> {
    create_root(txn, namespace, Some(Zeroizing::new(token.to_owned()))).map(drop)
}

fn create_root(
    txn: &mut Txn,
    namespace: NamespaceId,
    id: Option<Zeroizing<String>>,
) -> Result<Zeroizing<String>, Refusal> {
    let life = Lifetime {
        expiry: Expiry::Never,
        ttl_s: 0,
        explicit_max_ttl_s: 0,
        period_s: 0,
        warnings: Vec::new(),
    };
    let new = NewToken {
        id,
        parent: None,
        policies: vec!["root".to_owned()],
        meta: Vec::new(),
        display_name: "root".to_owned(),
        path: "auth/token/root".to_owned(),
        life,
        created_ms: txn.stamp_ms(),
        num_uses: 0,
        renewable: false,
        entity_id: String::new(),
    };
    create(txn, namespace, new).map(|created| created.token)
}

/// A random orphan can only be refused by the floor below.
fn internal(refusal: Refusal) -> TxnError {
    match refusal {
        Refusal::Txn(error) => error,
        _ => TxnError::Corrupt("token"),
    }
}
