use std::path::PathBuf;

use clap::Args;

/// Replay a recording, or any script of calls, and show what happens
///
/// The calls run over the core without sockets or clocks, the same way each time. Shown is a line
/// for each thing that happens: when, in seconds, on which connection, and what: `<` came in, `>`
/// was sent, `=` is a step that the application took.
///
/// Exit 1 if something happens that was not recorded, or does not that was. A text that is no script
/// is told with its line, exit 6, as is one that cannot be replayed, because it was recorded within
/// TLS without --record-secrets or names a protocol that is not known here; that is shown as it was
/// recorded. Of many connections those that were within TLS are left out then, with a warning, as is
/// a last line that was not written whole.
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  drywire serve --framing lines --record echo.script
  drywire replay echo.script
  drywire replay --json echo.script | jq 'select(.call == \"step\")'
  drywire replay --pcapng echo.pcapng echo.script     then: tshark -r echo.pcapng
  drywire replay --minimise --out small.script echo.script")]
pub(crate) struct ReplayArguments {
    /// The script; standard input if it is -
    pub(crate) file: PathBuf,

    /// Replay only this connection; may be given again
    #[arg(long, value_name = "NUMBER")]
    pub(crate) connection: Vec<u64>,

    /// Write what went over the transport as a capture too, for Wireshark and tshark
    ///
    /// The packets are made up: IP and TCP around the bytes, at the time of day that the recording
    /// says, or counted from 1970 if it says none. What was within TLS is there in plain text.
    #[arg(long, value_name = "FILE")]
    pub(crate) pcapng: Option<PathBuf>,

    /// Write the smallest script instead that still differs in the same way from what was recorded
    /// or, if nothing differs, in which the same connection ends for the same kind of failure
    #[arg(long, conflicts_with = "pcapng")]
    pub(crate) minimise: bool,

    /// Where to write it [default: standard output]
    #[arg(long, value_name = "FILE", requires = "minimise")]
    pub(crate) out: Option<PathBuf>,
}
