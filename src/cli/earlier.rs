//! Compatibility with command lines of version 0.1: `minicopilot evaluate PATH...` means `evaluate quality`, and some flags
//! have become subcommands. To be removed in the next version.

use std::ffi::{OsStr, OsString};

/// The subcommands of `evaluate`.
const SUBCOMMANDS: [&str; 5] = ["quality", "latency", "lines", "identifiers", "help"];
/// The flags that have become subcommands.
const FLAGS: [&str; 3] = ["--latency", "--lines", "--identifiers"];
/// The options of the subcommands that take a value.
const WITH_VALUE: [&str; 7] = [
    "--sample",
    "--seed",
    "--model",
    "--rate",
    "--server",
    "--environment",
    "--html",
];

/// A command line in today's syntax.
pub struct Translated {
    /// The program name and its arguments.
    pub arguments: Vec<OsString>,
    /// A one-line warning about syntax that the next version removes.
    pub warning: Option<String>,
}

impl Translated {
    /// Translates a command line that starts with the program name.
    pub fn new(arguments: impl IntoIterator<Item = OsString>) -> Self {
        let mut arguments: Vec<OsString> = arguments.into_iter().collect();
        let mut warning = None;
        if arguments.get(1).is_some_and(|word| word == "evaluate") {
            let words = &arguments[2..];
            let operand = operand(words);
            let is_named = operand.is_some_and(|at| is_one_of(&words[at], &SUBCOMMANDS));
            let flag = words.iter().position(|word| is_one_of(word, &FLAGS));
            match (operand, flag) {
                (Some(0), _) if is_named => {}
                (_, Some(at)) => {
                    let flag = arguments.remove(2 + at).to_string_lossy().into_owned();
                    let subcommand = flag.trim_start_matches('-');
                    warning = Some(format!(
                        "`evaluate {flag}` is now `minicopilot evaluate {subcommand}`; the next version removes the flag"
                    ));
                    arguments.insert(2, subcommand.into());
                }
                // Options before the subcommand, as in `evaluate --json latency`.
                (Some(at), None) if is_named => arguments[2..=2 + at].rotate_right(1),
                (Some(_), None) => {
                    warning = Some(
                        "`evaluate PATH` is now `minicopilot evaluate quality PATH`; the next version requires the subcommand"
                            .to_owned(),
                    );
                    arguments.insert(2, "quality".into());
                }
                (None, None) => {}
            }
        }
        Self { arguments, warning }
    }
}

/// The index of the first word that is neither an option nor an option's value.
fn operand(words: &[OsString]) -> Option<usize> {
    let mut is_value = false;
    words.iter().position(|word| {
        let is_operand = !is_value && !word.as_encoded_bytes().starts_with(b"-");
        is_value = !is_value && is_one_of(word, &WITH_VALUE);
        is_operand
    })
}

fn is_one_of(word: &OsStr, names: &[&str]) -> bool {
    names.iter().any(|name| word == *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earlier_syntax_is_translated() {
        for (line, expected, is_warned) in [
            ("m", "m", false),
            ("m serve", "m serve", false),
            ("m evaluate", "m evaluate", false),
            ("m evaluate --help", "m evaluate --help", false),
            ("m evaluate lines a", "m evaluate lines a", false),
            ("m evaluate --json", "m evaluate --json", false),
            (
                "m evaluate --sample 2 --json latency a",
                "m evaluate latency --sample 2 --json a",
                false,
            ),
            (
                "m evaluate --html lines a",
                "m evaluate quality --html lines a",
                true,
            ),
            ("m evaluate a lines", "m evaluate quality a lines", true),
            ("m evaluate a --json", "m evaluate quality a --json", true),
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
