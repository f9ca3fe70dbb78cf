use std::path::PathBuf;

use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser as _};

use super::{NumberError, number};

/// What is recorded of connections.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Recording")]
pub(crate) struct RecordArguments {
    /// Record what is done with connections in a file, for `drywire replay`
    ///
    /// The file is replaced, and only its owner may read it. It holds what was received and sent;
    /// of TLS connections only how much, unless --record-secrets is given.
    #[arg(long, value_name = "FILE", value_parser = PathBufValueParser::new().try_map(record_file))]
    pub(crate) record: Option<PathBuf>,

    /// End the recording at so many bytes
    #[arg(
        long,
        value_name = "BYTES",
        requires = "record",
        value_parser = record_limit,
        default_value_t = drywire_std::RECORDING_LEN_MAX
    )]
    pub(crate) record_limit: u64,

    /// Record what is sent within TLS too, in plain text
    #[arg(long, requires = "record")]
    pub(crate) record_secrets: bool,
}

impl RecordArguments {
    /// An option that was given: it means nothing without TLS.
    pub(crate) fn tls_option(&self) -> Option<&'static str> {
        self.record_secrets.then_some("--record-secrets")
    }
}

fn record_file(file: PathBuf) -> Result<PathBuf, &'static str> {
    if file.as_os_str() == "-" {
        return Err("a recording needs a file: standard output is for data (./- is a file)");
    }
    Ok(file)
}

/// The least that a recording may be limited to: what it begins and ends with, and some lines.
const RECORD_LIMIT_MIN: u64 = 4096;

fn record_limit(text: &str) -> Result<u64, String> {
    let limit: u64 =
        number::<std::num::NonZeroU64>(text).map_err(|error: NumberError| error.to_string())?.get();
    if limit < RECORD_LIMIT_MIN {
        return Err(format!("must be at least {RECORD_LIMIT_MIN}"));
    }
    Ok(limit)
}
