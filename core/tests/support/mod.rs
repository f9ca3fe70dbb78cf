//! Certificates and configurations for tests.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

pub mod forger;

use std::sync::{Arc, LazyLock};

use drywire::testkit::{End, OwnedFrames, Pair};
use drywire::tls::{ClientTls, ServerTls, TlsSession, pem};
use drywire::{Connection, Instant, Limits, Protocol};
use rustls::crypto::CryptoProvider;

/// A certificate and its key in PEM.
pub struct Certified {
    pub certificate: String,
    pub key: String,
}

impl Certified {
    pub fn identity(&self) -> pem::Identity<'_> {
        pem::Identity { certificates: self.certificate.as_bytes(), key: self.key.as_bytes() }
    }

    pub fn authority(&self) -> pem::Verification<'_> {
        pem::Verification::Authorities(self.certificate.as_bytes())
    }
}

/// A self-signed certificate for `name`.
pub fn certified(name: &str) -> Certified {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
    let certificate = parameters.self_signed(&key).unwrap();
    Certified { certificate: certificate.pem(), key: key.serialize_pem() }
}

pub static LOCALHOST: LazyLock<Certified> = LazyLock::new(|| certified("localhost"));

pub static PROVIDER: LazyLock<Arc<CryptoProvider>> =
    LazyLock::new(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider()));

/// Which version of TLS a client is limited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    Tls12,
    Tls13,
}

pub const VERSIONS: [Version; 2] = [Version::Tls12, Version::Tls13];

impl Version {
    pub fn of(is_new: bool) -> Self {
        if is_new { Self::Tls13 } else { Self::Tls12 }
    }

    pub fn supported(self) -> &'static rustls::SupportedProtocolVersion {
        match self {
            Self::Tls12 => &rustls::version::TLS12,
            Self::Tls13 => &rustls::version::TLS13,
        }
    }
}

pub fn server_config() -> rustls::ServerConfig {
    pem::server_config(LOCALHOST.identity(), None, &[], &PROVIDER).unwrap()
}

pub fn server_tls() -> ServerTls {
    ServerTls::new(server_config()).unwrap()
}

/// A client that trusts [`LOCALHOST`] and speaks one version.
pub fn client_config(version: Version) -> rustls::ClientConfig {
    client_config_with(version, &PROVIDER)
}

pub fn client_config_with(
    version: Version,
    provider: &Arc<CryptoProvider>,
) -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    let certificates =
        rustls::pki_types::CertificateDer::from_pem_slice_all(&LOCALHOST.certificate);
    for certificate in certificates {
        roots.add(certificate).unwrap();
    }
    rustls::ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(&[version.supported()])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

trait AllFromPem: Sized {
    fn from_pem_slice_all(pem: &str) -> Vec<Self>;
}

impl AllFromPem for rustls::pki_types::CertificateDer<'static> {
    fn from_pem_slice_all(pem: &str) -> Vec<Self> {
        use rustls::pki_types::pem::PemObject;
        Self::pem_slice_iter(pem.as_bytes()).map(Result::unwrap).collect()
    }
}

pub fn client_tls(version: Version) -> ClientTls {
    ClientTls::new(client_config(version))
}

pub fn client_session(tls: &ClientTls) -> TlsSession {
    TlsSession::client(tls, "localhost".try_into().unwrap()).unwrap()
}

/// The two sides of a new session.
pub fn sessions(version: Version) -> (TlsSession, TlsSession) {
    (client_session(&client_tls(version)), TlsSession::server(&server_tls()))
}

/// What two ends are joined over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    Plain,
    Tls(Version),
}

pub const EVERYTHING: [Over; 3] =
    [Over::Plain, Over::Tls(Version::Tls12), Over::Tls(Version::Tls13)];

impl Over {
    /// A client on the left and a server on the right.
    pub fn pair<P: Protocol, Q: Protocol>(self, left: P, right: Q) -> Pair<P, Q>
    where
        P::Framing: OwnedFrames,
        Q::Framing: OwnedFrames,
    {
        self.pair_within(left, right, &Limits::new())
    }

    pub fn pair_within<P: Protocol, Q: Protocol>(
        self,
        left: P,
        right: Q,
        limits: &Limits,
    ) -> Pair<P, Q>
    where
        P::Framing: OwnedFrames,
        Q::Framing: OwnedFrames,
    {
        let limits = Arc::new(limits.clone());
        let now = Instant::ZERO;
        match self {
            Self::Plain => Pair::plain_within(left, Arc::clone(&limits), right, limits),
            Self::Tls(version) => {
                let (client, server) = sessions(version);
                let client = Connection::tls(client, left.framing(), Arc::clone(&limits), now);
                let server = Connection::tls(server, right.framing(), limits, now);
                Pair::new(End::new(client, left), End::new(server, right))
            }
        }
    }

    /// The same with the server on the left.
    pub fn turned_pair<P: Protocol, Q: Protocol>(self, left: P, right: Q) -> Pair<P, Q>
    where
        P::Framing: OwnedFrames,
        Q::Framing: OwnedFrames,
    {
        let Self::Tls(version) = self else { return self.pair(left, right) };
        let limits = Arc::new(Limits::new());
        let now = Instant::ZERO;
        let (client, server) = sessions(version);
        let server = Connection::tls(server, left.framing(), Arc::clone(&limits), now);
        let client = Connection::tls(client, right.framing(), limits, now);
        Pair::new(End::new(server, left), End::new(client, right))
    }
}
