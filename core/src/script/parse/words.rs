//! The words of a line.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::error::Flaw;
use crate::script::call::Payload;
use crate::script::print::is_token_byte;

/// What comes before the first space, and what behind it.
pub(super) fn split(text: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = text.splitn(2, |byte| *byte == b' ');
    (parts.next().unwrap_or(text), parts.next().unwrap_or(b""))
}

/// A decimal number without sign or leading zeros, as it is printed.
pub(super) fn number<T: TryFrom<u128>>(digits: &[u8]) -> Result<T, Flaw> {
    let is_canonical = match digits {
        [] | [b'0', _, ..] => false,
        digits => digits.iter().all(u8::is_ascii_digit),
    };
    let text = core::str::from_utf8(digits).ok().filter(|_| is_canonical);
    let number = text.ok_or(Flaw::Argument)?.parse::<u128>();
    number.ok().and_then(|number| T::try_from(number).ok()).ok_or(Flaw::TooLarge)
}

/// A line, word by word.
pub(super) struct Words<'a> {
    rest: &'a [u8],
    /// The line from the word on that was read last.
    at: &'a [u8],
}

impl<'a> Words<'a> {
    pub(super) const fn of(line: &'a [u8]) -> Self {
        Self { rest: line, at: line }
    }

    /// The next, up to a space.
    pub(super) fn next(&mut self) -> &'a [u8] {
        self.at = self.rest;
        let (word, rest) = split(self.rest);
        self.rest = rest;
        word
    }

    /// The one that was read last.
    pub(super) fn last(&self) -> &'a [u8] {
        split(self.at).0
    }

    /// Takes the next if it is this one.
    pub(super) fn takes(&mut self, word: &[u8]) -> bool {
        let is_it = split(self.rest).0 == word;
        if is_it {
            self.next();
        }
        is_it
    }

    pub(super) const fn is_over(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn number<T: TryFrom<u128>>(&mut self) -> Result<T, Flaw> {
        number(self.next())
    }

    pub(super) fn name<T>(&mut self, of: impl Fn(&str) -> Option<T>) -> Result<T, Flaw> {
        core::str::from_utf8(self.next()).ok().and_then(of).ok_or(Flaw::Argument)
    }

    /// A key and its value, which `value` reads.
    pub(super) fn pair(
        &mut self,
        value: impl FnOnce(&'a [u8], &mut Self) -> Result<(), Flaw>,
    ) -> Result<(), Flaw> {
        let start = self.rest;
        self.at = start;
        let end = start.iter().position(|byte| *byte == b'=').ok_or(Flaw::UnknownKey)?;
        let (key, rest) = start.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        let read = value(key, self);
        self.at = start;
        read
    }

    pub(super) fn payload(&mut self) -> Result<Payload<'static>, Flaw> {
        match self.rest {
            [b'"', ..] => self.string().map(|bytes| Payload::Bytes(Cow::Owned(bytes))),
            [b'*', ..] => {
                let word = self.next();
                number(word.strip_prefix(b"*").unwrap_or(word)).map(Payload::Withheld)
            }
            _ => {
                let hex = self.next().strip_prefix(b"0x").and_then(hex).ok_or(Flaw::Argument)?;
                Ok(Payload::Bytes(Cow::Owned(hex)))
            }
        }
    }

    /// A string in quotes, and the space behind it.
    fn string(&mut self) -> Result<Vec<u8>, Flaw> {
        self.at = self.rest;
        let mut rest = self.rest.strip_prefix(b"\"").ok_or(Flaw::Argument)?;
        let mut bytes = Vec::new();
        loop {
            let plain = rest.iter().take_while(|byte| is_plain(**byte)).count();
            let (piece, behind) = rest.split_at(plain);
            bytes.extend_from_slice(piece);
            let (byte, behind) = match behind {
                [b'"', behind @ ..] => {
                    self.rest = match behind {
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
    pub(super) fn text(&mut self) -> Result<String, Flaw> {
        let bytes = if self.rest.starts_with(b"\"") {
            self.string()?
        } else {
            let word = self.next();
            if word.is_empty() || !word.iter().copied().all(is_token_byte) {
                return Err(Flaw::Argument);
            }
            word.to_vec()
        };
        String::from_utf8(bytes).map_err(|_| Flaw::Argument)
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
