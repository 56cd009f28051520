//! Routes and engines as data.

use crate::call::Call;
use crate::context::Context;
use crate::field::Field;
use crate::refusal::Refusal;
use crate::reply::Reply;

/// What is asked of a path, as the edge understood the HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// GET, HEAD.
    Read,
    /// LIST, or GET with `list=true`.
    List,
    /// SCAN, or GET with `scan=true`: a recursive list.
    Scan,
    /// POST or PUT. Create or update for policy, by the route's [`Existence`] check.
    Write,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
}

/// A handler: evaluates the call in the context's transaction.
pub type Handler = fn(&mut Context<'_>, &Call) -> Result<Reply, Refusal>;

/// Tells whether what a write would touch exists: then policy asks `update`, else `create`.
pub type Existence = fn(&mut Context<'_>, &Call) -> Result<bool, Refusal>;

/// One path of an engine, with everything that may be done there.
#[derive(Debug)]
pub struct Route {
    /// Segments joined by `/`; `{name}` takes one segment, `{name*}` (last) takes the rest, which may be empty only for
    /// operations on directories. Earlier routes win.
    pub pattern: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Inputs.
    pub fields: &'static [Field],
    /// What the body may hold beside the fields.
    pub body: Body,
    /// Who may come in before policy is asked.
    pub guard: Guard,
    /// Decides between `create` and `update`; without it a write is an update.
    pub exists: Option<Existence>,
    /// What can be done.
    pub methods: &'static [Method],
}

/// What a body may hold beside the declared fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// Only the declared fields; others are ignored with a warning.
    Declared,
    /// Any members; they are the payload, all sensitive, and reach the handler as [`crate::Fields::payload`].
    Payload,
}

/// Who may come in before policy is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// A valid token, and a policy that allows it.
    Token,
    /// As `Token`, and the policy must grant `sudo`.
    Sudo,
    /// Anyone. The handler answers only what anyone may know.
    Open,
    /// A valid token is enough; the handler judges by the caller.
    AnyToken,
}

/// One operation on a route.
#[derive(Debug)]
pub struct Method {
    /// Which.
    pub operation: Operation,
    /// Whether it may write.
    pub effect: Effect,
    /// Does it.
    pub run: Run,
}

impl Method {
    /// GET, in a transaction that is never committed.
    #[must_use]
    pub const fn read(handler: Handler) -> Self {
        Self {
            operation: Operation::Read,
            effect: Effect::Read,
            run: Run::InTransaction(handler),
        }
    }

    /// LIST.
    #[must_use]
    pub const fn list(handler: Handler) -> Self {
        Self {
            operation: Operation::List,
            effect: Effect::Read,
            run: Run::InTransaction(handler),
        }
    }

    /// SCAN.
    #[must_use]
    pub const fn scan(handler: Handler) -> Self {
        Self {
            operation: Operation::Scan,
            effect: Effect::Read,
            run: Run::InTransaction(handler),
        }
    }

    /// POST or PUT that may write.
    #[must_use]
    pub const fn write(handler: Handler) -> Self {
        Self {
            operation: Operation::Write,
            effect: Effect::Write,
            run: Run::InTransaction(handler),
        }
    }

    /// POST or PUT that only looks something up.
    #[must_use]
    pub const fn ask(handler: Handler) -> Self {
        Self {
            operation: Operation::Write,
            effect: Effect::Read,
            run: Run::InTransaction(handler),
        }
    }

    /// PATCH.
    #[must_use]
    pub const fn patch(handler: Handler) -> Self {
        Self {
            operation: Operation::Patch,
            effect: Effect::Write,
            run: Run::InTransaction(handler),
        }
    }

    /// DELETE.
    #[must_use]
    pub const fn delete(handler: Handler) -> Self {
        Self {
            operation: Operation::Delete,
            effect: Effect::Write,
            run: Run::InTransaction(handler),
        }
    }

    /// Something the node itself does.
    #[must_use]
    pub const fn node(operation: Operation, action: NodeAction) -> Self {
        let effect = match operation {
            Operation::Read | Operation::List | Operation::Scan => Effect::Read,
            Operation::Write | Operation::Patch | Operation::Delete => Effect::Write,
        };
        Self {
            operation,
            effect,
            run: Run::OnNode(action),
        }
    }
}

/// How an operation is done.
#[derive(Clone, Copy, Debug)]
pub enum Run {
    /// By a handler over a transaction.
    InTransaction(Handler),
    /// By the node itself, outside any transaction: what must work while sealed or without a leader.
    OnNode(NodeAction),
}

/// What a node does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeAction {
    /// Whether a cluster was initialised.
    InitStatus,
    /// Make keys and shares.
    Init,
    /// State of the seal.
    SealStatus,
    /// Take one share.
    Unseal,
    /// Seal the whole cluster.
    Seal,
    /// Fitness to serve.
    Health,
    /// Who leads.
    Leader,
    /// All members.
    HaStatus,
    /// Give up leadership.
    StepDown,
    /// Active key term.
    KeyStatus,
    /// Figures for Prometheus.
    Metrics,
    /// The API's description.
    OpenApi,
}

/// Whether an operation may write. A read's transaction is never committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Reads only.
    Read,
    /// May write.
    Write,
}

/// A kind of engine that can be mounted.
#[derive(Debug)]
pub struct EngineKind {
    /// As in `type` of a mount: `kv`, `cubbyhole`.
    pub name: &'static str,
    /// Chosen among kinds of one name by the mount's options, such as `version=2`.
    pub version: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Paths under the mount.
    pub routes: &'static [Route],
}

/// A route that a path and operation led to, with the path's parameters.
pub struct Matched {
    /// The route.
    pub route: &'static Route,
    /// The method of the operation asked.
    pub method: &'static Method,
    /// Parameters by name, in pattern order.
    pub params: Vec<(&'static str, String)>,
}
