//! Parsers of command-line values that have a type in the library.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use minicopilot::model::MatmulPrecision;

use crate::data::{Pieces, Split, SplitBy};

impl ValueEnum for Split {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Train => "Trains the weights and, alone, determines the vocabulary",
            Self::Validation => "Used to choose settings",
            Self::Test => "Read only by `evaluate`",
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
            Self::File => ("file", "Single files, as in the original experiment"),
            Self::Package => (
                "package",
                "Whole packages, so that validation resembles a test set of other packages",
            ),
        };
        Some(PossibleValue::new(name).help(help))
    }
}

impl ValueEnum for Pieces {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Bpe]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Self::Bpe => ("bpe", "Byte-pair encoding inside tokens"),
        };
        Some(PossibleValue::new(name).help(help))
    }
}

/// The precision of this name.
pub fn precision(name: &str) -> Result<MatmulPrecision, String> {
    match name {
        "f32" => Ok(MatmulPrecision::F32),
        "bf16" => Ok(MatmulPrecision::Bf16),
        _ => Err("f32 or bf16".to_owned()),
    }
}
