//! Replays files of a prepared corpus token by token, as the server reads a buffer. The gate is fitted and evaluated on
//! replays.

mod network;

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Result, ensure};
use minicopilot::context::{BufferTokens, CandidateId, CandidateSpace};
use minicopilot::inference::{CosineScores, Distribution};
use minicopilot::python;
use minicopilot::tokenizer::TokenId;
use minicopilot::workspace::{ContextSelection, Imports, SuffixText, WorkspaceIndex};

pub use self::network::{FullPrecision, Network};
use crate::data::{Dataset, Split};

/// The files of a split with the spellings of their tokens.
pub struct CorpusReplay<'a> {
    dataset: &'a Dataset,
    split: Split,
    unknown: Vec<String>,
    /// By id: whether it is a name and not a keyword.
    names: Vec<bool>,
    /// Path of each file, and the projects of the files (the first component of the path).
    paths: Vec<String>,
    projects: BTreeMap<String, WorkspaceIndex>,
}

/// The context of a file besides the text before the cursor.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReplayContext {
    /// The other files of its package, if [`CorpusReplay::with_projects`] has read them.
    pub project: bool,
    /// Only the declarations of the other files of its package, as of an installed library.
    pub libraries: bool,
    /// The text after the cursor, as if a block of [`BLOCK`] lines were being written in the middle of the file.
    pub suffix: bool,
}

/// Lines of a block that is being written while the rest of the file already exists.
pub const BLOCK: usize = 20;

/// A prediction site in a file, as an expert sees it.
pub struct PredictionSite<'a> {
    /// The tokens before the site.
    pub document: &'a BufferTokens,
    pub distribution: &'a Distribution,
    pub cosines: &'a CosineScores,
    /// The actual next token: its id and its spelling.
    pub target: TokenId,
    pub text: &'a str,
    /// The spelling of the previous token.
    pub previous: &'a str,
}

impl<'a> CorpusReplay<'a> {
    pub fn new(dataset: &'a Dataset, split: Split) -> Result<Self> {
        let vocabulary = dataset.vocabulary();
        Ok(Self {
            dataset,
            split,
            unknown: dataset.unknown(split)?,
            names: vocabulary
                .entries()
                .map(|(_, token)| python::is_name(token))
                .collect(),
            paths: Vec::new(),
            projects: BTreeMap::new(),
        })
    }

    /// Also reads each file's package (the first component of its path), which [`ReplayContext::project`] needs.
    pub fn with_projects(mut self) -> Result<Self> {
        self.paths = self.dataset.paths(self.split)?;
        let mut projects: BTreeMap<String, WorkspaceIndex> = BTreeMap::new();
        for (file, path) in self.paths.iter().enumerate() {
            let (ids, texts) = self.tokens(file)?;
            let package = package(path);
            if !projects.contains_key(package) {
                projects.insert(
                    package.to_owned(),
                    WorkspaceIndex::new(self.dataset.vocabulary()),
                );
            }
            if let Some(project) = projects.get_mut(package) {
                // `</s>` is dropped, because a buffer has none.
                let tokens = ids.into_iter().zip(texts);
                project.insert(path, tokens.take_while(|(_, text)| *text != python::END));
            }
        }
        self.projects = projects;
        Ok(self)
    }

    /// The ids and spellings of a file's tokens.
    fn tokens(&self, file: usize) -> Result<(Vec<TokenId>, Vec<&str>)> {
        let vocabulary = self.dataset.vocabulary();
        let shard = self.dataset.files(self.split);
        let ids = shard.file(file).iter();
        let ids: Vec<TokenId> = ids.map(|&id| TokenId::new(id.into())).collect();
        let mut unknown = self.unknown[file].split_whitespace();
        let texts: Vec<&str> = ids
            .iter()
            .map(|&id| match id {
                TokenId::UNK => unknown.next().unwrap_or_default(),
                id => vocabulary.token(id).unwrap_or_default(),
            })
            .collect();
        ensure!(
            unknown.next().is_none() && texts.iter().all(|text| !text.is_empty()),
            "{} does not match {}; recreate the folder with `trainer prepare`",
            self.split.unknown(),
            self.split.shard()
        );
        Ok((ids, texts))
    }

    /// Replays a file and calls `see` for each site. The project context is selected again at the end of each block of
    /// lines or of imports, as in the server.
    pub fn read(
        &self,
        network: &Network,
        file: usize,
        context: ReplayContext,
        see: &mut dyn FnMut(&PredictionSite<'_>) -> Result<()>,
    ) -> Result<()> {
        let (ids, texts) = self.tokens(file)?;
        let mut pass = network.begin(&ids)?;
        let mut document = BufferTokens::new();
        let mut selector = ContextSelector::new(self, file, context, &ids);
        for at in 0..ids.len().saturating_sub(1) {
            let (id, text) = (ids[at], texts[at]);
            let is_name = if id == TokenId::UNK {
                python::is_name(text)
            } else {
                self.names[id.index()]
            };
            selector.choose(&texts[..at], text, &mut document);
            // A corpus has no indentation.
            document.push(id, text, is_name, None);
            let (distribution, cosines) = pass.after(&ids[..=at])?;
            see(&PredictionSite {
                document: &document,
                distribution: &distribution,
                cosines: &cosines,
                target: ids[at + 1],
                text: texts[at + 1],
                previous: text,
            })?;
        }
        Ok(())
    }
}

/// Selects the project context of a document while it is replayed.
struct ContextSelector<'a> {
    path: &'a str,
    project: Option<&'a WorkspaceIndex>,
    context: ReplayContext,
    /// Positions of line ends.
    ends: Vec<usize>,
    /// Number of line ends that have been passed.
    lines: usize,
    /// Whether the last line was an import.
    imports: bool,
    chosen: Option<u64>,
}

impl<'a> ContextSelector<'a> {
    fn new(
        files: &'a CorpusReplay<'_>,
        file: usize,
        context: ReplayContext,
        ids: &[TokenId],
    ) -> Self {
        let path = files.paths.get(file).map_or("", |path| path);
        let eol = files.dataset.vocabulary().id(python::EOL);
        Self {
            path,
            project: files.projects.get(package(path)),
            context,
            ends: (0..ids.len()).filter(|&at| ids[at] == eol).collect(),
            lines: 0,
            imports: false,
            chosen: None,
        }
    }

    /// Called before `next` is appended to the tokens `before`. Selects a context at the start, after a block of
    /// imports, and at each block of lines, unless the context is unchanged.
    fn choose(&mut self, before: &[&str], next: &str, document: &mut BufferTokens) {
        let Some(project) = self.project else { return };
        let has_ended = before.last() == Some(&python::EOL);
        self.lines += usize::from(has_ended);
        let imports = matches!(next, "import" | "from");
        let mut is_time = before.is_empty();
        if has_ended || before.last() == Some(&python::START) {
            is_time |= self.imports && !imports;
            is_time |= self.context.suffix && self.lines.is_multiple_of(BLOCK);
            self.imports = imports;
        }
        if !is_time {
            return;
        }
        let mut suffix = SuffixText::default();
        if self.context.suffix {
            let block = self.lines / BLOCK;
            let end = self.ends.get((block + 1) * BLOCK - 1);
            suffix = end.map_or(suffix, |&end| project.indexed_suffix(self.path, end));
        }
        let mut around = ContextSelection {
            suffix,
            ..ContextSelection::default()
        };
        if self.context.project || self.context.libraries {
            let near = project.nearest(self.path, &Imports::of(before.iter().copied()));
            if self.context.project {
                around.near = near;
            } else {
                around.libraries = near;
            }
        }
        let state = Some(project.state_of(&around));
        if self.chosen != state {
            self.chosen = state;
            document.set_project(Arc::new(project.surroundings(self.path, &around)));
        }
    }
}

impl PredictionSite<'_> {
    /// The candidates for the next token.
    pub fn space(&self) -> CandidateSpace<'_> {
        CandidateSpace::new(self.distribution.vocabulary_size(), self.document)
    }

    /// The actual next token as a candidate, if it is one.
    pub fn candidate(&self) -> Option<CandidateId> {
        self.space().find(self.target, self.text)
    }
}

/// The package of a file.
fn package(path: &str) -> &str {
    path.split('/').next().unwrap_or_default()
}
