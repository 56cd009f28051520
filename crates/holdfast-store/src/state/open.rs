//! Opening the state: the generation that counts, and none of the others.

use super::apply::Applier;
use super::generation::{self, Generation};
use crate::disk::Disk;
use crate::files;
use crate::open::OpenError;
use holdfast_machine::StorageFault;
use std::path::Path;
use std::sync::Arc;

const FIRST: u64 = 1;

/// Opens the state in `root`, which was made before; the first generation is made only while the directory is new.
pub(crate) fn open_state(
    disk: &Arc<dyn Disk>,
    root: &Path,
    new: bool,
) -> Result<Applier, OpenError> {
    let corrupt = |fault: StorageFault| OpenError::Corrupt(fault.0);
    let number = match generation::pointed_to(&**disk, root).map_err(corrupt)? {
        Some(number) => number,
        None if new => FIRST,
        None => {
            let text = "the file that names the current state is missing".to_owned();
            return Err(OpenError::Corrupt(text));
        }
    };
    generation::sweep(&**disk, root, number)?;
    if new && !disk.exists(&root.join(number.to_string())) {
        files::make_private_dir(&**disk, &root.join(number.to_string()))?;
    }
    let opened = Generation::open(disk, root, number, new).map_err(corrupt)?;
    let applier = Applier::load(opened).map_err(corrupt)?;
    if new {
        generation::point_to(&**disk, root, number).map_err(corrupt)?;
    }
    Ok(applier)
}
