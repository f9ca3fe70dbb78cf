//! A client to be connected.

use drywire::Limits;
use drywire::address::Address;
use drywire::framing::AnyFraming;
use drywire::proxy::Introduction;
use drywire::tls::ClientTls;
use rustls::pki_types::ServerName;

use super::{Adapter, Talk};
use crate::PATIENCE;

/// How to connect.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Dial {
    /// The framing.
    pub framing: AnyFraming,
    /// Limits of the connection.
    pub limits: Limits,
    /// TLS.
    pub tls: Option<ClientTls>,
    /// Whom the certificate must be for.
    pub server_name: Option<ServerName<'static>>,
    /// The PROXY header to begin with.
    pub introduction: Option<Introduction>,
}

impl Dial {
    /// Without TLS. Waits for nothing longer than [`PATIENCE`].
    ///
    /// # Panics
    /// If there is no such framing.
    #[must_use]
    pub fn plain(framing: &str) -> Self {
        let mut limits = Limits::new();
        limits.idle_timeout = PATIENCE;
        let framing = framing.parse().expect("a framing");
        Self { framing, limits, tls: None, server_name: None, introduction: None }
    }

    /// With TLS, for the name `localhost`.
    #[must_use]
    pub fn tls(mut self, tls: &ClientTls) -> Self {
        self.tls = Some(tls.clone());
        self.server_name = ServerName::try_from("localhost").ok();
        self
    }

    /// Changes the limits.
    #[must_use]
    pub fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.limits);
        self
    }

    /// Connects.
    ///
    /// # Panics
    /// If that fails.
    #[must_use]
    pub fn connect(&self, adapter: &dyn Adapter, address: &Address) -> Box<dyn Talk> {
        let talk = adapter.connect(address, self);
        talk.unwrap_or_else(|error| panic!("cannot connect to {address}: {error}"))
    }
}
