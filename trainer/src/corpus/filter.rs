//! Quality filters: which files are hand-written source code. Implements the rules of `trainer/corpus/README.md`, in
//! order.
//!
//! Works on one file at a time; [`duplicates`](super::duplicates) and the limit per package are handled elsewhere.

use std::sync::LazyLock;

use minicopilot::python::{self, Blocks, Kind};
use regex::bytes::{Regex, RegexBuilder};
use serde::Serialize;

/// Maximum file size in bytes.
pub const LONGEST: u64 = 102_400;
const SHORTEST: usize = 1_024;
const LONGEST_LINE: usize = 500;
const FEWEST_TOKENS: usize = 40;
/// A file with more literals than this counts as a table if their share of its tokens exceeds the next constant.
const MANY_LITERALS: usize = 100;
const LITERAL_PERCENT: usize = 38;
/// The prefix that is searched for a "generated" marker.
const HEAD_BYTES: usize = 600;
const HEAD_LINES: usize = 40;

/// Why a file is left out; also the order in which the rules are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// In a folder of vendored or generated code.
    Folder,
    /// The file name marks generated or copied code.
    Name,
    /// A numbered or hash-named migration.
    Migration,
    /// Too short, too long, with a NUL or with a very long line.
    Size,
    /// Contains a "generated" marker.
    Generated,
    /// CPython's tokenize rejects it.
    Refused,
    /// Too few tokens, or mostly literals.
    Tokens,
    /// Has the same tokens as an earlier file.
    Duplicate,
    /// Nearly the same tokens as an earlier file that is not a duplicate itself, whether or not the package limit
    /// removed that file.
    NearDuplicate,
    /// The package has reached its limit.
    Limit,
}

impl Rule {
    /// All rules, in order.
    pub const ALL: [Self; 10] = [
        Self::Folder,
        Self::Name,
        Self::Migration,
        Self::Size,
        Self::Generated,
        Self::Refused,
        Self::Tokens,
        Self::Duplicate,
        Self::NearDuplicate,
        Self::Limit,
    ];
}

const FOLDERS: [&str; 24] = [
    "_vendor",
    "vendor",
    "vendored",
    "_vendored",
    "_vendored_packages",
    "third_party",
    "thirdparty",
    "3rdparty",
    "3rd_party",
    "_third_party",
    "third-party",
    "extern",
    "_extern",
    "externals",
    "_externals",
    "external_libs",
    "node_modules",
    "site-packages",
    "generated",
    "_generated",
    "autogen",
    "bundled",
    "__pycache__",
    "subprojects",
];

static NAME: LazyLock<Regex> = LazyLock::new(|| {
    regex(concat!(
        r"(_pb2(_grpc)?|_rc|^versioneer|^_version|^_*six|^ez_setup|^get-pip|^distribute_setup|",
        r"tab(_\w+)?_generated|^lextab|^parsetab|^yacctab)\.py$",
    ))
});
static MIGRATION: LazyLock<Regex> = LazyLock::new(|| regex(r"^(\d+_|[0-9a-f]{8,}_|auto_)"));
static GENERATED: LazyLock<Regex> = LazyLock::new(|| {
    regex(concat!(
        r"(?i)generated (by|from|with)|file is generated|auto-?generated|automatically generated|@generated|",
        r"do not (edit|modify)",
    ))
});

/// A pattern over bytes with ASCII character classes.
fn regex(pattern: &str) -> Regex {
    let regex = RegexBuilder::new(pattern).unicode(false).build();
    regex.expect("the patterns above are tested")
}

/// A file's py150 tokens.
#[derive(Debug, Default)]
pub struct Tokens {
    /// The tokens without separators.
    text: String,
    /// The end of each token in `text`.
    ends: Vec<usize>,
}

impl Tokens {
    fn push(&mut self, token: &str) {
        self.text.push_str(token);
        self.ends.push(self.text.len());
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, &end)| &self.text[start..end])
    }
}

/// The tokens of the file at `path` in its archive, or the first rule that removes it. `bytes` may be None for a file
/// longer than [`LONGEST`]. With `blocks`, tokens mark where blocks begin and end; no rule counts them.
pub fn tokens(path: &str, bytes: Option<&[u8]>, blocks: bool) -> Result<Tokens, Rule> {
    by_path(path)?;
    let bytes = bytes
        .filter(|bytes| bytes.len() as u64 <= LONGEST)
        .ok_or(Rule::Size)?;
    let is_long = |line: &[u8]| line.len() > LONGEST_LINE;
    if bytes.len() < SHORTEST || bytes.contains(&0) || bytes.split(|&b| b == b'\n').any(is_long) {
        return Err(Rule::Size);
    }
    if says_that_it_is_generated(bytes) {
        return Err(Rule::Generated);
    }
    let text = python::validate(bytes).map_err(|_| Rule::Refused)?;
    lexed(&text, blocks)
}

fn by_path(path: &str) -> Result<(), Rule> {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let folders = folders.to_lowercase();
    let folders: Vec<&str> = folders.split('/').collect();
    let is_foreign = |folder: &&str| {
        FOLDERS.contains(folder) || folder.trim_start_matches('_').starts_with("vendored")
    };
    if folders.iter().any(is_foreign) {
        return Err(Rule::Folder);
    }
    if NAME.is_match(name.as_bytes()) {
        return Err(Rule::Name);
    }
    let of_database = |folder: &&str| folder.contains("alembic") || folder.contains("migration");
    let is_revision = folders.contains(&"versions") && folders.iter().any(of_database);
    if is_revision || folders.contains(&"migrations") && MIGRATION.is_match(name.as_bytes()) {
        return Err(Rule::Migration);
    }
    Ok(())
}

fn says_that_it_is_generated(bytes: &[u8]) -> bool {
    let lines = bytes.split(|&byte| byte == b'\n').take(HEAD_LINES);
    let mut comments = lines.filter(|line| line.trim_ascii_start().starts_with(b"#"));
    GENERATED.is_match(&bytes[..bytes.len().min(HEAD_BYTES)])
        || comments.any(|line| GENERATED.is_match(line))
}

fn lexed(text: &str, blocks: bool) -> Result<Tokens, Rule> {
    let mut tokens = Tokens::default();
    let (mut surface, mut literals, mut line_ends, mut count) = (String::new(), 0, 0, 2); // `<s>` and `</s>`
    let mut blocks = blocks.then(Blocks::default);
    tokens.push(python::START);
    for token in python::lex(text) {
        let marks = blocks.as_mut().map(|blocks| blocks.before(text, token));
        marks
            .into_iter()
            .flatten()
            .for_each(|mark| tokens.push(mark));
        count += 1;
        literals += usize::from(matches!(token.kind, Kind::String | Kind::Number));
        line_ends += usize::from(token.kind == Kind::Eol);
        python::surface(text, token, &mut surface);
        tokens.push(&surface);
    }
    let marks = blocks.map(Blocks::at_end);
    marks
        .into_iter()
        .flatten()
        .for_each(|mark| tokens.push(mark));
    tokens.push(python::END);
    let is_table =
        literals > MANY_LITERALS && 100 * literals > LITERAL_PERCENT * (count - line_ends);
    if count < FEWEST_TOKENS || is_table {
        return Err(Rule::Tokens);
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A function that passes all filters when repeated.
    const PLAIN: &str =
        "def function(argument, another):\n    return argument + another * argument\n";

    fn rule(path: &str, bytes: &[u8]) -> Option<Rule> {
        tokens(path, Some(bytes), false).err()
    }

    #[test]
    fn paths() {
        let source = PLAIN.repeat(20);
        for (path, expected) in [
            ("a/b.py", None),
            ("setup.py", None),
            ("a/Vendor/b.py", Some(Rule::Folder)),
            ("a/__vendored_things/b/c.py", Some(Rule::Folder)),
            ("a/vendors/b.py", None),
            ("a/generated.py", None),
            ("a/b_pb2_grpc.py", Some(Rule::Name)),
            ("a/__six.py", Some(Rule::Name)),
            ("a/_version.py", Some(Rule::Name)),
            ("a/my_version.py", None),
            ("a/tab_x_generated.py", Some(Rule::Name)),
            ("lextab.py", Some(Rule::Name)),
            ("a/migrations/0001_first.py", Some(Rule::Migration)),
            ("a/migrations/deadbeef12_x.py", Some(Rule::Migration)),
            ("a/migrations/utils.py", None),
            ("db/alembic/versions/x.py", Some(Rule::Migration)),
            ("a/versions/x.py", None),
        ] {
            assert_eq!(rule(path, source.as_bytes()), expected, "{path}");
        }
    }

    #[test]
    fn contents() {
        let headed = |line: &str| format!("{line}\n{}", PLAIN.repeat(20));
        let repeated = |times| PLAIN.repeat(times);
        for (source, expected) in [
            (headed("x"), None),
            (repeated(13), Some(Rule::Size)),
            (repeated(1400), Some(Rule::Size)),
            (headed("\0"), Some(Rule::Size)),
            (headed(&"x".repeat(500)), None),
            (headed(&"x".repeat(501)), Some(Rule::Size)),
            (headed("# Generated by hand"), Some(Rule::Generated)),
            (
                headed("'Auto-generated: DO NOT EDIT'"),
                Some(Rule::Generated),
            ),
            (
                repeated(19) + "  # do not modify\n" + PLAIN,
                Some(Rule::Generated),
            ),
            (repeated(20) + "  # do not modify\n" + PLAIN, None),
            (headed("x = ("), Some(Rule::Refused)),
            (
                format!("x = 1\n# {}", "long\n# ".repeat(200)),
                Some(Rule::Tokens),
            ),
            (
                format!("x = [{}]", "1, 'a',\n".repeat(150)),
                Some(Rule::Tokens),
            ),
        ] {
            let shown = &source[..40];
            assert_eq!(rule("a.py", source.as_bytes()), expected, "{shown}");
        }
        let kept = tokens("a.py", Some(repeated(20).as_bytes()), false).unwrap();
        let head: Vec<_> = kept.iter().take(4).collect();
        assert_eq!(head, ["<s>", "def", "function", "("]);
        let marked = tokens("a.py", Some(repeated(20).as_bytes()), true).unwrap();
        let count = |mark| marked.iter().filter(|token| *token == mark).count();
        assert_eq!((count("<INDENT>"), count("<DEDENT>")), (20, 20));
        assert_eq!(tokens("a.py", None, false).err(), Some(Rule::Size));
    }
}
