//! Compatibility with command lines of version 0.1: `minicopilot evaluate PATH...` means `evaluate quality`, and some flags
//! have become subcommands. To be removed in the next version.

use std::ffi::OsString;

/// The subcommands of `evaluate`, and the arguments that print help.
const SUBCOMMANDS: [&str; 7] = [
    "quality",
    "latency",
    "lines",
    "identifiers",
    "help",
    "-h",
    "--help",
];

/// A command line in today's syntax.
pub struct Translated {
    /// The program name and its arguments.
    pub arguments: Vec<OsString>,
    /// A one-line warning about a flag that is now a subcommand.
    pub warning: Option<String>,
}

impl Translated {
    /// Translates a command line that starts with the program name.
    pub fn new(arguments: impl IntoIterator<Item = OsString>) -> Self {
        let mut arguments: Vec<OsString> = arguments.into_iter().collect();
        let is_evaluate = arguments.get(1).is_some_and(|word| word == "evaluate");
        let is_named = |word: &OsString| SUBCOMMANDS.iter().any(|name| word == *name);
        if !is_evaluate || arguments.get(2).is_none_or(is_named) {
            return Self {
                arguments,
                warning: None,
            };
        }
        let flag = arguments[2..].iter().position(|word| {
            ["--latency", "--lines", "--identifiers"]
                .iter()
                .any(|flag| word == *flag)
        });
        let Some(at) = flag else {
            arguments.insert(2, "quality".into());
            return Self {
                arguments,
                warning: None,
            };
        };
        let flag = arguments.remove(at + 2);
        let flag = flag.to_string_lossy();
        let subcommand = flag.trim_start_matches('-');
        let warning = format!(
            "`evaluate {flag}` is now `minicopilot evaluate {subcommand}`; the next version removes the flag"
        );
        arguments.insert(2, subcommand.into());
        Self {
            arguments,
            warning: Some(warning),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_of_earlier_versions_become_subcommands() {
        for (line, expected, is_warned) in [
            ("m", "m", false),
            ("m serve", "m serve", false),
            ("m evaluate", "m evaluate", false),
            ("m evaluate --help", "m evaluate --help", false),
            ("m evaluate lines a", "m evaluate lines a", false),
            ("m evaluate a --json", "m evaluate quality a --json", false),
            (
                "m evaluate a --lines --sample 2",
                "m evaluate lines a --sample 2",
                true,
            ),
            (
                "m evaluate --latency --rate 5 a",
                "m evaluate latency --rate 5 a",
                true,
            ),
        ] {
            let translated = Translated::new(line.split(' ').map(OsString::from));
            assert_eq!(translated.arguments.join(" ".as_ref()), expected);
            assert_eq!(translated.warning.is_some(), is_warned, "{line}");
        }
    }
}
