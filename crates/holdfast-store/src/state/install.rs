//! Replacing the whole state by a snapshot.
//!
//! The snapshot becomes a new generation beside the old one, is opened and compared with its header, and only then does the
//! file `current` name it. A crash before that leaves the old state and a directory that the next start removes; after
//! it, the new state. The snapshot itself stays: tables are hard links.

use super::apply::Applier;
use super::generation::{self, Generation};
use super::store::StateStore;
use crate::disk::Disk;
use crate::failpoint::step;
use crate::fault::failed;
use crate::files;
use crate::snapshot::SnapshotHandle;
use holdfast_machine::StorageFault;
use std::io;
use std::path::Path;

impl StateStore {
    /// Replaces the whole state by a snapshot, durably, and keeps it as the current one. Views made before stay valid.
    ///
    /// # Errors
    /// When the disk fails, the snapshot is not what its header says, or it is older than the state; the old state stands.
    pub fn install(&self, snapshot: &SnapshotHandle) -> Result<(), StorageFault> {
        let mut applier = self.applier.lock();
        self.faults.check()?;
        let header = snapshot.header();
        if header.index < applier.applied.position.index {
            return Err(StorageFault(format!(
                "the snapshot ends at entry {} and the state stands at {}",
                header.index, applier.applied.position.index
            )));
        }
        let number = applier.generation.number + 1;
        let dir = self.root.join(number.to_string());
        let installed = populate(&*self.disk, snapshot.dir(), &dir)
            .map_err(|error| failed("copying a snapshot", &error))
            .and_then(|()| self.open_and_compare(number, snapshot));
        let fresh = match installed {
            Ok(fresh) => fresh,
            Err(fault) => {
                let _swept_at_next_start = files::remove_tree(&*self.disk, &dir);
                return Err(fault);
            }
        };
        generation::point_to(&*self.disk, &self.root, number)
            .map_err(|fault| self.faults.raise(fault))?;
        applier.generation.doom();
        *applier = fresh;
        self.publish(&applier);
        self.shelf.keep(snapshot.clone());
        Ok(())
    }

    fn open_and_compare(
        &self,
        number: u64,
        snapshot: &SnapshotHandle,
    ) -> Result<Applier, StorageFault> {
        step("open a snapshot");
        let opened = Generation::open(&self.disk, &self.root, number, false)?;
        let fresh = Applier::load(opened)?;
        let header = snapshot.header();
        let same = fresh.applied.position.index == header.index
            && fresh.applied.log_id.as_deref() == header.log_id.as_deref()
            && fresh.applied.membership.as_deref() == header.membership.as_deref()
            && fresh.machine.summary() == header.summary;
        if same {
            Ok(fresh)
        } else {
            let text = "a snapshot is not what its header says".to_owned();
            Err(StorageFault(text))
        }
    }
}

/// Tables are immutable and can be shared; the few small files that name them will be rewritten and must not be.
fn populate(disk: &dyn Disk, from: &Path, to: &Path) -> io::Result<()> {
    files::remove_tree(disk, to)?;
    files::make_private_dir(disk, to)?;
    for entry in disk.list(from)? {
        let (source, target) = (from.join(&entry.name), to.join(&entry.name));
        if target.extension().is_some_and(|end| end == "sst") {
            step("link a table");
            disk.link(&source, &target)?;
        } else {
            files::copy_synced(disk, &source, &target)?;
        }
    }
    files::sync_dir(disk, to)
}
