use drywire::address::Address;
use drywire::framing::Framing;
use drywire::tls::ClientTls;
use drywire::{Connection, Peer};
use drywire_std::rustls::pki_types::ServerName;
use drywire_std::tls::server_name;
use drywire_std::{ConnectError, Stream};

use super::Client;
use crate::framed::Framed;

impl Client {
    /// Waits until the connection over `stream` is open, with TLS until the handshake is done, and
    /// speaks `framing` over it: the second half of [`connect`](Self::connect), where
    /// [`stream`](Self::stream) is the first.
    ///
    /// # Errors
    /// [`ConnectError`].
    /// # Cancel safety
    /// Dropping the future closes the stream.
    pub async fn open<F: Framing>(
        &self,
        address: &Address,
        stream: Stream,
        framing: F,
    ) -> Result<Framed<F>, ConnectError> {
        let tls = self.tls_at(address)?;
        self.speak(stream, tls, framing).await
    }

    /// How TLS is spoken at `address`, and with whom; `None` where it is not.
    pub(super) fn tls_at(
        &self,
        address: &Address,
    ) -> Result<Option<(&ClientTls, ServerName<'static>)>, ConnectError> {
        if !address.is_tls() {
            return Ok(None);
        }
        let tls = self.tls.as_ref().ok_or(ConnectError::TlsMissing)?;
        let name = self.server_name.clone().or_else(|| server_name(address.endpoint()));
        Ok(Some((tls, name.ok_or(ConnectError::ServerNameMissing)?)))
    }

    /// Waits until the connection over `stream` is open.
    pub(super) async fn speak<F: Framing>(
        &self,
        stream: Stream,
        tls: Option<(&ClientTls, ServerName<'static>)>,
        framing: F,
    ) -> Result<Framed<F>, ConnectError> {
        let limits = self.limits.clone();
        let begun = |connection: &mut Connection<F>, peer: &Peer| self.attach(connection, peer);
        match tls {
            None => Framed::plain_with(stream, framing, limits, begun).await,
            Some((tls, name)) => {
                Framed::client_with(stream, tls, name, framing, limits, begun).await
            }
        }
    }
}
