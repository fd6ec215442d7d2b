//! Names as numbers, so that declarations can be compared without their spelling.

/// Number of a token in one of three numberings. Equal numbers of one numbering are the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(u32);

/// The numbering of a [`Name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbering {
    /// Id in the vocabulary.
    Vocabulary(u32),
    /// Index of an out-of-vocabulary word of the buffer.
    Buffer(u32),
    /// Index of an out-of-vocabulary name of the project.
    Project(u32),
}

const BUFFER: u32 = 1 << 30;
const PROJECT: u32 = 1 << 31;

impl Name {
    /// No name.
    pub const NONE: Self = Self(u32::MAX);

    pub fn new(number: Numbering) -> Self {
        match number {
            Numbering::Vocabulary(id) => Self(id),
            Numbering::Buffer(word) => Self(BUFFER | word),
            Numbering::Project(name) => Self(PROJECT | name),
        }
    }

    pub fn numbering(self) -> Numbering {
        match self.0 {
            n if n & PROJECT != 0 => Numbering::Project(n & !PROJECT),
            n if n & BUFFER != 0 => Numbering::Buffer(n & !BUFFER),
            id => Numbering::Vocabulary(id),
        }
    }

    /// `None` for [`Name::NONE`].
    pub fn some(self) -> Option<Self> {
        (self != Self::NONE).then_some(self)
    }
}
