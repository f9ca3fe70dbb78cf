use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use drywire::Limits;
use drywire::address::Address;
use drywire::admission::AdmissionLimits;
use drywire::datagram::{DatagramLimits, SourceRate};
use drywire::supervisor::SupervisorLimits;

use super::number::NumberError;
use super::{
    FramingArguments, LogArguments, ProxyArguments, RecordArguments, Runtime, Seconds,
    SessionArguments, number,
};

/// Serve an echo until a signal comes
///
/// Prints `listening ADDRESS` on standard output for each address, with the port that the system
/// chose where 0 was asked for; then, on standard error, lines to copy. An interrupt (Ctrl-C) or
/// SIGTERM drains: no connection is accepted any more and those that are open are let end; exit 0
/// if all did, 1 if not. SIGTERM pauses before for --drain-pause. A second signal ends at once.
/// SIGHUP loads certificate and key again; a pair that cannot be used is reported and the old one
/// kept.
///
/// Addresses are tcp://HOST:PORT, tls://HOST:PORT, unix:PATH, tls+unix:PATH; for datagrams
/// udp://HOST:PORT, unixgram:PATH; and, to be answered in HTTP/1.1, http://HOST:PORT,
/// https://HOST:PORT, http+unix:PATH, https+unix:PATH. `[::]` takes IPv4 too. A request's body goes
/// back as it comes; --format json tells what arrived instead.
///
/// An echo of datagrams does not answer ports below 1024, its own port, nor a source that sends
/// more than --source-rate or without a pause for long: two echoes that are set on each other fall
/// silent.
///
/// With --model processes the sockets are bound once and workers serve them. One that dies is
/// started again, and takes no connection but its own with it. SIGHUP starts new ones, which read
/// all files again and serve before the old ones drain; if they cannot start the old ones stay.
/// Limits are those of each worker. A source of datagrams has one worker, which serves all of them
/// (on Linux; elsewhere, and with unixgram, one worker serves all sources).
///
/// Sockets that a service manager hands over (LISTEN_FDS) are served as they are: the first one for
/// the first --listen, of which only the scheme counts then, and so on; without --listen each as tcp,
/// unix, udp or unixgram. A worker process has one for datagrams to itself. The manager is told of
/// readiness, reload and end if it asks (NOTIFY_SOCKET).
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  drywire serve
  drywire serve --listen tcp://[::]:7 --framing lines --max-frame 4096
  drywire serve --listen tls://0.0.0.0:7008 --cert server.pem --key server.key
  drywire serve --listen udp://[::]:7007 --listen unixgram:/run/echo.dgram
  drywire serve --listen unix:/run/echo.sock --threads 1
  drywire serve --listen http://[::]:8080 --format json --admin 127.0.0.1:9090
  drywire serve --listen tcp://[::]:7 --model processes --workers 4 --drain-pause 5
  drywire serve --listen tcp://[::]:7 --proxy-protocol --trust 10.0.0.0/8
  drywire serve --dev-cert dev.pem      then: drywire send --ca dev.pem tls://127.0.0.1:7008")]
pub(crate) struct ServeArguments {
    /// Where to listen; may be repeated [default: tcp://127.0.0.1:7007 and tls://127.0.0.1:7008]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Vec<Address>,

    #[command(flatten)]
    pub(crate) framing: FramingArguments,

    /// What to do with frames and datagrams [default: echo]
    #[arg(long, value_enum)]
    pub(crate) protocol: Option<ServedProtocol>,

    /// What requests to http and https addresses are answered with [default: echo]
    #[arg(long, value_enum)]
    pub(crate) format: Option<AnswerFormat>,

    /// Answer /livez, /readyz, /metrics and /connections here, by HTTP; a loopback address or a Unix
    /// socket
    ///
    /// Prints `admin ADDRESS` on standard output. It goes on until the process ends, and its
    /// connections are not counted. Whoever reaches it may ask. With --model processes the
    /// supervisor answers for all workers: ready while one serves, counts summed, descriptors its
    /// own, and 501 for /connections, which the workers do not list.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) admin: Option<Address>,

    /// What drives the sockets
    #[arg(long, value_enum, default_value_t = Runtime::Std)]
    pub(crate) runtime: Runtime,

    /// What the server is made of [default: evented; with --runtime smol: threads]
    #[arg(long, value_enum)]
    model: Option<Model>,

    /// Worker processes of --model processes [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = number::<NonZeroUsize>)]
    pub(crate) workers: Option<NonZeroUsize>,

    /// Threads with a loop each of --model evented, or that run the tasks of --runtime smol [default:
    /// one for each processor; one in each worker of --model processes with --runtime std]
    #[arg(long, value_name = "N", value_parser = number::<NonZeroUsize>)]
    pub(crate) threads: Option<NonZeroUsize>,

    #[command(flatten)]
    pub(crate) session: SessionArguments,

    /// Write the certificate made at start, in PEM, to a file: for `drywire send --ca`
    ///
    /// Without --cert and --key a certificate for localhost and the listening addresses is made at
    /// start. Its key is never written anywhere.
    #[arg(long, value_name = "FILE", conflicts_with = "cert", help_heading = "TLS")]
    pub(crate) dev_cert: Option<PathBuf>,

    /// Serve only clients with a certificate of these authorities, in PEM
    #[arg(long, value_name = "PEM", help_heading = "TLS")]
    pub(crate) client_ca: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) proxy: ProxyArguments,

    #[command(flatten)]
    pub(crate) limits: LimitArguments,

    #[command(flatten)]
    pub(crate) record: RecordArguments,

    #[command(flatten)]
    pub(crate) log: LogArguments,
}

/// What one server allows.
#[derive(Args, Debug)]
#[command(next_help_heading = "Limits; SECONDS are such as 10 or 0.5, or none")]
pub(crate) struct LimitArguments {
    /// Most connections at once
    #[arg(long, value_name = "N", value_parser = number::<NonZeroUsize>, default_value_t = default_connections())]
    pub(crate) max_connections: NonZeroUsize,

    /// Most connections at once from one address [default: none]
    #[arg(long, value_name = "N", value_parser = number::<NonZeroUsize>)]
    pub(crate) max_connections_per_address: Option<NonZeroUsize>,

    /// Most datagrams in a second from one source [default: 10000]
    #[arg(long, value_name = "N|none", value_parser = source_rate)]
    pub(crate) source_rate: Option<SourceRateArgument>,

    /// For the TLS handshake
    #[arg(long, value_name = "SECONDS", value_parser = Seconds::positive, default_value_t = Seconds(Limits::new().handshake_timeout))]
    pub(crate) handshake_timeout: Seconds,

    /// For a frame, from its first byte to its last; not with raw
    #[arg(long, value_name = "SECONDS", value_parser = Seconds::positive, default_value_t = Seconds(Limits::new().frame_timeout))]
    pub(crate) frame_timeout: Seconds,

    /// Without a byte in either direction
    #[arg(long, value_name = "SECONDS", value_parser = Seconds::positive, default_value_t = Seconds(Limits::new().idle_timeout))]
    pub(crate) idle_timeout: Seconds,

    /// From SIGTERM until draining begins, for a load balancer to look elsewhere
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = Seconds(AdmissionLimits::new().drain_pause)
    )]
    pub(crate) drain_pause: Seconds,

    /// For draining; then what is left is ended by force
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = Seconds(AdmissionLimits::new().drain_timeout)
    )]
    pub(crate) drain_timeout: Seconds,
}

fn default_connections() -> NonZeroUsize {
    NonZeroUsize::new(AdmissionLimits::new().connections_max).unwrap_or(NonZeroUsize::MIN)
}

/// Datagrams in a second, or no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SourceRateArgument(Option<NonZeroU32>);

fn source_rate(text: &str) -> Result<SourceRateArgument, NumberError> {
    if text == "none" {
        return Ok(SourceRateArgument(None));
    }
    number(text).map(|rate| SourceRateArgument(Some(rate)))
}

impl LimitArguments {
    /// The limits of each datagram listener. A source may send as much at once as in a second.
    pub(crate) fn datagrams(&self) -> DatagramLimits {
        let mut limits = DatagramLimits::new();
        if let Some(SourceRateArgument(per_second)) = self.source_rate {
            limits.source_rate = per_second.map(|per_second| {
                let mut rate = SourceRate::new();
                rate.per_second = per_second.get();
                rate.burst = per_second.get();
                rate
            });
        }
        limits
    }

    /// The limits of each connection.
    pub(crate) fn connection(&self) -> Limits {
        let mut limits = Limits::new();
        limits.handshake_timeout = self.handshake_timeout.0;
        limits.frame_timeout = self.frame_timeout.0;
        limits.idle_timeout = self.idle_timeout.0;
        limits
    }

    /// The limits of the server.
    pub(crate) fn admission(&self) -> AdmissionLimits {
        let mut limits = AdmissionLimits::new();
        limits.connections_max = self.max_connections.get();
        limits.connections_per_address_max =
            self.max_connections_per_address.map(NonZeroUsize::get);
        limits.drain_pause = self.drain_pause.0;
        limits.drain_timeout = self.drain_timeout.0;
        limits
    }

    /// The limits of a supervisor of `workers`.
    pub(crate) fn supervisor(&self, workers: NonZeroUsize) -> SupervisorLimits {
        let mut limits = SupervisorLimits::new();
        limits.workers = workers.get();
        limits.drain_pause = self.drain_pause.0;
        limits.drain_timeout = self.drain_timeout.0;
        limits
    }
}

/// What a server is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Model {
    /// A thread for each connection; with --runtime smol threads that run tasks
    Threads,
    /// A readiness loop in each of --threads; not with --runtime smol
    Evented,
    /// A supervisor and worker processes, each with one loop or as --threads and --runtime say
    Processes,
}

impl ServeArguments {
    /// What the server is made of. Nothing that is served here waits for anything but its peer, so
    /// that loops serve it best; the tasks of the other runtime need threads.
    pub(crate) fn model(&self) -> Model {
        self.model.unwrap_or(match self.runtime {
            Runtime::Std => Model::Evented,
            Runtime::Smol => Model::Threads,
        })
    }
}

/// What to do with frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ServedProtocol {
    /// Send each back (RFC 862)
    #[default]
    Echo,
    /// Throw each away (RFC 863)
    Discard,
}

impl ServedProtocol {
    /// The name in recordings.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Discard => "discard",
        }
    }
}

/// What HTTP requests are answered with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum AnswerFormat {
    /// Their own body
    #[default]
    Echo,
    /// An account of method, target, fields, TLS and peer, in JSON
    Json,
}
