//! What a route, an engine and an auth method are.
//!
//! A route is declared once, as data: pattern, operations, typed fields with their sensitivity, help, handler. The router,
//! input checks, redaction, OpenAPI, help and completion all read the same declaration. Handlers are plain functions over a
//! transaction: no state of their own, no IO, so an evaluation may be thrown away and repeated.

mod call;
mod context;
mod decode;
mod field;
mod refusal;
mod reply;
mod route;
mod routing;

pub use call::{Call, Fields, Incoming};
pub use context::{Caller, Context, MountView, Object};
pub use decode::decode;
pub use field::{Field, FieldKind, Place, Sensitivity, Value};
pub use refusal::Refusal;
pub use reply::{AuthReply, Form, LeaseReply, Reply};
pub use route::{
    Body, Effect, EngineKind, Existence, Guard, Handler, Matched, Method, NodeAction, Operation,
    Route, Run,
};
pub use routing::route_call;
