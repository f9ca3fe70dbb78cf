//! Text to scripts.

mod call;
mod error;
mod words;

use alloc::collections::BTreeMap;
use core::str::FromStr;

use super::call::Call;
use super::{Bounds, Entry, Script, VERSION};
use crate::time::Instant;

pub use self::error::{Flaw, ParseScriptError, Word};
use self::words::{Words, number};

impl FromStr for Script {
    type Err = ParseScriptError;

    fn from_str(text: &str) -> Result<Self, ParseScriptError> {
        Self::parse(text.as_bytes(), &Bounds::new())
    }
}

impl Script {
    /// Parses a text that need not be UTF-8, within `bounds`.
    ///
    /// # Errors
    /// [`ParseScriptError`] with the first line that is wrong.
    /// # Bounds
    /// Takes a small multiple of the text's length, however it was made.
    pub fn parse(text: &[u8], bounds: &Bounds) -> Result<Self, ParseScriptError> {
        let mut parser = Parser { script: Self::new(), clocks: BTreeMap::new(), has_ended: false };
        let mut lines = text.split(|byte| *byte == b'\n').enumerate();
        // There is a first piece, if an empty one.
        let (_, first) = lines.next().unwrap_or((0, b""));
        let flawed = |flaw| ParseScriptError { line: 1, flaw, word: None };
        header(without_return(first)).map_err(flawed)?;
        let mut len = first.len();
        for (index, line) in lines {
            let number = index + 1;
            let flawed = |flaw| ParseScriptError { line: number, flaw, word: None };
            len = len.saturating_add(1).saturating_add(line.len());
            if len > bounds.len_max {
                return Err(flawed(Flaw::TooLong { max: bounds.len_max }));
            }
            let line = without_return(line);
            if line.len() > bounds.line_len_max {
                return Err(flawed(Flaw::LineTooLong { max: bounds.line_len_max }));
            }
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            if parser.script.entries.len() >= bounds.entries_max {
                return Err(flawed(Flaw::TooManyEntries { max: bounds.entries_max }));
            }
            let read = parser.line(line);
            read.map_err(|(flaw, word)| ParseScriptError { line: number, flaw, word })?;
        }
        Ok(parser.script)
    }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn header(line: &[u8]) -> Result<(), Flaw> {
    let version = line.strip_prefix(b"drywire-script ").ok_or(Flaw::NoScript)?;
    match number(version).map_err(|_| Flaw::NoScript)? {
        VERSION => Ok(()),
        found => Err(Flaw::Version { found }),
    }
}

/// Where a connection's time stands.
enum Clock {
    Running(Instant),
    Dropped,
}

struct Parser {
    script: Script,
    clocks: BTreeMap<u64, Clock>,
    has_ended: bool,
}

impl Parser {
    fn line(&mut self, line: &[u8]) -> Result<(), (Flaw, Option<Word>)> {
        let mut words = Words::of(line);
        self.entry(&mut words).map_err(|flaw| {
            let word = Word::new(words.last());
            match flaw {
                Flaw::UnknownCall | Flaw::Argument if word.is_empty() => (Flaw::Missing, None),
                Flaw::Connection
                | Flaw::Time
                | Flaw::UnknownCall
                | Flaw::UnknownKey
                | Flaw::Argument
                | Flaw::TooLarge
                | Flaw::Excess => (flaw, Some(word)),
                _ => (flaw, None),
            }
        })
    }

    fn entry(&mut self, words: &mut Words<'_>) -> Result<(), Flaw> {
        if self.has_ended {
            return Err(Flaw::AfterEnding);
        }
        let connection = words.number().map_err(|_| Flaw::Connection)?;
        let after = words.next().strip_prefix(b"+").ok_or(Flaw::Time)?;
        let after = number(after).map_err(|_| Flaw::Time)?;
        let call = call::call(words)?;
        if !words.is_over() {
            words.next();
            return Err(Flaw::Excess);
        }
        let at = self.at(connection, after, &call)?;
        self.has_ended = matches!(call, Call::Ended(_));
        self.script.entries.push(Entry { connection, at, call });
        Ok(())
    }

    /// The time of a call, which comes `after` nanoseconds after the connection's call before it.
    fn at(&mut self, connection: u64, after: u64, call: &Call<'_>) -> Result<Instant, Flaw> {
        let before = match (self.clocks.get(&connection), call) {
            (Some(Clock::Dropped), _) => return Err(Flaw::AfterDropped),
            (Some(Clock::Running(_)), Call::Begin(_)) => return Err(Flaw::BegunTwice),
            (Some(Clock::Running(before)), _) => before.as_nanos(),
            (None, Call::Begin(_) | Call::Ended(_)) => 0,
            (None, _) => return Err(Flaw::NotBegun),
        };
        let at = before.checked_add(after).map(Instant::from_nanos).ok_or(Flaw::TimeTooLate)?;
        let clock = if let Call::Dropped = call { Clock::Dropped } else { Clock::Running(at) };
        self.clocks.insert(connection, clock);
        Ok(at)
    }
}
