//! Files of a prepared corpus read as the server reads a buffer, token by token.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Result, ensure};
use minicopilot::context::BufferTokens;
use minicopilot::inference::{CosineScores, Distribution};
use minicopilot::python;
use minicopilot::tokenizer::UNK;
use minicopilot::workspace::{ContextSelection, Imports, SuffixText, WorkspaceIndex};

use super::network::Network;
use crate::data::{Dataset, Split};

/// The files of a split with the spelling of their tokens.
pub struct Files<'a> {
    dataset: &'a Dataset,
    split: Split,
    unknown: Vec<String>,
    /// By id: whether it is a name that is not a keyword.
    names: Vec<bool>,
    /// Path of each file, and the projects that they belong to by their paths' first parts.
    paths: Vec<String>,
    projects: BTreeMap<String, WorkspaceIndex>,
}

/// What a file is read among.
#[derive(Clone, Copy, Debug, Default)]
pub struct Among {
    /// The other files of its package, if [`Files::with_projects`] has read them.
    pub project: bool,
    /// Of the other files of its package only what they declare, as of what is installed.
    pub libraries: bool,
    /// Its own rest, as if a block of [`BLOCK`] lines were written in the midst of it.
    pub below: bool,
}

/// Lines that are written where the others of the file stand already.
pub const BLOCK: usize = 20;

/// One place of a file, as an expert sees it.
pub struct Place<'a> {
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

impl<'a> Files<'a> {
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

    /// The same, each file among the others of its package: the first part of its path.
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

    /// Reads a file and shows each of its places; an engine keeps hidden states or not. What it stands among is chosen
    /// anew whenever a block of lines or an import has ended, much as the server does.
    pub fn read(
        &self,
        network: &Network,
        file: usize,
        among: Among,
        see: &mut dyn FnMut(&Place<'_>) -> Result<()>,
    ) -> Result<()> {
        let (ids, texts) = self.tokens(file)?;
        let mut reading = network.begin(&ids)?;
        let mut document = BufferTokens::new();
        let mut surrounding = Surrounding::new(self, file, among, &ids);
        for at in 0..ids.len().saturating_sub(1) {
            let (id, text) = (ids[at], texts[at]);
            let is_name = if id == UNK {
                python::is_name(text)
            } else {
                self.names[id as usize]
            };
            surrounding.choose(&texts[..at], text, &mut document);
            // A corpus has no indentation.
            document.push(id, text, is_name, None);
            let (answer, similar) = reading.after(&ids[..=at])?;
            see(&Place {
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

/// Puts a document that is read into what it stands among.
struct Surrounding<'a> {
    path: &'a str,
    project: Option<&'a WorkspaceIndex>,
    among: Among,
    /// The positions where lines end.
    ends: Vec<usize>,
    /// How many of them have been passed.
    lines: usize,
    /// The last line was an import.
    imports: bool,
    chosen: Option<u64>,
}

impl<'a> Surrounding<'a> {
    fn new(files: &'a Files<'_>, file: usize, among: Among, ids: &[u32]) -> Self {
        let path = files.paths.get(file).map_or("", |path| path);
        let eol = files.dataset.vocabulary().id(python::EOL);
        Self {
            path,
            project: files.projects.get(package(path)),
            among,
            ends: (0..ids.len()).filter(|&at| ids[at] == eol).collect(),
            lines: 0,
            imports: false,
            chosen: None,
        }
    }

    /// Before the tokens `before` are followed by `next`: at the beginning, when a block of imports has ended, and with
    /// every block of lines, unless what is around has stayed the same.
    fn choose(&mut self, before: &[&str], next: &str, document: &mut BufferTokens) {
        let Some(project) = self.project else { return };
        let has_ended = before.last() == Some(&python::EOL);
        self.lines += usize::from(has_ended);
        let imports = matches!(next, "import" | "from");
        let mut is_time = before.is_empty();
        if has_ended || before.last() == Some(&python::START) {
            is_time |= self.imports && !imports;
            is_time |= self.among.below && self.lines.is_multiple_of(BLOCK);
            self.imports = imports;
        }
        if !is_time {
            return;
        }
        let mut below = SuffixText::default();
        if self.among.below {
            let block = self.lines / BLOCK;
            let end = self.ends.get((block + 1) * BLOCK - 1);
            below = end.map_or(below, |&end| project.rest(self.path, end));
        }
        let mut around = ContextSelection {
            below,
            ..ContextSelection::default()
        };
        if self.among.project || self.among.libraries {
            let near = project.nearest(self.path, &Imports::of(before.iter().copied()));
            if self.among.project {
                around.near = near;
            } else {
                around.libraries = near;
            }
        }
        let state = Some(project.state_of(&around));
        if self.chosen != state {
            self.chosen = state;
            document.surround(Some(Arc::new(project.surroundings(self.path, &around))));
        }
    }
}

impl Place<'_> {
    /// The target's number among the candidates, if it is one.
    pub fn candidate(&self) -> Option<usize> {
        let size = self.answer.probabilities.len();
        self.document.candidate(size, self.target, self.text)
    }
}

/// The package that a file belongs to.
fn package(path: &str) -> &str {
    path.split('/').next().unwrap_or_default()
}
