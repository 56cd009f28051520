//! A node and a peer of it on one kind of disk; everything that can be observed comes out as text, to be compared.

use super::random::Random;
use super::script::{Action, Script, Standing};
use super::simulated::{Answers, Simulated, append_later, vote_later};
use super::{options, send};
use bytes::Bytes;
use holdfast_machine::View as _;
use holdfast_store::{Options, SnapshotHandle, StateStore, StateView, Stores, open};
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

pub(crate) struct World {
    // Dropped before the place they lie in.
    stores: Option<Stores>,
    kept: Option<StateView>,
    peer: Stores,
    place: Place,
    /// The state is durable before this entry.
    flushed: u64,
}

enum Place {
    Local {
        here: TempDir,
        _before: Vec<TempDir>,
        _peers: TempDir,
    },
    Memory {
        here: Simulated,
        _peers: Simulated,
    },
}

/// Entries leave memory soon, so that reads meet the disk.
fn small() -> Options {
    Options {
        log_tail_bytes: 1000,
        ..options()
    }
}

impl Place {
    fn open(&self) -> Stores {
        match self {
            Self::Local { here, .. } => open(&here.path().join("data"), &small()).unwrap(),
            Self::Memory { here, .. } => here.open_with(&small()).unwrap(),
        }
    }

    fn wait(&self, answers: &Answers) -> String {
        let answer = match self {
            Self::Local { .. } => answers.recv_timeout(Duration::from_secs(60)).unwrap(),
            Self::Memory { here, .. } => {
                here.settle();
                answers.try_recv().unwrap()
            }
        };
        format!("{answer:?}")
    }

    /// Cuts off the process. Nothing is being written now: what waits is answered before.
    fn kill(&mut self) {
        match self {
            Self::Local { here, _before, .. } => {
                let copy = copy_of(&here.path().join("data"));
                _before.push(std::mem::replace(here, copy));
            }
            Self::Memory { here, .. } => here.disk.kill(0),
        }
    }
}

/// A copy of a directory in which, at most, what is no longer needed is still being removed.
fn copy_of(dir: &Path) -> TempDir {
    for _attempt in 0..100 {
        let copy = tempfile::tempdir().unwrap();
        match copy_tree(dir, &copy.path().join("data")) {
            Ok(()) => return copy,
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::NotFound, "{error}"),
        }
    }
    panic!("the files never come to rest");
}

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

impl World {
    pub(crate) fn local() -> Self {
        let (here, peers) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let peer = open(&peers.path().join("data"), &options()).unwrap();
        Self::new(
            Place::Local {
                here,
                _before: Vec::new(),
                _peers: peers,
            },
            peer,
        )
    }

    pub(crate) fn memory() -> Self {
        let (here, peers) = (Simulated::new(1), Simulated::new(2));
        here.disk.set_latency(|_| Duration::from_millis(1));
        let peer = peers.open();
        Self::new(
            Place::Memory {
                here,
                _peers: peers,
            },
            peer,
        )
    }

    fn new(place: Place, peer: Stores) -> Self {
        Self {
            stores: Some(place.open()),
            kept: None,
            peer,
            place,
            flushed: 0,
        }
    }

    fn stores(&self) -> &Stores {
        self.stores.as_ref().unwrap()
    }

    pub(crate) fn is_quarantined(&self) -> bool {
        self.stores().quarantine.is_some()
    }

    pub(crate) fn standing(&self) -> Standing {
        let bounds = self.stores().log.bounds();
        let first = bounds.purged.map_or(0, |purged| purged.index + 1);
        Standing {
            first,
            end: bounds.last.map_or(first, |last| last + 1),
            next: next_of(&self.stores().state),
            flushed: self.flushed,
        }
    }

    /// Does it and tells how it went.
    pub(crate) fn perform(&mut self, action: &Action, script: &mut Script) -> String {
        let stores = self.stores.as_ref().unwrap();
        let log = &stores.log;
        match action {
            Action::Append(entries) => self.place.wait(&append_later(log, entries.clone())),
            Action::Vote(vote) => self.place.wait(&vote_later(log, vote.clone())),
            Action::Truncate(after) => format!("{:?}", log.truncate_after(*after)),
            Action::Purge(upto) => format!("{:?}", log.purge(upto.clone())),
            Action::Committed(mark) => format!("{:?}", log.save_committed(mark.clone())),
            Action::Apply(upto) => apply(&stores.state, script, *upto),
            Action::Snapshot => {
                let built = stores.state.build_snapshot().unwrap();
                self.flushed = next_of(&stores.state);
                about(&built)
            }
            Action::Install(upto, twice) => self.install(*upto, *twice, script),
            Action::KeepView => {
                self.kept = Some(stores.state.view());
                String::new()
            }
            Action::Reopen => {
                self.flushed = next_of(&stores.state);
                self.kept = None;
                self.stores = None;
                self.stores = Some(self.place.open());
                self.opened()
            }
            Action::Kill => {
                let settled = self
                    .place
                    .wait(&vote_later(log, Bytes::from_static(b"last")));
                self.place.kill();
                self.stores = Some(self.place.open());
                settled + &self.opened()
            }
        }
    }

    fn opened(&self) -> String {
        format!("{:?} {}", self.stores().quarantine, self.stores().pristine)
    }

    fn install(&mut self, upto: u64, twice: bool, script: &mut Script) -> String {
        let told = apply(&self.peer.state, script, upto);
        let built = self.peer.state.build_snapshot().unwrap();
        let state = &self.stores().state;
        if twice {
            let mut begun = state.receive(built.header().clone()).unwrap();
            let mut reader = built.read_from(begun.cursor()).unwrap();
            begun.write(&reader.next_chunk().unwrap().unwrap()).unwrap();
        }
        let installed = state.install(&send(&built, state));
        if installed.is_ok() {
            self.flushed = next_of(state);
        }
        format!("{told} {} {installed:?}", about(&built))
    }

    /// Everything that can be seen from outside.
    pub(crate) fn observe(&self, random: &mut Random) -> String {
        let Stores { log, state, .. } = self.stores();
        let from = random.below(60);
        let max_bytes = usize::try_from(random.below(2000)).unwrap();
        let found = log.read(from, from + random.below(30), max_bytes);
        let view = state.view();
        format!(
            "{:?}\n{found:?}\n{:?} {:?} {:?}\n{:?} {:?}\n{:?}\n{}\nkept: {}",
            log.bounds(),
            log.vote(),
            log.committed(),
            log.health(),
            state.applied(),
            state.digest(),
            state.verify_digest(),
            seen(&view, random.below(12)),
            self.kept
                .as_ref()
                .map(|kept| seen(kept, 0))
                .unwrap_or_default(),
        )
    }
}

fn next_of(state: &StateStore) -> u64 {
    let applied = state.applied();
    applied.log_id.map_or(0, |_| applied.position.index + 1)
}

fn apply(state: &StateStore, script: &mut Script, upto: u64) -> String {
    let entries = (next_of(state)..=upto).map(|index| script.entry(index));
    format!("{:?}", state.apply(entries.collect()))
}

fn about(snapshot: &SnapshotHandle) -> String {
    let header = snapshot.header();
    let (log_id, membership) = (&header.log_id, &header.membership);
    format!(
        "{} {log_id:?} {membership:?} {:?}",
        header.index, header.summary
    )
}

fn seen(view: &StateView, node: u64) -> String {
    let key = holdfast_machine::SystemKey::Node(node).to_bytes();
    let prefix = holdfast_machine::SystemKey::nodes_prefix();
    format!(
        "{:?} {:?} {:?} {:?} {:?}",
        view.applied(),
        view.get(&key),
        view.scan(&prefix, &[], 1000),
        view.scan(&prefix, &key, 3),
        view.scan_keys(&prefix, &key, 1000),
    )
}
