use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use drywire::protocol::http_get;

use crate::exit::{Stop, cause};

/// The body of a request, from where the command line says.
pub(super) struct Upload {
    source: Source,
    pub(super) shape: http_get::Upload,
}

enum Source {
    Text(Cursor<Vec<u8>>),
    File(File, PathBuf),
    Stdin,
}

impl Upload {
    /// Opens what `data` names: `@FILE`, `-`, or itself.
    pub(super) fn open(data: &OsStr) -> Result<Self, Stop> {
        let bytes = data.as_bytes();
        if bytes == b"-" {
            let shape = http_get::Upload { len: None, is_repeatable: false };
            return Ok(Self { source: Source::Stdin, shape });
        }
        let Some(path) = bytes.strip_prefix(b"@") else {
            let shape = http_get::Upload { len: Some(bytes.len() as u64), is_repeatable: true };
            return Ok(Self { source: Source::Text(Cursor::new(bytes.to_vec())), shape });
        };
        let path = Path::new(OsStr::from_bytes(path));
        let unusable = |error: io::Error| {
            Stop::usage(format_args!("cannot open {}: {}", path.display(), cause(&error)))
        };
        let file = File::open(path).map_err(unusable)?;
        let metadata = file.metadata().map_err(unusable)?;
        if metadata.is_dir() {
            return Err(unusable(io::ErrorKind::IsADirectory.into()));
        }
        // A pipe has no length, and is read once.
        let is_file = metadata.is_file();
        let shape =
            http_get::Upload { len: is_file.then_some(metadata.len()), is_repeatable: is_file };
        Ok(Self { source: Source::File(file, path.to_owned()), shape })
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Stop> {
        loop {
            let read = match &mut self.source {
                Source::Text(text) => text.read(buffer),
                Source::File(file, _) => file.read(buffer),
                Source::Stdin => io::stdin().lock().read(buffer),
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read.map_err(|error| self.failed(&error)),
            }
        }
    }

    pub(super) fn rewind(&mut self) -> Result<(), Stop> {
        let rewound = match &mut self.source {
            Source::Text(text) => text.rewind(),
            Source::File(file, _) => file.rewind(),
            Source::Stdin => Err(io::ErrorKind::NotSeekable.into()),
        };
        rewound.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &io::Error) -> Stop {
        match &self.source {
            Source::File(_, path) => Stop::input(path.display(), error),
            Source::Text(_) | Source::Stdin => Stop::input("standard input", error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_known_and_repeatable_and_standard_input_is_neither() {
        let mut text = Upload::open(OsStr::new("hello")).unwrap();
        assert_eq!(text.shape, http_get::Upload { len: Some(5), is_repeatable: true });
        let mut buffer = [0; 3];
        for (len, bytes) in [(3, b"hel"), (2, b"lol")] {
            assert_eq!(text.read(&mut buffer).unwrap(), len);
            assert_eq!(&buffer, bytes);
        }
        assert_eq!(text.read(&mut buffer).unwrap(), 0);
        text.rewind().unwrap();
        assert_eq!(text.read(&mut buffer).unwrap(), 3);
        let stdin = Upload::open(OsStr::new("-")).unwrap();
        assert_eq!(stdin.shape, http_get::Upload { len: None, is_repeatable: false });
    }
}
