//! The experts of the mixture: which there are, what they are called, and what they know.

use std::fmt;

/// Gives a macro the list of all experts, the network first: its variant, its name in checkpoints and messages, its scope, and
/// whether it predicts mostly out-of-vocabulary names. The order is that of the gate's outputs.
macro_rules! experts {
    ($with:ident) => {
        $with! {
            /// The language model, over the vocabulary.
            Network, "network", Network, false;
            /// Out-of-vocabulary names, by how recently they occurred.
            UnknownNames, "unknown names", Buffer, true;
            /// What followed the last tokens before, for contexts of 5 tokens down to none, interpolated.
            Ngrams, "n-grams", Buffer, false;
            /// What followed the longest context that has occurred before.
            LongestMatch, "longest match", Buffer, false;
            /// What followed where the network was in a similar state.
            Neighbours, "neighbours", Buffer, false;
            /// The same, over out-of-vocabulary names only.
            UnknownNeighbours, "unknown neighbours", Buffer, true;
            /// Names, by how recently they occurred.
            RecentNames, "recent names", Buffer, false;
            /// Names, by how often they occur in the project, after a dot or elsewhere.
            ProjectNames, "project names", Project, true;
            /// The n-grams of the project.
            ProjectNgrams, "project n-grams", Project, false;
            /// What followed the longest context that occurs in the project.
            ProjectMatch, "project match", Project, false;
            /// What is declared to fit: attributes, imported names, parameters.
            Members, "members", Declarations, false;
        }
    };
}
pub(super) use experts;

macro_rules! define {
    ($($(#[$doc:meta])* $expert:ident, $name:literal, $scope:ident, $is_unknown:literal;)*) => {
        /// A distribution over what may come next, which the gate weighs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Expert {
            $($(#[$doc])* $expert,)*
        }

        impl Expert {
            /// All experts, in the order of the gate's outputs.
            pub const ALL: [Self; Self::COUNT] = [$(Self::$expert,)*];

            /// Their names, in the same order.
            pub const NAMES: [&str; Self::COUNT] = [$($name,)*];

            /// How many there are.
            pub const COUNT: usize = [$($name,)*].len();

            /// What it knows.
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

/// What an expert knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The code that the network was trained on.
    Network,
    /// The tokens before the cursor.
    Buffer,
    /// The files around the buffer.
    Project,
    /// What the buffer and the project declare.
    Declarations,
}

impl Expert {
    /// Its name in checkpoints and messages.
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// All but the network.
    pub fn context() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().skip(1)
    }

    /// Those of a scope.
    pub fn of(scope: Scope) -> impl Iterator<Item = Self> {
        Self::ALL
            .into_iter()
            .filter(move |expert| expert.scope() == scope)
    }

    /// Its place among the experts of its scope.
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

    /// How many experts it has.
    pub(super) const fn experts(self) -> usize {
        columns(Expert::COUNT, self)
    }
}

/// How many of the first `end` experts have a scope.
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
