//! What passes between nodes, kept to be searched at the end: which tokens there were is known only then.

use anyhow::Context;
use parking_lot::Mutex;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Most bytes kept; what comes later is counted and told.
const KEPT_BYTES_MAX: u64 = 2 << 30;

/// A file of packets, one after the other, with a line between two so that nothing is found across them.
#[derive(Clone)]
pub(crate) struct Wire(Arc<Mutex<Kept>>);

struct Kept {
    path: PathBuf,
    file: BufWriter<File>,
    kept_bytes: u64,
    missed: u64,
    failed: bool,
}

impl Wire {
    /// Begins an empty file.
    pub(crate) fn new(path: &Path) -> anyhow::Result<Self> {
        let file = File::create(path).with_context(|| format!("making {}", path.display()))?;
        Ok(Self(Arc::new(Mutex::new(Kept {
            path: path.to_owned(),
            file: BufWriter::with_capacity(1 << 18, file),
            kept_bytes: 0,
            missed: 0,
            failed: false,
        }))))
    }

    /// Keeps a packet.
    pub(crate) fn keep(&self, packet: &[u8]) {
        let mut kept = self.0.lock();
        let bytes = u64::try_from(packet.len()).unwrap_or(u64::MAX);
        if kept.kept_bytes.saturating_add(bytes) > KEPT_BYTES_MAX {
            kept.missed += 1;
            return;
        }
        kept.kept_bytes += bytes;
        let written = kept
            .file
            .write_all(packet)
            .and_then(|()| kept.file.write_all(b"\n--\n"));
        kept.failed |= written.is_err();
    }

    /// Ends it. Gives the file, and how many packets are not in it.
    ///
    /// # Errors
    /// When it could not be written: what was not kept cannot be called clean.
    pub(crate) fn finish(&self) -> anyhow::Result<(PathBuf, u64)> {
        let mut kept = self.0.lock();
        kept.file.flush().context("keeping packets")?;
        if kept.failed {
            anyhow::bail!("packets could not be kept in {}", kept.path.display());
        }
        Ok((kept.path.clone(), kept.missed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_kept_apart() {
        let folder = tempfile::tempdir().unwrap();
        let wire = Wire::new(&folder.path().join("packets")).unwrap();
        wire.keep(b"cana");
        wire.keep(b"ry");
        let (path, missed) = wire.finish().unwrap();
        assert_eq!(
            (std::fs::read(path).unwrap(), missed),
            (b"cana\n--\nry\n--\n".to_vec(), 0)
        );
    }
}
