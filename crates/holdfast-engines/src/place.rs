//! Where a secret may stand: a path that is neither empty nor a directory.

use holdfast_contract::{Call, Refusal};

/// The path of a secret that is to be read.
///
/// # Errors
/// [`Refusal::NotFound`] for the root and for directories: nothing is ever kept there.
pub(crate) fn readable(call: &Call) -> Result<&str, Refusal> {
    let path = call.param("path");
    if path.is_empty() || call.path.is_directory() {
        return Err(Refusal::NotFound);
    }
    Ok(path)
}

/// The path of a secret that is to be written or removed.
///
/// # Errors
/// [`Refusal::Invalid`] for the root and for directories.
pub(crate) fn writable(call: &Call) -> Result<&str, Refusal> {
    let path = call.param("path");
    if path.is_empty() {
        return Err(Refusal::Invalid("missing path".to_owned()));
    }
    if call.path.is_directory() {
        return Err(Refusal::field("path", "must not end in a slash"));
    }
    Ok(path)
}

/// The segments of a path within a mount.
pub(crate) fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}
