//! Certificates that are made when the tests run, in memory and in a folder that goes with them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use drywire::tls::pem::{Identity, Verification, client_config, server_config};
use drywire::tls::{ClientTls, ServerTls};
use drywire_std::tls::provider;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::{ClientConfig, ServerConfig};
use tempfile::TempDir;

/// An authority and what it has issued.
#[derive(Debug)]
pub struct Certificates {
    /// The authority's certificate, in PEM.
    pub authority: String,
    /// For `localhost`, `127.0.0.1` and `::1`.
    pub server: Issued,
    /// A client's.
    pub client: Issued,
    /// A server's for `localhost` that is not valid any more.
    pub expired: Issued,
    /// A server's for `elsewhere.invalid`.
    pub wrong_name: Issued,
    /// A server's for `localhost`, by another authority.
    pub foreign: Issued,
    folder: TempDir,
}

/// A certificate and its key, in PEM.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The certificate.
    pub certificate: String,
    /// The certificate in DER.
    pub der: Vec<u8>,
    /// Its key.
    pub key: String,
}

impl Certificates {
    /// Makes all of them.
    ///
    /// # Panics
    /// If the system has no randomness or no folder for temporary files.
    #[must_use]
    pub fn new() -> Self {
        let (authority, other) = (authority("test authority"), authority("another authority"));
        let server = params("server", &["localhost", "127.0.0.1", "::1"]);
        let mut expired = server.clone();
        expired.not_after = date_time_ymd(2001, 1, 1);
        let wrong_name = params("elsewhere", &["elsewhere.invalid"]);
        let mut client = params("client", &["client.invalid"]);
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificates = Self {
            authority: authority.pem(),
            foreign: issue(&server, &other),
            server: issue(&server, &authority),
            client: issue(&client, &authority),
            expired: issue(&expired, &authority),
            wrong_name: issue(&wrong_name, &authority),
            folder: tempfile::tempdir().expect("a folder"),
        };
        certificates.save("authority", &certificates.authority);
        for (name, issued) in [
            ("server", &certificates.server),
            ("client", &certificates.client),
            ("expired", &certificates.expired),
            ("wrong-name", &certificates.wrong_name),
            ("foreign", &certificates.foreign),
        ] {
            certificates.save(name, &issued.certificate);
            certificates.save(&format!("{name}-key"), &issued.key);
        }
        certificates
    }

    fn save(&self, name: &str, pem: &str) {
        std::fs::write(self.path(name), pem).expect("a file");
    }

    /// The file of `authority`, or of `server`, `client`, `expired`, `wrong-name` or `foreign`, or
    /// of one of these with `-key`.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.pem"))
    }

    /// The same as text, for arguments of programs.
    ///
    /// # Panics
    /// If the folder's name is not Unicode.
    #[must_use]
    pub fn file(&self, name: &str) -> String {
        self.path(name).to_str().expect("a name in Unicode").to_owned()
    }

    /// The folder, for other files that belong to the test.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The configuration of a server with a certificate of these.
    ///
    /// # Panics
    /// If it is refused.
    #[must_use]
    pub fn server_config(&self, issued: &Issued, alpn: &[&[u8]]) -> ServerConfig {
        server_config(issued.identity(), None, alpn, &provider()).expect("a configuration")
    }

    /// A server with its certificate.
    ///
    /// # Panics
    /// If it is refused.
    #[must_use]
    pub fn server_tls(&self) -> ServerTls {
        ServerTls::new(self.server_config(&self.server, &[])).expect("a configuration")
    }

    /// A server that asks for a client's certificate.
    ///
    /// # Panics
    /// If it is refused.
    #[must_use]
    pub fn demanding_server_tls(&self) -> ServerTls {
        let authorities = Some(self.authority.as_bytes());
        let config = server_config(self.server.identity(), authorities, &[], &provider());
        ServerTls::new(config.expect("a configuration")).expect("a configuration")
    }

    /// The configuration of a client that trusts the authority, with or without a certificate.
    ///
    /// # Panics
    /// If it is refused.
    #[must_use]
    pub fn client_config(&self, issued: Option<&Issued>, alpn: &[&[u8]]) -> ClientConfig {
        let verification = Verification::Authorities(self.authority.as_bytes());
        let identity = issued.map(Issued::identity);
        client_config(verification, identity, alpn, &provider()).expect("a configuration")
    }

    /// A client that trusts the authority.
    #[must_use]
    pub fn client_tls(&self) -> ClientTls {
        ClientTls::new(self.client_config(None, &[]))
    }

    /// The same for a peer made by hand.
    #[must_use]
    pub fn peer_client(&self) -> Arc<ClientConfig> {
        Arc::new(self.client_config(None, &[]))
    }

    /// A server for a peer made by hand that asks for a client's certificate.
    ///
    /// # Panics
    /// If it is refused.
    #[must_use]
    pub fn demanding_peer_server(&self) -> Arc<ServerConfig> {
        let authorities = Some(self.authority.as_bytes());
        let config = server_config(self.server.identity(), authorities, &[], &provider());
        Arc::new(config.expect("a configuration"))
    }

    /// A server for a peer made by hand.
    #[must_use]
    pub fn peer_server(&self, issued: &Issued) -> Arc<ServerConfig> {
        Arc::new(self.server_config(issued, &[]))
    }
}

impl Default for Certificates {
    fn default() -> Self {
        Self::new()
    }
}

impl Issued {
    /// As a configuration wants it.
    #[must_use]
    pub fn identity(&self) -> Identity<'_> {
        Identity { certificates: self.certificate.as_bytes(), key: self.key.as_bytes() }
    }
}

fn params(name: &str, subjects: &[&str]) -> CertificateParams {
    let subjects: Vec<String> = subjects.iter().map(|&subject| subject.to_owned()).collect();
    let mut params = CertificateParams::new(subjects).expect("names");
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(2100, 1, 1);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = params(name, &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.extended_key_usages = Vec::new();
    params.use_authority_key_identifier_extension = false;
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::self_signed(params, key).expect("a certificate")
}

fn issue(params: &CertificateParams, authority: &CertifiedIssuer<'static, KeyPair>) -> Issued {
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, authority).expect("a certificate");
    Issued {
        certificate: certificate.pem(),
        der: certificate.der().to_vec(),
        key: key.serialize_pem(),
    }
}
