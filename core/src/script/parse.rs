//! Text to scripts.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use super::call::{Begin, Call, Ending, Payload, Role, StepKind};
use super::print::is_token_byte;
use super::{Bounds, Entry, Script, VERSION, names};
use crate::time::Instant;

/// Why a text is no script, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseScriptError {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub flaw: Flaw,
}

/// What is wrong with a line of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// The first line is not that of a script.
    NoScript,
    /// The script is of another version.
    Version {
        /// Its version.
        found: u32,
    },
    /// There are more entries than are accepted.
    TooManyEntries {
        /// The limit.
        max: usize,
    },
    /// The line is longer than is accepted.
    LineTooLong {
        /// The limit, in bytes.
        max: usize,
    },
    /// The text is longer than is accepted.
    TooLong {
        /// The limit, in bytes.
        max: usize,
    },
    /// The line does not begin with the number of a connection.
    Connection,
    /// No time follows on the number of the connection.
    Time,
    /// The times of the connection add up to more than there is.
    TimeTooLate,
    /// There is no such call.
    UnknownCall,
    /// The call lacks what it is made with, or has something else there.
    Argument,
    /// Something follows on the call.
    Excess,
    /// The connection has not begun.
    NotBegun,
    /// The connection has begun before.
    BegunTwice,
    /// The connection was dropped before.
    AfterDropped,
    /// The recording ended before.
    AfterEnding,
}

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
        header(without_return(first)).map_err(|flaw| ParseScriptError { line: 1, flaw })?;
        let mut len = first.len();
        for (index, line) in lines {
            let flawed = |flaw| ParseScriptError { line: index + 1, flaw };
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
            parser.line(line).map_err(flawed)?;
        }
        Ok(parser.script)
    }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn header(line: &[u8]) -> Result<(), Flaw> {
    let version = line.strip_prefix(b"drywire-script ").ok_or(Flaw::NoScript)?;
    match number(version).ok_or(Flaw::NoScript)? {
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
    fn line(&mut self, line: &[u8]) -> Result<(), Flaw> {
        if self.has_ended {
            return Err(Flaw::AfterEnding);
        }
        let (connection, rest) = word(line);
        let connection = number(connection).ok_or(Flaw::Connection)?;
        let (time, rest) = word(rest);
        let after = time.strip_prefix(b"+").and_then(number).ok_or(Flaw::Time)?;
        let (name, arguments) = word(rest);
        let mut arguments = Arguments(arguments);
        let call = call(name, &mut arguments)?;
        if !arguments.0.is_empty() {
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

/// What comes before the first space, and what behind it.
fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = text.splitn(2, |byte| *byte == b' ');
    (parts.next().unwrap_or(text), parts.next().unwrap_or(b""))
}

/// A decimal number without sign or leading zeros, as it is printed.
fn number<T: TryFrom<u128>>(digits: &[u8]) -> Option<T> {
    let is_canonical = match digits {
        [] | [b'0', _, ..] => false,
        digits => digits.iter().all(u8::is_ascii_digit),
    };
    let text = core::str::from_utf8(digits).ok().filter(|_| is_canonical)?;
    text.parse::<u128>().ok().and_then(|number| T::try_from(number).ok())
}

/// What follows on the name of a call.
struct Arguments<'a>(&'a [u8]);

impl<'a> Arguments<'a> {
    /// The next, up to a space.
    fn word(&mut self) -> &'a [u8] {
        let (word, rest) = word(self.0);
        self.0 = rest;
        word
    }

    fn number<T: TryFrom<u128>>(&mut self) -> Result<T, Flaw> {
        number(self.word()).ok_or(Flaw::Argument)
    }

    fn name<T>(&mut self, of: impl Fn(&str) -> Option<T>) -> Result<T, Flaw> {
        core::str::from_utf8(self.word()).ok().and_then(of).ok_or(Flaw::Argument)
    }

    fn payload(&mut self) -> Result<Payload<'static>, Flaw> {
        match self.0 {
            [b'"', ..] => self.string().map(|bytes| Payload::Bytes(Cow::Owned(bytes))),
            [b'*', ..] => {
                let word = self.word();
                let len = word.strip_prefix(b"*").and_then(number).ok_or(Flaw::Argument)?;
                Ok(Payload::Withheld(len))
            }
            _ => {
                let hex = self.word().strip_prefix(b"0x").and_then(hex).ok_or(Flaw::Argument)?;
                Ok(Payload::Bytes(Cow::Owned(hex)))
            }
        }
    }

    /// A string in quotes, and the space behind it.
    fn string(&mut self) -> Result<Vec<u8>, Flaw> {
        let mut rest = self.0.strip_prefix(b"\"").ok_or(Flaw::Argument)?;
        let mut bytes = Vec::new();
        loop {
            let plain = rest.iter().take_while(|byte| is_plain(**byte)).count();
            let (piece, behind) = rest.split_at(plain);
            bytes.extend_from_slice(piece);
            let (byte, behind) = match behind {
                [b'"', behind @ ..] => {
                    self.0 = match behind {
                        [] => behind,
                        [b' ', behind @ ..] if !behind.is_empty() => behind,
                        _ => return Err(Flaw::Argument),
                    };
                    return Ok(bytes);
                }
                [b'\\', b'n', behind @ ..] => (b'\n', behind),
                [b'\\', b'r', behind @ ..] => (b'\r', behind),
                [b'\\', b't', behind @ ..] => (b'\t', behind),
                [b'\\', b'\\', behind @ ..] => (b'\\', behind),
                [b'\\', b'"', behind @ ..] => (b'"', behind),
                [b'\\', b'x', high, low, behind @ ..] => {
                    (pair(*high, *low).ok_or(Flaw::Argument)?, behind)
                }
                _ => return Err(Flaw::Argument),
            };
            bytes.push(byte);
            rest = behind;
        }
    }

    /// A token or a string, which then has to be UTF-8.
    fn text(&mut self) -> Result<String, Flaw> {
        let bytes = if self.0.starts_with(b"\"") {
            self.string()?
        } else {
            let word = self.word();
            if word.is_empty() || !word.iter().copied().all(is_token_byte) {
                return Err(Flaw::Argument);
            }
            word.to_vec()
        };
        String::from_utf8(bytes).map_err(|_| Flaw::Argument)
    }

    /// What comes before the next `=`, which is taken too.
    fn key(&mut self) -> Result<&'a [u8], Flaw> {
        let at = self.0.iter().position(|byte| *byte == b'=').ok_or(Flaw::Argument)?;
        let (key, rest) = self.0.split_at(at);
        self.0 = rest.get(1..).unwrap_or_default();
        Ok(key)
    }
}

const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

fn pair(high: u8, low: u8) -> Option<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

fn hex(digits: &[u8]) -> Option<Vec<u8>> {
    let pairs = digits.chunks(2).map(|digits| match digits {
        [high, low] => pair(*high, *low),
        _ => None,
    });
    pairs.collect()
}

fn call(name: &[u8], arguments: &mut Arguments<'_>) -> Result<Call<'static>, Flaw> {
    Ok(match name {
        b"begin" => Call::Begin(Box::new(begin(arguments)?)),
        b"ended" => Call::Ended(match arguments.word() {
            b"limit" => Ending::Limit { max: arguments.number()? },
            b"overrun" => Ending::Overrun,
            _ => return Err(Flaw::Argument),
        }),
        b"dropped" => Call::Dropped,
        b"opened" => Call::Opened,
        b"received" => Call::Received(arguments.payload()?),
        b"eof" => Call::Eof,
        b"cut" => Call::Cut,
        b"tls_failed" => Call::TlsFailed,
        b"transmitted" => Call::Transmitted(arguments.number()?),
        b"shut_down" => Call::ShutDown,
        b"transport_failed" => Call::TransportFailed(arguments.name(names::fault)?),
        b"transmit_failed" => Call::TransmitFailed(arguments.name(names::fault)?),
        b"timeout" => Call::Timeout,
        b"sent" => Call::Sent(arguments.payload()?),
        b"finish" => Call::Finish,
        b"close" => Call::Close,
        b"abort" => Call::Abort,
        b"fail" => Call::Fail(arguments.number()?),
        b"timer" => Call::SetTimer(match arguments.word() {
            b"none" => None,
            nanos => Some(Duration::from_nanos(number(nanos).ok_or(Flaw::Argument)?)),
        }),
        b"retain" => Call::Retain,
        b"decouple" => Call::Decouple,
        b"upgrade" => Call::Upgrade,
        b"drain" => Call::Drain,
        b"stop" => Call::Stop,
        b"lease" => Call::Lease,
        b"settle" => Call::Settle,
        b"look" => Call::Look,
        b"step" => Call::Step(step(arguments)?),
        _ => return Err(Flaw::UnknownCall),
    })
}

fn step(arguments: &mut Arguments<'_>) -> Result<StepKind, Flaw> {
    Ok(match arguments.word() {
        b"open" => StepKind::Open,
        b"frame" => StepKind::Frame { len: arguments.number()? },
        b"timer" => StepKind::Timer,
        b"writable" => StepKind::Writable,
        b"finished" => StepKind::Finished,
        b"failed" => StepKind::Failed(arguments.name(names::close_kind)?),
        b"closed" => StepKind::Closed(arguments.name(names::close_kind)?),
        _ => return Err(Flaw::Argument),
    })
}

fn begin(arguments: &mut Arguments<'_>) -> Result<Begin, Flaw> {
    let mut begin = Begin::new(match arguments.word() {
        b"client" => Role::Client,
        b"server" => Role::Server,
        _ => return Err(Flaw::Argument),
    });
    if word(arguments.0).0 == b"tls" {
        arguments.word();
        begin.is_tls = true;
    }
    while !arguments.0.is_empty() {
        match arguments.key()? {
            b"framing" => begin.framing = Some(arguments.text()?),
            b"protocol" => begin.protocol = Some(arguments.text()?),
            b"frame_len_max" => begin.frame_len_max = Some(arguments.number()?),
            b"peer" => begin.peer = Some(arguments.text()?),
            b"local" => begin.local = Some(arguments.text()?),
            key => {
                let mut limits = names::limits(&mut begin.limits);
                let limit = limits.iter_mut().find(|(name, _)| name.as_bytes() == key);
                let (_, limit) = limit.ok_or(Flaw::Argument)?;
                limit.set(arguments.number()?).ok_or(Flaw::Argument)?;
            }
        }
    }
    Ok(begin)
}

impl fmt::Display for ParseScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.flaw)
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoScript => "expected drywire-script and a version",
            Self::Version { found } => {
                return write!(f, "version {found}, expected {VERSION}");
            }
            Self::TooManyEntries { max } => {
                return write!(f, "more than the limit of {max} entries");
            }
            Self::LineTooLong { max } => return write!(f, "longer than the limit of {max} bytes"),
            Self::TooLong { max } => {
                return write!(f, "the script is longer than the limit of {max} bytes");
            }
            Self::Connection => "expected the number of a connection",
            Self::Time => "expected a time in nanoseconds after +, as in +1500",
            Self::TimeTooLate => "the time is beyond the last that there is",
            Self::UnknownCall => "no such call",
            Self::Argument => "not what the call is made with",
            Self::Excess => "something follows on the call",
            Self::NotBegun => "the connection has not begun",
            Self::BegunTwice => "the connection has begun before",
            Self::AfterDropped => "the connection was dropped before",
            Self::AfterEnding => "the recording ended before",
        })
    }
}

impl core::error::Error for ParseScriptError {}
