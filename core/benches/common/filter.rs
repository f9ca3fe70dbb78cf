//! What of a benchmark is to be run.

/// Whether what is called `name` is asked for: without arguments all is, else what contains one.
pub(crate) fn is_wanted(name: &str) -> bool {
    let mut filters =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).peekable();
    filters.peek().is_none() || filters.any(|filter| name.contains(&filter))
}
