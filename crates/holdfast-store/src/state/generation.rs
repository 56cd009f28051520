//! One incarnation of the state database, in a numbered directory. A snapshot makes the next one; the file `current`
//! names the one that counts, so replacing the state is one rename of that file.
//!
//! Invariant: a directory other than the current one holds nothing that is needed, and is removed when the last view of it
//! is gone, or at the next start.

use crate::disk::{Disk, Rows, StateTable};
use crate::fault::failed;
use crate::files;
use holdfast_machine::{StorageFault, Table};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Names the current generation, in decimal.
const CURRENT_FILE: &str = "current";

pub(crate) struct Generation {
    pub(crate) number: u64,
    // Dropped in this order: the table is closed before its directory goes.
    pub(crate) table: Arc<dyn StateTable>,
    place: Place,
}

struct Place {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    doomed: AtomicBool,
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.doomed.load(Ordering::Acquire)
            && let Err(error) = files::remove_tree(&*self.disk, &self.dir)
        {
            tracing::warn!(%error, "an old state was not removed; the next start will");
        }
    }
}

impl Generation {
    /// Opens the table of a generation.
    pub(crate) fn open(
        disk: &Arc<dyn Disk>,
        root: &Path,
        number: u64,
        create: bool,
    ) -> Result<Self, StorageFault> {
        let dir = root.join(number.to_string());
        Ok(Self {
            number,
            table: disk.open_state(&dir, create)?,
            place: Place {
                disk: Arc::clone(disk),
                dir,
                doomed: AtomicBool::new(false),
            },
        })
    }

    /// Its directory is removed once it is closed.
    pub(crate) fn doom(&self) {
        self.place.doomed.store(true, Ordering::Release);
    }
}

/// The rows of a generation at one moment, and the generation, which they keep open.
pub(crate) struct Pinned {
    // Dropped in this order.
    pub(crate) rows: Box<dyn Rows>,
    _generation: Arc<Generation>,
}

impl Pinned {
    pub(crate) fn take(generation: &Arc<Generation>) -> Self {
        Self {
            rows: Arc::clone(&generation.table).pin(),
            _generation: Arc::clone(generation),
        }
    }
}

impl Table for Pinned {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageFault> {
        self.rows.get(key)
    }
}

/// Makes a generation the one that counts, durably.
pub(crate) fn point_to(disk: &dyn Disk, root: &Path, number: u64) -> Result<(), StorageFault> {
    files::replace_file(
        disk,
        &root.join(CURRENT_FILE),
        number.to_string().as_bytes(),
    )
    .map_err(|error| failed("choosing the state", &error))
}

/// The generation that counts; `None` before the first.
pub(crate) fn pointed_to(disk: &dyn Disk, root: &Path) -> Result<Option<u64>, StorageFault> {
    let content = files::read_if_there(disk, &root.join(CURRENT_FILE))
        .map_err(|error| failed("reading which state counts", &error))?;
    let Some(content) = content else {
        return Ok(None);
    };
    let number = std::str::from_utf8(&content)
        .ok()
        .and_then(|text| text.parse().ok());
    number
        .map(Some)
        .ok_or_else(|| StorageFault("the file that names the current state is corrupt".to_owned()))
}

/// Removes every generation but the one that counts.
pub(crate) fn sweep(disk: &dyn Disk, root: &Path, keep: u64) -> std::io::Result<()> {
    for entry in disk.list(root)? {
        let number = entry.name.parse::<u64>();
        if number.is_ok_and(|number| number != keep) {
            files::remove_tree(disk, &root.join(entry.name))?;
        }
    }
    Ok(())
}
