//! The Python environment that a project's imports come from: where it is, and which file a module is. Nothing is executed.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// What the setting names to look for one.
pub const FOUND: &str = "auto";
/// What the setting names to have none.
pub const NONE: &str = "none";

/// Folders that modules are imported from, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    roots: Vec<PathBuf>,
}

/// A module that was found, and what of the dotted name is behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module<'a> {
    pub path: PathBuf,
    pub name: &'a str,
    pub rest: &'a str,
}

impl Environment {
    /// The one in a folder; [`FOUND`] for that of the first of `folders` that has one, or that of the shell, or that of the
    /// `python3` on the path.
    pub fn new(setting: &str, folders: &[PathBuf]) -> Self {
        let variable = |name| env::var_os(name).map(PathBuf::from);
        let prefix = match setting {
            NONE => None,
            FOUND => {
                let inside = |folder: &PathBuf| {
                    let names = [".venv", "venv", "env"].map(|name| folder.join(name));
                    names.into_iter().find(|path| is_virtual(path))
                };
                let own = folders.iter().find_map(inside);
                own.or_else(|| variable("VIRTUAL_ENV"))
                    .or_else(|| variable("CONDA_PREFIX"))
                    .or_else(of_path)
            }
            path => Some(PathBuf::from(path)),
        };
        Self {
            roots: prefix.map_or_else(Vec::new, |prefix| roots(&prefix)),
        }
    }

    /// The file of a dotted module, or of as much of its name as is one.
    pub fn module<'a>(&self, dotted: &'a str) -> Option<Module<'a>> {
        let ends = dotted.match_indices('.').map(|(at, _)| at);
        let mut ends: Vec<usize> = ends.chain([dotted.len()]).collect();
        let parts = |name: &str| name.split('.').collect::<PathBuf>();
        // Whatever else is called so, the first folder that has it is asked for all of it.
        let top = &dotted[..ends[0]];
        let root = self
            .roots
            .iter()
            .find(|root| file(&root.join(top)).is_some())?;
        while let Some(end) = ends.pop() {
            let name = &dotted[..end];
            if let Some(path) = file(&root.join(parts(name))) {
                let rest = dotted[end..].trim_start_matches('.');
                return Some(Module { path, name, rest });
            }
        }
        None
    }
}

/// The file of a module without its `.py`.
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

/// Where the `python3` of the path is installed.
fn of_path() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let mut programs = env::split_paths(&path).map(|folder| folder.join("python3"));
    let program = programs.find(|program| program.is_file())?;
    // Of a virtual environment's the folder counts, of another one's what it is a link to.
    let prefix = |program: &Path| Some(program.parent()?.parent()?.to_owned());
    let virtual_one = prefix(&program).filter(|prefix| is_virtual(prefix));
    virtual_one.or_else(|| prefix(&fs::canonicalize(&program).ok()?))
}

/// What is imported from where Python is installed: its own modules, and those added.
fn roots(prefix: &Path) -> Vec<PathBuf> {
    let mut roots = Vec::new();
    let home = fs::read_to_string(prefix.join("pyvenv.cfg"))
        .ok()
        .and_then(|text| {
            let home = text
                .lines()
                .find_map(|line| line.strip_prefix("home")?.trim().strip_prefix('='));
            Some(Path::new(home?.trim()).parent()?.to_owned())
        });
    for prefix in [Some(prefix), home.as_deref()].into_iter().flatten() {
        // On Windows there is but one version below it.
        roots.extend([prefix.join("Lib"), prefix.join("Lib/site-packages")]);
        for versioned in python_folders(&prefix.join("lib")) {
            let added = ["site-packages", "dist-packages"].map(|name| versioned.join(name));
            roots.push(versioned);
            roots.extend(added);
        }
        if prefix == Path::new("/usr") {
            roots.extend(
                python_folders(Path::new("/usr/local/lib"))
                    .iter()
                    .map(|folder| folder.join("dist-packages")),
            );
        }
    }
    roots.retain(|root| root.is_dir());
    roots
}

/// `python3.11` and the like, the latest version first, and `python3` of Debian behind them.
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
        assert_eq!(found(""), None);
        assert_eq!(
            Environment::new(NONE, &[folder.path().to_owned()]),
            Environment::default()
        );
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
