//! The workspace's Python files: found, read and kept in step with the disk on a thread of its own, which chooses for every
//! open document what it stands in.
//!
//! No answer waits for it. Files come from the folders that the client has opened, less what `.gitignore` and the like
//! name, hidden folders and virtual environments; they are read again when they are saved or the client says that they have
//! changed. Of what the documents import from elsewhere it is known what that declares. Nothing is executed. Of its own file a document
//! sees what stands below the line that is being edited. Where it has been edited and another document is edited after it,
//! that one sees its text as it is in the editor.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ignore::WalkBuilder;
use serde::Serialize;
use tokio::sync::oneshot;
use tower_lsp::ls_types::Uri;
use tracing::{debug, error, info};

use crate::completion::Completer;
use crate::context::{ImportableModules, ProjectContext};
use crate::files::python_files;
use crate::symbols::ModuleRef;
use crate::workspace::environment::{self, Environment, Module, modules_in};
use crate::workspace::{ContextSelection, Imports, WorkspaceIndex};

/// How long changes are gathered before anything is chosen anew.
const PATIENCE: Duration = Duration::from_millis(300);
/// Documents that are kept in their surroundings, those edited last: each takes some 4 MB.
const WORKED_ON: usize = 6;
/// Changes on the disk, at least, that are read by reading everything.
const MANY: usize = 32;
/// Names of modules from elsewhere that are looked for on behalf of one document, and bytes of symbols that it is given.
const ASKED: usize = 256;
const MODULE_BYTES: usize = 1_000_000;
/// How often a name is followed to where a module has it from.
const FOLLOWED: usize = 4;
/// Files that are larger hold data.
const LARGEST: u64 = 1 << 20;

/// A handle to the thread, which ends when the last one is dropped.
#[derive(Clone)]
pub struct Indexer {
    messages: Sender<Message>,
    contexts: Shared,
}

/// What each open document stands in. Only open ones have an entry.
type Shared = Arc<Mutex<HashMap<Uri, Option<Arc<ProjectContext>>>>>;

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    files: usize,
    tokens: usize,
    bytes: usize,
    /// Some files were left out, since all take more memory than they may.
    pub is_full: bool,
    /// The environment that the setting names has no modules.
    #[serde(skip)]
    pub lacks_environment: bool,
}

/// What to index.
pub struct IndexScope {
    /// The workspace's folders.
    pub folders: Vec<PathBuf>,
    /// Bytes that the index may take.
    pub budget: usize,
    /// The setting that says where imports from elsewhere come from: [`Environment::new`].
    pub environment: String,
}

enum Message {
    Open(IndexScope),
    /// The document's text is this, and somebody works on it.
    Edited(Uri, Arc<String>),
    /// The same, and at a line behind which this byte offset is.
    Moved(Uri, Arc<String>, usize),
    Closed(Uri),
    /// These may have changed on the disk.
    Changed(Vec<PathBuf>),
    /// Tell when all is done.
    Settle(oneshot::Sender<Status>),
}

impl Indexer {
    /// Starts the thread; there are no folders yet.
    pub fn start(completer: Arc<Completer>) -> io::Result<Self> {
        let (messages, received) = channel();
        let contexts = Shared::default();
        let project = WorkspaceIndex::new(completer.vocabulary());
        let thread = Thread {
            completer,
            project,
            folders: Vec::new(),
            budget: 0,
            is_full: false,
            environment: Environment::default(),
            environment_setting: environment::NONE.to_owned(),
            installed: Arc::default(),
            submodules: HashMap::new(),
            open: Vec::new(),
            contexts: Arc::clone(&contexts),
        };
        thread::Builder::new()
            .name("workspace".to_owned())
            .spawn(move || {
                step_back();
                thread.run(&received);
            })?;
        Ok(Self { messages, contexts })
    }

    /// Reads the Python files of a scope, in place of those that were indexed.
    pub fn index(&self, scope: IndexScope) {
        self.send(Message::Open(scope));
    }

    /// Somebody works on a document whose text is this: chooses what it stands in, soon.
    pub fn document_edited(&self, uri: &Uri, text: &Arc<String>) {
        self.all().entry(uri.clone()).or_default();
        self.send(Message::Edited(uri.clone(), Arc::clone(text)));
    }

    /// Somebody works at a line of a document behind which a byte offset of its text is: chooses what it stands in, soon.
    pub fn line_edited(&self, uri: &Uri, text: &Arc<String>, line_end: usize) {
        self.all().entry(uri.clone()).or_default();
        self.send(Message::Moved(uri.clone(), Arc::clone(text), line_end));
    }

    /// A document was closed.
    pub fn document_closed(&self, uri: &Uri) {
        self.all().remove(uri);
        self.send(Message::Closed(uri.clone()));
    }

    /// Files were changed, made or deleted on the disk.
    pub fn files_changed(&self, paths: Vec<PathBuf>) {
        self.send(Message::Changed(paths));
    }

    /// What a document stands in, as far as that is known.
    pub fn project_context(&self, uri: &Uri) -> Option<Arc<ProjectContext>> {
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

    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<Uri, Option<Arc<ProjectContext>>>> {
        self.contexts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the thread owns.
struct Thread {
    completer: Arc<Completer>,
    project: WorkspaceIndex,
    folders: Vec<PathBuf>,
    budget: usize,
    is_full: bool,
    environment: Environment,
    environment_setting: String,
    /// What can be imported of the environment without a dot.
    installed: Arc<[Box<str>]>,
    /// The modules in packages that were read, by the paths of these.
    submodules: HashMap<String, Vec<ModuleRef>>,
    /// The open documents, the one edited last last.
    open: Vec<Open>,
    contexts: Shared,
}

/// What the environment has of what a document imports.
#[derive(Default)]
struct Libraries {
    paths: Vec<String>,
    submodules: Vec<ModuleRef>,
}

/// An open document.
struct Open {
    uri: Uri,
    text: Arc<String>,
    /// How many bytes stand below the line that is being edited.
    below: usize,
    /// What it stands in: [`WorkspaceIndex::state_of`].
    chosen: Option<u64>,
    /// It is to be chosen anew.
    is_stale: bool,
}

impl Thread {
    fn run(mut self, messages: &Receiver<Message>) {
        let mut since: Option<Instant> = None;
        loop {
            let message = match since {
                None => messages.recv().map_err(RecvTimeoutError::from),
                Some(since) => messages.recv_timeout(PATIENCE.saturating_sub(since.elapsed())),
            };
            if matches!(message, Err(RecvTimeoutError::Disconnected)) {
                return;
            }
            // Unwind safety: what may be half-done is the project, and that is thrown away.
            let done = catch_unwind(AssertUnwindSafe(|| match message {
                Ok(message) => self.take(message),
                Err(_) => self.choose(),
            }));
            if done.is_err() {
                error!(
                    "reading the project panicked; its files and libraries are left out from now on"
                );
                self.folders.clear();
                self.environment = Environment::default();
                self.installed = Arc::default();
                self.submodules.clear();
                environment::NONE.clone_into(&mut self.environment_setting);
                self.project.clear(self.completer.vocabulary());
            }
            let is_stale = self.worked_on().any(|open| open.is_stale);
            since = is_stale.then(|| since.unwrap_or_else(Instant::now));
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Open(scope) => {
                self.budget = scope.budget;
                self.environment_setting = scope.environment;
                self.read_folders(scope.folders);
                // Who has waited for the whole project need not wait longer.
                self.choose();
            }
            Message::Edited(uri, text) => {
                self.worked_at(uri, text, None);
                if self.read_open(self.open.len() - 1) {
                    self.all_stale();
                }
            }
            Message::Moved(uri, text, line_end) => {
                let below = text.len() - line_end;
                self.worked_at(uri, text, Some(below));
            }
            Message::Closed(uri) => {
                self.open.retain(|open| open.uri != uri);
                // What was not saved is gone.
                if let Some(path) = uri.to_file_path() {
                    self.read_again(&path);
                    self.all_stale();
                }
            }
            Message::Changed(paths) => {
                if paths.len() > MANY || paths.iter().any(|path| path.is_dir()) {
                    self.read_folders(self.folders.clone());
                } else {
                    paths.iter().for_each(|path| self.read_again(path));
                    self.all_stale();
                }
            }
            Message::Settle(sender) => {
                self.choose();
                let status = Status {
                    files: self.project.len(),
                    tokens: self.project.tokens(),
                    bytes: self.project.bytes(),
                    is_full: self.is_full,
                    lacks_environment: self.environment.is_empty()
                        && ![environment::FOUND, environment::NONE]
                            .contains(&&*self.environment_setting),
                };
                // Who asked may be gone.
                let _ = sender.send(status);
            }
        }
    }

    /// A document becomes the last one that was edited; the one that was not for longest stands alone.
    fn worked_at(&mut self, uri: Uri, text: Arc<String>, below: Option<usize>) {
        let before = self.open.iter().position(|open| open.uri == uri);
        let before = before.map(|at| self.open.remove(at));
        self.open.push(Open {
            below: below
                .or(before.as_ref().map(|open| open.below))
                .unwrap_or(0),
            chosen: before.and_then(|open| open.chosen),
            is_stale: true,
            uri,
            text,
        });
        if let Some(left) = self.open.len().checked_sub(WORKED_ON + 1) {
            self.set(left, None, None);
        }
    }

    /// The documents that stand among others.
    fn worked_on(&self) -> impl Iterator<Item = &Open> {
        self.open.iter().rev().take(WORKED_ON)
    }

    fn all_stale(&mut self) {
        self.open.iter_mut().for_each(|open| open.is_stale = true);
    }

    /// What a document stands in from now on.
    fn set(&mut self, at: usize, chosen: Option<u64>, found: Option<Arc<ProjectContext>>) {
        let open = &mut self.open[at];
        open.chosen = chosen;
        let mut all = self.contexts.lock().unwrap_or_else(PoisonError::into_inner);
        // It may have been closed meanwhile.
        let before = all
            .get_mut(&open.uri)
            .map(|entry| std::mem::replace(entry, found));
        drop(all);
        drop(before); // takes its time, and nobody need wait for it
    }

    /// Reads all files of the folders.
    fn read_folders(&mut self, folders: Vec<PathBuf>) {
        let began = Instant::now();
        self.project.clear(self.completer.vocabulary());
        self.folders = folders;
        self.environment = Environment::new(&self.environment_setting, &self.folders);
        self.installed = self.environment.names().into();
        self.submodules.clear();
        self.is_full = false;
        for folder in self.folders.clone() {
            for path in python_files(&folder) {
                self.is_full |= self.project.bytes() > self.budget;
                if self.is_full {
                    break;
                }
                self.read_file(&path);
            }
        }
        for at in 0..self.open.len() {
            self.read_open(at);
        }
        self.all_stale();
        let (files, took) = (self.project.len(), began.elapsed());
        info!(
            files,
            tokens = self.project.tokens(),
            bytes = self.project.bytes(),
            is_full = self.is_full,
            ?took,
            "the project is read"
        );
    }

    /// Reads an open document as it stands in the editor, if it is one of the project's; whether that changes anything.
    fn read_open(&mut self, at: usize) -> bool {
        let Open { uri, text, .. } = &self.open[at];
        let Some(path) = uri.to_file_path() else {
            return false;
        };
        let Some(inside) = self.inside(&path) else {
            return false;
        };
        // It may be there before it is on the disk.
        let is_new = !path.exists() && is_python(&path) && self.project.bytes() <= self.budget;
        (is_new || self.project.contains(&inside))
            && self
                .project
                .read(self.completer.vocabulary(), &inside, text)
    }

    /// Reads a file that may have changed, may be new, or may be gone, with all that lay below it.
    fn read_again(&mut self, path: &Path) {
        let library = joined(path);
        self.project.forget_library(&library);
        self.submodules.remove(&library);
        let Some(inside) = self.inside(path) else {
            return;
        };
        if !path.exists() {
            self.project.remove_below(&inside);
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
        let text = is_readable(path).then(|| python_files::read(path));
        if let Some(Ok(text)) = &text {
            let vocabulary = self.completer.vocabulary();
            self.project.read(vocabulary, &inside, text);
            return;
        }
        if let Some(Err(error)) = text {
            debug!("{error:#}");
        }
        self.project.remove(&inside);
    }

    /// What a document at `path` can import without a dot.
    fn importable(&mut self, path: &str) -> ImportableModules {
        let file = path.rsplit('/').next().unwrap_or_default();
        ImportableModules {
            installed: Arc::clone(&self.installed),
            own: self.project.top_modules(),
            document: file.strip_suffix(".py").unwrap_or(file).into(),
        }
    }

    /// Chooses what the stale documents stand in, the one edited last first.
    fn choose(&mut self) {
        let last = self.open.len().saturating_sub(WORKED_ON);
        for at in (last..self.open.len()).rev() {
            let open = &mut self.open[at];
            if !std::mem::take(&mut open.is_stale) {
                continue;
            }
            let (chosen, imports) = (open.chosen, Imports::of_text(&open.text));
            let begins = open.text.len().saturating_sub(open.below);
            let vocabulary = self.completer.vocabulary();
            let below = self.project.below(vocabulary, &open.text, begins);
            let path = open.uri.to_file_path().map(Cow::into_owned);
            let path = path.and_then(|path| self.inside(&path)).unwrap_or_default();
            let mut libraries = self.libraries(&imports);
            let importable = self.importable(&path);
            let imported = self.project.imported(&path, &imports);
            for path in &imported {
                libraries.submodules.extend(self.project.modules_in(path));
            }
            let around = ContextSelection {
                below,
                near: self.project.nearest(&path, &imports),
                imported,
                libraries: libraries.paths.iter().map(|path| &**path).collect(),
                submodules: libraries.submodules,
                importable,
            };
            let state = Some(self.project.state_of(&around));
            if chosen != state {
                let found = self.project.surroundings(&path, &around);
                let found = (!found.is_empty()).then(|| Arc::new(found));
                self.set(at, state, found);
            }
        }
    }

    /// Where the environment has what is imported, which is read if it has not been.
    #[expect(clippy::too_many_lines, reason = "one search, bounded by one budget")]
    fn libraries(&mut self, imports: &Imports) -> Libraries {
        let absolute = imports.modules().filter(|module| !module.starts_with('.'));
        let mut wanted: VecDeque<(String, usize)> =
            absolute.map(|module| (module.to_owned(), 0)).collect();
        let (mut found, mut bytes) = (Libraries::default(), 0);
        let mut asked = HashSet::new();
        while let Some((dotted, followed)) = wanted.pop_front() {
            if asked.len() >= ASKED {
                break;
            }
            if !asked.insert(dotted.clone()) {
                continue;
            }
            let Some(module) = self.environment.module(&dotted) else {
                continue;
            };
            let inside = self.inside(&module.path);
            if inside.is_some_and(|inside| self.project.contains(&inside)) {
                continue;
            }
            let path = joined(&module.path);
            self.read_library(&path, &module);
            let Some((imports, length)) = self.project.library(&path) else {
                continue;
            };
            let is_package = module.path.ends_with("__init__.py");
            let is_asked = followed == 0 && module.rest.is_empty();
            if followed < FOLLOWED {
                let wanted_name = module.rest.split('.').next().unwrap_or_default();
                let mut further: Vec<&str> = imports.called(wanted_name).collect();
                if is_asked {
                    // What may be asked of it next: `os.path`, `numpy.linalg`.
                    further.extend(imports.aliased());
                    further.extend(
                        imports
                            .modules()
                            .filter(|import| import.starts_with('.') && !import[1..].contains('.')),
                    );
                }
                let further = further
                    .into_iter()
                    .filter_map(|import| absolute_name(import, module.name, is_package));
                wanted.extend(further.map(|name| (name, followed + 1)));
            }
            if is_asked
                && is_package
                && let Some(folder) = module.path.parent()
            {
                let package = module.name.rsplit('.').next().unwrap_or_default();
                let project = &mut self.project;
                let inside = self.submodules.entry(path.clone()).or_insert_with(|| {
                    let mut names: Vec<_> = modules_in(folder).collect();
                    names.sort_unstable();
                    let modules = names.iter().map(|name| project.module(name, package));
                    modules.collect()
                });
                found.submodules.extend_from_slice(inside);
            }
            if !found.paths.contains(&path) && bytes + length <= MODULE_BYTES {
                bytes += length;
                found.paths.push(path);
            }
        }
        found
    }

    /// Reads what a module declares, unless it has been.
    fn read_library(&mut self, path: &str, module: &Module<'_>) {
        if self.project.library(path).is_some() {
            return;
        }
        // A link is as good as a file here.
        let is_short = |data: fs::Metadata| data.is_file() && data.len() <= LARGEST;
        let text = fs::metadata(&module.path).is_ok_and(is_short);
        let text = text.then(|| python_files::read(&module.path));
        let text = text.and_then(Result::ok).unwrap_or_default();
        let vocabulary = self.completer.vocabulary();
        self.project
            .read_library(vocabulary, path, &text, module.name);
    }

    /// A path as the project names it: the folder's name, and the path in it, with `/` between.
    fn inside(&self, path: &Path) -> Option<String> {
        let mut folders = self.folders.iter().enumerate();
        let (number, folder) = folders.find(|(_, folder)| path.starts_with(folder))?;
        let parts = path.strip_prefix(folder).ok()?.components();
        let parts = parts.map(|part| part.as_os_str().to_string_lossy());
        Some(
            std::iter::once(self.folder_name(number))
                .chain(parts)
                .collect::<Vec<_>>()
                .join("/"),
        )
    }

    /// What the project calls a folder.
    fn folder_name(&self, number: usize) -> Cow<'_, str> {
        let name = self.folders[number].file_name();
        let same = |other: &PathBuf| other.file_name() == name;
        let is_first = !self.folders[..number].iter().any(same);
        let name = name.unwrap_or_default().to_string_lossy();
        // Two folders of one name are two.
        if is_first {
            name
        } else {
            format!("{name}:{number}").into()
        }
    }
}

/// A path with `/` between its parts.
fn joined(path: &Path) -> String {
    let path = path.to_string_lossy();
    if cfg!(windows) {
        path.replace('\\', "/")
    } else {
        path.into_owned()
    }
}

/// What the module `name` imports as `import`, without leading dots.
fn absolute_name(import: &str, name: &str, is_package: bool) -> Option<String> {
    let below = import.trim_start_matches('.');
    let level = import.len() - below.len();
    if level == 0 {
        return Some(import.to_owned());
    }
    let mut package = name;
    for _ in usize::from(is_package)..level {
        package = package.rsplit_once('.')?.0;
    }
    Some(format!("{package}.{below}"))
}

/// Lets other threads go first, where a thread can have a priority of its own: who types must not notice that files are read.
fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(10) {
        debug!("no lower priority: {error}");
    }
}

fn is_python(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "py")
}

/// Whether it is a Python file, and no link to one, of a size that people write.
fn is_readable(path: &Path) -> bool {
    let is_file = |data: fs::Metadata| data.is_file() && data.len() <= LARGEST;
    is_python(path) && fs::symlink_metadata(path).is_ok_and(is_file)
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
        let path = entry.map_err(|error| debug!("{error}")).ok()?.into_path();
        is_readable(&path).then_some(path)
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
}
