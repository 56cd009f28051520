//! Opening the state: the generation that counts, and none of the others.

use super::apply::Applier;
use super::generation::{self, Generation};
use crate::files;
use crate::open::OpenError;
use crate::options::Options;
use holdfast_machine::StorageFault;
use rocksdb::Cache;
use std::path::Path;

const FIRST: u64 = 1;

/// Opens the state in `root`, which was made before; the first generation is made only while the directory is new.
pub(crate) fn open_state(
    root: &Path,
    options: &Options,
    cache: &Cache,
    new: bool,
) -> Result<Applier, OpenError> {
    let corrupt = |fault: StorageFault| OpenError::Corrupt(fault.0);
    let number = match generation::pointed_to(root).map_err(corrupt)? {
        Some(number) => number,
        None if new => FIRST,
        None => {
            let text = "the file that names the current state is missing".to_owned();
            return Err(OpenError::Corrupt(text));
        }
    };
    generation::sweep(root, number)?;
    if new && !root.join(number.to_string()).exists() {
        files::make_private_dir(&root.join(number.to_string()))?;
    }
    let opened = Generation::open(root, number, options, cache, new).map_err(corrupt)?;
    let applier = Applier::load(opened).map_err(corrupt)?;
    if new {
        generation::point_to(root, number).map_err(corrupt)?;
    }
    Ok(applier)
}
