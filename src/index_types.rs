//! Integer ids as types of their own, so that ids of different lists cannot be mixed up.

/// Declares types for positions in lists: vocabularies, names, candidates.
macro_rules! index_types {
    ($($(#[$meta:meta])* $name:ident,)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name(u32);

        impl $name {
            /// The index with this number.
            pub const fn new(number: u32) -> Self {
                Self(number)
            }

            /// The index at a position in a list. No indexed list reaches 2³² elements.
            pub const fn at(index: usize) -> Self {
                Self(index as u32)
            }

            /// The number.
            pub const fn get(self) -> u32 {
                self.0
            }

            /// The number as a slice index.
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

pub(crate) use index_types;
