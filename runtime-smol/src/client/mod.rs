//! Clients: names resolved, addresses tried, the PROXY header, TLS, and then frames or resources.
//!
//! The files and their items are those of drywire-std, with futures.

mod attempts;
#[cfg(feature = "http1")]
mod get;
mod header;
mod open;

use blocking::unblock;
use drywire::address::{Address, Endpoint};
use drywire::connector::{ConnectorLimits, Timings};
use drywire::framing::Framing;
use drywire::proxy::Introduction;
use drywire::tls::ClientTls;
use drywire::{Connection, Limits, Peer};
use drywire_std::rustls::pki_types::ServerName;
use drywire_std::{Clock, ConnectError, Stream};

use crate::framed::Framed;

/// Connects to servers: names resolved and addresses tried as [`drywire::connector`] says, TLS if
/// the address has it.
///
/// # Examples
/// ```no_run
/// use drywire_smol::Client;
/// use drywire_smol::drywire::framing::Lines;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// smol::block_on(async {
///     let mut framed = Client::new().connect(&"tcp://localhost:7".parse()?, Lines::new()).await?;
///     framed.send(b"hello").await?;
///     assert_eq!(framed.recv().await?, Some(&b"hello"[..]));
///     framed.close().await?;
///     Ok(())
/// })
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a client does nothing before it connects"]
pub struct Client {
    limits: Limits,
    connector: ConnectorLimits,
    tls: Option<ClientTls>,
    server_name: Option<ServerName<'static>>,
    introduction: Option<Introduction>,
    #[cfg(feature = "record")]
    recording: Option<drywire_std::Recording>,
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
    pub fn record(mut self, recording: drywire_std::Recording) -> Self {
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
    /// # Cancel safety
    /// Dropping the future closes what it has opened.
    pub async fn connect<F: Framing>(
        &self,
        address: &Address,
        framing: F,
    ) -> Result<Framed<F>, ConnectError> {
        let clock = Clock::new();
        let tls = self.tls_at(address)?;
        let (stream, timings) = self.timed_stream(address, clock).await?;
        let framed = self.speak(stream, tls, framing).await?;
        let secured = address.is_tls().then(|| clock.elapsed());
        Ok(framed.with_timings(Timings { secured, ..timings }))
    }

    /// Connects to `address`, sends the PROXY header if there is one, and leaves everything else, TLS
    /// too, to the caller.
    ///
    /// A name is resolved on another thread.
    ///
    /// # Errors
    /// [`ConnectError`].
    /// # Cancel safety
    /// Dropping the future closes what it has opened.
    pub async fn stream(&self, address: &Address) -> Result<Stream, ConnectError> {
        self.timed_stream(address, Clock::new()).await.map(|(stream, _)| stream)
    }

    /// `clock` began when the stream was asked for.
    async fn timed_stream(
        &self,
        address: &Address,
        clock: Clock,
    ) -> Result<(Stream, Timings), ConnectError> {
        let (stream, timings) = match (address, address.endpoint()) {
            (Address::Datagram { .. }, _) => return Err(ConnectError::Datagram(address.clone())),
            (_, Endpoint::Internet(place)) => {
                attempts::connect(place, &self.connector, clock).await?
            }
            // It waits while the socket's queue is full, for which no readiness comes.
            (_, Endpoint::Unix(_)) => {
                let client = drywire_std::Client::new().connector(self.connector.clone());
                let address = address.clone();
                let stream = unblock(move || client.stream(&address)).await?;
                let connected = clock.elapsed();
                (stream, Timings { connected, ..Timings::default() })
            }
        };
        match &self.introduction {
            None => Ok((stream, timings)),
            Some(introduction) => {
                let timeout = self.connector.connect_timeout;
                let sent = header::send(stream, introduction, timeout).await;
                Ok((sent.map_err(ConnectError::ProxyHeader)?, timings))
            }
        }
    }
}
