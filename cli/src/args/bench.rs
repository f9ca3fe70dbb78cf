use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::Args;
use drywire::address::Address;

use super::{ClientTlsArguments, FramingArguments, Seconds, number};

/// What stands behind its long help.
const NOTES: &str = "\
With --json the report is one line, an object with `event` bench and
  version              1; it rises when a member changes its meaning or goes
  address              the one that was given
  options              what was asked for: connections, in_flight, size, framing (text), rate (null:
                       as fast as the server answers), connect, resume, warm_up, duration (null: no
                       end), count (null: no end), timeout (null: none)
  requests             how many were answered in time; the next four are of these
  bytes                of their payloads, each way
  seconds              how long was counted
  requests_per_second  likewise bytes_per_second
  latency              from when a request was due: min, mean, p50, p90, p99, p99.9, max,
                       standard_deviation; null if there is none. What was never sent or answered
                       counts as long as it had waited
  uncorrected          the same from when it was sent; null without --rate
  rate_missed          true if --rate asked for more than was reached
  errors               how many by kind: mismatched, unanswered, unsent, connect_failed, and how
                       connections were lost; a kind that is not there has none
  mismatch             the first wrong answer, or null: connection (from 1), answer on it (from 0),
                       offset of the first wrong byte in it; hexadecimal, up to 8 bytes each: before
                       (right), expected, found
  slices               of the run, each a twentieth of it, but not below 0.1 nor above 1 seconds:
                       requests_per_second, p50, p90, p99, p99.9

With --compare it has `event` comparison and
  version              1
  figures              each with name, a, b, ratio (of b to a; null if a is 0), beyond_noise (null if
                       there are too few slices to tell), direction (faster or slower; null if that
                       is not beyond the noise)
  differences          between what was asked for: name, a, b
  errors               of a and of b, as each reported them

Times are in seconds, lengths in bytes.";

/// What says how to measure: nothing of it is for reports that are there already.
const MEASURING: [&str; 20] = [
    "address",
    "connections",
    "in_flight",
    "size",
    "rate",
    "duration",
    "count",
    "warm_up",
    "timeout",
    "connect",
    "resume",
    "framing",
    "max_frame",
    "ca",
    "insecure",
    "server_name",
    "cert",
    "key",
    "alpn",
    "key_log",
];

/// Put a load on an echo and measure how long answers take
///
/// Every connection keeps --in-flight requests under way, as fast as the server answers. With --rate
/// so many requests a second are due, over all connections, whatever the server does, and a latency
/// counts from when its request was due: requests that a slow server keeps from being sent in time
/// count as slow (no coordinated omission). With --connect each request has a connection of its own,
/// and what it takes to connect is part of the latency; with TLS that is a full handshake, unless
/// --resume lets sessions be resumed.
///
/// Every byte that comes back is compared with what was sent. What is asked in the first --warm-up
/// seconds is not counted. An interrupt (Ctrl-C) ends asking, and the report of what was measured is
/// printed, after the last answers; the second one does not wait for them. One thread drives all
/// connections. On a terminal a histogram of the latencies is shown as it grows.
///
/// --compare takes two reports that --json printed and shows what differs, in figures and in what was
/// asked for, and whether that is more than the slices of each report differ among themselves (three
/// standard errors). Ratios are those of the second to the first. What changes from one run to the
/// next on a machine with other work is not among that: measure both more than once.
///
/// Exit 6 if an answer was wrong: the first byte of the first one is shown, with those around it.
/// Exit 1 if an answer never came, a connection was lost, a request was due at a --rate and never
/// sent, or nothing was measured.
///
/// A load can be put on byte streams: tcp, tls, unix and tls+unix addresses, not on datagrams and not
/// on HTTP.
#[derive(Args, Debug)]
#[command(after_long_help = NOTES, before_help = "\
Examples:
  drywire bench tcp://127.0.0.1:7007
  drywire bench -c 64 -s 16384 --framing u32be --in-flight 4 tcp://127.0.0.1:7007
  drywire bench -c 64 --rate 20000 --duration 30 --json tcp://127.0.0.1:7007 > after.json
  drywire bench --compare before.json after.json
  drywire bench -c 16 --connect --insecure tls://127.0.0.1:7008")]
pub(crate) struct BenchArguments {
    /// tcp://HOST:PORT, tls://HOST:PORT, unix:PATH or tls+unix:PATH of an echo
    #[arg(required_unless_present = "compare")]
    pub(crate) address: Option<Address>,

    /// Connections at once
    #[arg(short, long, value_name = "N", value_parser = number::<NonZeroUsize>, default_value = "16")]
    pub(crate) connections: NonZeroUsize,

    /// Requests in flight on each connection
    #[arg(short = 'p', long, value_name = "N", value_parser = number::<NonZeroUsize>)]
    pub(crate) in_flight: Option<NonZeroUsize>,

    /// Length of a request, in bytes
    #[arg(short, long, value_name = "BYTES", value_parser = number::<NonZeroUsize>, default_value = "64")]
    pub(crate) size: NonZeroUsize,

    /// Requests a second, over all connections [default: as fast as the server answers]
    #[arg(short, long, value_name = "N", value_parser = number::<NonZeroU64>)]
    pub(crate) rate: Option<NonZeroU64>,

    /// How long to measure [default: 10; no end with --count]
    #[arg(short, long, value_name = "SECONDS", value_parser = Seconds::positive)]
    pub(crate) duration: Option<Seconds>,

    /// Requests to count [default: no end]
    #[arg(short = 'n', long, value_name = "N", value_parser = number::<NonZeroU64>)]
    pub(crate) count: Option<NonZeroU64>,

    /// How long to ask before anything is counted
    #[arg(short, long, value_name = "SECONDS", value_parser = Seconds::finite, default_value = "1")]
    pub(crate) warm_up: Seconds,

    /// How long to wait for a connection, a handshake, and the last answers
    #[arg(short = 'W', long, value_name = "SECONDS", value_parser = Seconds::positive, default_value = "5")]
    pub(crate) timeout: Seconds,

    /// A connection for each request
    #[arg(long, conflicts_with = "in_flight")]
    pub(crate) connect: bool,

    /// Let TLS sessions be resumed
    #[arg(long, requires = "connect", help_heading = "TLS")]
    pub(crate) resume: bool,

    #[command(flatten)]
    pub(crate) framing: FramingArguments,

    #[command(flatten)]
    pub(crate) tls: ClientTlsArguments,

    /// Two reports, printed by --json, to compare
    #[arg(long, num_args = 2, value_names = ["A.json", "B.json"], conflicts_with_all = MEASURING)]
    pub(crate) compare: Option<Vec<PathBuf>>,
}
