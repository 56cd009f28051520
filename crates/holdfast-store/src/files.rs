//! Durable file operations outside RocksDB: private directories, atomic replacement, syncing of directories.

use crate::failpoint::step;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Makes a directory that only its owner can reach, and its entry in the parent durable. Its parent must exist.
pub(crate) fn make_private_dir(dir: &Path) -> io::Result<()> {
    step("make a directory");
    DirBuilder::new().mode(0o700).create(dir)?;
    dir.parent().map_or(Ok(()), sync_dir)
}

/// Makes the entries of a directory durable.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    step("sync a directory");
    File::open(dir)?.sync_all()
}

/// Replaces a small file so that after a crash it holds either the old or the new content.
pub(crate) fn replace_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("new");
    step("write a replacement");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    step("rename a replacement");
    fs::rename(&temporary, path)?;
    path.parent().map_or(Ok(()), sync_dir)
}

/// Copies a file and makes the copy's content durable.
pub(crate) fn copy_synced(from: &Path, to: &Path) -> io::Result<()> {
    step("copy a file");
    fs::copy(from, to)?;
    File::open(to)?.sync_all()
}

/// Removes a directory tree if it is there.
pub(crate) fn remove_tree(dir: &Path) -> io::Result<()> {
    step("remove a directory");
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A small file's content, or `None` when it is not there.
pub(crate) fn read_if_there(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
