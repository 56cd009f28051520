//! Durable file operations outside the tables: private directories, atomic replacement, copies, removal.

use crate::disk::{Access, Disk, DiskFile};
use crate::failpoint::step;
use std::io;
use std::path::Path;

/// Makes a directory that only its owner can reach, and its entry in the parent durable. Its parent must exist.
pub(crate) fn make_private_dir(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
    step("make a directory");
    disk.make_dir(dir)?;
    dir.parent().map_or(Ok(()), |parent| sync_dir(disk, parent))
}

/// Makes the entries of a directory durable.
pub(crate) fn sync_dir(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
    step("sync a directory");
    disk.sync_dir(dir)
}

/// Replaces a small file so that after a crash it holds either the old or the new content.
pub(crate) fn replace_file(disk: &dyn Disk, path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("new");
    step("write a replacement");
    write_synced(disk, &temporary, content)?;
    step("rename a replacement");
    disk.rename(&temporary, path)?;
    path.parent()
        .map_or(Ok(()), |parent| sync_dir(disk, parent))
}

/// Copies a small file and makes the copy's content durable.
pub(crate) fn copy_synced(disk: &dyn Disk, from: &Path, to: &Path) -> io::Result<()> {
    step("copy a file");
    let content = read_whole(&*disk.file(from, Access::Read)?)?;
    write_synced(disk, to, &content)
}

/// Removes a directory tree if it is there.
pub(crate) fn remove_tree(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
    step("remove a directory");
    match disk.remove_tree(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A small file's content, or `None` when it is not there.
pub(crate) fn read_if_there(disk: &dyn Disk, path: &Path) -> io::Result<Option<Vec<u8>>> {
    match disk.file(path, Access::Read) {
        Ok(file) => read_whole(&*file).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A hasher that has seen the first `len` bytes of a file, in bounded memory.
pub(crate) fn hash_start(file: &dyn DiskFile, len: u64) -> io::Result<blake3::Hasher> {
    const PIECE: u64 = 256 << 10;
    let mut hasher = blake3::Hasher::new();
    let mut at = 0;
    while at < len {
        let size = usize::try_from(PIECE.min(len - at)).map_err(io::Error::other)?;
        let mut piece = vec![0; size];
        file.read_exact_at(&mut piece, at)?;
        hasher.update(&piece);
        at += piece.len() as u64;
    }
    Ok(hasher)
}

fn write_synced(disk: &dyn Disk, path: &Path, content: &[u8]) -> io::Result<()> {
    let file = disk.file(path, Access::Create)?;
    file.write_all_at(content, 0)?;
    file.sync()
}

fn read_whole(file: &dyn DiskFile) -> io::Result<Vec<u8>> {
    let mut content = vec![0; usize::try_from(file.len()?).map_err(io::Error::other)?];
    file.read_exact_at(&mut content, 0)?;
    Ok(content)
}
