//! Files of a prepared corpus read as the server reads a buffer, token by token.

use anyhow::{Result, ensure};
use minicopilot::engine::{Answer, Engine, Session, Similarity};
use minicopilot::mixture::Document;
use minicopilot::python;
use minicopilot::vocabulary::UNK;

use crate::data::{Dataset, Split};

/// The files of a split with the spelling of their tokens.
pub struct Files<'a> {
    dataset: &'a Dataset,
    split: Split,
    unknown: Vec<String>,
    /// By id: whether it is a name that is not a keyword.
    names: Vec<bool>,
}

/// One place of a file, as an expert sees it.
pub struct Place<'a> {
    /// The tokens before it.
    pub document: &'a Document,
    pub answer: &'a Answer,
    pub similar: &'a Similarity,
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
        })
    }

    /// Reads a file and shows each of its places; the engine keeps hidden states or not.
    pub fn read(
        &self,
        engine: &Engine,
        file: usize,
        see: &mut dyn FnMut(&Place<'_>) -> Result<()>,
    ) -> Result<()> {
        let vocabulary = self.dataset.vocabulary();
        let ids: Vec<u32> = self
            .dataset
            .files(self.split)
            .file(file)
            .iter()
            .map(|&id| id.into())
            .collect();
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
        let mut session = Session::new();
        let mut document = Document::new();
        for at in 0..ids.len().saturating_sub(1) {
            let (id, text) = (ids[at], texts[at]);
            let is_name = if id == UNK {
                python::is_name(text)
            } else {
                self.names[id as usize]
            };
            document.push(id, text, is_name);
            let context = &ids[..=at];
            let answer = session.answer(engine, context)?;
            let similar = session.similarities(engine, context, &answer);
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

impl Place<'_> {
    /// The number of the target among the document's words, if it has stood there.
    pub fn word(&self) -> Option<usize> {
        if self.target != UNK {
            return self.document.word(self.target);
        }
        let words = self.document.words().iter();
        words
            .clone()
            .position(|word| word.id == UNK && *word.text == *self.text)
    }

    /// The target's number among the candidates of a vocabulary of this size, if it is one.
    pub fn candidate(&self, vocabulary_size: usize) -> Option<usize> {
        match self.target {
            UNK => self.word().map(|word| vocabulary_size + word),
            id => Some(id as usize),
        }
    }
}
