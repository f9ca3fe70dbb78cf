/// How much a check does, and with which cases.
///
/// Nothing comes from the environment: the same settings try the same cases.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// How many cases are tried. Default 256, which takes a second or two without optimisation.
    pub cases: u32,
    /// Chooses the cases. Default 0.
    pub seed: u64,
    /// How many smaller cases are tried when one has failed, fewer if they are long. Default 4,000.
    pub shrinks: u32,
}

impl Settings {
    /// The defaults that the fields name.
    #[must_use]
    pub const fn new() -> Self {
        Self { cases: 256, seed: 0, shrinks: 4_000 }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}
