//! Files and their names, as processes see them and as the disk has them.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use super::Step;
use crate::dice::Dice;

/// The files of one directory.
#[derive(Debug)]
pub struct Disk {
    root: PathBuf,
    files: Vec<File>,
    /// As processes see them.
    names: Names,
    /// As the disk has them for certain.
    synced: Names,
    /// What may or may not be on the disk, oldest first, with its number.
    pending: Vec<(usize, NameChange)>,
    /// How many changes of names there were.
    changes: usize,
    /// What a sync that is under way will cover, by thread.
    syncs: HashMap<u32, Sync>,
}

/// What the files are after a cut, by name relative to the directory.
pub type Left = BTreeMap<PathBuf, Vec<u8>>;

/// What survives of everything that was not synced.
#[derive(Debug)]
pub enum Survivors<'a> {
    /// Nothing.
    None,
    /// All of it.
    All,
    /// What the dice say: names one by one, writes sector by sector.
    Some(&'a mut Dice),
}

type Names = BTreeMap<PathBuf, Node>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    File(usize),
    Directory,
}

#[derive(Debug, Default)]
struct File {
    synced: Vec<u8>,
    /// Since the last sync, oldest first.
    pending: Vec<Change>,
    /// How many changes were synced.
    done: usize,
}

#[derive(Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Truncate(usize),
}

/// A change of names, which happens as a whole.
#[derive(Debug)]
struct NameChange {
    removed: Option<PathBuf>,
    set: Option<(PathBuf, Node)>,
}

#[derive(Debug)]
enum Sync {
    File { number: usize, changes: usize },
    Directory { path: PathBuf, changes: usize },
}

impl Disk {
    /// An empty directory.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            files: Vec::new(),
            names: Names::new(),
            synced: Names::new(),
            pending: Vec::new(),
            changes: 0,
            syncs: HashMap::new(),
        }
    }

    /// Follows a step; whatever is outside of the directory is left alone.
    pub fn follow(&mut self, step: &Step) {
        match step {
            Step::Open { file, emptied } => self.open(file, *emptied),
            Step::Write { file, at, bytes } => {
                let bytes = bytes.clone();
                self.change(file, Change::Write { at: *at, bytes });
            }
            Step::Truncate { file, length } => self.change(file, Change::Truncate(*length)),
            Step::SyncBegins { thread, file } => self.begin_sync(*thread, file),
            Step::SyncEnds { thread } => self.end_sync(*thread),
            Step::MakeDirectory { path } => self.rename(None, Some((path, Node::Directory))),
            Step::Rename { from, to } => {
                if let Some(&node) = self.names.get(from) {
                    self.rename(Some(from), Some((to, node)));
                }
            }
            Step::Link { from, to } => {
                if let Some(&node) = self.names.get(from) {
                    self.rename(None, Some((to, node)));
                }
            }
            Step::Unlink { path } => self.rename(Some(path), None),
            Step::Send { .. } => {}
        }
    }

    /// What a cut leaves at this moment.
    pub fn left(&self, mut survivors: Survivors<'_>) -> Left {
        let mut names = self.synced.clone();
        for (_, change) in &self.pending {
            if survivors.keep() {
                change.apply(&mut names);
            }
        }
        let sector = survivors.sector();
        let mut left = Left::new();
        for (path, node) in &names {
            let Node::File(number) = node else {
                continue;
            };
            let parents = path.ancestors().skip(1);
            let mut parents = parents.take_while(|parent| *parent != self.root);
            if parents.all(|parent| names.get(parent) == Some(&Node::Directory)) {
                let content = self.files[*number].left(&mut survivors, sector);
                let relative = path.strip_prefix(&self.root).unwrap_or(path);
                left.insert(relative.to_owned(), content);
            }
        }
        left
    }

    fn open(&mut self, path: &Path, emptied: bool) {
        if !path.starts_with(&self.root) {
            return;
        }
        if !self.names.contains_key(path) {
            self.files.push(File::default());
            let node = Node::File(self.files.len() - 1);
            self.rename(None, Some((path, node)));
        } else if emptied {
            self.change(path, Change::Truncate(0));
        }
    }

    fn change(&mut self, path: &Path, change: Change) {
        if let Some(&Node::File(number)) = self.names.get(path) {
            self.files[number].pending.push(change);
        }
    }

    fn rename(&mut self, removed: Option<&Path>, set: Option<(&Path, Node)>) {
        let inside = |path: &Path| path.starts_with(&self.root);
        if !removed.is_none_or(inside) || !set.is_none_or(|(path, _)| inside(path)) {
            return;
        }
        let change = NameChange {
            removed: removed.map(Path::to_owned),
            set: set.map(|(path, node)| (path.to_owned(), node)),
        };
        change.apply(&mut self.names);
        self.pending.push((self.changes, change));
        self.changes += 1;
    }

    fn begin_sync(&mut self, thread: u32, path: &Path) {
        let sync = if let Some(&Node::File(number)) = self.names.get(path) {
            let file = &self.files[number];
            let changes = file.done + file.pending.len();
            Sync::File { number, changes }
        } else {
            Sync::Directory {
                path: path.to_owned(),
                changes: self.changes,
            }
        };
        self.syncs.insert(thread, sync);
    }

    fn end_sync(&mut self, thread: u32) {
        match self.syncs.remove(&thread) {
            Some(Sync::File { number, changes }) => self.files[number].sync(changes),
            Some(Sync::Directory { path, changes }) => {
                let synced = &mut self.synced;
                self.pending.retain(|(number, change)| {
                    let covered = *number < changes && change.is_in(&path);
                    if covered {
                        change.apply(synced);
                    }
                    !covered
                });
            }
            None => {}
        }
    }
}

impl NameChange {
    fn apply(&self, names: &mut Names) {
        if let Some(path) = &self.removed {
            names.remove(path);
        }
        if let Some((path, node)) = &self.set {
            names.insert(path.clone(), *node);
        }
    }

    fn is_in(&self, directory: &Path) -> bool {
        let set = self.set.as_ref().map(|(path, _)| path);
        let path = set.or(self.removed.as_ref());
        path.and_then(|path| path.parent()) == Some(directory)
    }
}

impl File {
    fn sync(&mut self, changes: usize) {
        let count = changes.saturating_sub(self.done);
        for change in self.pending.drain(..count) {
            change.apply(&mut self.synced, &mut Survivors::All, None);
        }
        self.done += count;
    }

    fn left(&self, survivors: &mut Survivors<'_>, sector: Option<usize>) -> Vec<u8> {
        let mut content = self.synced.clone();
        for change in &self.pending {
            change.apply(&mut content, survivors, sector);
        }
        content
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>, survivors: &mut Survivors<'_>, sector: Option<usize>) {
        let (at, bytes) = match self {
            Self::Truncate(length) => {
                if survivors.keep() {
                    content.resize(*length, 0);
                }
                return;
            }
            Self::Write { at, bytes } => (*at, bytes),
        };
        let mut from = 0;
        while from < bytes.len() {
            let whole = bytes.len();
            let to = sector.map_or(whole, |sector| {
                whole.min(from + sector - (at + from) % sector)
            });
            if survivors.keep() {
                let end = at + to;
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[at + from..end].copy_from_slice(&bytes[from..to]);
            }
            from = to;
        }
    }
}

impl Survivors<'_> {
    fn keep(&mut self) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Some(dice) => dice.one_in(2),
        }
    }

    /// What is written as a whole or not at all; `None` for any write.
    fn sector(&mut self) -> Option<usize> {
        match self {
            Self::None | Self::All => None,
            Self::Some(dice) => Some([512, 4096][dice.below(2)]),
        }
    }
}
