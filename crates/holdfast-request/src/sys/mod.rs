//! The routes below `sys/`.

mod mounts;
mod node;
mod visible;

use holdfast_contract::Route;

/// Route tables below `sys/`, earlier ones first.
pub(crate) fn tables() -> [&'static [Route]; 4] {
    [
        node::ROUTES,
        mounts::ROUTES,
        visible::ROUTES,
        holdfast_access::POLICY_ROUTES,
    ]
}
