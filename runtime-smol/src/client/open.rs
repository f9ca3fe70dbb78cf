use drywire::address::Address;
use drywire::framing::Framing;
use drywire_std::{ConnectError, Stream};

use super::{Client, name_of};
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
        if !address.is_tls() {
            return Framed::plain_with(stream, framing, self.limits.clone(), |connection, peer| {
                self.attach(connection, peer);
            })
            .await;
        }
        let tls = self.tls.as_ref().ok_or(ConnectError::TlsMissing)?;
        let name = self.server_name.clone().or_else(|| name_of(address.endpoint()));
        let name = name.ok_or(ConnectError::ServerNameMissing)?;
        Framed::client_with(stream, tls, name, framing, self.limits.clone(), |connection, peer| {
            self.attach(connection, peer);
        })
        .await
    }
}
