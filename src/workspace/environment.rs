//! Finds the Python environment that a project imports from, and the files of the modules in it. Runs no Python code.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::module_names::is_nameable;
use crate::python;

/// Setting value that searches for an environment.
pub const FOUND: &str = "auto";
/// Setting value for no environment.
pub const NONE: &str = "none";

/// Modules without a file in some builds of CPython.
const BUILT_IN: [&str; 22] = [
    "array",
    "atexit",
    "binascii",
    "builtins",
    "cmath",
    "errno",
    "faulthandler",
    "fcntl",
    "gc",
    "grp",
    "itertools",
    "marshal",
    "math",
    "posix",
    "pwd",
    "pyexpat",
    "select",
    "sys",
    "syslog",
    "time",
    "unicodedata",
    "zlib",
];
/// Maximum number of modules listed per folder.
const MAX_MODULES: usize = 5000;

/// The folders that modules are imported from, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    roots: Vec<PathBuf>,
}

/// The module found for a dotted name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module<'a> {
    /// Its file.
    pub path: PathBuf,
    /// The part of the dotted name that names the module.
    pub name: &'a str,
    /// The rest of the dotted name, inside the module.
    pub rest: &'a str,
}

impl Environment {
    /// Opens the environment in the folder `setting`, which may be relative to one of `folders`. [`FOUND`] searches
    /// `folders`, then the shell's variables, then the path for a `python3`.
    pub fn new(setting: &str, folders: &[PathBuf]) -> Self {
        if setting == NONE {
            return Self::default();
        }
        // `join` keeps an absolute setting unchanged.
        let mut prefixes: Vec<PathBuf> =
            folders.iter().map(|folder| folder.join(setting)).collect();
        prefixes.push(PathBuf::from(setting));
        if setting == FOUND {
            let inside = |folder: &PathBuf| [".venv", "venv", "env"].map(|name| folder.join(name));
            let own = folders
                .iter()
                .flat_map(inside)
                .filter(|path| is_virtual(path));
            let shells = ["VIRTUAL_ENV", "CONDA_PREFIX"]
                .into_iter()
                .filter_map(env::var_os);
            let shells = shells.filter(|path| !path.is_empty()).map(PathBuf::from);
            prefixes = own.chain(shells).chain(of_path()).collect();
        }
        let mut roots = prefixes.iter().map(|prefix| roots(prefix));
        Self {
            roots: roots.find(|roots| !roots.is_empty()).unwrap_or_default(),
        }
    }

    /// Whether there is no environment, or one without modules.
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// The top-level modules, sorted.
    pub fn names(&self) -> Vec<Box<str>> {
        let mut names: Vec<Box<str>> = Vec::new();
        if !self.roots.is_empty() {
            names.extend(BUILT_IN.map(Into::into));
        }
        for root in &self.roots {
            names.extend(modules_in(root));
            names.extend(modules_in(&root.join("lib-dynload")));
        }
        names.retain(|name| !name.starts_with('_') || &**name == "__future__");
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The module for the longest part of a dotted name that names one, in the first folder that contains it.
    pub fn module<'a>(&self, dotted: &'a str) -> Option<Module<'a>> {
        let mut found: Option<Module<'_>> = None;
        for root in &self.roots {
            let (mut folder, mut end) = (root.clone(), 0);
            for part in dotted.split('.') {
                // The name comes from a document. It must not lead out of the environment, as `..` would.
                if !is_module_name(part) {
                    break;
                }
                folder.push(part);
                end += part.len() + usize::from(end > 0);
                let is_more = found.as_ref().is_none_or(|found| found.name.len() < end);
                if let Some(path) = file(&folder).filter(|_| is_more) {
                    let (name, rest) = (&dotted[..end], dotted[end..].trim_start_matches('.'));
                    found = Some(Module { path, name, rest });
                }
                if !folder.is_dir() {
                    break;
                }
            }
        }
        found
    }
}

/// The modules in a folder: Python files, packages and extension modules.
pub fn modules_in(folder: &Path) -> impl Iterator<Item = Box<str>> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let modules = entries.filter_map(|entry| {
        let name = entry.file_name();
        let name = name.to_str()?;
        let (module, ending) = name.split_once('.').unwrap_or((name, ""));
        let is_library = ending.ends_with("so") || ending.ends_with("pyd");
        let is_one = match ending {
            "" => entry.path().join("__init__.py").is_file(),
            "py" => module != "__init__",
            _ => is_library,
        };
        (is_one && is_module_name(module)).then(|| module.into())
    });
    modules.take(MAX_MODULES)
}

fn is_module_name(part: &str) -> bool {
    is_nameable(part) && python::is_name(part)
}

/// The file of a module, given its path without `.py`.
fn file(module: &Path) -> Option<PathBuf> {
    let package = module.join("__init__.py");
    let mut alone = module.as_os_str().to_owned();
    alone.push(".py");
    [package, alone.into()]
        .into_iter()
        .find(|path| path.is_file())
}

fn is_virtual(folder: &Path) -> bool {
    folder.join("pyvenv.cfg").is_file()
}

/// The prefixes of the `python3` programs on the path.
fn of_path() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let programs = env::split_paths(&path).map(|folder| folder.join("python3"));
    let prefix = |program: &Path| Some(program.parent()?.parent()?.to_owned());
    let prefixes = programs
        .filter(|program| program.is_file())
        .filter_map(|program| {
            // For a virtual environment, use the folder of the link; otherwise, follow the link.
            let virtual_one = prefix(&program).filter(|prefix| is_virtual(prefix));
            virtual_one.or_else(|| prefix(&fs::canonicalize(&program).ok()?))
        });
    prefixes.collect()
}

/// The folders that a Python installation imports modules from: the standard library and installed packages.
fn roots(prefix: &Path) -> Vec<PathBuf> {
    let config = fs::read_to_string(prefix.join("pyvenv.cfg")).unwrap_or_default();
    let entry = |name: &str| {
        let lines = config.lines().filter_map(|line| line.split_once('='));
        let (_, value) = lines
            .map(|(key, value)| (key.trim(), value.trim()))
            .find(|(key, _)| *key == name)?;
        Some(value)
    };
    let mut roots = below(prefix, true);
    if let Some(home) = entry("home").map(Path::new) {
        let shares = entry("include-system-site-packages") == Some("true");
        // On Windows, `home` is the installation itself; elsewhere, its `bin`.
        let above = home.parent().unwrap_or(home);
        roots.extend(
            [above, home]
                .iter()
                .flat_map(|prefix| below(prefix, shares)),
        );
    }
    roots.retain(|root| root.is_dir());
    roots
}

/// Folders of the standard library that may exist under a prefix, and those of installed packages if `added`.
fn below(prefix: &Path, added: bool) -> Vec<PathBuf> {
    let mut versioned = vec![prefix.join("Lib")]; // Windows
    for lib in ["lib", "lib64"] {
        versioned.extend(python_folders(&prefix.join(lib)));
    }
    if prefix == Path::new("/usr") && added {
        versioned.extend(python_folders(Path::new("/usr/local/lib"))); // Debian
    }
    let mut roots = Vec::new();
    for folder in versioned {
        let packages = ["site-packages", "dist-packages"].map(|name| folder.join(name));
        roots.push(folder);
        roots.extend(packages.into_iter().filter(|_| added));
    }
    roots
}

/// Folders such as `python3.11`, latest version first, then Debian's `python3`.
fn python_folders(lib: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(lib).into_iter().flatten().flatten();
    let version = |entry: &fs::DirEntry| -> Option<u32> {
        let name = entry.file_name();
        let version = name.to_str()?.strip_prefix("python3")?;
        if version.is_empty() {
            return Some(0);
        }
        version
            .strip_prefix('.')?
            .trim_end_matches('t')
            .parse()
            .ok()
    };
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| Some((version(&entry)?, entry.path())))
        .collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_found_as_far_as_it_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let site = folder.path().join("lib/python3.12/site-packages");
        for path in [
            "pkg/__init__.py",
            "pkg/sub/deep.py",
            "pkg/sub/__init__.py",
            "alone.py",
            "data/x.txt",
            "space/deep.py",
        ] {
            let path = site.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        fs::create_dir_all(folder.path().join("lib/python3.9")).unwrap();
        let environment = Environment::new(folder.path().to_str().unwrap(), &[]);
        let found = |dotted| {
            let module = environment.module(dotted)?;
            let path = module.path.strip_prefix(&site).unwrap().to_owned();
            Some((path.to_str().unwrap().to_owned(), module.rest.to_owned()))
        };
        let some = |path: &str, rest: &str| Some((path.to_owned(), rest.to_owned()));
        assert_eq!(found("pkg.sub.deep.name"), some("pkg/sub/deep.py", "name"));
        assert_eq!(found("pkg.Name"), some("pkg/__init__.py", "Name"));
        assert_eq!(found("alone"), some("alone.py", ""));
        assert_eq!(found("data.x"), None);
        assert_eq!(found("space.deep.name"), some("space/deep.py", "name"));
        assert_eq!(found("/alone"), None);
        assert_eq!(found("pkg.../alone"), some("pkg/__init__.py", "/alone"));
        assert_eq!(found(""), None);
        assert_eq!(
            Environment::new(NONE, &[folder.path().to_owned()]),
            Environment::default()
        );
    }

    #[test]
    fn importable_modules_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        let site = folder.path().join("lib/python3.12/site-packages");
        for path in [
            "pkg/__init__.py",
            "pkg/deep.py",
            "pkg/fast.cpython-312-x86_64-linux-gnu.so",
            "pkg/notes.txt",
            "alone.py",
            "_private.py",
            "2to3.py",
            "pkg-1.0.dist-info/METADATA",
            "../asyncio/__init__.py",
            "../lib-dynload/ossaudiodev.abi3.so",
        ] {
            let path = site.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let environment = Environment::new(folder.path().to_str().unwrap(), &[]);
        let mut names = environment.names();
        names.retain(|name| !BUILT_IN.contains(&&**name));
        assert_eq!(names.join(" "), "alone asyncio ossaudiodev pkg");
        let mut inside: Vec<_> = modules_in(&site.join("pkg")).collect();
        inside.sort_unstable();
        assert_eq!(inside.join(" "), "deep fast");
        assert!(Environment::default().names().is_empty());
        let (name, above) = (
            folder.path().file_name().unwrap(),
            folder.path().parent().unwrap(),
        );
        let relative = Environment::new(name.to_str().unwrap(), &[above.to_owned()]);
        assert_eq!(relative, environment);
    }

    #[test]
    fn a_virtual_environment_in_the_folder_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("base");
        fs::create_dir_all(home.join("lib/python3.11")).unwrap();
        let site = folder.path().join("w/.venv/lib/python3.11/site-packages");
        fs::create_dir_all(&site).unwrap();
        let config = format!("home = {}\nversion = 3.11\n", home.join("bin").display());
        fs::write(folder.path().join("w/.venv/pyvenv.cfg"), config).unwrap();
        let environment = Environment::new(FOUND, &[folder.path().join("w")]);
        assert_eq!(
            environment.roots,
            [
                site.parent().unwrap().to_owned(),
                site,
                home.join("lib/python3.11")
            ]
        );
    }
}
