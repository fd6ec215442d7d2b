//! The list of the mixture's experts: their names and scopes.

use std::fmt;

/// Passes the list of all experts to a macro, network first: variant, name in checkpoints and messages, scope, and whether
/// the expert predicts mostly out-of-vocabulary names. The order is that of the gate's outputs.
macro_rules! experts {
    ($with:ident) => {
        $with! {
            /// The language model, over the vocabulary.
            Network, "network", Network, false;
            /// Out-of-vocabulary names, weighted by how recently they occurred.
            UnknownNames, "unknown names", Buffer, true;
            /// Continuations of the last tokens, for contexts of 5 tokens down to none, interpolated.
            Ngrams, "n-grams", Buffer, false;
            /// Continuations of the longest context that occurred before.
            LongestMatch, "longest match", Buffer, false;
            /// Tokens that followed similar network states.
            Neighbours, "neighbours", Buffer, false;
            /// The same, over out-of-vocabulary names only.
            UnknownNeighbours, "unknown neighbours", Buffer, true;
            /// Names, weighted by how recently they occurred.
            RecentNames, "recent names", Buffer, false;
            /// Names, weighted by their frequency in the project, after a dot or elsewhere.
            ProjectNames, "project names", Project, true;
            /// The n-grams of the project.
            ProjectNgrams, "project n-grams", Project, false;
            /// Continuations of the longest context that occurs in the project.
            ProjectMatch, "project match", Project, false;
            /// Names that fit according to declarations: attributes, imported names, parameters.
            Members, "members", Declarations, false;
        }
    };
}
pub(super) use experts;

macro_rules! define {
    ($($(#[$doc:meta])* $expert:ident, $name:literal, $scope:ident, $is_unknown:literal;)*) => {
        /// A component of the mixture: a distribution over the next token, weighted by the gate.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Expert {
            $($(#[$doc])* $expert,)*
        }

        impl Expert {
            /// All experts, in the order of the gate's outputs.
            pub const ALL: [Self; Self::COUNT] = [$(Self::$expert,)*];

            /// Their names, in the same order.
            pub const NAMES: [&str; Self::COUNT] = [$($name,)*];

            /// Number of experts.
            pub const COUNT: usize = [$($name,)*].len();

            /// The source of its predictions.
            pub const fn scope(self) -> Scope {
                match self {
                    $(Self::$expert => Scope::$scope,)*
                }
            }

            /// Whether it predicts mostly out-of-vocabulary names.
            pub const fn is_out_of_vocabulary(self) -> bool {
                match self {
                    $(Self::$expert => $is_unknown,)*
                }
            }
        }
    };
}
experts!(define);

/// The source of an expert's predictions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The code that the network was trained on.
    Network,
    /// The tokens before the cursor.
    Buffer,
    /// The project's other files and the text after the cursor.
    Project,
    /// The declarations of the buffer and the project.
    Declarations,
}

impl Expert {
    /// Its name in checkpoints and messages.
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// All experts except the network.
    pub fn context() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().skip(1)
    }

    /// The experts of a scope.
    pub fn of(scope: Scope) -> impl Iterator<Item = Self> {
        Self::ALL
            .into_iter()
            .filter(move |expert| expert.scope() == scope)
    }

    /// Its index among the experts of its scope.
    pub(super) const fn column(self) -> usize {
        columns(self as usize, self.scope())
    }
}

impl fmt::Display for Expert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Scope {
    /// Its name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Buffer => "buffer",
            Self::Project => "project",
            Self::Declarations => "declarations",
        }
    }

    /// Number of experts of this scope.
    pub(super) const fn experts(self) -> usize {
        columns(Expert::COUNT, self)
    }
}

/// The number of experts with a scope among the first `end`.
const fn columns(end: usize, scope: Scope) -> usize {
    let (mut count, mut at) = (0, 0);
    while at < end {
        if Expert::ALL[at].scope() as u8 == scope as u8 {
            count += 1;
        }
        at += 1;
    }
    count
}
