use std::num::{NonZeroU8, NonZeroU64};

use clap::{Args, ValueEnum};

use super::{ClientTlsArguments, Runtime, Seconds, number};

/// Ask targets for echoes and measure how long they take
///
/// By icmp a TARGET is a host; by udp, tcp and tls it is HOST:PORT, of an echo such as that of
/// `drywire serve`. A target may name what it is asked by itself, as in tls://localhost:7008.
/// For tcp and tls each request is a connection; connecting, the TLS handshake and the echo are
/// measured apart; handshakes after the first resume its session if the server lets them. With
/// --size 0 there is no echo, so that any server can be asked.
///
/// Ends when --count requests are answered or given up, when --deadline has passed, or by an
/// interrupt (Ctrl-C), and prints a summary. Exit 0 if there was any reply, 1 if there was none.
///
/// On a terminal one line shows the figures as they change, above a plot of the round trips, in
/// which gaps are requests that were lost; replies are not listed then.
///
/// By icmp the system must grant this process a datagram socket (net.ipv4.ping_group_range) or a
/// raw socket (the capability CAP_NET_RAW).
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  drywire ping 192.0.2.1
  drywire ping -c 5 -i 0.2 localhost ::1
  drywire ping --via tcp --size 0 --count 3 www.example.com:443
  drywire ping --ca dev.pem tls://localhost:7008
  drywire ping --via udp --json --count 10 127.0.0.1:7")]
pub(crate) struct PingArguments {
    /// HOST, HOST:PORT, udp://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT; may be repeated
    #[arg(required = true, value_name = "TARGET")]
    pub(crate) targets: Vec<String>,

    /// What targets are asked by that do not say so themselves
    #[arg(long, value_enum, default_value_t = Via::Icmp)]
    pub(crate) via: Via,

    /// From one request to the next
    #[arg(short, long, value_name = "SECONDS", value_parser = Seconds::positive, default_value = "1")]
    pub(crate) interval: Seconds,

    /// Requests in all [default: no end]
    #[arg(short, long, value_name = "N", value_parser = number::<NonZeroU64>)]
    pub(crate) count: Option<NonZeroU64>,

    /// End it all after this time, whatever is still in flight
    #[arg(short = 'w', long, value_name = "SECONDS", value_parser = Seconds::positive, default_value = "none")]
    pub(crate) deadline: Seconds,

    /// Give a request up after this time; a reply that comes later is counted apart
    #[arg(short = 'W', long, value_name = "SECONDS", value_parser = Seconds::positive, default_value = "5")]
    pub(crate) timeout: Seconds,

    /// Length of the payload, in bytes
    #[arg(short, long, value_name = "BYTES", value_parser = number::<usize>, default_value_t = 56)]
    pub(crate) size: usize,

    /// How many routers a request may pass, by icmp and udp
    #[arg(long, value_name = "N", value_parser = number::<NonZeroU8>)]
    pub(crate) ttl: Option<NonZeroU8>,

    /// Ask IPv4 addresses only
    #[arg(short = '4', long, conflicts_with = "ipv6")]
    pub(crate) ipv4: bool,

    /// Ask IPv6 addresses only
    #[arg(short = '6', long)]
    pub(crate) ipv6: bool,

    /// No plot of the round trips
    #[arg(long)]
    pub(crate) no_plot: bool,

    /// What drives the sockets
    #[arg(long, value_enum, default_value_t = Runtime::Std)]
    pub(crate) runtime: Runtime,

    #[command(flatten)]
    pub(crate) tls: ClientTlsArguments,
}

/// By what a target is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Via {
    /// Echo requests of ICMP
    Icmp,
    /// Datagrams to an echo
    Udp,
    /// A connection for each request
    Tcp,
    /// A connection with TLS for each request
    Tls,
}

impl Via {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Icmp => "icmp",
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }
}
