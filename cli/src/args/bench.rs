use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::Args;
use drywire::address::Address;

use super::{ClientTlsArguments, FramingArguments, Seconds, number};

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
/// seconds is not counted. An interrupt (Ctrl-C) ends asking, and the report is printed. One thread
/// drives all connections. On a terminal a histogram of the latencies is shown as it grows.
///
/// --compare takes two reports that --json printed and shows what differs, and whether that is more
/// than the slices of each report differ among themselves (three standard errors). Exit 1 if an
/// answer was wrong, or never came, or a connection was lost.
#[derive(Args, Debug)]
#[command(before_help = "\
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
    #[arg(short, long, value_name = "SECONDS", default_value = "1")]
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
    #[arg(long, num_args = 2, value_names = ["A.json", "B.json"], conflicts_with = "address")]
    pub(crate) compare: Option<Vec<PathBuf>>,
}
