//! The command line, as clap derives it. No meaning here beyond the grammar.

mod bench;
mod client_tls;
mod framing;
mod get;
mod log;
mod number;
mod ping;
mod proxy;
mod record;
mod replay;
mod seconds;
mod send;
mod serve;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub(crate) use bench::BenchArguments;
pub(crate) use client_tls::ClientTlsArguments;
pub(crate) use framing::FramingArguments;
pub(crate) use get::GetArguments;
pub(crate) use log::{LogArguments, LogFormat, LogLevel};
pub(crate) use number::{NumberError, number};
pub(crate) use ping::{PingArguments, Via};
pub(crate) use proxy::{IntroductionArguments, ProxyArguments, ProxyMode};
pub(crate) use record::RecordArguments;
pub(crate) use replay::ReplayArguments;
pub(crate) use seconds::Seconds;
pub(crate) use send::SendArguments;
pub(crate) use serve::{AnswerFormat, Model, ServeArguments, ServedProtocol};

/// What stands before the help of the command itself.
const EXAMPLES: &str = "\
Examples:
  drywire serve                                  echo on tcp://127.0.0.1:7007 and tls://…:7008
  drywire send tcp://127.0.0.1:7007 hello        send an argument, print what comes back
  drywire send --framing lines unix:/run/x.sock < requests
  drywire get --timing https://example.com/      get a resource, and show what took how long
  drywire ping -c 3 localhost tcp://localhost:7007
                                                 ask for echoes, measure how long they take
  drywire bench -c 64 tcp://localhost:7007       put a load on an echo, measure how long answers take
  drywire frames --framing u32be capture.bin     show the frames in a file
  drywire replay echo.script                     show what was done with recorded connections";

/// What stands behind its long help, and in its manual page.
pub(crate) const NOTES: &str = "\
Exit codes:
  0  ok
  1  draining was not completed, no worker process could start, no ping or datagram was answered,
     or a check failed: an answer to `bench` was missing, a status of 400 or above with
     --fail, a range that is not there, a redirect that is not followed, or a replay that is not
     what was recorded
  2  the command line, or a file that it names, cannot be used
  3  a name could not be resolved
  4  connecting or listening failed
  5  TLS failed
  6  the peer, or the file, broke the protocol, an answer to `bench` was wrong, or the conversation
     was cut off
  7  nothing happened in time
  8  local input or output failed, for example because the disk is full

A reader of standard output that goes away early, as head does, is no failure.

With --json every line on standard output and standard error is one JSON object. Its `event` is
  listening    address
  admin        address of --admin
  certificate  sha256 of the development certificate, and names that it is for
  closed       kind, reason and peer of a connection that is over, and the proxy that named it
  worker       state (started, ready, exited), pid, and of one that exited code (null: a signal)
  summary      drained, accepted, active, refused, received, transmitted, closed by kind, and,
               if any are served, datagrams: counts, dropped by reason, faults
  open         peer, and tls: version, suite, alpn, resumed; null without TLS
  frame        len, base64, text (null unless UTF-8); from `frames` also offset and wire_len
  replayed     time (since the beginning), connection, index of the script's entry (from 0), call
               (the word in the script); sometimes arguments (the rest of it), len, base64 and text
               (of what was received or sent, or of a frame as it was received), reason, begun
               (the time of day, of a connection's beginning)
  difference   connection, index, recorded, replayed: calls, null for nothing
  minimised    script (null with --out), entries, tried, is_minimal
  ping         target, via, address, size: asking begins
  reply        target, address, number, round_trip, connect, handshake, echo, reordered, from,
               hop_limit; what is not known is null
  duplicate    target, address, number: another reply to a request that was answered
  late         target, address, number, round_trip: a reply to a request that was given up
  timed_out    target, address, number
  failed       target, address, number, reason; from and cause if a router says so
  statistics   target, via, address, sent, received, loss (from 0 to 1), timed_out, failed,
               duplicates, late, reordered, foreign; round_trip, connect, handshake, echo: null, or
               min, mean, p50, p99, max, standard_deviation, jitter
  bench        a load as it was measured: see `drywire bench --help`
  comparison   of two of them: likewise
  redirect     status, to: where a redirect of `get` leads
  response     version, status, reason, fields, offset, len: the head of an answer to `get`; where
               its body belongs and how long it is, null if that is not known
  body         len, base64, text: a piece of a body that goes to no file
  timing       url, peer; resolved, connected, secured, first_byte, total: seconds from when
               connecting began; tls: version, suite, alpn, certificate: subject, issuer, names,
               not_before, not_after; one for each redirect too
  done         url, received, file: an answer is whole
  reloaded     the certificate and key were loaded again
  warning      message; on standard error
  error        exit, kind, message, sometimes offset or alert (that TLS sent); on standard error,
               last
and the rest of this line its other members. Lengths and offsets are in bytes, times in seconds.
Lines of the log have `timestamp`, `level` and `message` in place of `event`.

Environment:
  LISTEN_FDS     sockets that a service manager hands over, with LISTEN_PID; see `serve`
  NOTIFY_SOCKET  where the service manager wants to be told of readiness
  NO_COLOR       when set and not empty, no colours
  SSLKEYLOGFILE  with --key-log, the file that TLS secrets are appended to";

/// Echo server and clients for byte streams, datagrams and HTTP, with framing, TLS and ping
#[derive(Debug, Parser)]
#[command(name = "drywire", version, before_help = EXAMPLES, after_long_help = NOTES)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    /// Print JSON lines instead of text, errors too
    #[arg(long, global = true, display_order = 900)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Serve(ServeArguments),
    Send(SendArguments),
    Get(GetArguments),
    Ping(PingArguments),
    Bench(BenchArguments),
    Frames(FramesArguments),
    Replay(ReplayArguments),
    Completions(CompletionsArguments),
    Man(ManArguments),
}

/// Cut a file or standard input into frames and show each with its place
///
/// For people a frame is a line: offset, length of the payload, and the payload with everything
/// escaped that is not printable. What is wrong with the input is told with its offset, exit 6.
/// Memory does not depend on how long the input is.
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  drywire frames --framing netstring log.bin
  printf '\\0\\5hello' | drywire frames --framing u16be --json")]
pub(crate) struct FramesArguments {
    #[command(flatten)]
    pub(crate) framing: FramingArguments,

    /// What to read; standard input if it is not given or -
    pub(crate) file: Option<PathBuf>,
}

/// Print a completion script for a shell
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  drywire completions bash > ~/.local/share/bash-completion/completions/drywire
  drywire completions fish > ~/.config/fish/completions/drywire.fish")]
pub(crate) struct CompletionsArguments {
    pub(crate) shell: Shell,
}

/// Print a manual page
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  drywire man > drywire.1
  drywire man send | man -l -")]
pub(crate) struct ManArguments {
    /// The command whose page to print; that of drywire itself if it is not given
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Option<String>,
}

/// What drives the sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Runtime {
    /// Blocking: a thread for each connection
    Std,
    /// Asynchronous, over smol's parts: a task for each connection
    Smol,
}

/// Who we say we are in TLS.
#[derive(Args, Debug)]
pub(crate) struct IdentityArguments {
    /// Our certificate, with those that link it to an authority, in PEM
    #[arg(long, value_name = "PEM", requires = "key", help_heading = "TLS")]
    pub(crate) cert: Option<PathBuf>,

    /// The private key of the certificate, in PEM
    #[arg(long, value_name = "PEM", requires = "cert", help_heading = "TLS")]
    pub(crate) key: Option<PathBuf>,
}

/// Options that clients and servers have in common.
#[derive(Args, Debug)]
pub(crate) struct SessionArguments {
    #[command(flatten)]
    pub(crate) identity: IdentityArguments,

    /// Application protocols, the preferred first
    #[arg(long, value_name = "NAME", value_delimiter = ',', help_heading = "TLS")]
    pub(crate) alpn: Vec<String>,

    /// Append the secrets of TLS sessions to the file that SSLKEYLOGFILE names
    ///
    /// Whoever has that file can read what the sessions carried.
    #[arg(long, help_heading = "TLS")]
    pub(crate) key_log: bool,
}

impl SessionArguments {
    /// An option that was given: it means nothing without TLS.
    pub(crate) fn first_option(&self) -> Option<&'static str> {
        let given = [
            (self.identity.cert.is_some(), "--cert"),
            (!self.alpn.is_empty(), "--alpn"),
            (self.key_log, "--key-log"),
        ];
        given.into_iter().find_map(|(is_given, option)| is_given.then_some(option))
    }
}
