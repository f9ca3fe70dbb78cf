//! A client that believes every certificate, and still no server that has not its key.
#![cfg(all(feature = "testkit", feature = "tls"))]

mod support;

use std::sync::Arc;

use drywire::framing::Lines;
use drywire::testkit::{End, Event, Pair, Talker, Then};
use drywire::tls::{
    Alert, CertificateProblem, ClientTls, ServerTls, TlsCause, TlsError, TlsSession, pem,
};
use drywire::{CloseReason, Connection, Error, Instant, Limits};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use support::{Certified, PROVIDER, VERSIONS, Version, certified};

/// Shows a certificate with a key, whether they belong together or not.
#[derive(Debug)]
struct Shown(Arc<CertifiedKey>);

impl Shown {
    fn new(certificate: &Certified, key: &Certified) -> Self {
        let chain =
            vec![CertificateDer::from_pem_slice(certificate.certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.key.as_bytes()).unwrap();
        Self(Arc::new(CertifiedKey::new(
            chain,
            PROVIDER.key_provider.load_private_key(key).unwrap(),
        )))
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

fn end(session: TlsSession) -> End<Talker<Lines>> {
    let limits = Arc::new(Limits::new());
    let connection = Connection::tls(session, Lines::new(), limits, Instant::ZERO);
    End::new(connection, Talker::new(Lines::new(), Vec::new(), Then::Wait))
}

/// A client that verifies nothing, and a server that shows this.
fn met(version: Version, shown: Shown) -> Pair<Talker<Lines>, Talker<Lines>> {
    let config = rustls::ServerConfig::builder_with_provider(Arc::clone(&PROVIDER))
        .with_protocol_versions(&[version.supported()])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(shown));
    let server = ServerTls::new(config).unwrap();
    let client = pem::client_config(pem::Verification::Nothing, None, &[], &PROVIDER).unwrap();
    let client = ClientTls::new(client);
    let session = TlsSession::client(&client, "asked.example".try_into().unwrap()).unwrap();
    let mut pair = Pair::new(end(session), end(TlsSession::server(&server)));
    pair.run_now();
    pair
}

#[test]
fn whose_certificate_it_is_does_not_matter() {
    for version in VERSIONS {
        let other = certified("other.example");
        let pair = met(version, Shown::new(&other, &other));
        assert_eq!(pair.left.trace().events(), [Event::Open], "{pair:?}");
        let negotiated = pair.left.recorder.negotiated.as_deref().unwrap();
        let expected = CertificateDer::from_pem_slice(other.certificate.as_bytes()).unwrap();
        assert_eq!(negotiated.peer_certificates.concat(), &*expected);
    }
}

#[test]
fn who_has_not_the_key_of_its_certificate_is_refused() {
    for version in VERSIONS {
        let shown = Shown::new(&certified("asked.example"), &certified("asked.example"));
        let pair = met(version, shown);
        let Some(CloseReason::Failed(Error::Tls(error))) = pair.left.trace().failed() else {
            panic!("{pair:?}")
        };
        let cause = TlsCause::Certificate(CertificateProblem::BadSignature);
        let alert = Alert(51);
        assert_eq!(*error, TlsError::Refused { cause, alert: Some(alert) }, "{version:?}");
        let theirs = CloseReason::Failed(Error::Tls(TlsError::AlertReceived(alert)));
        assert_eq!(pair.right.trace().failed(), Some(&theirs));
    }
}
