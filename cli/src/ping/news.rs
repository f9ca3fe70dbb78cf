//! What a thread that pings a target tells the one that prints.

use std::net::SocketAddr;
use std::time::Duration;

use drywire::ping::{Laps, PingStatistics};
use drywire::tls::TlsError;
use drywire::{CloseReason, Error};
use drywire_std::ConnectError;
use drywire_std::ping::{PingEvent, PingFailure};

use crate::exit::{Stop, cause};

/// From which target, by its place on the command line, and what.
pub(super) struct Message {
    pub(super) target: usize,
    pub(super) news: News,
}

pub(super) enum News {
    /// Its address is known and it is being asked.
    Began(SocketAddr),
    Heard(Heard, Box<PingStatistics>),
    /// It is over; the last.
    Ended(Box<PingStatistics>),
    /// It could not be asked; the last.
    Failed(Stop),
    /// Somebody does not want to wait any more.
    Interrupted,
}

/// An event that can go from thread to thread.
#[derive(Debug)]
pub(super) enum Heard {
    Reply {
        number: u64,
        round_trip: Duration,
        laps: Laps,
        is_reordered: bool,
        from: Option<SocketAddr>,
        hop_limit: Option<u8>,
    },
    Duplicate {
        number: u64,
    },
    Late {
        number: u64,
        round_trip: Duration,
    },
    TimedOut {
        number: u64,
    },
    Failed {
        number: u64,
        reason: String,
        /// The router that says so, and its cause in one word.
        report: Option<(String, &'static str)>,
        /// For the flag that is meant for it.
        tls: Option<TlsError>,
    },
}

impl Heard {
    /// `None` for what is told by later versions only.
    pub(super) fn of(event: &PingEvent) -> Option<Self> {
        Some(match event {
            PingEvent::Reply { reply, from, hop_limit } => Self::Reply {
                number: reply.number,
                round_trip: reply.round_trip,
                laps: reply.laps,
                is_reordered: reply.is_reordered,
                from: *from,
                hop_limit: *hop_limit,
            },
            PingEvent::Duplicate { number } => Self::Duplicate { number: *number },
            PingEvent::Late { number, round_trip } => {
                Self::Late { number: *number, round_trip: *round_trip }
            }
            PingEvent::TimedOut { number } => Self::TimedOut { number: *number },
            PingEvent::Failed { number, failure } => Self::Failed {
                number: *number,
                reason: reason(failure),
                report: match failure {
                    PingFailure::Report(report) => {
                        Some((report.from.to_string(), report.cause.name()))
                    }
                    _ => None,
                },
                tls: tls(failure),
            },
            _ => return None,
        })
    }
}

/// Why a request failed, without what people do not need.
fn reason(failure: &PingFailure) -> String {
    use drywire::connector::ConnectError as Connector;

    match failure {
        PingFailure::Transmit(error) => format!("cannot send: {}", cause(error)),
        // There is one address, and it has been told.
        PingFailure::Connect(ConnectError::Connector(Connector::Failed { tried })) => {
            tried.iter().map(|(_, fault)| fault.to_string()).collect::<Vec<_>>().join(", ")
        }
        failure => failure.to_string(),
    }
}

fn tls(failure: &PingFailure) -> Option<TlsError> {
    match failure {
        PingFailure::Connect(ConnectError::Closed(CloseReason::Failed(Error::Tls(error))))
        | PingFailure::Conversation(drywire_std::Error::Closed(CloseReason::Failed(Error::Tls(
            error,
        )))) => Some(*error),
        _ => None,
    }
}
