//! Certificates for `localhost`.

use std::sync::Arc;

use crate::adapter::tls::provider;
use drywire::tls::pem::{Identity, Verification, client_config, server_config};
use drywire::tls::{ClientTls, ServerTls};
use rustls::{ClientConfig, ServerConfig};

/// A self-signed certificate with its key.
pub(crate) struct Certificate {
    pub(crate) pem: String,
    key: String,
}

impl Certificate {
    pub(crate) fn new() -> Self {
        let certified =
            rcgen::generate_simple_self_signed(["localhost".into(), "127.0.0.1".into()]).unwrap();
        Self { pem: certified.cert.pem(), key: certified.signing_key.serialize_pem() }
    }

    pub(crate) fn server_config(&self) -> ServerConfig {
        let identity = Identity { certificates: self.pem.as_bytes(), key: self.key.as_bytes() };
        server_config(identity, None, &[b"echo"], &provider()).unwrap()
    }

    pub(crate) fn server(&self) -> ServerTls {
        ServerTls::new(self.server_config()).unwrap()
    }

    /// A client that trusts this certificate only.
    pub(crate) fn client_config(&self) -> Arc<ClientConfig> {
        let trust = Verification::Authorities(self.pem.as_bytes());
        Arc::new(client_config(trust, None, &[b"echo"], &provider()).unwrap())
    }

    pub(crate) fn client(&self) -> ClientTls {
        ClientTls::new(self.client_config())
    }
}
