//! TLS session buffering: the only folder that names rustls.
//!
//! What a session reports ([`Negotiated`], [`TlsError`]) has no rustls type in it and is there
//! without the feature `tls`, so that applications need not care whether it is on.

mod error;
mod negotiated;

pub use error::{Alert, CertificateProblem, TlsCause, TlsError};
pub use negotiated::{Negotiated, TlsVersion};
