//! The cryptography provider and the verifiers of certificates that the features bring.
//!
//! Configurations themselves are made by [`drywire::tls::pem`] or by rustls.

#[cfg(any(
    feature = "aws-lc-rs",
    feature = "ring",
    feature = "platform-verifier",
    feature = "webpki-roots"
))]
use std::sync::Arc;

#[cfg(any(
    feature = "aws-lc-rs",
    feature = "ring",
    feature = "platform-verifier",
    feature = "webpki-roots"
))]
use rustls::crypto::CryptoProvider;

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
