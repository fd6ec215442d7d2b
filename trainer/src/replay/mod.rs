//! Files of a prepared corpus replayed as the server reads a buffer, token by token: what the gate is fitted on and
//! measured by.

mod network;

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Result, ensure};
use minicopilot::context::{BufferTokens, CandidateId, CandidateSpace, TokenId};
use minicopilot::inference::{CosineScores, Distribution};
use minicopilot::python;
use minicopilot::tokenizer::UNK;
use minicopilot::workspace::{ContextSelection, Imports, SuffixText, WorkspaceIndex};

pub use self::network::{FullPrecision, Network};
use crate::data::{Dataset, Split};

/// The files of a split with the spelling of their tokens.
pub struct CorpusReplay<'a> {
    dataset: &'a Dataset,
    split: Split,
    unknown: Vec<String>,
    /// By id: whether it is a name that is not a keyword.
    names: Vec<bool>,
    /// Path of each file, and the projects that they belong to by their paths' first parts.
    paths: Vec<String>,
    projects: BTreeMap<String, WorkspaceIndex>,
}

/// What a file is read with, besides the text before the cursor.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReplayContext {
    /// The other files of its package, if [`CorpusReplay::with_projects`] has read them.
    pub project: bool,
    /// Of the other files of its package only the declarations, as of an installed library.
    pub libraries: bool,
    /// The text after the cursor, as if a block of [`BLOCK`] lines were being written in the middle of the file.
    pub suffix: bool,
}

/// Lines of a block that is written while the rest of the file exists already.
pub const BLOCK: usize = 20;

/// One place of a file, as an expert sees it.
pub struct PredictionSite<'a> {
    /// The tokens before it.
    pub document: &'a BufferTokens,
    pub answer: &'a Distribution,
    pub similar: &'a CosineScores,
    /// What follows: its id, and its spelling.
    pub target: u32,
    pub text: &'a str,
    /// The spelling of the token before.
    pub previous: &'a str,
}

impl<'a> CorpusReplay<'a> {
    pub fn new(dataset: &'a Dataset, split: Split) -> Result<Self> {
        let vocabulary = dataset.vocabulary();
        let token = |id: u32| vocabulary.token(id).unwrap_or_default();
        Ok(Self {
            dataset,
            split,
            unknown: dataset.unknown(split)?,
            names: (0..vocabulary.len() as u32)
                .map(|id| python::is_name(token(id)))
                .collect(),
            paths: Vec::new(),
            projects: BTreeMap::new(),
        })
    }

    /// Also reads each file's package, the first part of its path, so that [`ReplayContext`] can draw on it.
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
                // Without `</s>`, which ends no buffer.
                let tokens = ids.into_iter().zip(texts);
                project.insert(path, tokens.take_while(|(_, text)| *text != python::END));
            }
        }
        self.projects = projects;
        Ok(self)
    }

    /// The ids of a file's tokens, and how they are spelled.
    fn tokens(&self, file: usize) -> Result<(Vec<u32>, Vec<&str>)> {
        let vocabulary = self.dataset.vocabulary();
        let shard = self.dataset.files(self.split);
        let ids: Vec<u32> = shard.file(file).iter().map(|&id| id.into()).collect();
        let mut unknown = self.unknown[file].split_whitespace();
        let texts: Vec<&str> = ids
            .iter()
            .map(|&id| match id {
                UNK => unknown.next().unwrap_or_default(),
                id => vocabulary.token(id).unwrap_or_default(),
            })
            .collect();
        ensure!(
            unknown.next().is_none() && texts.iter().all(|text| !text.is_empty()),
            "{} does not fit {}; make the folder anew with `trainer prepare`",
            self.split.unknown(),
            self.split.shard()
        );
        Ok((ids, texts))
    }

    /// Reads a file and shows each place to `see`. The context is chosen again whenever a block of lines or of imports ends,
    /// much as the server does it.
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
            let is_name = if id == UNK {
                python::is_name(text)
            } else {
                self.names[id as usize]
            };
            selector.choose(&texts[..at], text, &mut document);
            // A corpus has no indentation.
            document.push(TokenId::new(id), text, is_name, None);
            let (answer, similar) = pass.after(&ids[..=at])?;
            see(&PredictionSite {
                document: &document,
                answer: &answer,
                similar: &similar,
                target: ids[at + 1],
                text: texts[at + 1],
                previous: text,
            })?;
        }
        Ok(())
    }
}

/// Chooses the project context of a document while it is read.
struct ContextSelector<'a> {
    path: &'a str,
    project: Option<&'a WorkspaceIndex>,
    context: ReplayContext,
    /// The positions where lines end.
    ends: Vec<usize>,
    /// How many of them have been passed.
    lines: usize,
    /// The last line was an import.
    imports: bool,
    chosen: Option<u64>,
}

impl<'a> ContextSelector<'a> {
    fn new(files: &'a CorpusReplay<'_>, file: usize, context: ReplayContext, ids: &[u32]) -> Self {
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

    /// Called before `next` follows the tokens `before`. Chooses at the beginning, after a block of imports, and with every
    /// block of lines, unless the context has stayed the same.
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
        let mut below = SuffixText::default();
        if self.context.suffix {
            let block = self.lines / BLOCK;
            let end = self.ends.get((block + 1) * BLOCK - 1);
            below = end.map_or(below, |&end| project.rest(self.path, end));
        }
        let mut around = ContextSelection {
            below,
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
    /// The candidates for what follows.
    pub fn space(&self) -> CandidateSpace<'_> {
        CandidateSpace::new(self.answer.probabilities.len(), self.document)
    }

    /// The candidate that follows, if it is one.
    pub fn candidate(&self) -> Option<CandidateId> {
        self.space().find(TokenId::new(self.target), self.text)
    }
}

/// The package that a file belongs to.
fn package(path: &str) -> &str {
    path.split('/').next().unwrap_or_default()
}
