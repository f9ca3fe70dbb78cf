use std::net::SocketAddr;

use drywire::address::{Address, Endpoint, UnixName};
use drywire::proxy::Introduction;
use drywire::tls::ClientTls;
use rustls::pki_types::ServerName;

use crate::client::Client;
use crate::error::ConnectError;
use crate::listener::resolve;

/// Where [`Clients`](super::Clients) connect to, and how: an address whose name is resolved, with
/// the TLS configuration and the PROXY header of a [`Client`].
#[derive(Clone, Debug)]
pub struct Target {
    pub(super) place: Place,
    pub(super) tls: Option<(ClientTls, ServerName<'static>)>,
    pub(super) introduction: Option<Introduction>,
}

#[derive(Clone, Debug)]
pub(super) enum Place {
    Internet(Vec<SocketAddr>),
    Unix(UnixName),
}

impl Target {
    /// Resolves `address`, to be connected to as `client` would.
    ///
    /// A host's name is resolved here, which may block: a loop is no place for it.
    ///
    /// # Errors
    /// [`ConnectError::Datagram`], [`ConnectError::Resolve`], and those of a TLS configuration that is
    /// missing or does not know its server's name.
    pub fn resolve(client: &Client, address: &Address) -> Result<Self, ConnectError> {
        if let Address::Datagram { .. } = address {
            return Err(ConnectError::Datagram(address.clone()));
        }
        let tls = client.tls_at(address)?.map(|(tls, name)| (tls.clone(), name));
        let place = match address.endpoint() {
            Endpoint::Internet(place) => {
                Place::Internet(resolve(place).map_err(ConnectError::Resolve)?)
            }
            Endpoint::Unix(name) => Place::Unix(name.clone()),
        };
        Ok(Self { place, tls, introduction: client.introduction.clone() })
    }
}

/// Plain.
impl From<SocketAddr> for Target {
    fn from(address: SocketAddr) -> Self {
        Self { place: Place::Internet(vec![address]), tls: None, introduction: None }
    }
}

/// Plain, whichever of these answers.
impl FromIterator<SocketAddr> for Target {
    fn from_iter<I: IntoIterator<Item = SocketAddr>>(addresses: I) -> Self {
        let place = Place::Internet(addresses.into_iter().collect());
        Self { place, tls: None, introduction: None }
    }
}
