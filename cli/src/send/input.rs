use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal, Read};
use std::os::unix::ffi::OsStrExt;

use drywire::EncodeError;
use drywire::buffer::Buffer;
use drywire::framing::{AnyFraming, Framing, Raw};
use drywire::limits::DATAGRAM_LEN_MAX;

use crate::args::FramingArguments;
use crate::exit::{Exit, Stop};
use crate::pieces::{Piece, PieceError, Pieces};

/// How much of standard input becomes one frame at most where the framing does not say.
const CHUNK_LEN_MAX: usize = 64 * 1024;

/// What is to be sent.
pub(super) enum Input {
    /// Each argument is a frame.
    Arguments(Vec<OsString>),
    /// Standard input, cut into frames as `cut` finds them.
    Standard { cut: AnyFraming, rest: Rest },
}

/// What becomes of the end of the input that is no whole frame.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// It is the last frame.
    Frame,
    /// It cannot be sent.
    Refused,
}

impl Input {
    /// # Errors
    /// A [`Stop`] if the framing refuses one of the arguments.
    pub(super) fn new(data: &[OsString], framing: &FramingArguments) -> Result<Self, Stop> {
        if data.is_empty() {
            let (cut, rest) = cut(&framing.framing(), framing.max_frame());
            return Ok(Self::Standard { cut, rest });
        }
        let mut framing = framing.framing();
        let mut scratch = Buffer::new();
        for (argument, number) in data.iter().zip(1..) {
            scratch.clear();
            framing
                .encode(argument.as_bytes(), &mut scratch)
                .map_err(|error| Place::Argument(number).refused(error))?;
        }
        Ok(Self::Arguments(data.to_vec()))
    }

    /// The same for datagrams, in which a frame is all there is.
    ///
    /// # Errors
    /// A [`Stop`] if one of the arguments is too long.
    pub(super) fn for_datagrams(
        data: &[OsString],
        framing: &FramingArguments,
    ) -> Result<Self, Stop> {
        let len_max = framing.max_frame().min(DATAGRAM_LEN_MAX);
        if data.is_empty() {
            let (cut, rest) = cut(&framing.framing().with_frame_len_max(len_max), len_max);
            return Ok(Self::Standard { cut, rest });
        }
        for (argument, number) in data.iter().zip(1..) {
            if argument.len() > len_max {
                let error = EncodeError::TooLong { len: argument.len(), max: len_max };
                return Err(Place::Argument(number).refused(error));
            }
        }
        Ok(Self::Arguments(data.to_vec()))
    }

    /// Whether somebody types it in: then it has no end of its own that is worth waiting for.
    pub(super) fn is_typed(&self) -> bool {
        matches!(self, Self::Standard { .. }) && io::stdin().is_terminal()
    }

    /// Hands everything to `send`.
    pub(super) fn send_all(
        &self,
        send: &mut dyn FnMut(Outgoing<'_>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        match self {
            Self::Arguments(arguments) => {
                let frames = arguments.iter().map(OsString::as_os_str).map(OsStr::as_bytes);
                for (bytes, number) in frames.zip(1..) {
                    send(Outgoing::Frame { bytes, place: Place::Argument(number) })?;
                }
                Ok(())
            }
            Self::Standard { cut, rest } => {
                send_pieces(Pieces::new(io::stdin().lock(), cut.clone()), *rest, send)
            }
        }
    }
}

/// What happens in the input.
pub(super) enum Outgoing<'a> {
    Frame {
        bytes: &'a [u8],
        place: Place,
    },
    /// The next frame may take long.
    Pause,
}

/// Where a frame comes from.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// The argument of this number, counted from 1.
    Argument(usize),
    /// Standard input, at this byte.
    Offset(u64),
}

impl Place {
    /// Why the frame from here cannot be sent.
    pub(super) fn refused(self, error: impl std::fmt::Display) -> Stop {
        match self {
            Self::Argument(number) => {
                Stop::usage(format_args!("argument {number} cannot be sent: {error}"))
            }
            Self::Offset(offset) => {
                let sentence = format!(
                    "byte {offset} of the input begins a frame that cannot be sent: {error}"
                );
                Stop::new(Exit::Local, sentence).at(offset)
            }
        }
    }
}

fn send_pieces(
    mut pieces: Pieces<impl Read>,
    rest: Rest,
    send: &mut dyn FnMut(Outgoing<'_>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    loop {
        if !pieces.is_ready() {
            send(Outgoing::Pause)?;
        }
        match pieces.next() {
            Ok(None) => return Ok(()),
            Ok(Some(Piece::Frame { offset, bytes, .. })) => {
                send(Outgoing::Frame { bytes, place: Place::Offset(offset) })?;
            }
            Ok(Some(Piece::Rest { offset, bytes })) if rest == Rest::Frame => {
                send(Outgoing::Frame { bytes, place: Place::Offset(offset) })?;
            }
            Ok(Some(Piece::Rest { offset, bytes })) => {
                let what = format_args!("only {} bytes are left", bytes.len());
                return Err(Place::Offset(offset).refused(what));
            }
            Err(PieceError::Decode { offset, error }) => {
                return Err(Place::Offset(offset).refused(error));
            }
            Err(PieceError::Read(error)) => return Err(Stop::input("standard input", &error)),
        }
    }
}

/// How standard input is cut for `framing`: where its frames end by what they contain or how long
/// they are, by itself; where only a prefix says so, at every read.
fn cut(framing: &AnyFraming, frame_len_max: usize) -> (AnyFraming, Rest) {
    match framing {
        AnyFraming::Lines(_) | AnyFraming::Delimiter(_) => (framing.clone(), Rest::Frame),
        AnyFraming::Fixed(_) => (framing.clone(), Rest::Refused),
        _ => {
            let field_len_max = match framing.to_string().as_str() {
                "u8" => u8::MAX.into(),
                "u16be" | "u16le" => u16::MAX.into(),
                _ => usize::MAX,
            };
            let len_max = frame_len_max.min(field_len_max).min(CHUNK_LEN_MAX);
            (AnyFraming::Raw(Raw::new()).with_frame_len_max(len_max), Rest::Frame)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is sent for `input`, `|` behind each frame and `~` for each pause.
    fn sent(framing: &str, frame_len_max: usize, input: &str) -> Result<String, Stop> {
        let framing = framing.parse::<AnyFraming>().unwrap().with_frame_len_max(frame_len_max);
        let (cut, rest) = cut(&framing, frame_len_max);
        let mut sent = String::new();
        send_pieces(Pieces::new(input.as_bytes(), cut), rest, &mut |outgoing| {
            match outgoing {
                Outgoing::Frame { bytes, .. } => {
                    sent.push_str(std::str::from_utf8(bytes).unwrap());
                    sent.push('|');
                }
                Outgoing::Pause => sent.push('~'),
            }
            Ok(())
        })?;
        Ok(sent)
    }

    #[test]
    fn input_is_cut_as_fits_the_framing() {
        for (framing, frame_len_max, input, expected) in [
            ("raw", 9, "a\nb", "~a\nb|~"),
            ("raw", 2, "a\nb", "~a\n|b|~"),
            ("lines", 9, "a\r\n\nb", "~a||~b|"),
            ("delimiter:3b3b", 9, "a;;b;c;;", "~a|b;c|~"),
            ("delimiter:3b3b", 9, "a;;b;", "~a|~b;|"),
            ("fixed:2", 9, "abcd", "~ab|cd|~"),
            ("netstring", 3, "abcdefg", "~abc|def|g|~"),
            ("u8", 9, "abc", "~abc|~"),
            ("u64le", 9, "", "~"),
        ] {
            let sent = sent(framing, frame_len_max, input);
            assert_eq!(sent.as_deref(), Ok(expected), "{framing}");
        }
        let long = "x".repeat(300);
        assert_eq!(sent("u8", 1000, &long).unwrap().find('|'), Some(1 + 255));
    }

    #[test]
    fn what_cannot_be_sent_has_its_place() {
        let stop = sent("fixed:2", 9, "abc").unwrap_err();
        assert_eq!(stop.exit, Exit::Local);
        assert_eq!(stop.json()["offset"], 2);
        let stop = sent("lines", 2, "ab\nabc\n").unwrap_err();
        assert_eq!(stop.json()["offset"], 3);
    }
}
