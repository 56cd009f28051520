//! KV v2: JSON objects with versions.
//!
//! # What is kept, under the mount's root
//! ```text
//! config                      settings of the mount           (MountConfig)
//! meta/<segment>/…            one record for each secret      (SecretRecord), so that LIST and SCAN open no value
//! data/<whole path>/<version> one value                       (JSON text)
//! ```
//! Invariants, checked by the model test:
//! - a version's value stands exactly as long as its secret's record lists the version and does not call it destroyed;
//! - every change of a value also writes the secret's record, so that two changes at once conflict;
//! - version numbers only rise while the secret's record stands.
//!
//! Reading costs two records: the secret's, which the barrier keeps decoded, and the value's.

mod browse;
mod check_and_set;
mod config;
mod custom_metadata;
mod data;
mod fields;
mod merge_patch;
mod metadata;
mod names;
mod record;
mod shape;
mod subkeys;
mod versions;

use crate::listing::{AFTER, LIMIT};
use fields::{
    CAS_REQUIRED, CUSTOM_METADATA, DATA, DELETE_VERSION_AFTER, DEPTH, MAX_VERSIONS, METADATA_CAS,
    METADATA_CAS_REQUIRED, MOUNT_DELETE_VERSION_AFTER, OPTIONS, PATH, VERSION, VERSIONS,
};
use holdfast_contract::{Body, EngineKind, Existence, Field, Guard, Method, Route};

/// Versioned key-value secrets.
pub static KV_V2: EngineKind = EngineKind {
    name: "kv",
    version: "2",
    summary: "Key-value secrets with versions, soft deletion and check-and-set.",
    routes: &ROUTES,
};

static ROUTES: [Route; 8] = [
    route(
        "config",
        "Settings that apply to every secret of the mount.",
        &[
            MAX_VERSIONS,
            CAS_REQUIRED,
            MOUNT_DELETE_VERSION_AFTER,
            METADATA_CAS_REQUIRED,
        ],
        None,
        &[Method::read(config::read), Method::write(config::write)],
    ),
    route(
        "data/{path*}",
        "Versions of a secret: read one, write the next, delete the latest.",
        &[PATH, VERSION, OPTIONS, DATA],
        Some(names::exists),
        &[
            Method::read(data::read),
            Method::write(data::write),
            Method::patch(data::patch),
            Method::delete(data::delete),
        ],
    ),
    route(
        "delete/{path*}",
        "Delete versions so that they can be brought back.",
        &[PATH, VERSIONS],
        None,
        &[Method::write(versions::delete)],
    ),
    route(
        "undelete/{path*}",
        "Bring deleted versions back.",
        &[PATH, VERSIONS],
        None,
        &[Method::write(versions::undelete)],
    ),
    route(
        "destroy/{path*}",
        "Remove the values of versions for good.",
        &[PATH, VERSIONS],
        None,
        &[Method::write(versions::destroy)],
    ),
    route(
        "metadata/{path*}",
        "What is known of a secret besides its values: versions, settings, custom metadata.",
        &[
            PATH,
            MAX_VERSIONS,
            CAS_REQUIRED,
            DELETE_VERSION_AFTER,
            CUSTOM_METADATA,
            METADATA_CAS,
            METADATA_CAS_REQUIRED,
            AFTER,
            LIMIT,
        ],
        Some(names::exists),
        &[
            Method::read(metadata::read),
            Method::write(metadata::write),
            Method::patch(metadata::patch),
            Method::delete(metadata::delete),
            Method::list(browse::list),
            Method::scan(browse::scan),
        ],
    ),
    route(
        "detailed-metadata/{path*}",
        "Lists of secrets with the metadata of each.",
        &[PATH, AFTER, LIMIT],
        None,
        &[
            Method::list(browse::list_detailed),
            Method::scan(browse::scan_detailed),
        ],
    ),
    route(
        "subkeys/{path*}",
        "The structure of a secret without its values.",
        &[PATH, VERSION, DEPTH],
        None,
        &[Method::read(subkeys::read)],
    ),
];

const fn route(
    pattern: &'static str,
    summary: &'static str,
    fields: &'static [Field],
    exists: Option<Existence>,
    methods: &'static [Method],
) -> Route {
    Route {
        pattern,
        summary,
        fields,
        body: Body::Declared,
        guard: Guard::Token,
        exists,
        methods,
    }
}
