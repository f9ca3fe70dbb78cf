//! Pings through either adapter, and what they told.

use std::net::SocketAddr;

use drywire::address::Address;
use drywire::ping::{PingOptions, PingStatistics, Reply};
use drywire::tls::ClientTls;
use drywire_std::ping::{PingError, PingEvent};

use crate::adapter::Adapter;

/// A ping to be made.
#[derive(Clone, Debug)]
pub struct Pinged {
    /// Of whom.
    pub target: Target,
    /// How often and how long.
    pub options: PingOptions,
    /// How many routers it may pass.
    pub hop_limit: Option<u8>,
    /// Stop when anything happens.
    pub stops: bool,
}

/// Whom to ping, and by what.
#[derive(Clone, Debug)]
pub enum Target {
    /// By ICMP.
    Icmp(SocketAddr),
    /// By UDP.
    Udp(SocketAddr),
    /// By TCP or TLS.
    Stream(Address, Option<ClientTls>),
}

/// What a ping told.
#[derive(Debug, Default)]
pub struct Told {
    /// The counts.
    pub statistics: PingStatistics,
    /// Replies, who sent them, and what the socket said of routers passed.
    pub replies: Vec<(Reply, Option<SocketAddr>, Option<u8>)>,
    /// Requests that failed, and why.
    pub failures: Vec<(u64, String)>,
    /// Requests that were given up.
    pub timed_out: Vec<u64>,
    /// Duplicates and late replies, in number.
    pub others: u64,
}

/// Who is told what happens.
pub type Observer<'a> = dyn FnMut(&PingEvent, &PingStatistics) + Send + 'a;

impl Pinged {
    /// So many requests, each as soon as the one before is settled.
    #[must_use]
    pub fn new(target: Target, count: u64) -> Self {
        let mut options = PingOptions::new();
        options.count = Some(count);
        options.interval = std::time::Duration::from_millis(1);
        options.in_flight_max = 1;
        Self { target, options, hop_limit: None, stops: false }
    }

    /// Changes the options.
    #[must_use]
    pub fn options(mut self, change: impl FnOnce(&mut PingOptions)) -> Self {
        change(&mut self.options);
        self
    }

    /// May pass so many routers.
    #[must_use]
    pub const fn hop_limit(mut self, hop_limit: u8) -> Self {
        self.hop_limit = Some(hop_limit);
        self
    }

    /// Stops when anything happens.
    #[must_use]
    pub const fn stops(mut self) -> Self {
        self.stops = true;
        self
    }

    /// Pings.
    ///
    /// # Errors
    /// Those of the adapter.
    pub fn ping(self, adapter: &dyn Adapter) -> Result<Told, PingError> {
        let mut told = Told::default();
        let mut observer = |event: &PingEvent, _: &PingStatistics| match event {
            PingEvent::Reply { reply, from, hop_limit } => {
                told.replies.push((*reply, *from, *hop_limit));
            }
            PingEvent::Failed { number, failure } => {
                told.failures.push((*number, failure.to_string()));
            }
            PingEvent::TimedOut { number } => told.timed_out.push(*number),
            _ => told.others += 1,
        };
        let statistics = adapter.ping(self, &mut observer)?;
        Ok(Told { statistics, ..told })
    }
}
