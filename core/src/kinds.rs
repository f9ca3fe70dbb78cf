//! Enumerations of what is counted apart and has a name.

/// Makes an enumeration without data, with the place and the name of each of its values, which are
/// displayed by their names if nothing else is said.
macro_rules! kinds {
    ($(#[$doc:meta])* $type:ident $kinds:tt) => {
        $crate::kinds::kinds! { displayed otherwise, $(#[$doc])* $type $kinds }

        impl core::fmt::Display for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
    (
        displayed otherwise,
        $(#[$doc:meta])* $type:ident { $($(#[$kind_doc:meta])* $kind:ident => $name:literal,)* }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $type {
            $($(#[$kind_doc])* $kind,)*
        }

        impl $type {
            /// All of them, in the order of their [`index`](Self::index).
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The place in [`ALL`](Self::ALL).
            #[must_use]
            pub const fn index(self) -> usize {
                self as usize
            }

            /// The name in lower case, as metrics and JSON spell it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }
        }
    };
}

pub(crate) use kinds;
