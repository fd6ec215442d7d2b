//! The workspace's Python files: found, read and kept in step with the disk on a thread of its own, which chooses for every
//! open document what it stands in.
//!
//! No answer waits for it. Files come from the folders that the client has opened, less what `.gitignore` and the like
//! name, hidden folders and virtual environments; they are read again when they are saved or the client says that they have
//! changed. Nothing is executed. An open document never stands around itself: its own path is left out. Where it has been
//! edited and another document is edited after it, that one sees its text as it is in the editor.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ignore::WalkBuilder;
use serde::Serialize;
use tokio::sync::oneshot;
use tower_lsp::ls_types::Uri;
use tracing::{debug, info, warn};

use crate::completer::Completer;
use crate::mixture::Surroundings;
use crate::project::{Imports, Project};
use crate::source;

/// How long changes are gathered before anything is chosen anew.
const PATIENCE: Duration = Duration::from_millis(300);
/// Documents that are kept in their surroundings, those edited last: each takes some 4 MB.
const WORKED_ON: usize = 6;
/// Files that are larger hold data.
const LARGEST: u64 = 1 << 20;

/// A handle to the thread, which ends when the last one is dropped.
#[derive(Clone)]
pub struct Workspace {
    messages: Sender<Message>,
    surroundings: Shared,
}

/// What each open document stands in. Only open ones have an entry.
type Shared = Arc<Mutex<HashMap<Uri, Option<Arc<Surroundings>>>>>;

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    files: usize,
    tokens: usize,
    bytes: usize,
}

enum Message {
    /// These are the folders; so many bytes may be taken.
    Open(Vec<PathBuf>, usize),
    /// The document's text is this, and somebody works on it.
    Edited(Uri, Arc<String>),
    Closed(Uri),
    /// These may have changed on the disk.
    Changed(Vec<PathBuf>),
    /// Tell when all is done.
    Settle(oneshot::Sender<Status>),
}

impl Workspace {
    /// Starts the thread; there are no folders yet.
    pub fn start(completer: Arc<Completer>) -> io::Result<Self> {
        let (messages, received) = channel();
        let surroundings = Shared::default();
        let project = Project::new(completer.vocabulary());
        let thread = Thread {
            completer,
            project,
            folders: Vec::new(),
            budget: 0,
            open: HashMap::new(),
            stale: BTreeSet::new(),
            recent: VecDeque::new(),
            surroundings: Arc::clone(&surroundings),
        };
        thread::Builder::new()
            .name("workspace".to_owned())
            .spawn(move || thread.run(&received))?;
        Ok(Self {
            messages,
            surroundings,
        })
    }

    /// Reads the Python files of these folders, in place of those it had, into at most `budget` bytes.
    pub fn open(&self, folders: Vec<PathBuf>, budget: usize) {
        self.send(Message::Open(folders, budget));
    }

    /// Somebody works on a document whose text is this: chooses what it stands in, soon.
    pub fn edited(&self, uri: &Uri, text: &Arc<String>) {
        self.all().entry(uri.clone()).or_default();
        self.send(Message::Edited(uri.clone(), Arc::clone(text)));
    }

    /// A document was closed.
    pub fn closed(&self, uri: &Uri) {
        self.all().remove(uri);
        self.send(Message::Closed(uri.clone()));
    }

    /// Files were changed, made or deleted on the disk.
    pub fn changed(&self, paths: Vec<PathBuf>) {
        self.send(Message::Changed(paths));
    }

    /// What a document stands in, as far as that is known.
    pub fn surroundings(&self, uri: &Uri) -> Option<Arc<Surroundings>> {
        self.all().get(uri).cloned().flatten()
    }

    /// Waits until everything that was said so far has been read and chosen.
    pub async fn settled(&self) -> Status {
        let (sender, receiver) = oneshot::channel();
        self.send(Message::Settle(sender));
        receiver.await.unwrap_or_default()
    }

    fn send(&self, message: Message) {
        // Should the thread be gone, documents stand alone.
        let _ = self.messages.send(message);
    }

    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<Uri, Option<Arc<Surroundings>>>> {
        self.surroundings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the thread owns.
struct Thread {
    completer: Arc<Completer>,
    project: Project,
    folders: Vec<PathBuf>,
    budget: usize,
    open: HashMap<Uri, Open>,
    /// Documents for which it is to be chosen anew.
    stale: BTreeSet<Uri>,
    /// Those edited last, the last one last.
    recent: VecDeque<Uri>,
    surroundings: Shared,
}

/// An open document.
struct Open {
    text: Arc<String>,
    /// What it stands in: a number that changes with every file and their order.
    chosen: Option<u64>,
}

impl Thread {
    fn run(mut self, messages: &Receiver<Message>) {
        let mut since: Option<Instant> = None;
        loop {
            let message = match since {
                None => messages.recv().map_err(RecvTimeoutError::from),
                Some(since) => messages.recv_timeout(PATIENCE.saturating_sub(since.elapsed())),
            };
            match message {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => self.choose(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
            since = (!self.stale.is_empty()).then(|| since.unwrap_or_else(Instant::now));
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Open(folders, budget) => {
                self.budget = budget;
                self.read_folders(folders);
                self.all_stale();
                // Who has waited for the whole project need not wait longer.
                self.choose();
            }
            Message::Edited(uri, text) => {
                let chosen = self.open.get(&uri).and_then(|open| open.chosen);
                if let Some(path) = self.path_of(&uri)
                    && self.project.contains(&path)
                    && self.project.read(self.completer.vocabulary(), &path, &text)
                {
                    self.all_stale();
                }
                self.stale.insert(uri.clone());
                self.open.insert(uri.clone(), Open { text, chosen });
                self.work_on(uri);
            }
            Message::Closed(uri) => {
                self.open.remove(&uri);
                self.stale.remove(&uri);
                self.recent.retain(|other| *other != uri);
                // What was not saved is gone.
                if let Some(path) = uri.to_file_path() {
                    self.read_again(&path);
                    self.all_stale();
                }
            }
            Message::Changed(paths) => {
                paths.iter().for_each(|path| self.read_again(path));
                self.all_stale();
            }
            Message::Settle(sender) => {
                self.choose();
                let status = Status {
                    files: self.project.len(),
                    tokens: self.project.tokens(),
                    bytes: self.project.bytes(),
                };
                // Who asked may be gone.
                let _ = sender.send(status);
            }
        }
    }

    fn all_stale(&mut self) {
        self.stale.extend(self.recent.iter().cloned());
    }

    /// Makes a document the last one that was edited, and takes its surroundings from one that was not for long.
    fn work_on(&mut self, uri: Uri) {
        self.recent.retain(|other| *other != uri);
        self.recent.push_back(uri);
        if self.recent.len() <= WORKED_ON {
            return;
        }
        if let Some(left) = self.recent.pop_front() {
            self.stale.remove(&left);
            self.set(&left, None, None);
        }
    }

    /// What a document stands in from now on.
    fn set(&mut self, uri: &Uri, chosen: Option<u64>, found: Option<Arc<Surroundings>>) {
        if let Some(open) = self.open.get_mut(uri) {
            open.chosen = chosen;
        }
        let mut all = self
            .surroundings
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // It may have been closed meanwhile.
        if let Some(entry) = all.get_mut(uri) {
            *entry = found;
        }
    }

    /// Reads all files of the folders.
    fn read_folders(&mut self, folders: Vec<PathBuf>) {
        let began = Instant::now();
        self.project = Project::new(self.completer.vocabulary());
        self.folders = folders;
        let mut is_full = false;
        for folder in self.folders.clone() {
            for path in python_files(&folder) {
                is_full |= self.project.bytes() > self.budget;
                if is_full {
                    break;
                }
                self.read_file(&path);
            }
        }
        if is_full {
            let most = self.budget >> 20;
            warn!(
                "the project is larger than `projectMemory` ({most} MB): some of its files are not read"
            );
        }
        let (files, took) = (self.project.len(), began.elapsed());
        info!(
            files,
            tokens = self.project.tokens(),
            bytes = self.project.bytes(),
            ?took,
            "the project is read"
        );
    }

    /// Reads a file that may have changed, may be new, or may be gone.
    fn read_again(&mut self, path: &Path) {
        let Some(inside) = self.inside(path) else {
            return;
        };
        if !path.is_file() {
            self.project.remove(&inside);
        } else if self.project.contains(&inside)
            || self.project.bytes() <= self.budget && is_project_file(path, &self.folders)
        {
            self.read_file(path);
        }
    }

    fn read_file(&mut self, path: &Path) {
        let Some(inside) = self.inside(path) else {
            return;
        };
        match source::read(path) {
            Ok(text) => {
                self.project
                    .read(self.completer.vocabulary(), &inside, &text);
            }
            Err(error) => {
                debug!("{error:#}");
                self.project.remove(&inside);
            }
        }
    }

    /// Chooses what the stale documents stand in.
    fn choose(&mut self) {
        while let Some(uri) = self.stale.pop_last() {
            let Some(open) = self.open.get(&uri) else {
                continue;
            };
            let path = self.path_of(&uri);
            let path = path.as_deref().unwrap_or_default();
            let imports = Imports::of_text(&open.text);
            let nearest = self.project.nearest(path, &imports);
            let chosen = self.project.state_of(&nearest);
            if open.chosen == Some(chosen) {
                continue;
            }
            let found =
                (!nearest.is_empty()).then(|| Arc::new(self.project.surroundings(&nearest)));
            debug!(uri = uri.as_str(), files = nearest.len(), "surroundings");
            self.set(&uri, Some(chosen), found);
        }
    }

    fn path_of(&self, uri: &Uri) -> Option<String> {
        self.inside(&uri.to_file_path()?)
    }

    /// A path as the project names it: the folder's name, and the path in it, with `/` between.
    fn inside(&self, path: &Path) -> Option<String> {
        let folder = self
            .folders
            .iter()
            .find(|folder| path.starts_with(folder))?;
        let above = folder.parent().unwrap_or(folder);
        let parts = path.strip_prefix(above).ok()?.components();
        let parts: Vec<_> = parts
            .map(|part| part.as_os_str().to_string_lossy())
            .collect();
        Some(parts.join("/"))
    }
}

/// The Python files of a folder, in order.
fn python_files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let walk = WalkBuilder::new(folder)
        .require_git(false)
        .sort_by_file_name(Ord::cmp)
        // A virtual environment is no part of the project.
        .filter_entry(|entry| !entry.path().join("pyvenv.cfg").exists())
        .build();
    walk.filter_map(|entry| {
        let entry = entry.map_err(|error| debug!("{error}")).ok()?;
        let is_python = entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "py");
        let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
        let is_small = || entry.metadata().is_ok_and(|data| data.len() <= LARGEST);
        (is_python && is_file && is_small()).then(|| entry.into_path())
    })
}

/// Whether a walk through the folders would find a new file.
fn is_project_file(path: &Path, folders: &[PathBuf]) -> bool {
    let Some(folder) = folders.iter().find(|folder| path.starts_with(folder)) else {
        return false;
    };
    let on_the_way = path.to_owned();
    let mut walk = WalkBuilder::new(folder);
    walk.require_git(false).filter_entry(move |entry| {
        on_the_way.starts_with(entry.path()) && !entry.path().join("pyvenv.cfg").exists()
    });
    let mut found = walk.build().filter_map(Result::ok);
    found.any(|entry| entry.path() == path)
        && path.extension().is_some_and(|extension| extension == "py")
}
