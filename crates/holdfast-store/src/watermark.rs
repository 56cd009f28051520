//! What the log has promised durable, kept outside RocksDB.
//!
//! RocksDB opens a damaged write-ahead log as a shorter one, without a word. A node that forgets a vote or an acknowledged
//! entry that way can help to elect a leader that lacks committed entries. So every synced batch of the log carries a
//! number, and before a batch is acknowledged its number is written here; a log that comes back with a smaller number has
//! lost what was acknowledged. Truncations need no special case: they are batches like any other.
//!
//! The file is two pages, written in turn, each with two copies of one slot: a torn write spoils one page, a decayed bit
//! one copy. Pages are overwritten in place, so that `fdatasync` has no metadata to write.
//!
//! Invariant: a slot's number is never above what is durable in the log. Checked by `crash.rs`.

use crate::disk::{Access, Disk, DiskFile};
use crate::failpoint::step;
use holdfast_types::StoreId;
use std::io;
use std::path::Path;

const PAGE: usize = 4096;
const COPY_AT: [usize; 2] = [0, PAGE / 2];
const MAGIC: &[u8; 8] = b"HFMARK\0\x01";
const SLOT: usize = 8 + 16 + 8 + 8 + 8 + 4;

/// The promise.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Mark {
    /// Number of the last synced batch; 0 before the first.
    pub(crate) batch: u64,
    /// One more than the last log index then present; 0 for an empty log. For the operator's message.
    pub(crate) end: u64,
}

pub(crate) struct Watermark {
    file: Box<dyn DiskFile>,
    store_id: StoreId,
    /// Which write comes next; its parity chooses the page.
    generation: u64,
}

/// What the file says.
pub(crate) enum Found {
    /// There is no file.
    Nothing,
    /// No slot is whole, or all belong to another store.
    Unreadable,
    /// The highest promise.
    Mark(Watermark, Mark),
}

impl Watermark {
    /// Makes the file, promising nothing.
    pub(crate) fn create(disk: &dyn Disk, path: &Path, store_id: StoreId) -> io::Result<Self> {
        step("create the watermark");
        let file = disk.file(path, Access::Create)?;
        let page = page_of(store_id, 0, Mark::default());
        file.write_all_at(&page, 0)?;
        file.write_all_at(&page, PAGE as u64)?;
        file.sync()?;
        Ok(Self {
            file,
            store_id,
            generation: 1,
        })
    }

    /// Reads the file of the store `store_id`.
    pub(crate) fn load(disk: &dyn Disk, path: &Path, store_id: StoreId) -> io::Result<Found> {
        let file = match disk.file(path, Access::Write) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) => return Err(error),
        };
        let ours = slots(&*file).filter(|slot| slot.store_id == store_id);
        Ok(match ours.max_by_key(|slot| slot.generation) {
            None => Found::Unreadable,
            Some(slot) => Found::Mark(
                Self {
                    file,
                    store_id,
                    generation: slot.generation + 1,
                },
                slot.mark,
            ),
        })
    }

    /// One whose writes fail.
    #[cfg(test)]
    pub(crate) fn read_only(disk: &dyn Disk, path: &Path, store_id: StoreId) -> Self {
        Self {
            file: disk.file(path, Access::Read).unwrap(),
            store_id,
            generation: 1,
        }
    }

    /// Whether any store has promised anything in the file.
    pub(crate) fn has_promised(disk: &dyn Disk, path: &Path) -> io::Result<bool> {
        match disk.file(path, Access::Read) {
            Ok(file) => Ok(slots(&*file).any(|slot| slot.mark.batch > 0)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Promises durably. The batch must be durable already.
    pub(crate) fn promise(&mut self, mark: Mark) -> io::Result<()> {
        let page = page_of(self.store_id, self.generation, mark);
        let at = (self.generation % 2) * PAGE as u64;
        step("write the watermark");
        self.file.write_all_at(&page, at)?;
        step("sync the watermark");
        self.file.sync()?;
        self.generation += 1;
        Ok(())
    }
}

fn page_of(store_id: StoreId, generation: u64, mark: Mark) -> Vec<u8> {
    let mut slot = Vec::with_capacity(SLOT);
    slot.extend_from_slice(MAGIC);
    slot.extend_from_slice(&store_id.0);
    for number in [generation, mark.batch, mark.end] {
        slot.extend_from_slice(&number.to_be_bytes());
    }
    slot.extend_from_slice(&crc32fast::hash(&slot).to_be_bytes());
    let mut page = vec![0; PAGE];
    for copy in COPY_AT {
        page[copy..copy + SLOT].copy_from_slice(&slot);
    }
    page
}

struct Slot {
    store_id: StoreId,
    generation: u64,
    mark: Mark,
}

/// Every whole slot.
fn slots(file: &dyn DiskFile) -> impl Iterator<Item = Slot> {
    let places = (0..2).flat_map(|page| COPY_AT.map(|copy| page * PAGE + copy));
    places.filter_map(|at| {
        let mut slot = [0; SLOT];
        file.read_exact_at(&mut slot, at as u64).ok()?;
        parse_slot(&slot)
    })
}

fn parse_slot(slot: &[u8; SLOT]) -> Option<Slot> {
    let (body, sum) = slot.split_last_chunk::<4>()?;
    if crc32fast::hash(body) != u32::from_be_bytes(*sum) {
        return None;
    }
    let (id, rest) = body.strip_prefix(MAGIC)?.split_first_chunk::<16>()?;
    let number = |at: usize| {
        let bytes = rest.get(at..at + 8)?.try_into().ok()?;
        Some(u64::from_be_bytes(bytes))
    };
    Some(Slot {
        store_id: StoreId(*id),
        generation: number(0)?,
        mark: Mark {
            batch: number(8)?,
            end: number(16)?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::Options;
    use crate::local::Local;
    use std::fs::OpenOptions;
    use std::os::unix::fs::FileExt;

    const ID: StoreId = StoreId([7; 16]);

    fn disk() -> Local {
        Local::new(&Options::default())
    }

    fn load(path: &Path) -> Option<Mark> {
        match Watermark::load(&disk(), path, ID).unwrap() {
            Found::Mark(_, mark) => Some(mark),
            Found::Nothing | Found::Unreadable => None,
        }
    }

    fn spoil(path: &Path, at: u64) {
        let file = OpenOptions::new().write(true).open(path).unwrap();
        FileExt::write_all_at(&file, &[0xff], at + 30).unwrap();
    }

    #[test]
    fn keeps_the_last_promise_through_decay_and_tearing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("watermark");
        let mut watermark = Watermark::create(&disk(), &path, ID).unwrap();
        assert_eq!(load(&path), Some(Mark::default()));
        for batch in 1..=4 {
            watermark
                .promise(Mark {
                    batch,
                    end: batch * 10,
                })
                .unwrap();
        }
        let last = Mark { batch: 4, end: 40 };
        assert_eq!(load(&path), Some(last));
        spoil(&path, 0);
        assert_eq!(
            load(&path),
            Some(last),
            "one copy of the newest page decayed"
        );
        spoil(&path, PAGE as u64 / 2);
        let before = Mark { batch: 3, end: 30 };
        assert_eq!(load(&path), Some(before), "the newest page was torn");
        spoil(&path, PAGE as u64);
        spoil(&path, PAGE as u64 + PAGE as u64 / 2);
        assert_eq!(load(&path), None);
        assert!(matches!(
            Watermark::load(&disk(), &path, ID),
            Ok(Found::Unreadable)
        ));
    }

    #[test]
    fn another_stores_file_is_not_believed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("watermark");
        drop(Watermark::create(&disk(), &path, StoreId([1; 16])).unwrap());
        assert!(matches!(
            Watermark::load(&disk(), &path, ID),
            Ok(Found::Unreadable)
        ));
    }
}
