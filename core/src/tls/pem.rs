//! Configurations from PEM texts, for drivers that load them from files. No file is read here.

use alloc::sync::Arc;
use alloc::vec::Vec;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::configuration::{PemItem, TlsConfigError};
use super::unverified::Unverified;

/// A certificate with its chain, and its private key, in PEM (RFC 7468).
#[derive(Clone, Copy)]
pub struct Identity<'a> {
    /// The certificate, then those that link it to an authority.
    pub certificates: &'a [u8],
    /// The private key: PKCS #8, PKCS #1 or SEC 1.
    pub key: &'a [u8],
}

/// The key is not shown.
impl core::fmt::Debug for Identity<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

/// How a client makes sure of the server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Verification<'a> {
    /// By these authorities, in PEM.
    Authorities(&'a [u8]),
    /// By a verifier, for example the platform's.
    Verifier(Arc<dyn ServerCertVerifier>),
    /// Not at all: anybody in between can read and change everything. For tests and for looking at
    /// what a server sends.
    Nothing,
}

/// A server's configuration: TLS 1.2 and 1.3, resumption on, early data off.
///
/// With `client_authorities`, in PEM, every client must show a certificate that one of them issued.
/// `alpn` lists application protocols, the preferred first.
///
/// # Errors
/// [`TlsConfigError`], by what is wrong with which text.
pub fn server_config(
    identity: Identity<'_>,
    client_authorities: Option<&[u8]>,
    alpn: &[&[u8]],
    provider: &Arc<CryptoProvider>,
) -> Result<ServerConfig, TlsConfigError> {
    let builder = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsConfigError::from_rustls(&error))?;
    let builder = match client_authorities {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let roots = Arc::new(authorities(pem)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(provider))
                .build()
                .map_err(|_| TlsConfigError::Certificate)?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let (certificates, key) = parse(identity)?;
    let mut config = builder
        .with_single_cert(certificates, key)
        .map_err(|error| TlsConfigError::from_rustls(&error))?;
    config.alpn_protocols = protocols(alpn)?;
    Ok(config)
}

/// A client's configuration: TLS 1.2 and 1.3, resumption on, early data off.
///
/// `identity` is shown to servers that ask for a certificate.
///
/// # Errors
/// [`TlsConfigError`], by what is wrong with which text.
pub fn client_config(
    verification: Verification<'_>,
    identity: Option<Identity<'_>>,
    alpn: &[&[u8]],
    provider: &Arc<CryptoProvider>,
) -> Result<ClientConfig, TlsConfigError> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsConfigError::from_rustls(&error))?;
    let builder = match verification {
        Verification::Authorities(pem) => builder.with_root_certificates(authorities(pem)?),
        Verification::Verifier(verifier) => {
            builder.dangerous().with_custom_certificate_verifier(verifier)
        }
        Verification::Nothing => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Unverified::new(Arc::clone(provider)))),
    };
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let (certificates, key) = parse(identity)?;
            builder
                .with_client_auth_cert(certificates, key)
                .map_err(|error| TlsConfigError::from_rustls(&error))?
        }
    };
    config.alpn_protocols = protocols(alpn)?;
    Ok(config)
}

type KeyPair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn parse(identity: Identity<'_>) -> Result<KeyPair, TlsConfigError> {
    let certificates = certificates(identity.certificates, PemItem::Certificates)?;
    let key = PrivateKeyDer::from_pem_slice(identity.key)
        .map_err(|_| TlsConfigError::Pem { wanted: PemItem::Key })?;
    Ok((certificates, key))
}

fn authorities(pem: &[u8]) -> Result<RootCertStore, TlsConfigError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem, PemItem::Authorities)? {
        roots.add(certificate).map_err(|_| TlsConfigError::Certificate)?;
    }
    Ok(roots)
}

fn certificates(
    pem: &[u8],
    wanted: PemItem,
) -> Result<Vec<CertificateDer<'static>>, TlsConfigError> {
    let certificates = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| TlsConfigError::Pem { wanted })?;
    if certificates.is_empty() { Err(TlsConfigError::Pem { wanted }) } else { Ok(certificates) }
}

fn protocols(alpn: &[&[u8]]) -> Result<Vec<Vec<u8>>, TlsConfigError> {
    let is_legal = |name: &&[u8]| (1..=255).contains(&name.len());
    if !alpn.iter().all(is_legal) {
        return Err(TlsConfigError::Alpn);
    }
    Ok(alpn.iter().map(|name| name.to_vec()).collect())
}
