//! Files and directories: a tree of names, of which a crash keeps the synced ones and some beginning of the changes since,
//! and contents, of which it keeps the synced or the written one.

use super::crash::{Choice, Loss};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Clone)]
pub(super) enum Node {
    Dir,
    File(Arc<Mutex<Content>>),
}

/// A file's bytes.
#[derive(Clone, Default)]
pub(super) struct Content {
    pub(super) written: Arc<Vec<u8>>,
    pub(super) synced: Arc<Vec<u8>>,
}

type Tree = BTreeMap<PathBuf, Node>;

#[derive(Clone)]
enum Change {
    Set(PathBuf, Node),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

#[derive(Default)]
pub(super) struct Names {
    now: Tree,
    durable: Tree,
    /// From `durable` to `now`.
    pending: Vec<Change>,
}

impl Change {
    fn apply(self, tree: &mut Tree) {
        match self {
            Self::Set(path, node) => {
                tree.insert(path, node);
            }
            Self::Rename(from, to) => {
                let moved = below(tree, &from);
                tree.retain(|path, _| !path.starts_with(&from) && !path.starts_with(&to));
                for (path, node) in moved {
                    let rest = path.strip_prefix(&from).expect("it begins with it");
                    let path = if rest.as_os_str().is_empty() {
                        to.clone()
                    } else {
                        to.join(rest)
                    };
                    tree.insert(path, node);
                }
            }
            Self::Remove(path) => tree.retain(|other, _| !other.starts_with(&path)),
        }
    }
}

/// A name and everything under it.
fn below(tree: &Tree, path: &Path) -> Vec<(PathBuf, Node)> {
    tree.iter()
        .filter(|(other, _)| other.starts_with(path))
        .map(|(other, node)| (other.clone(), node.clone()))
        .collect()
}

impl Names {
    fn change(&mut self, change: Change) {
        change.clone().apply(&mut self.now);
        self.pending.push(change);
    }

    pub(super) fn get(&self, path: &Path) -> Option<&Node> {
        self.now.get(path)
    }

    pub(super) fn file(&self, path: &Path) -> io::Result<&Arc<Mutex<Content>>> {
        match self.now.get(path) {
            Some(Node::File(file)) => Ok(file),
            Some(Node::Dir) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    pub(super) fn set(&mut self, path: &Path, node: Node) {
        self.change(Change::Set(path.to_owned(), node));
    }

    pub(super) fn make_dir(&mut self, dir: &Path) -> io::Result<()> {
        if self.now.contains_key(dir) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.set(dir, Node::Dir);
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.found(from)?;
        self.change(Change::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    /// Removes a name and everything under it.
    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.found(path)?;
        self.change(Change::Remove(path.to_owned()));
        Ok(())
    }

    fn found(&self, path: &Path) -> io::Result<()> {
        match self.now.get(path) {
            Some(_) => Ok(()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// What lies directly in a directory, and the length of files.
    pub(super) fn list(&self, dir: &Path) -> io::Result<Vec<(&Path, u64)>> {
        self.found(dir)?;
        let inside = self
            .now
            .iter()
            .filter(|(path, _)| path.parent() == Some(dir));
        let listed = inside.map(|(path, node)| match node {
            Node::Dir => (path.as_path(), 0),
            Node::File(file) => (path.as_path(), file.lock().written.len() as u64),
        });
        Ok(listed.collect())
    }

    /// Makes every change so far durable, as a journal does.
    pub(super) fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    pub(super) fn files(&self) -> impl Iterator<Item = (&Path, &Arc<Mutex<Content>>)> {
        self.now.iter().filter_map(|(path, node)| match node {
            Node::File(file) => Some((path.as_path(), file)),
            Node::Dir => None,
        })
    }

    /// What a crash leaves.
    pub(super) fn survivor(&self, loss: Loss, choice: &mut Choice) -> Self {
        let mut tree = self.durable.clone();
        let kept = match loss {
            Loss::Power => choice.up_to(self.pending.len()),
            Loss::Process => self.pending.len(),
        };
        for change in &self.pending[..kept] {
            change.clone().apply(&mut tree);
        }
        for node in tree.values_mut() {
            if let Node::File(file) = node {
                let left = file.lock().survivor(loss, choice);
                *file = Arc::new(Mutex::new(left));
            }
        }
        Self {
            now: tree.clone(),
            durable: tree,
            pending: Vec::new(),
        }
    }
}

impl Content {
    /// Flips a bit in each stretch of this many bytes.
    pub(super) fn flip_every(&mut self, bytes: usize) {
        for content in [&mut self.written, &mut self.synced] {
            for stretch in Arc::make_mut(content).chunks_mut(bytes) {
                stretch[stretch.len().min(30) - 1] ^= 1;
            }
        }
    }

    fn survivor(&self, loss: Loss, choice: &mut Choice) -> Self {
        let dirty = !Arc::ptr_eq(&self.written, &self.synced);
        let lost = dirty && loss == Loss::Power && choice.up_to(1) == 0;
        let left = if lost { &self.synced } else { &self.written };
        // What a process left to the operating system is not synced by that.
        let synced = match loss {
            Loss::Power => left,
            Loss::Process => &self.synced,
        };
        Self {
            written: Arc::clone(left),
            synced: Arc::clone(synced),
        }
    }
}
