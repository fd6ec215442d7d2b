//! Parsers of command-line values that have a type in the library.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::data::{Split, SplitBy};

impl ValueEnum for Split {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Train => "Weights are fitted on it, and the vocabulary is counted on it alone",
            Self::Validation => "Settings are chosen by it",
            Self::Test => "Read by `evaluate` alone",
        };
        Some(PossibleValue::new(self.name()).help(help))
    }
}

impl ValueEnum for SplitBy {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::File, Self::Package]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Self::File => ("file", "A file, as in the original experiment"),
            Self::Package => (
                "package",
                "A package: validation then resembles a test set that is made of other packages",
            ),
        };
        Some(PossibleValue::new(name).help(help))
    }
}
