//! TLS session buffering: the only folder that names rustls.
//!
//! What a session reports ([`Negotiated`], [`TlsError`]) has no rustls type in it and is there
//! without the feature `tls`, so that applications need not care whether it is on. With the
//! feature, configurations are rustls' own ([`ClientTls`], [`ServerTls`]), and [`TlsSession`] is
//! what a connection is given. The cryptography provider comes with the configuration, never from
//! a process-wide default.

mod error;
mod negotiated;

#[cfg(feature = "tls")]
mod blame;
#[cfg(feature = "tls")]
mod configuration;
#[cfg(feature = "tls")]
mod hello;
#[cfg(feature = "tls")]
mod look;
#[cfg(feature = "tls")]
pub mod pem;
#[cfg(feature = "tls")]
mod records;
#[cfg(feature = "tls")]
mod seal;
#[cfg(all(feature = "tls", any(test, feature = "testkit")))]
pub mod seeded;
#[cfg(feature = "tls")]
mod session;
#[cfg(feature = "tls")]
mod unverified;

#[cfg(feature = "tls")]
pub use configuration::{ChooseServerConfig, ClientTls, PemItem, ServerTls, TlsConfigError};
pub use error::{Alert, CertificateProblem, TlsCause, TlsError};
pub use negotiated::{Negotiated, TlsVersion};
#[cfg(feature = "tls")]
pub(crate) use session::OPENED_LEN_MAX;
#[cfg(feature = "tls")]
pub use session::TlsSession;
