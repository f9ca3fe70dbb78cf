use std::path::PathBuf;

use clap::Args;

use super::{NumberError, number};

/// What is recorded of connections.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Recording")]
pub(crate) struct RecordArguments {
    /// Record what is done with connections in a file, for `drywire replay`
    ///
    /// The file is replaced, and only its owner may read it. It holds what was received and sent;
    /// of TLS connections only how much, unless --record-secrets is given.
    #[arg(long, value_name = "FILE")]
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
