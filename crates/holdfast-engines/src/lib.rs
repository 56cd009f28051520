//! Secrets engines: KV v1, KV v2 and cubbyhole.
//!
//! An engine is a table of routes ([`EngineKind`]) over plain functions of a transaction. It keeps everything under the
//! root of its mount, holds no state of its own, and does nothing besides reading and writing that transaction.

pub mod cubbyhole;
mod kv_v1;
mod kv_v2;
mod listing;
mod object;
mod place;
mod timestamp;

pub use cubbyhole::CUBBYHOLE;
pub use kv_v1::KV_V1;
pub use kv_v2::KV_V2;

use holdfast_contract::EngineKind;

static KINDS: [&EngineKind; 3] = [&KV_V1, &KV_V2, &CUBBYHOLE];

/// All kinds of engines.
#[must_use]
pub fn kinds() -> &'static [&'static EngineKind] {
    &KINDS
}

/// The engine of a mount by its `type` and the `version` among its options; an empty version is the first of the kind.
#[must_use]
pub fn find(name: &str, version: &str) -> Option<&'static EngineKind> {
    let fits =
        |kind: &&&EngineKind| kind.name == name && (version.is_empty() || kind.version == version);
    KINDS.iter().find(fits).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_without_a_version_is_the_first() {
        assert_eq!(find("kv", "").map(|kind| kind.version), Some("1"));
        assert_eq!(find("kv", "2").map(|kind| kind.version), Some("2"));
        assert_eq!(
            find("cubbyhole", "").map(|kind| kind.name),
            Some("cubbyhole")
        );
        assert!(find("kv", "3").is_none());
        assert!(find("", "").is_none());
    }

    #[test]
    fn every_route_and_field_says_what_it_is() {
        for route in kinds().iter().flat_map(|kind| kind.routes) {
            assert!(route.summary.ends_with('.'), "{}", route.pattern);
            for field in route.fields {
                assert!(
                    field.help.ends_with('.'),
                    "{} {}",
                    route.pattern,
                    field.name
                );
            }
        }
    }
}
