use std::ffi::OsString;

use clap::Args;
use drywire::address::Address;

use super::{
    ClientTlsArguments, FramingArguments, IntroductionArguments, RecordArguments, Runtime, Seconds,
};

/// Send data and print what comes back
///
/// Each DATA argument is one frame. Without arguments standard input is sent:
///
///   raw, length prefixes, varints, netstring   what one read brings is a frame
///   lines                                      a line is a frame, its LF or CRLF not part of it
///   delimiter:HEX                              what stands before a delimiter is a frame
///   fixed:N                                    N bytes are a frame; a rest is an error, exit 8
///
/// At the end of the input our side is finished (half-closed) and the command goes on until the
/// peer has finished too; a peer that finishes first is still sent the rest of the input, unless
/// that is typed in. Sending and printing do not wait for each other.
///
/// What comes back is printed as bytes: payloads one after the other, with LF after each for
/// lines and with the delimiter after each for delimiter:HEX. An echo of a file is that file.
///
/// To udp and unixgram addresses each frame is sent once, as a datagram of its own, with nothing
/// around it: with --framing lines a line is a datagram, with raw what one read brings, up to
/// 65507 bytes. At the end of the input as many datagrams are waited for as were sent, until
/// nothing comes for --timeout; exit 1 if none came, 7 if only some did.
///
/// Servers are verified by the authorities that the system trusts, or by those of --ca.
#[derive(Args, Debug)]
#[command(
    verbatim_doc_comment,
    before_help = "\
Examples:
  drywire send tcp://127.0.0.1:7007 hello
  drywire send --ca dev.pem tls://localhost:7008 < file > echo
  drywire send --framing lines --json unix:/run/echo.sock one two
  drywire send --framing lines udp://127.0.0.1:7007 < requests
  drywire send --insecure --timeout 5 tls://[::1]:7008 hello
  drywire send --proxy-protocol v2 --proxy-source 192.0.2.1:7 tcp://127.0.0.1:7007 hello"
)]
pub(crate) struct SendArguments {
    /// tcp://HOST:PORT, tls://HOST:PORT, unix:PATH, tls+unix:PATH, udp://HOST:PORT, unixgram:PATH
    pub(crate) address: Address,

    /// Frames to send; standard input if there are none
    pub(crate) data: Vec<OsString>,

    #[command(flatten)]
    pub(crate) framing: FramingArguments,

    /// What drives the socket
    #[arg(long, value_enum, default_value_t = Runtime::Std)]
    pub(crate) runtime: Runtime,

    /// Give up when connecting takes longer, or no byte comes or goes for as long [default: 30 for
    /// connecting, 10 for a TLS handshake, none after that; 1 for a datagram]
    #[arg(long, value_name = "SECONDS", value_parser = Seconds::positive)]
    pub(crate) timeout: Option<Seconds>,

    #[command(flatten)]
    pub(crate) introduction: IntroductionArguments,

    #[command(flatten)]
    pub(crate) tls: ClientTlsArguments,

    #[command(flatten)]
    pub(crate) record: RecordArguments,
}
