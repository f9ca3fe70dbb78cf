//! What an adapter is to the kit: a server and a client.

use std::io;

use drywire::address::Address;
use drywire::admission::AdmissionLimits;
use drywire::statistics::Statistics;
use drywire::tls::{ClientTls, ServerTls};
use drywire::{CloseReason, Limits};
use rustls::pki_types::ServerName;
use socket2::{SockAddr, Socket};

use super::verdict::Unsupported;
use crate::protocol::{Script, Scripts};

/// An adapter under test. An async one brings its own executor.
pub trait Runtime: Send + Sync {
    /// Its name, for the report.
    fn name(&self) -> &'static str;

    /// Starts a server, which runs on threads of its own.
    ///
    /// # Errors
    /// [`Unsupported`]: the cases that need it do not apply.
    fn serve(&self, serving: Serving) -> Result<Box<dyn Server>, Unsupported>;

    /// Connects, and runs the script over the stream until the conversation is over. Blocks.
    ///
    /// # Errors
    /// [`CallError`].
    fn call(&self, call: Call) -> Result<CloseReason, CallError>;

    /// The same with futures each of which is dropped after so many polls, as
    /// [`Polls`](super::Polls) has it, until one of them is done.
    ///
    /// # Errors
    /// [`CallError`].
    fn call_dropping(&self, call: Call, polls: usize) -> Result<CloseReason, CallError> {
        let _ = (call, polls);
        Err(Unsupported("it has no futures").into())
    }
}

/// A server that runs. The kit stops it before it drops it.
pub trait Server: Send {
    /// Lets it end in order.
    fn drain(&self);

    /// Ends it by force.
    fn stop(&self);

    /// What its [`Admission`](drywire::admission::Admission) counts.
    fn statistics(&self) -> Statistics;

    /// Waits until it has ended. Returns the last counts.
    fn join(self: Box<Self>) -> Statistics;
}

/// What a server is given.
#[derive(Debug)]
#[non_exhaustive]
pub struct Serving {
    /// The socket: bound, listening, in blocking mode; TCP or Unix.
    pub listener: Socket,
    /// Its name.
    pub address: Address,
    /// TLS, on every connection.
    pub tls: Option<ServerTls>,
    /// The limits of each connection.
    pub limits: Limits,
    /// The limits of the server.
    pub admission: AdmissionLimits,
    /// What makes the protocol of each connection.
    pub scripts: Scripts,
}

/// What a client is given.
#[derive(Debug)]
#[non_exhaustive]
pub struct Call {
    /// Where to connect to.
    pub place: SockAddr,
    /// The same as an address; with TLS it says so.
    pub address: Address,
    /// TLS, and whom the server's certificate must be for.
    pub tls: Option<(ClientTls, ServerName<'static>)>,
    /// The limits of the connection.
    pub limits: Limits,
    /// The protocol. A stream of frames that is driven by calls has
    /// [`converse`](super::converse) for it.
    pub script: Script,
}

/// Why a client has not conversed.
#[derive(Debug)]
#[non_exhaustive]
pub enum CallError {
    /// It could not connect.
    Connect(io::Error),
    /// The adapter does not offer it.
    Unsupported(Unsupported),
}

impl From<io::Error> for CallError {
    fn from(error: io::Error) -> Self {
        Self::Connect(error)
    }
}

impl From<Unsupported> for CallError {
    fn from(unsupported: Unsupported) -> Self {
        Self::Unsupported(unsupported)
    }
}
