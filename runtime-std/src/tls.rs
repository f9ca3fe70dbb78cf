//! The cryptography provider and the verifiers of certificates that the features bring, and whom a
//! certificate must be for.
//!
//! Configurations themselves are made by [`drywire::tls::pem`] or by rustls.

use std::net::IpAddr;
#[cfg(any(
    feature = "aws-lc-rs",
    feature = "ring",
    feature = "platform-verifier",
    feature = "webpki-roots"
))]
use std::sync::Arc;

use drywire::address::{Endpoint, Host};
#[cfg(any(
    feature = "aws-lc-rs",
    feature = "ring",
    feature = "platform-verifier",
    feature = "webpki-roots"
))]
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;

/// Whom the certificate of a server at `endpoint` must be for; `None` for a Unix socket, which has no
/// name of its own.
#[must_use]
pub fn server_name(endpoint: &Endpoint) -> Option<ServerName<'static>> {
    let Endpoint::Internet(place) = endpoint else { return None };
    match &place.host {
        Host::Name(name) => ServerName::try_from(name.server_name().to_owned()).ok(),
        Host::V4(address) => Some(IpAddr::from(*address).into()),
        Host::V6 { address, .. } => Some(IpAddr::from(*address).into()),
    }
}

/// The cryptography provider of the feature that is on: `aws-lc-rs`, or else `ring`.
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    #[cfg(feature = "aws-lc-rs")]
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(not(feature = "aws-lc-rs"))]
    let provider = rustls::crypto::ring::default_provider();
    Arc::new(provider)
}

/// A verifier that trusts the authorities which the operating system trusts.
///
/// # Errors
/// [`TlsConfigError`](drywire::tls::TlsConfigError) if the system has no authority that can be
/// used.
#[cfg(feature = "platform-verifier")]
pub fn platform_verifier(
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn rustls::client::danger::ServerCertVerifier>, drywire::tls::TlsConfigError> {
    match rustls_platform_verifier::Verifier::new(provider) {
        Ok(verifier) => Ok(Arc::new(verifier)),
        Err(_) => Err(drywire::tls::TlsConfigError::Certificate),
    }
}

/// A verifier that trusts the authorities which Mozilla trusted when this was compiled.
///
/// # Errors
/// [`TlsConfigError`](drywire::tls::TlsConfigError) if the provider cannot verify signatures.
#[cfg(feature = "webpki-roots")]
pub fn webpki_verifier(
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn rustls::client::danger::ServerCertVerifier>, drywire::tls::TlsConfigError> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    match rustls::client::WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
    {
        Ok(verifier) => Ok(verifier),
        Err(_) => Err(drywire::tls::TlsConfigError::Certificate),
    }
}
