//! Clients: names resolved, addresses tried, the PROXY header, TLS, and then frames or resources.

pub(crate) mod attempts;
#[cfg(feature = "http1")]
mod get;
pub(crate) mod header;
mod open;
mod resolver;
pub(crate) mod unix;

use std::net::SocketAddr;

use drywire::address::{Address, Endpoint};
use drywire::connector::{ConnectorLimits, Timings};
use drywire::framing::Framing;
use drywire::proxy::Introduction;
use drywire::tls::ClientTls;
use drywire::{Connection, Limits, Peer};
use rustls::pki_types::ServerName;

use crate::clock::Clock;
use crate::error::ConnectError;
use crate::framed::Framed;
use crate::stream::Stream;

/// Connects to servers: names resolved and addresses tried as [`drywire::connector`] says, TLS if
/// the address has it.
///
/// # Examples
/// ```no_run
/// use drywire::framing::Lines;
/// use drywire_std::Client;
///
/// let mut framed = Client::new().connect(&"tcp://localhost:7".parse()?, Lines::new())?;
/// framed.send(b"hello")?;
/// assert_eq!(framed.recv()?, Some(&b"hello"[..]));
/// framed.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a client does nothing before it connects"]
pub struct Client {
    pub(crate) limits: Limits,
    pub(crate) connector: ConnectorLimits,
    pub(crate) tls: Option<ClientTls>,
    pub(crate) server_name: Option<ServerName<'static>>,
    pub(crate) introduction: Option<Introduction>,
    #[cfg(feature = "record")]
    recording: Option<crate::Recording>,
}

impl Client {
    /// A client with default limits and without TLS.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the limits of each connection.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Records every connection. Its times begin with the connection.
    #[cfg(feature = "record")]
    pub fn record(mut self, recording: crate::Recording) -> Self {
        self.recording = Some(recording);
        self
    }

    /// Records `connection`, which is new, if connections are recorded.
    #[cfg_attr(
        not(feature = "record"),
        expect(clippy::unused_self, reason = "nothing is recorded")
    )]
    fn attach<F: Framing>(&self, connection: &mut Connection<F>, peer: &Peer) {
        #[cfg(not(feature = "record"))]
        let _ = (connection, peer);
        #[cfg(feature = "record")]
        if let Some(recording) = &self.recording {
            recording.attach(connection, peer, drywire::script::Role::Client);
        }
    }

    /// Sets the limits of connecting.
    pub fn connector(mut self, limits: ConnectorLimits) -> Self {
        self.connector = limits;
        self
    }

    /// Sets the configuration for addresses that have TLS; the others stay plain.
    pub fn tls(mut self, tls: ClientTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Sets whom the server's certificate must be for; by default the address's host. A Unix socket
    /// has none.
    pub fn server_name(mut self, name: ServerName<'static>) -> Self {
        self.server_name = Some(name);
        self
    }

    /// Begins every stream with a PROXY header, before TLS.
    pub fn proxy_header(mut self, introduction: impl Into<Introduction>) -> Self {
        self.introduction = Some(introduction.into());
        self
    }

    /// Connects to `address`, waits until the connection is open, with TLS until the handshake is
    /// done, and speaks `framing` over it.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub fn connect<F: Framing>(
        &self,
        address: &Address,
        framing: F,
    ) -> Result<Framed<F>, ConnectError> {
        let clock = Clock::new();
        let tls = self.tls_at(address)?;
        let (stream, timings) = self.timed_stream(address, clock)?;
        let framed = self.speak(stream, tls, framing)?;
        let secured = address.is_tls().then(|| clock.elapsed());
        Ok(framed.with_timings(Timings { secured, ..timings }))
    }

    /// Connects to `address`, sends the PROXY header if there is one, and leaves everything else, TLS
    /// too, to the caller.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub fn stream(&self, address: &Address) -> Result<Stream, ConnectError> {
        self.timed_stream(address, Clock::new()).map(|(stream, _)| stream)
    }

    /// `clock` began when the stream was asked for.
    fn timed_stream(
        &self,
        address: &Address,
        clock: Clock,
    ) -> Result<(Stream, Timings), ConnectError> {
        let (stream, timings) = match (address, address.endpoint()) {
            (Address::Datagram { .. }, _) => return Err(ConnectError::Datagram(address.clone())),
            (_, Endpoint::Internet(place)) => attempts::connect(place, &self.connector, clock)?,
            (_, Endpoint::Unix(name)) => {
                let stream = unix::connect(name, self.connector.connect_timeout)?;
                let connected = clock.elapsed();
                (stream, Timings { connected, ..Timings::default() })
            }
        };
        if let Some(introduction) = &self.introduction {
            header::send(&stream, introduction, self.connector.connect_timeout)
                .map_err(ConnectError::ProxyHeader)?;
        }
        Ok((stream, timings))
    }
}

/// What a resolver answers.
type Resolved = std::io::Result<Vec<SocketAddr>>;
