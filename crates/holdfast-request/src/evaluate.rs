//! One evaluation of a request on one transaction: authenticate, authorise, handle.

use crate::mounts;
use crate::pipeline::action_of;
use crate::sys;
use holdfast_access::{Acl, Capability, Inputs};
use holdfast_barrier::Txn;
use holdfast_contract::{
    Call, Caller, Context, Effect, Fields, Guard, Incoming, Matched, MountView, NodeAction,
    Operation, Refusal, Reply, Route, Run, decode, route_call,
};
use holdfast_types::{CanonPath, MountId, NamespaceId};
use serde_json::{Map, Value as Json};

/// A request with as much of its routing as its path alone decides.
pub(crate) struct Request {
    operation: Operation,
    path: CanonPath,
    token: Option<String>,
    body: Map<String, Json>,
    query: Vec<(String, String)>,
    /// Routes that do not depend on the mount table.
    fixed: Option<(Matched, &'static str)>,
}

/// What one evaluation concluded.
pub(crate) struct Evaluated {
    pub(crate) reply: Reply,
    /// Kind of the mount.
    pub(crate) kind: String,
    /// Set when the request is authorised and the node itself must act.
    pub(crate) action: Option<(NodeAction, Fields)>,
}

impl Request {
    /// Routes what needs no state.
    pub(crate) fn route(incoming: Incoming) -> Result<Self, Refusal> {
        let fixed = route_fixed(incoming.operation, &incoming.path)?;
        Ok(Self {
            operation: incoming.operation,
            path: incoming.path,
            token: incoming.token,
            body: incoming.body,
            query: incoming.query,
            fixed,
        })
    }

    /// Whether it may write. A path below a mount is known only with the mount table, so its operation decides.
    pub(crate) const fn effect(&self) -> Effect {
        if let Some((matched, _)) = &self.fixed {
            return matched.method.effect;
        }
        match self.operation {
            Operation::Read | Operation::List | Operation::Scan => Effect::Read,
            Operation::Write | Operation::Patch | Operation::Delete => Effect::Write,
        }
    }

    /// Whether the node itself does it.
    pub(crate) const fn is_action(&self) -> bool {
        match &self.fixed {
            Some((matched, _)) => action_of(matched.method.run).is_some(),
            None => false,
        }
    }

    /// Whether the node only tells of itself: nothing of the replicated state is shown or changed.
    pub(crate) fn only_tells_of_the_node(&self) -> bool {
        self.is_action() && self.effect() == Effect::Read
    }

    /// An action that anyone may ask for, with its inputs.
    pub(crate) fn open_action(&self) -> Result<Option<(NodeAction, Fields)>, Refusal> {
        let Some((matched, _)) = &self.fixed else {
            return Ok(None);
        };
        if matched.route.guard != Guard::Open {
            return Ok(None);
        }
        let Some(action) = action_of(matched.method.run) else {
            return Ok(None);
        };
        let (fields, _) = self.decode(matched.route, &matched.params)?;
        Ok(Some((action, fields)))
    }

    fn decode(
        &self,
        route: &'static Route,
        params: &[(&'static str, String)],
    ) -> Result<(Fields, Vec<String>), Refusal> {
        decode(route, params, &self.query, self.body.clone())
    }
}

fn route_fixed(
    operation: Operation,
    path: &CanonPath,
) -> Result<Option<(Matched, &'static str)>, Refusal> {
    if let Some(rest) = path.strip_prefix("sys") {
        let mut refusal = Refusal::NotFound;
        for table in sys::tables() {
            match route_call(table, operation, &rest) {
                Ok(matched) => return Ok(Some((matched, "system"))),
                Err(Refusal::Unsupported) => refusal = Refusal::Unsupported,
                Err(_) => {}
            }
        }
        return Err(refusal);
    }
    if let Some(rest) = path.strip_prefix("auth/token") {
        return Ok(Some((
            route_call(holdfast_access::TOKEN_ROUTES, operation, &rest)?,
            "token",
        )));
    }
    Ok(None)
}

/// Evaluates the request on the transaction's view; what it writes waits there for the commit.
pub(crate) fn evaluate(txn: &mut Txn, request: &Request) -> Result<Evaluated, Refusal> {
    let namespace = NamespaceId::ROOT;
    let open = request
        .fixed
        .as_ref()
        .is_some_and(|(matched, _)| matched.route.guard == Guard::Open);
    let caller = if open {
        None
    } else {
        Some(authenticate(txn, namespace, request)?)
    };

    if let Some((matched, kind)) = &request.fixed {
        let cubbyhole = mounts::at(txn, namespace, crate::first_records::CUBBYHOLE)?;
        let mount = fixed_mount(kind, cubbyhole.map(|entry| entry.id));
        let path = request.path.clone();
        return finish(txn, request, namespace, caller, matched, path, &mount, kind);
    }
    // An authenticated caller without any right here learns nothing of what is mounted.
    let Some((entry, rest)) = mounts::find(txn, namespace, &request.path)? else {
        let caller = caller.as_ref().ok_or(Refusal::Denied)?;
        return Err(if caller.policies.iter().any(|policy| policy == "root") {
            Refusal::NotFound
        } else {
            Refusal::Denied
        });
    };
    let engine = entry.engine().ok_or(Refusal::Internal("engine"))?;
    let matched = match route_call(engine.routes, request.operation, &rest) {
        Ok(matched) => matched,
        Err(refusal) => {
            // That something is mounted here and cannot do this is told to whoever may do it.
            let caller = caller.as_ref().ok_or(Refusal::Denied)?;
            let acl = holdfast_access::acl_of(txn, namespace, &caller.policies)?;
            let asked = capabilities(request.operation);
            permit(&acl, request, asked, false)?;
            return Err(refusal);
        }
    };
    let view = entry.view();
    finish(
        txn,
        request,
        namespace,
        caller,
        &matched,
        rest,
        &view,
        &entry.kind,
    )
}

/// What stands for the mount on routes of the product itself. Token routes need to know where tokens keep their own data.
fn fixed_mount(kind: &str, cubbyhole: Option<MountId>) -> MountView {
    let path = if kind == "token" {
        "auth/token/"
    } else {
        "sys/"
    };
    MountView {
        id: cubbyhole.unwrap_or(MountId([0; 16])),
        path: path.to_owned(),
        options: Vec::new(),
        default_lease_s: mounts::SYSTEM_LEASE_S,
        max_lease_s: mounts::SYSTEM_LEASE_S,
    }
}

fn authenticate(
    txn: &mut Txn,
    namespace: NamespaceId,
    request: &Request,
) -> Result<Caller, Refusal> {
    let token = request
        .token
        .as_deref()
        .filter(|token| !token.is_empty())
        .ok_or(Refusal::Denied)?;
    holdfast_access::authenticate(txn, namespace, token)
}

#[expect(
    clippy::too_many_arguments,
    reason = "the whole of one evaluation, called from two places"
)]
fn finish(
    txn: &mut Txn,
    request: &Request,
    namespace: NamespaceId,
    caller: Option<Caller>,
    matched: &Matched,
    path: CanonPath,
    mount: &MountView,
    kind: &str,
) -> Result<Evaluated, Refusal> {
    let decoded = request.decode(matched.route, &matched.params);
    // A caller without the right learns nothing from how inputs are judged, so the right comes first.
    let (fields, warnings) = match decoded {
        Ok((fields, warnings)) => (Ok(fields), warnings),
        Err(refusal) => (Err(refusal), Vec::new()),
    };
    let call_fields = fields.as_ref().ok().cloned().unwrap_or_default();
    let call = Call {
        operation: request.operation,
        path,
        params: matched.params.clone(),
        fields: call_fields,
    };
    let mut ctx = Context {
        txn,
        mount,
        namespace,
        caller: caller.as_ref(),
    };
    authorise(&mut ctx, request, matched, &call)?;
    let _well_formed = fields?;
    let mut evaluated = match matched.method.run {
        Run::OnNode(action) => Evaluated {
            reply: Reply::none(),
            kind: kind.to_owned(),
            action: Some((action, call.fields)),
        },
        Run::InTransaction(handler) => Evaluated {
            reply: handler(&mut ctx, &call)?,
            kind: kind.to_owned(),
            action: None,
        },
    };
    evaluated.reply.warnings.splice(0..0, warnings);
    Ok(evaluated)
}

fn authorise(
    ctx: &mut Context<'_>,
    request: &Request,
    matched: &Matched,
    call: &Call,
) -> Result<(), Refusal> {
    let sudo = match matched.route.guard {
        Guard::Open | Guard::AnyToken => return Ok(()),
        Guard::Token => false,
        Guard::Sudo => true,
    };
    let caller = ctx.caller.ok_or(Refusal::Denied)?;
    let acl = holdfast_access::acl_of(ctx.txn, ctx.namespace, &caller.policies)?;
    if acl.is_root() {
        return Ok(());
    }
    let exists = match (request.operation, matched.route.exists) {
        (Operation::Write, Some(exists)) => exists(ctx, call),
        _ => Ok(true),
    };
    match exists {
        Ok(true) => permit(&acl, request, &capabilities(request.operation)[..1], sudo),
        Ok(false) => permit(&acl, request, &[Capability::Create], sudo),
        Err(Refusal::Txn(fault)) => Err(fault.into()),
        // Nothing can stand there. Why not is told to whoever may write at all.
        Err(refusal) => {
            permit(&acl, request, capabilities(request.operation), sudo)?;
            Err(refusal)
        }
    }
}

/// What an operation may need, that of something that exists first.
const fn capabilities(operation: Operation) -> &'static [Capability] {
    match operation {
        Operation::Read => &[Capability::Read],
        Operation::List => &[Capability::List],
        Operation::Scan => &[Capability::Scan],
        Operation::Patch => &[Capability::Patch],
        Operation::Delete => &[Capability::Delete],
        Operation::Write => &[Capability::Update, Capability::Create],
    }
}

/// Lets a request through that has one of some capabilities on its path.
fn permit(acl: &Acl, request: &Request, any: &[Capability], sudo: bool) -> Result<(), Refusal> {
    let listing = matches!(request.operation, Operation::List | Operation::Scan);
    let path = if listing {
        request.path.clone().into_directory()
    } else {
        request.path.clone()
    };
    let inputs = Inputs {
        body: &request.body,
        query: &request.query,
        wrap_ttl: None,
    };
    let permitted = any.iter().any(|capability| {
        let decision = acl.check(&path, *capability, &inputs);
        decision.allowed && (!sudo || decision.sudo)
    });
    if permitted {
        Ok(())
    } else {
        Err(Refusal::Denied)
    }
}

/// Keeps of a refused request only that its token was used, if its uses are counted.
pub(crate) fn charge(txn: &mut Txn, request: &Request) {
    if !txn.has_writes() {
        return;
    }
    txn.discard_writes();
    // Refused again: there is no token whose use could be taken.
    if authenticate(txn, NamespaceId::ROOT, request).is_err() {
        txn.discard_writes();
    }
}
