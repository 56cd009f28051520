//! The declared inputs of KV v2's routes.

use holdfast_contract::{Field, FieldKind};

pub(super) const PATH: Field = Field::new("path", FieldKind::Text, "Where the secret stands.")
    .public()
    .in_path();

pub(super) const VERSION: Field = Field::new(
    "version",
    FieldKind::Integer,
    "The version to read; the latest when absent or zero.",
)
.public();

pub(super) const OPTIONS: Field = Field::new(
    "options",
    FieldKind::Object,
    "Options of the write. With \"cas\", it is done only while the latest version has this number; 0 means that there is none.",
)
.public();

pub(super) const DATA: Field = Field::new(
    "data",
    FieldKind::Object,
    "The secret. For PATCH, a merge patch (RFC 7396) of its latest version.",
);

pub(super) const VERSIONS: Field = Field::new(
    "versions",
    FieldKind::IntegerList,
    "The numbers of the versions.",
)
.public();

pub(super) const MAX_VERSIONS: Field = Field::new(
    "max_versions",
    FieldKind::Integer,
    "How many versions are kept of each secret; the greater of the mount's and the secret's setting holds, 10 when both are zero.",
)
.public();

pub(super) const CAS_REQUIRED: Field = Field::new(
    "cas_required",
    FieldKind::Boolean,
    "Whether every write must carry \"cas\" in its options; true on the mount or on the secret is enough.",
)
.public();

pub(super) const DELETE_VERSION_AFTER: Field = Field::new(
    "delete_version_after",
    FieldKind::Duration,
    "How long after it was written a version is deleted; the shorter of the mount's and the secret's setting holds, zero is none.",
)
.public();

pub(super) const MOUNT_DELETE_VERSION_AFTER: Field = Field::new(
    "delete_version_after",
    FieldKind::Text,
    "How long after it was written a version is deleted; zero leaves it to the secrets' settings, a negative duration turns those off.",
)
.public();

pub(super) const CUSTOM_METADATA: Field = Field::new(
    "custom_metadata",
    FieldKind::Object,
    "Texts that describe the secret: at most 64, keys up to 128 bytes, values up to 512. For PATCH, null removes one.",
);

pub(super) const METADATA_CAS: Field = Field::new(
    "metadata_cas",
    FieldKind::Integer,
    "The metadata is changed only while its version has this number; 0 before the first change.",
)
.public();

pub(super) const METADATA_CAS_REQUIRED: Field = Field::new(
    "metadata_cas_required",
    FieldKind::Boolean,
    "Whether every change of metadata must carry \"metadata_cas\".",
)
.public();

pub(super) const DEPTH: Field = Field::new(
    "depth",
    FieldKind::Integer,
    "The deepest level shown; all levels when absent or zero.",
)
.public();
