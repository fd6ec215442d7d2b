//! Command lines of version 0.1, in which `trainer evaluate` had flags instead of subcommands. To be removed in the
//! next version, except for the default subcommand.

use std::ffi::OsString;

/// The subcommands, and arguments that cannot start a checkpoint's name.
const SUBCOMMANDS: [&str; 6] = ["model", "context", "quantized", "help", "-h", "--help"];

/// A command line in the current syntax.
#[derive(Debug, PartialEq, Eq)]
pub struct Translated {
    /// The program's name and its arguments.
    pub arguments: Vec<OsString>,
    /// A one-line warning about renamed flags.
    pub warning: Option<String>,
}

impl Translated {
    /// Translates a command line whose first argument is the program's name.
    pub fn new(arguments: impl IntoIterator<Item = OsString>) -> Self {
        let mut arguments: Vec<OsString> = arguments.into_iter().collect();
        let is_subcommand = |word: &OsString| SUBCOMMANDS.iter().any(|name| word == *name);
        let rest = arguments.get(2..).unwrap_or_default();
        let is_evaluate = arguments.get(1).is_some_and(|word| word == "evaluate");
        if !is_evaluate || rest.first().is_none_or(is_subcommand) {
            return Self {
                arguments,
                warning: None,
            };
        }
        let mut rest = arguments.split_off(2);
        let mut take = |flag: &str| {
            let before = rest.len();
            rest.retain(|word| word != flag);
            rest.len() < before
        };
        let (joined, quantized, below) = (take("--joined"), take("--quantized"), take("--below"));
        let subcommand = match (joined, quantized) {
            (true, _) => "context",
            (false, true) => "quantized",
            (false, false) => "model",
        };
        let flag = if joined { "--joined" } else { "--quantized" };
        let mut warning = (joined || quantized).then(|| {
            format!("`evaluate {flag}` is now `trainer evaluate {subcommand}`; the next version removes the flag")
        });
        if below {
            rest.push("--suffix".into());
            warning = Some(
                "`evaluate --joined --below` is now `trainer evaluate context --suffix`; the next version removes \
                 the flags"
                    .to_owned(),
            );
        }
        arguments.push(subcommand.into());
        arguments.extend(rest);
        Self { arguments, warning }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str, warning: Option<&str>) {
        let translated = Translated::new(line.split(' ').map(OsString::from));
        let words: Vec<_> = translated
            .arguments
            .iter()
            .filter_map(|word| word.to_str())
            .collect();
        assert_eq!(words.join(" "), expected);
        match (translated.warning, warning) {
            (None, None) => {}
            (Some(found), Some(part)) => assert!(found.contains(part), "{found}"),
            (found, _) => panic!("{line}: {found:?}"),
        }
    }

    #[test]
    fn flags_of_earlier_versions_become_subcommands() {
        for same in [
            "t",
            "t evaluate",
            "t train --joined",
            "t evaluate context a --suffix",
            "t evaluate --help",
        ] {
            check(same, same, None);
        }
        check(
            "t evaluate a --data d --baseline",
            "t evaluate model a --data d --baseline",
            None,
        );
        check(
            "t evaluate a --joined --data d --project",
            "t evaluate context a --data d --project",
            Some("`trainer evaluate context`"),
        );
        check(
            "t evaluate a --joined --below",
            "t evaluate context a --suffix",
            Some("`trainer evaluate context --suffix`"),
        );
        check(
            "t evaluate a --quantized",
            "t evaluate quantized a",
            Some("`trainer evaluate quantized`"),
        );
    }
}
