//! TLS configuration: rustls' own, checked, and for servers exchangeable while they run.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use std::sync::{PoisonError, RwLock};

use rustls::client::Resumption;
use rustls::server::ClientHello;
use rustls::{ClientConfig, ServerConfig};

/// A client's configuration. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ClientTls {
    config: Arc<ClientConfig>,
}

impl ClientTls {
    /// Uses `config`.
    #[must_use]
    pub fn new(config: impl Into<Arc<ClientConfig>>) -> Self {
        Self { config: config.into() }
    }

    /// The same, except that every session begins with a full handshake.
    #[must_use]
    pub fn without_resumption(&self) -> Self {
        let mut config = ClientConfig::clone(&self.config);
        config.resumption = Resumption::disabled();
        Self::new(config)
    }

    pub(super) const fn config(&self) -> &Arc<ClientConfig> {
        &self.config
    }
}

/// A server's configuration. Clones share it, and replacing it in one replaces it in all: sessions
/// that begin later use the new one, those that have begun keep theirs.
#[derive(Clone)]
pub struct ServerTls {
    current: Arc<RwLock<Arc<ServerConfig>>>,
    chooser: Option<Arc<dyn ChooseServerConfig>>,
    alpn: Option<Arc<Alpn>>,
}

/// Chooses a server's configuration by what the client asks for.
pub trait ChooseServerConfig: Send + Sync {
    /// The configuration for a client that greets with `hello`; `None` for the current default.
    fn choose(&self, hello: &ClientHello<'_>) -> Option<Arc<ServerConfig>>;
}

impl ServerTls {
    /// Uses `config`.
    ///
    /// # Errors
    /// [`TlsConfigError::EarlyData`] if it accepts early data, which can be replayed (RFC 8446,
    /// section 8) and which no framing here could tell apart.
    pub fn new(config: impl Into<Arc<ServerConfig>>) -> Result<Self, TlsConfigError> {
        let config = Self::checked(config.into())?;
        Ok(Self { current: Arc::new(RwLock::new(config)), chooser: None, alpn: None })
    }

    /// Asks `chooser` for each session.
    #[must_use]
    pub fn with_chooser(mut self, chooser: Arc<dyn ChooseServerConfig>) -> Self {
        self.chooser = Some(chooser);
        self
    }

    /// The same configuration, shared as by a clone, but with these application protocols (RFC
    /// 7301), the preferred first: for listeners that have a certificate in common and speak
    /// different protocols.
    #[must_use]
    pub fn with_alpn(mut self, names: &[&[u8]]) -> Self {
        let names = names.iter().map(|name| name.to_vec()).collect();
        self.alpn = Some(Arc::new(Alpn { names, last: RwLock::new(None) }));
        self
    }

    /// Uses `config` for the sessions that begin from now on.
    ///
    /// # Errors
    /// As [`new`](Self::new); the old configuration then stays.
    pub fn replace(&self, config: impl Into<Arc<ServerConfig>>) -> Result<(), TlsConfigError> {
        let config = Self::checked(config.into())?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// The configuration that new sessions use.
    #[must_use]
    pub fn current(&self) -> Arc<ServerConfig> {
        self.spoken(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }

    pub(super) fn choose(&self, hello: &ClientHello<'_>) -> Arc<ServerConfig> {
        let chosen = self.chooser.as_ref().and_then(|chooser| chooser.choose(hello));
        match chosen {
            Some(config) if config.max_early_data_size == 0 => self.spoken(config),
            Some(_) | None => self.current(),
        }
    }

    /// The configuration with the application protocols of our own, if there are any.
    fn spoken(&self, config: Arc<ServerConfig>) -> Arc<ServerConfig> {
        match &self.alpn {
            Some(alpn) => alpn.applied(config),
            None => config,
        }
    }

    fn checked(config: Arc<ServerConfig>) -> Result<Arc<ServerConfig>, TlsConfigError> {
        if config.max_early_data_size == 0 { Ok(config) } else { Err(TlsConfigError::EarlyData) }
    }
}

/// Application protocols in place of those of a configuration.
struct Alpn {
    names: Vec<Vec<u8>>,
    /// The configuration that was changed last, and what it was changed to: sessions share it.
    last: RwLock<Option<[Arc<ServerConfig>; 2]>>,
}

impl Alpn {
    fn applied(&self, config: Arc<ServerConfig>) -> Arc<ServerConfig> {
        let last = self.last.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some([before, after]) = last {
            if Arc::ptr_eq(&before, &config) {
                return after;
            }
        }
        let mut changed = ServerConfig::clone(&config);
        changed.alpn_protocols.clone_from(&self.names);
        let changed = Arc::new(changed);
        let last = Some([config, Arc::clone(&changed)]);
        *self.last.write().unwrap_or_else(PoisonError::into_inner) = last;
        changed
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").finish_non_exhaustive()
    }
}

/// Why a TLS configuration is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsConfigError {
    /// An application protocol name is empty or longer than 255 bytes (RFC 7301, section 3.1).
    Alpn,
    /// A PEM text is not well formed or has nothing in it that is looked for.
    Pem {
        /// What was looked for.
        wanted: PemItem,
    },
    /// The configuration accepts early data.
    EarlyData,
    /// The private key does not belong to the certificate.
    KeyMismatch,
    /// Some certificates are not usable as such or as authorities.
    Certificate,
    /// The private key is of a kind that the cryptography provider does not know.
    Key,
    /// rustls refuses the configuration for another reason.
    Unusable,
}

/// What a PEM text is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PemItem {
    /// Certificates of authorities.
    Authorities,
    /// A certificate and those that link it to an authority.
    Certificates,
    /// A private key.
    Key,
}

impl TlsConfigError {
    pub(super) fn from_rustls(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InconsistentKeys(_) => Self::KeyMismatch,
            rustls::Error::InvalidCertificate(_) => Self::Certificate,
            rustls::Error::General(_) => Self::Key,
            _ => Self::Unusable,
        }
    }
}

impl fmt::Display for TlsConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Alpn => "an application protocol name has 1 to 255 bytes",
            Self::Pem { wanted: PemItem::Authorities } => {
                "no certificate authority in the PEM text"
            }
            Self::Pem { wanted: PemItem::Certificates } => "no certificate in the PEM text",
            Self::Pem { wanted: PemItem::Key } => "no private key in the PEM text",
            Self::EarlyData => "early data is not supported",
            Self::KeyMismatch => "the private key does not belong to the certificate",
            Self::Certificate => "the certificate cannot be used",
            Self::Key => "the private key is of a kind that is not supported",
            Self::Unusable => "the TLS configuration cannot be used",
        })
    }
}

impl core::error::Error for TlsConfigError {}
