//! `drywire frames`: the frames of a file, with their places.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use drywire::DecodeError;
use drywire::error::RemoteError;

use crate::args::FramesArguments;
use crate::exit::{Exit, Stop, cause};
use crate::output::{Data, Output};
use crate::pieces::{Piece, PieceError, Pieces};
use crate::text::{Escaped, frame_json};

pub(crate) fn run(arguments: &FramesArguments, output: Output) -> Result<Exit, Stop> {
    let file = arguments.file.as_deref().filter(|file| *file != Path::new("-"));
    let (reader, name): (Box<dyn Read>, _) = match file {
        None => (Box::new(io::stdin().lock()), "standard input".to_owned()),
        Some(file) => {
            let name = file.display().to_string();
            let opened = File::open(file).map_err(|error| {
                Stop::usage(format_args!("cannot open {name}: {}", cause(&error)))
            })?;
            if opened.metadata().is_ok_and(|metadata| metadata.is_dir()) {
                return Err(Stop::usage(format_args!("cannot open {name}: is a directory")));
            }
            (Box::new(opened), name)
        }
    };
    let mut pieces = Pieces::new(reader, arguments.framing.framing());
    let mut data = Output::data();
    let shown = show_all(&mut pieces, &name, &mut data, output);
    // What came before an error is printed before it.
    data.flush().map_err(|error| Stop::output(&error))?;
    shown.map(|()| Exit::Ok)
}

fn show_all(
    pieces: &mut Pieces<impl Read>,
    name: &str,
    data: &mut Data,
    output: Output,
) -> Result<(), Stop> {
    let mut index = 0_u64;
    loop {
        match pieces.next() {
            Ok(None) => return Ok(()),
            Ok(Some(Piece::Frame { offset, wire_len, bytes })) => {
                let written = if output.is_json() {
                    let mut object = frame_json(bytes);
                    object["offset"] = offset.into();
                    object["wire_len"] = wire_len.into();
                    writeln!(data, "{object}")
                } else {
                    writeln!(data, "{offset:>10} {:>8}  {}", bytes.len(), Escaped(bytes))
                };
                written.map_err(|error| Stop::output(&error))?;
                index += 1;
            }
            Ok(Some(Piece::Rest { offset, bytes })) => {
                let error = DecodeError::Truncated { len: bytes.len() };
                return Err(not_a_frame(index, offset, &error));
            }
            Err(PieceError::Decode { offset, error }) => {
                return Err(not_a_frame(index, offset, &error));
            }
            Err(PieceError::Read(error)) => return Err(Stop::input(name, &error)),
        }
    }
}

/// `begin` is where the frame begins.
fn not_a_frame(index: u64, begin: u64, error: &DecodeError) -> Stop {
    let within = match *error {
        DecodeError::Truncated { len } => len,
        DecodeError::Invalid(
            RemoteError::UnexpectedByte { offset, .. }
            | RemoteError::NotCanonical { offset }
            | RemoteError::Framing { offset, .. },
        ) => offset,
        _ => 0,
    };
    let sentence = format!("frame {index}, which begins at byte {begin}: {error}");
    Stop::new(Exit::Protocol, sentence).at(begin + within as u64)
}
