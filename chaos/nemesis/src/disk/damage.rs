//! Bits that flip in a file at rest. Which file and which bits follow from a seed.

use crate::nemesis::{Demand, Evidence, Nemesis, NemesisError};
use crate::target::Target;
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Deepest directory that is looked into.
const DEPTH_MAX: usize = 4;
/// Most bits that are flipped in a file.
const BITS_MAX: u64 = 4096;
/// Files are read in pieces of this size when their end is looked for.
const PIECE: usize = 64 << 10;

/// A file of a node's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataFile {
    /// RocksDB's log of what the Raft log's tables do not hold yet.
    Log,
    /// A table of the Raft log or of the state.
    Table,
    /// What the Raft log's tables are.
    LogManifest,
    /// What the state's tables are.
    StateManifest,
    /// The mark of what was promised durable.
    Watermark,
}

/// Flips bits.
pub struct DamageFile {
    file: DataFile,
    bits: u64,
    seed: u64,
    done: Vec<(u64, Done)>,
}

struct Done {
    path: PathBuf,
    shown: String,
    /// Place, byte before, byte after.
    bytes: Vec<(u64, u8, u8)>,
}

impl DamageFile {
    /// Flips so many bits, 1 to 4096.
    ///
    /// # Errors
    /// When there are fewer or more.
    pub const fn new(file: DataFile, bits: u64, seed: u64) -> Result<Self, NemesisError> {
        if bits == 0 || bits > BITS_MAX {
            return Err(NemesisError::Range {
                what: "the number of bits to flip",
            });
        }
        Ok(Self {
            file,
            bits,
            seed,
            done: Vec::new(),
        })
    }

    fn damage(&self, target: &Target) -> Result<Done, NemesisError> {
        let lacks = NemesisError::Lacks {
            node: target.node(),
            lacks: self.file.name(),
        };
        let mut rng = Rng(self.seed ^ target.node().rotate_left(32));
        let mut found = self.file.candidates(target.data_dir());
        found.sort();
        let mut damageable = Vec::new();
        for path in found {
            let end = written_end(&path).map_err(NemesisError::io(path.display().to_string()))?;
            if end > 0 {
                damageable.push((path, end));
            }
        }
        if damageable.is_empty() {
            return Err(lacks);
        }
        let place = usize::try_from(rng.below(damageable.len() as u64)).unwrap_or(0);
        let (path, end) = damageable.swap_remove(place);
        let shown = path
            .strip_prefix(target.data_dir())
            .unwrap_or(&path)
            .display()
            .to_string();
        let bytes = flip(&path, end, self.bits, &mut rng)
            .map_err(NemesisError::io(format!("damaging {shown}")))?;
        Ok(Done { path, shown, bytes })
    }
}

impl Nemesis for DamageFile {
    fn kind(&self) -> &'static str {
        "bit-flip"
    }

    fn demand(&self) -> Demand {
        Demand::DownToInstall
    }

    fn install(&mut self, targets: &[Target]) -> Result<(), NemesisError> {
        targets.iter().try_for_each(Target::is_down)?;
        for target in targets {
            let done = self.damage(target)?;
            self.done.push((target.node(), done));
        }
        Ok(())
    }

    /// It bites as long as the file holds what was put there: a started node may have replaced it, for better or worse.
    fn verify(&mut self) -> Result<Evidence, NemesisError> {
        Ok(Evidence::join(self.done.iter().map(|(node, done)| {
            let bites = File::open(&done.path).is_ok_and(|file| {
                done.bytes.iter().all(|(at, _, after)| {
                    let mut byte = [0];
                    file.read_exact_at(&mut byte, *at).is_ok() && byte[0] == *after
                })
            });
            (
                *node,
                Evidence {
                    bites,
                    text: done.to_string(),
                },
            )
        })))
    }

    /// What is damaged stays damaged.
    fn heal(&mut self) -> Result<(), NemesisError> {
        Ok(())
    }
}

impl std::fmt::Display for Done {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        /// More are counted and not listed.
        const SHOWN: usize = 3;
        write!(out, "{}:", self.shown)?;
        for (at, before, after) in self.bytes.iter().take(SHOWN) {
            write!(out, " byte {at} {before:#04x}→{after:#04x}")?;
        }
        match self.bytes.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(out, " and {more} more"),
        }
    }
}

impl DataFile {
    const fn name(self) -> &'static str {
        match self {
            Self::Log => "log file with something in it",
            Self::Table => "table file",
            Self::LogManifest => "manifest of the log",
            Self::StateManifest => "manifest of the state",
            Self::Watermark => "watermark",
        }
    }

    fn candidates(self, data: &Path) -> Vec<PathBuf> {
        let below = |dir: &str, is: &dyn Fn(&str) -> bool| {
            let mut found = Vec::new();
            walk(&data.join(dir), 0, is, &mut found);
            found
        };
        match self {
            Self::Log => below("log", &|name| name.ends_with(".log")),
            Self::Table => {
                let is = |name: &str| name.ends_with(".sst");
                [below("log", &is), below("state", &is)].concat()
            }
            Self::LogManifest => below("log", &|name| name.starts_with("MANIFEST-")),
            Self::StateManifest => below("state", &|name| name.starts_with("MANIFEST-")),
            Self::Watermark => {
                let path = data.join("watermark");
                path.is_file().then_some(path).into_iter().collect()
            }
        }
    }
}

fn walk(dir: &Path, depth: usize, is: &dyn Fn(&str) -> bool, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        // Links are not followed.
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth < DEPTH_MAX => {
                walk(&entry.path(), depth + 1, is, found);
            }
            Ok(kind) if kind.is_file() && entry.file_name().to_str().is_some_and(is) => {
                found.push(entry.path());
            }
            _ => {}
        }
    }
}

/// The end of what was written: room that was only set aside reads as zeros, and nobody would miss a bit there.
fn written_end(path: &Path) -> io::Result<u64> {
    let file = File::open(path)?;
    let mut piece = vec![0; PIECE];
    let (mut at, mut end) = (0, 0);
    loop {
        let read = file.read_at(&mut piece, at)?;
        if read == 0 {
            return Ok(end);
        }
        if let Some(last) = piece[..read].iter().rposition(|byte| *byte != 0) {
            end = at + last as u64 + 1;
        }
        at += read as u64;
    }
}

/// Flips bits of distinct bytes; when there are fewer bytes than bits, one of each.
fn flip(path: &Path, end: u64, bits: u64, rng: &mut Rng) -> io::Result<Vec<(u64, u8, u8)>> {
    let mut places = BTreeSet::new();
    while (places.len() as u64) < bits.min(end) {
        places.insert(rng.below(end));
    }
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let mut done = Vec::new();
    for at in places {
        let mut byte = [0];
        file.read_exact_at(&mut byte, at)?;
        let after = byte[0] ^ (1 << rng.below(8));
        file.write_all_at(&[after], at)?;
        done.push((at, byte[0], after));
    }
    file.sync_all()?;
    Ok(done)
}

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % end
    }
}
