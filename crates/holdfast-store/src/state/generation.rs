//! One incarnation of the state database, in a numbered directory. A snapshot makes the next one; the file `current`
//! names the one that counts, so replacing the state is one rename of that file.
//!
//! Invariant: a directory other than the current one holds nothing that is needed, and is removed when the last view of it
//! is gone, or at the next start.

use crate::engine;
use crate::fault::failed;
use crate::files;
use crate::options::Options;
use holdfast_machine::StorageFault;
use rocksdb::{Cache, DB};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Names the current generation, in decimal.
const CURRENT_FILE: &str = "current";

pub(crate) struct Generation {
    pub(crate) number: u64,
    // Dropped in this order: the database is closed before its directory goes.
    pub(crate) db: DB,
    place: Place,
}

struct Place {
    dir: PathBuf,
    doomed: AtomicBool,
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.doomed.load(Ordering::Acquire)
            && let Err(error) = files::remove_tree(&self.dir)
        {
            tracing::warn!(%error, "an old state was not removed; the next start will");
        }
    }
}

impl Generation {
    /// Opens the database of a generation.
    pub(crate) fn open(
        root: &Path,
        number: u64,
        options: &Options,
        cache: &Cache,
        create: bool,
    ) -> Result<Self, StorageFault> {
        let dir = root.join(number.to_string());
        let mut tuning = engine::state_options(options, cache);
        tuning.create_if_missing(create);
        let db = DB::open(&tuning, &dir).map_err(|error| failed("opening the state", &error))?;
        Ok(Self {
            number,
            db,
            place: Place {
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

/// Makes a generation the one that counts, durably.
pub(crate) fn point_to(root: &Path, number: u64) -> Result<(), StorageFault> {
    files::replace_file(&root.join(CURRENT_FILE), number.to_string().as_bytes())
        .map_err(|error| failed("choosing the state", &error))
}

/// The generation that counts; `None` before the first.
pub(crate) fn pointed_to(root: &Path) -> Result<Option<u64>, StorageFault> {
    let content = files::read_if_there(&root.join(CURRENT_FILE))
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
pub(crate) fn sweep(root: &Path, keep: u64) -> std::io::Result<()> {
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let number = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u64>().ok());
        if number.is_some_and(|number| number != keep) {
            files::remove_tree(&entry.path())?;
        }
    }
    Ok(())
}
