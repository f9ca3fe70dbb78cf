//! TLS configurations from the files that the command line names.

use std::env;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drywire::tls::pem::{self, Identity, Verification};
use drywire::tls::{ClientTls, PemItem, TlsConfigError};
use drywire_std::rustls::client::WebPkiServerVerifier;
use drywire_std::rustls::client::danger::ServerCertVerifier;
use drywire_std::rustls::crypto::CryptoProvider;
use drywire_std::rustls::pki_types::CertificateDer;
use drywire_std::rustls::pki_types::pem::PemObject;
use drywire_std::rustls::{KeyLog, KeyLogFile, RootCertStore, ServerConfig};

use crate::args::{ClientTlsArguments, SessionArguments};
use crate::certificate::Witness;
use crate::exit::{Stop, cause};

/// A server's certificate and key in files, and all else that makes a configuration of them.
#[derive(Debug)]
pub(crate) struct ServerFiles {
    cert: PathBuf,
    key: PathBuf,
    pub(crate) rest: ServerOptions,
}

/// What a server's configuration needs beside certificate and key.
#[derive(Debug)]
pub(crate) struct ServerOptions {
    pub(crate) client_ca: Option<PathBuf>,
    pub(crate) alpn: Vec<String>,
    pub(crate) key_log: bool,
}

impl ServerFiles {
    /// `None` if no certificate is named.
    pub(crate) fn new(
        session: &SessionArguments,
        rest: ServerOptions,
    ) -> Result<Self, ServerOptions> {
        match (&session.identity.cert, &session.identity.key) {
            (Some(cert), Some(key)) => Ok(Self { cert: cert.clone(), key: key.clone(), rest }),
            _ => Err(rest),
        }
    }

    /// Reads the files.
    pub(crate) fn load(&self) -> Result<ServerConfig, Stop> {
        let certificates = read("the certificate", &self.cert)?;
        let key = read("the private key", &self.key)?;
        let identity = Identity { certificates: &certificates, key: &key };
        self.rest.config(identity, Some((&self.cert, &self.key)))
    }
}

impl ServerOptions {
    /// A configuration with a certificate and key that come from `files`, if from any.
    pub(crate) fn config(
        &self,
        identity: Identity<'_>,
        files: Option<(&Path, &Path)>,
    ) -> Result<ServerConfig, Stop> {
        let ca = self.client_ca.as_deref();
        let authorities = ca.map(|file| read("the authorities", file)).transpose()?;
        let provider = drywire_std::tls::provider();
        let mut config =
            pem::server_config(identity, authorities.as_deref(), &alpn(&self.alpn), &provider)
                .map_err(|error| blame(error, files, ca))?;
        if self.key_log {
            config.key_log = key_log()?;
        }
        Ok(config)
    }
}

/// What a provider does once in a process, such as to look for entropy, is no part of a handshake
/// that is timed.
fn warm_up(provider: &CryptoProvider) {
    // What fails here fails in the handshake, where it is told.
    let _ = provider.secure_random.fill(&mut [0; 32]);
    if let Some(group) = provider.kx_groups.first() {
        let _ = group.start();
    }
}

/// A client's configuration. `usual_alpn` is offered if the command line names no application
/// protocol; `witness` looks on while servers are verified.
pub(crate) fn client(
    trust: &ClientTlsArguments,
    usual_alpn: &[&[u8]],
    witness: &Witness,
) -> Result<ClientTls, Stop> {
    let session = &trust.session;
    let files = session.identity.cert.as_deref().zip(session.identity.key.as_deref());
    let texts = match files {
        None => None,
        Some((cert, key)) => Some((read("the certificate", cert)?, read("the private key", key)?)),
    };
    let identity = texts.as_ref().map(|(certificates, key)| Identity { certificates, key });
    let provider = drywire_std::tls::provider();
    warm_up(&provider);
    let ca = trust.ca.as_deref();
    let authorities = ca.map(|file| read("the authorities", file)).transpose()?;
    let verification = match &authorities {
        _ if trust.insecure => Verification::Nothing,
        Some(pem) => {
            let verifier = verifier(pem, Arc::clone(&provider));
            Verification::Verifier(witness.attend(verifier.map_err(|e| blame(e, None, ca))?))
        }
        None => {
            let verifier = drywire_std::tls::platform_verifier(Arc::clone(&provider));
            Verification::Verifier(witness.attend(verifier.map_err(|_| {
                Stop::usage("the system has no authorities to trust; --ca names a file of them")
            })?))
        }
    };
    let mut protocols = alpn(&session.alpn);
    if protocols.is_empty() {
        protocols.extend_from_slice(usual_alpn);
    }
    let mut config = pem::client_config(verification, identity, &protocols, &provider)
        .map_err(|error| blame(error, files, ca))?;
    if session.key_log {
        config.key_log = key_log()?;
    }
    Ok(ClientTls::new(config))
}

/// Where secrets are logged. A log that cannot be opened would be silent about it.
fn key_log() -> Result<Arc<dyn KeyLog>, Stop> {
    const VARIABLE: &str = "SSLKEYLOGFILE";
    let file = env::var_os(VARIABLE).filter(|file| !file.is_empty()).map(PathBuf::from);
    let Some(file) = file else {
        return Err(Stop::usage(format_args!("--key-log needs a file: {VARIABLE} names none")));
    };
    OpenOptions::new().append(true).create(true).open(&file).map_err(|error| {
        let (file, cause) = (file.display(), cause(&error));
        Stop::usage(format_args!("cannot open {file}, which {VARIABLE} names: {cause}"))
    })?;
    Ok(Arc::new(KeyLogFile::new()))
}

/// Believes the authorities in `pem`.
fn verifier(
    pem: &[u8],
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TlsConfigError> {
    const UNREADABLE: TlsConfigError = TlsConfigError::Pem { wanted: PemItem::Authorities };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| UNREADABLE)?;
        roots.add(certificate).map_err(|_| TlsConfigError::Certificate)?;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    // All that can be missing is an authority.
    Ok(verifier.map_err(|_| UNREADABLE)?)
}

fn alpn(names: &[String]) -> Vec<&[u8]> {
    names.iter().map(String::as_bytes).collect()
}

fn read(what: &str, file: &Path) -> Result<Vec<u8>, Stop> {
    fs::read(file).map_err(|error| {
        Stop::usage(format_args!("cannot read {what} in {}: {}", file.display(), cause(&error)))
    })
}

/// Says which file is not as it should be.
fn blame(error: TlsConfigError, files: Option<(&Path, &Path)>, ca: Option<&Path>) -> Stop {
    let show = |file: Option<&Path>| file.map(|file| file.display().to_string());
    let cert = show(files.map(|(cert, _)| cert));
    let key = show(files.map(|(_, key)| key));
    let file = match error {
        TlsConfigError::Pem { wanted: PemItem::Authorities } => show(ca),
        TlsConfigError::Pem { wanted: PemItem::Key } | TlsConfigError::Key => key,
        TlsConfigError::Pem { wanted: PemItem::Certificates } => cert,
        TlsConfigError::KeyMismatch => match (key, cert) {
            (Some(key), Some(cert)) => Some(format!("{key} and {cert}")),
            _ => None,
        },
        TlsConfigError::Certificate => match (cert, show(ca)) {
            (Some(cert), Some(ca)) => Some(format!("{cert} or {ca}")),
            (cert, ca) => cert.or(ca),
        },
        _ => None,
    };
    match file {
        Some(file) => Stop::usage(format_args!("{file}: {error}")),
        None => Stop::usage(error),
    }
}
