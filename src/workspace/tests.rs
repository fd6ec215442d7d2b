//! Checks the workspace totals against a recount of everything it holds.

use proptest::prelude::*;

use super::WorkspaceIndex;
use crate::tokenizer::Vocabulary;

const PATHS: [&str; 5] = [
    "w/shop/__init__.py",
    "w/shop/order.py",
    "w/shop/parts/line.py",
    "w/main.py",
    "w/shop_tools.py",
];
const TEXTS: [&str; 6] = [
    "",
    "# nothing\n",
    "from .order import Order\nimport os.path as path\n",
    "import shop\n\nclass Order(shop.Base):\n    currency = 'EUR'\n    def total(self):\n        return self.amount\n",
    // The same tokens with different line breaks.
    "import shop\nclass Order(shop.Base):\n  currency = 'EUR'\n  def total(self):\n    return self.amount\n",
    "from shop.parts.line import *\n\ndef zauberlehrling(besenstiel, meister=None):\n    return besenstiel\n",
];

/// A change. Numbers index [`PATHS`] and [`TEXTS`].
#[derive(Clone, Debug)]
enum Edit {
    Read(usize, usize),
    Remove(usize),
    RemoveFolder,
    Library(usize, usize),
    ForgetLibrary(usize),
    Clear,
}

fn edit() -> impl Strategy<Value = Edit> {
    let (path, text) = (0..PATHS.len(), 0..TEXTS.len());
    prop_oneof![
        8 => (path.clone(), text.clone()).prop_map(|(path, text)| Edit::Read(path, text)),
        2 => path.clone().prop_map(Edit::Remove),
        1 => Just(Edit::RemoveFolder),
        4 => (path.clone(), text).prop_map(|(path, text)| Edit::Library(path, text)),
        2 => path.prop_map(Edit::ForgetLibrary),
        1 => Just(Edit::Clear),
    ]
}

fn vocabulary() -> Vocabulary {
    let known = [
        "<s>", "<EOL>", "import", "from", "class", "def", "(", ")", ".", "self",
    ];
    Vocabulary::from_counts(known.map(|token| (token.to_owned(), 1)), 20)
}

impl Edit {
    fn apply(&self, project: &mut WorkspaceIndex, vocabulary: &Vocabulary) {
        match *self {
            Self::Read(path, text) => {
                project.read(vocabulary, PATHS[path], TEXTS[text]);
            }
            Self::Remove(path) => {
                project.remove(PATHS[path]);
            }
            Self::RemoveFolder => project.remove_below("w/shop"),
            Self::Library(path, text) => {
                project.read_library(vocabulary, PATHS[path], TEXTS[text], "package.module");
            }
            Self::ForgetLibrary(path) => project.forget_library(PATHS[path]),
            Self::Clear => project.clear(vocabulary),
        }
    }
}

proptest! {
    /// The incremental totals of memory and tokens equal a recount of the files.
    #[test]
    fn totals_are_those_of_a_recount(edits in prop::collection::vec(edit(), 1..40)) {
        let vocabulary = vocabulary();
        let mut project = WorkspaceIndex::new(&vocabulary);
        for edit in edits {
            edit.apply(&mut project, &vocabulary);
            let (mut tokens, mut bytes) = (0, 0);
            for file in project.files.values() {
                tokens += file.tokens.len();
                bytes += 4 * file.tokens.len() + file.columns.len();
                bytes += file.imports.bytes() + file.resolved.bytes() + 200;
            }
            bytes += project.names.words().iter().map(|word| 2 * (word.len() + 16) + 40).sum::<usize>();
            prop_assert_eq!(project.tokens(), tokens, "tokens after {:?}", edit);
            prop_assert_eq!(project.bytes(), bytes, "bytes after {:?}", edit);
            let libraries: usize = project.libraries.values().map(|file| file.symbols.bytes()).sum();
            prop_assert_eq!(project.libraries.totals().bytes, libraries, "libraries after {:?}", edit);
        }
    }
}
