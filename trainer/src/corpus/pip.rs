//! The index and certificates that the user's pip is configured with: environment variables, then configuration files.
//!
//! Later files override earlier ones; within a file, `[download]` overrides `[global]`. `extra-index-url` and
//! `find-links` are ignored: every package is expected in one index.

use std::path::{Path, PathBuf};

/// pip's settings.
#[derive(Debug, PartialEq, Eq)]
pub struct Pip {
    /// URL of the simple index, without a trailing slash.
    pub index: String,
    /// A file of certificates that replaces the system's.
    pub certificates: Option<PathBuf>,
}

const PYPI: &str = "https://pypi.org/simple";

impl Pip {
    /// The settings of the current user.
    pub fn find() -> Self {
        Self::with(&|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    /// The settings in an environment.
    fn with(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let files = files(variable);
        let texts: Vec<_> = files
            .iter()
            .filter_map(|file| std::fs::read_to_string(file).ok())
            .collect();
        let setting = |name: &str| {
            let upper = name.to_ascii_uppercase().replace('-', "_");
            variable(&format!("PIP_{upper}")).or_else(|| {
                let found = texts.iter().rev().find_map(|text| value(text, name));
                found.map(str::to_owned)
            })
        };
        let index = setting("index-url").unwrap_or_else(|| PYPI.to_owned());
        Self {
            index: index.trim_end_matches('/').to_owned(),
            certificates: setting("cert").map(PathBuf::from),
        }
    }
}

/// pip's configuration files, lowest precedence first.
fn files(variable: &dyn Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let named = variable("PIP_CONFIG_FILE");
    // pip's convention for "no configuration file".
    if named.as_deref() == Some("/dev/null") {
        return Vec::new();
    }
    let mut files: Vec<PathBuf> = ["/etc/xdg/pip/pip.conf", "/etc/pip.conf"]
        .map(PathBuf::from)
        .into();
    let home = variable("HOME").map(PathBuf::from);
    if let Some(home) = &home {
        files.push(home.join(".pip/pip.conf"));
    }
    let config = variable("XDG_CONFIG_HOME").map(PathBuf::from);
    if let Some(config) = config.or_else(|| Some(home?.join(".config"))) {
        files.push(config.join("pip/pip.conf"));
    }
    if let Some(environment) = variable("VIRTUAL_ENV") {
        files.push(Path::new(&environment).join("pip.conf"));
    }
    files.extend(named.map(PathBuf::from));
    files
}

/// A setting in the text of a configuration file.
fn value<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (mut section, mut global, mut download) = ("", None, None);
    for line in text.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            section = header.split(']').next().unwrap_or_default();
        } else if !line.starts_with(['#', ';'])
            && let Some((key, value)) = line.split_once(['=', ':'])
            && key.trim().to_ascii_lowercase().replace('_', "-") == name
            && !value.trim().is_empty()
        {
            match section {
                "global" => global = Some(value.trim()),
                "download" => download = Some(value.trim()),
                _ => {}
            }
        }
    }
    download.or(global)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_environment_overrides_files_and_later_files_override_earlier_ones() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap().to_owned();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            ".pip/pip.conf",
            "[global]\nindex-url = https://old/\ncert=/old.pem\n",
        );
        write(
            ".config/pip/pip.conf",
            "[install]\nindex-url: https://wrong\n[global]\n; index-url = x\nINDEX_URL: https://user:word@new/simple/\n",
        );
        let find = |set: &[(&str, &str)]| {
            Pip::with(&|name| {
                let set = set.iter().find(|(n, _)| *n == name);
                set.map(|(_, value)| (*value).to_owned())
            })
        };
        let of_files = find(&[("HOME", &home)]);
        assert_eq!(of_files.index, "https://user:word@new/simple");
        assert_eq!(of_files.certificates, Some("/old.pem".into()));
        write(
            "named",
            "[download]\nindex-url=https://named\n[global]\nindex-url=https://global\n",
        );
        let named = format!("{home}/named");
        let of_named = find(&[("HOME", &home), ("PIP_CONFIG_FILE", &named)]);
        assert_eq!(of_named.index, "https://named");
        let of_environment = find(&[("HOME", &home), ("PIP_INDEX_URL", "http://here/")]);
        assert_eq!(of_environment.index, "http://here");
        let none = find(&[("HOME", &home), ("PIP_CONFIG_FILE", "/dev/null")]);
        assert_eq!((none.index.as_str(), none.certificates), (PYPI, None));
    }
}
