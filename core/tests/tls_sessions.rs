//! What TLS sessions can do: names, protocols, certificates, resumption, keys, records.
#![cfg(all(feature = "testkit", feature = "tls"))]

mod support;

use std::sync::{Arc, Mutex};

use drywire::buffer::Pool;
use drywire::framing::{LengthPrefix, Raw};
use drywire::testkit::{End, Event, Pair, Talker, Then};
use drywire::tls::{
    Alert, CertificateProblem, ChooseServerConfig, ClientTls, Negotiated, PemItem, ServerTls,
    TlsCause, TlsConfigError, TlsError, TlsSession, TlsVersion, pem,
};
use drywire::{CloseReason, Connection, Error, Instant, Limits};
use support::{LOCALHOST, Over, PROVIDER, VERSIONS, Version, certified};

type Ends = Pair<Talker<LengthPrefix>, Talker<LengthPrefix>>;

/// An end that listens, or, with frames, talks and then finishes.
fn end(session: TlsSession, frames: &[&[u8]]) -> End<Talker<LengthPrefix>> {
    let then = if frames.is_empty() { Then::Wait } else { Then::Finish };
    let frames = frames.iter().map(|frame| frame.to_vec()).collect();
    let framing = LengthPrefix::u32be();
    let limits = Arc::new(Limits::new());
    let connection = Connection::tls(session, framing.clone(), limits, Instant::ZERO);
    End::new(connection, Talker::new(framing, frames, then))
}

fn join(client: &ClientTls, server: &ServerTls) -> Ends {
    Pair::new(end(support::client_session(client), &[]), end(TlsSession::server(server), &[]))
}

fn open(client: &ClientTls, server: &ServerTls) -> Ends {
    let mut pair = join(client, server);
    pair.run_now();
    assert_eq!(pair.left.trace().events(), [Event::Open], "{pair:?}");
    assert_eq!(pair.right.trace().events(), [Event::Open], "{pair:?}");
    pair
}

fn still(version: Version) -> Ends {
    open(&support::client_tls(version), &support::server_tls())
}

fn negotiated(end: &End<Talker<LengthPrefix>>) -> &Negotiated {
    end.recorder.negotiated.as_deref().expect("a handshake that is done")
}

fn tls_error(end: &End<Talker<LengthPrefix>>) -> TlsError {
    match end.trace().failed() {
        Some(CloseReason::Failed(Error::Tls(error))) => *error,
        other => panic!("{other:?}"),
    }
}

fn client_speaking(version: Version, alpn: &[&[u8]]) -> ClientTls {
    let mut config = support::client_config(version);
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    ClientTls::new(config)
}

fn server_speaking(alpn: &[&[u8]]) -> ServerTls {
    ServerTls::new(pem::server_config(LOCALHOST.identity(), None, alpn, &PROVIDER).unwrap())
        .unwrap()
}

#[test]
fn application_protocols() {
    for version in VERSIONS {
        let server = server_speaking(&[b"h2", b"echo"]);
        let pair = open(&client_speaking(version, &[b"echo", b"h2"]), &server);
        for end in [&pair.left, &pair.right] {
            assert_eq!(negotiated(end).alpn.as_deref(), Some(&b"h2"[..]), "the server prefers");
        }
        let pair = open(&client_speaking(version, &[]), &server);
        assert_eq!(negotiated(&pair.right).alpn, None);
        let pair = open(&client_speaking(version, &[b"echo"]), &server_speaking(&[]));
        assert_eq!(negotiated(&pair.left).alpn, None);

        let mut pair = join(&client_speaking(version, &[b"other"]), &server);
        pair.run();
        let alert = Alert(120);
        let cause = TlsCause::NoApplicationProtocol;
        assert_eq!(tls_error(&pair.right), TlsError::Refused { cause, alert: Some(alert) });
        assert_eq!(tls_error(&pair.left), TlsError::AlertReceived(alert));
    }
}

#[test]
fn listeners_share_a_certificate_and_have_their_own_application_protocols() {
    let chosen = |server: &ServerTls, offered: &[&[u8]]| {
        let pair = open(&client_speaking(Version::Tls13, offered), server);
        negotiated(&pair.right).alpn.as_deref().map(<[u8]>::to_vec)
    };
    let both: [&[u8]; 2] = [b"echo", b"http/1.1"];
    let server = server_speaking(&[b"echo"]);
    let http = server.clone().with_alpn(&[b"http/1.1"]);
    assert_eq!(chosen(&server, &both).as_deref(), Some(&b"echo"[..]));
    assert_eq!(chosen(&http, &both).as_deref(), Some(&b"http/1.1"[..]));
    // Replacing it in one replaces it in all.
    let replaced = rustls::ServerConfig::clone(&server_speaking(&[b"other"]).current());
    let certificate = Arc::clone(&replaced.cert_resolver);
    server.replace(replaced).unwrap();
    assert_eq!(chosen(&http, &both).as_deref(), Some(&b"http/1.1"[..]));
    assert_eq!(chosen(&server, &[b"other"]).as_deref(), Some(&b"other"[..]));
    assert!(Arc::ptr_eq(&http.current().cert_resolver, &certificate));
    assert_eq!(chosen(&http.with_alpn(&[]), &both), None);
}

#[test]
fn what_was_negotiated_is_told_on_both_sides() {
    for version in VERSIONS {
        let pair = still(version);
        let (client, server) = (negotiated(&pair.left), negotiated(&pair.right));
        let expected = match version {
            Version::Tls12 => TlsVersion::Tls12,
            Version::Tls13 => TlsVersion::Tls13,
        };
        assert_eq!((client.version, server.version), (expected, expected));
        let told = (pair.left.connection.tls_version(), pair.right.connection.tls_version());
        assert_eq!(told, (Some(expected), Some(expected)));
        assert_eq!(client.suite, server.suite);
        assert!(client.suite_name.starts_with("TLS"), "{}", client.suite_name);
        assert_eq!(client.server_name.as_deref(), Some("localhost"));
        assert_eq!(server.server_name.as_deref(), Some("localhost"));
        assert_eq!((client.peer_certificates.len(), server.peer_certificates.len()), (1, 0));
        assert!(!client.resumed && !server.resumed);
    }
}

#[test]
fn a_client_certificate_is_required_and_checked() {
    for version in VERSIONS {
        let (known, unknown) = (certified("known.example"), certified("unknown.example"));
        let authorities = Some(known.certificate.as_bytes());
        let config = pem::server_config(LOCALHOST.identity(), authorities, &[], &PROVIDER).unwrap();
        let server = ServerTls::new(config).unwrap();
        let client = |identity: Option<pem::Identity<'_>>| {
            let verification = LOCALHOST.authority();
            let mut config = pem::client_config(verification, identity, &[], &PROVIDER).unwrap();
            if version == Version::Tls12 {
                let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&PROVIDER));
                let builder = builder.with_protocol_versions(&[version.supported()]).unwrap();
                let resolver = Arc::clone(&config.client_auth_cert_resolver);
                config = builder
                    .dangerous()
                    .with_custom_certificate_verifier(Arc::new(Trusting))
                    .with_client_cert_resolver(resolver);
            }
            ClientTls::new(config)
        };
        let pair = open(&client(Some(known.identity())), &server);
        assert_eq!(negotiated(&pair.right).peer_certificates.len(), 1);

        for (identity, problem, alert) in [
            (None, CertificateProblem::Missing, 116),
            (Some(unknown.identity()), CertificateProblem::UnknownIssuer, 48),
        ] {
            let mut pair = join(&client(identity), &server);
            pair.run();
            let cause = TlsCause::Certificate(problem);
            let alert = Alert(alert);
            assert_eq!(tls_error(&pair.right), TlsError::Refused { cause, alert: Some(alert) });
            assert_eq!(tls_error(&pair.left), TlsError::AlertReceived(alert));
        }
    }
}

/// Believes everything; only for what is tested on the other side.
#[derive(Debug)]
struct Trusting;

impl rustls::client::danger::ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &[rustls::pki_types::CertificateDer<'_>],
        _: &rustls::pki_types::ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        PROVIDER.signature_verification_algorithms.supported_schemes()
    }
}

#[test]
fn a_session_is_resumed_and_both_sides_are_told() {
    for version in VERSIONS {
        let (client, server) = (support::client_tls(version), support::server_tls());
        let first = open(&client, &server);
        assert!(!negotiated(&first.left).resumed);
        let second = open(&client, &server);
        assert!(negotiated(&second.left).resumed, "{version:?}");
        assert!(negotiated(&second.right).resumed, "{version:?}");
        assert_eq!(negotiated(&second.right).server_name.as_deref(), Some("localhost"));
        // In another server's memory there is no such session.
        let third = open(&client, &support::server_tls());
        assert!(!negotiated(&third.left).resumed);
        // And some want none.
        let client = client.without_resumption();
        for _ in 0..2 {
            assert!(!negotiated(&open(&client, &server).left).resumed);
        }
    }
}

#[derive(Debug, Default)]
struct Keys(Mutex<Vec<String>>);

impl rustls::KeyLog for Keys {
    fn log(&self, label: &str, _: &[u8], _: &[u8]) {
        self.0.lock().unwrap().push(label.to_owned());
    }
}

#[test]
fn keys_are_logged() {
    for (version, label) in
        [(Version::Tls12, "CLIENT_RANDOM"), (Version::Tls13, "CLIENT_TRAFFIC_SECRET_0")]
    {
        let keys = Arc::new(Keys::default());
        let mut config = support::client_config(version);
        config.key_log = Arc::clone(&keys) as Arc<dyn rustls::KeyLog>;
        open(&ClientTls::new(config), &support::server_tls());
        let labels = keys.0.lock().unwrap();
        assert!(labels.iter().any(|logged| logged == label), "{labels:?}");
    }
}

#[test]
fn both_sides_can_renew_their_keys_in_mid_stream() {
    let mut pair = still(Version::Tls13);
    pair.there.cuts = vec![11];
    pair.back.cuts = vec![7];
    for round in 0..20_u8 {
        pair.left.connection.send(&[round; 100]).unwrap();
        pair.left.connection.refresh_keys().unwrap();
        pair.left.connection.send(&[round; 50]).unwrap();
        pair.right.connection.refresh_keys().unwrap();
        pair.right.connection.send(&[round; 70]).unwrap();
        pair.run_now();
    }
    assert_eq!(pair.right.trace().frames().len(), 40);
    assert_eq!(pair.left.trace().frames().len(), 20);
    assert!(pair.left.trace().failed().is_none() && pair.right.trace().failed().is_none());
}

#[test]
fn keys_cannot_be_renewed_without_tls_1_3_that_is_open() {
    let mut pair = still(Version::Tls12);
    assert!(pair.left.connection.refresh_keys().is_err());
    let mut pair = join(&support::client_tls(Version::Tls13), &support::server_tls());
    assert!(pair.left.connection.refresh_keys().is_err());
    assert!(pair.right.connection.refresh_keys().is_err());
    pair.run_now();
    assert!(pair.left.connection.refresh_keys().is_ok());
    pair.left.connection.finish();
    pair.run_now();
    assert!(pair.left.connection.refresh_keys().is_err());
    let mut plain = Connection::plain(Raw::new(), Arc::new(Limits::new()), Instant::ZERO);
    assert!(plain.refresh_keys().is_err());
}

#[test]
fn either_side_can_finish_first() {
    for version in VERSIONS {
        for client_first in [true, false] {
            let (client, server) = support::sessions(version);
            let frames: [&[u8]; 2] = [b"one", b"two"];
            let (left, right) =
                if client_first { (&frames[..], &[][..]) } else { (&[][..], &frames[..]) };
            let mut pair = Pair::new(end(client, left), end(server, right));
            pair.run();
            let listener = if client_first { &pair.right } else { &pair.left };
            assert_eq!(listener.trace().frames(), frames);
            for trace in [pair.left.trace(), pair.right.trace()] {
                assert_eq!(trace.closed(), Some(&CloseReason::Finished));
            }
        }
    }
}

#[test]
fn plaintext_that_arrives_with_close_notify_is_delivered() {
    for version in VERSIONS {
        let mut pair = still(version);
        pair.left.connection.send(b"last words").unwrap();
        pair.left.connection.finish();
        let bytes = pair.left.connection.transmit().to_vec();
        pair.left.is_stuck = true;
        pair.there.inject(&bytes, pair.now);
        pair.there.end(pair.now);
        pair.run_now();
        assert_eq!(pair.right.trace().frames(), [b"last words"]);
        assert_eq!(pair.right.trace().closed(), Some(&CloseReason::Finished));
    }
}

/// The content types and lengths of the records in `bytes`.
fn records(bytes: &[u8]) -> Vec<(u8, usize)> {
    let (mut rest, mut records) = (bytes, Vec::new());
    while let Some((header, body)) = rest.split_at_checked(5) {
        let len = usize::from(u16::from_be_bytes([header[3], header[4]]));
        records.push((header[0], len));
        rest = &body[len..];
    }
    assert!(rest.is_empty());
    records
}

#[test]
fn small_frames_share_a_record_and_large_ones_fill_theirs() {
    for version in VERSIONS {
        let mut pair = still(version);
        for _ in 0..100 {
            pair.left.connection.send(b"small").unwrap();
        }
        let sealed = records(pair.left.connection.transmit());
        assert_eq!(sealed.len(), 1, "{sealed:?}");
        pair.run_now();
        pair.left.connection.send(&[1; 5 * 16 * 1024 - 4]).unwrap();
        pair.there.keeping();
        pair.run_now();
        let sealed = records(pair.there.written.as_ref().unwrap());
        assert_eq!(sealed.len(), 5, "{sealed:?}");
        assert!(sealed.iter().all(|(_, len)| *len > 16 * 1024), "{sealed:?}");
        assert_eq!(pair.right.trace().frames().len(), 101);
    }
}

/// Two open ends without a framing, whose records from left to right are kept.
fn raw(version: Version) -> Pair<Talker<Raw>, Talker<Raw>> {
    let end = |session| {
        let connection = Connection::tls(session, Raw::new(), Arc::default(), Instant::ZERO);
        End::new(connection, Talker::new(Raw::new(), vec![], Then::Wait))
    };
    let client = support::client_session(&support::client_tls(version));
    let mut pair = Pair::new(end(client), end(TlsSession::server(&support::server_tls())));
    pair.run_now();
    pair.there.keeping();
    pair
}

#[test]
fn bytes_that_are_sealed_where_they_lie_leave_as_if_they_were_queued_first() {
    const RECORD_LEN: usize = 16 * 1024;
    for version in VERSIONS {
        for len in [RECORD_LEN - 1, RECORD_LEN, RECORD_LEN + 1, 3 * RECORD_LEN, 7 * RECORD_LEN + 9]
        {
            let mut pair = raw(version);
            let bytes: Vec<u8> = (0..=250).cycle().take(len).collect();
            for part in [&bytes, &b"small"[..], &bytes, b"last"] {
                pair.left.connection.send(part).unwrap();
            }
            // The first write has as much as one may: nothing that was queued waits for a second.
            let sealed = records(pair.left.connection.transmit());
            let total = 2 * len + b"small".len() + b"last".len();
            assert_eq!(
                sealed.len(),
                total.div_ceil(RECORD_LEN).min(3),
                "{version:?}, {len}: {sealed:?}"
            );
            pair.run_now();
            let expected = [&bytes, &b"small"[..], &bytes, b"last"].concat();
            assert!(pair.right.trace().frames().concat() == expected, "{version:?}, {len}");
        }
    }
}

#[test]
fn bytes_are_queued_behind_those_that_the_transport_was_shown() {
    for version in VERSIONS {
        let mut pair = raw(version);
        let (first, second) = ([1; 20_000], [2; 40_000]);
        pair.left.connection.send(&first).unwrap();
        let shown = pair.left.connection.transmit().to_vec();
        pair.left.connection.send(&second).unwrap();
        assert_eq!(pair.left.connection.transmit(), shown, "nothing is added to what is shown");
        pair.run_now();
        assert!(pair.right.trace().frames().concat() == [&first[..], &second].concat());
    }
}

#[test]
fn frames_that_are_sent_while_the_transport_is_busy_share_a_record() {
    for version in VERSIONS {
        let mut pair = still(version);
        pair.there.keeping();
        for _ in 0..100 {
            pair.left.connection.send(b"small").unwrap();
            assert!(!pair.left.connection.transmit().is_empty());
        }
        pair.run_now();
        let sealed = records(pair.there.written.as_ref().unwrap());
        assert_eq!(sealed.len(), 2, "{sealed:?}");
        assert_eq!(pair.right.trace().frames().len(), 100);
    }
}

#[test]
fn a_server_configuration_is_swapped_while_it_runs() {
    for version in VERSIONS {
        let server = support::server_tls();
        let before = open(&support::client_tls(version), &server);
        // Begun, but its hello has not come: it takes what is there by then.
        let mut between = join(&ClientTls::new(trusting(version)), &server);
        let other = certified("localhost");
        let config = pem::server_config(other.identity(), None, &[], &PROVIDER).unwrap();
        server.clone().replace(config).unwrap();
        between.run_now();
        let mut after = join(&ClientTls::new(trusting(version)), &server);
        after.run_now();
        let old = &negotiated(&before.left).peer_certificates;
        let new = &negotiated(&after.left).peer_certificates;
        assert_ne!(old, new);
        assert_eq!(&negotiated(&between.left).peer_certificates, new);

        // One that is refused changes nothing.
        let mut config = support::server_config();
        config.max_early_data_size = 1;
        assert_eq!(server.replace(config.clone()), Err(TlsConfigError::EarlyData));
        assert_eq!(ServerTls::new(config).unwrap_err(), TlsConfigError::EarlyData);
        let mut still = join(&ClientTls::new(trusting(version)), &server);
        still.run_now();
        assert_eq!(&negotiated(&still.left).peer_certificates, new);
    }
}

fn trusting(version: Version) -> rustls::ClientConfig {
    rustls::ClientConfig::builder_with_provider(Arc::clone(&PROVIDER))
        .with_protocol_versions(&[version.supported()])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trusting))
        .with_no_client_auth()
}

#[test]
fn bad_texts_are_refused_by_what_is_wrong_with_them() {
    let (one, other) = (certified("one"), certified("other"));
    let server = |certificates: &str, key: &str, authorities: Option<&str>, alpn: &[&[u8]]| {
        let identity = pem::Identity { certificates: certificates.as_bytes(), key: key.as_bytes() };
        let authorities = authorities.map(str::as_bytes);
        pem::server_config(identity, authorities, alpn, &PROVIDER).map(drop)
    };
    let (certificate, key) = (&one.certificate[..], &one.key[..]);
    let broken = certificate.replace("MII", "MIJ");
    let pem = |wanted| Err(TlsConfigError::Pem { wanted });
    assert_eq!(server(certificate, key, None, &[]), Ok(()));
    assert_eq!(server("", key, None, &[]), pem(PemItem::Certificates));
    assert_eq!(server(key, key, None, &[]), pem(PemItem::Certificates));
    assert_eq!(
        server("-----BEGIN CERTIFICATE-----\n*", key, None, &[]),
        pem(PemItem::Certificates)
    );
    assert_eq!(server(certificate, "", None, &[]), pem(PemItem::Key));
    assert_eq!(server(certificate, certificate, None, &[]), pem(PemItem::Key));
    assert_eq!(server(certificate, key, Some(""), &[]), pem(PemItem::Authorities));
    assert_eq!(server(certificate, key, Some(&broken), &[]), Err(TlsConfigError::Certificate));
    assert_eq!(server(certificate, &other.key, None, &[]), Err(TlsConfigError::KeyMismatch));
    assert_eq!(server(certificate, key, None, &[b""]), Err(TlsConfigError::Alpn));
    assert_eq!(server(certificate, key, None, &[&[b'x'; 255]]), Ok(()));
    assert_eq!(server(certificate, key, None, &[&[b'x'; 256]]), Err(TlsConfigError::Alpn));
    // Well formed, and no key that is known.
    let strange = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    assert_eq!(server(certificate, strange, None, &[]), Err(TlsConfigError::Key));

    let client = |verification: pem::Verification<'_>| {
        pem::client_config(verification, None, &[], &PROVIDER).map(drop)
    };
    let authorities = |text: &'static [u8]| client(pem::Verification::Authorities(text));
    assert_eq!(authorities(b""), pem(PemItem::Authorities));
    assert_eq!(client(pem::Verification::Nothing), Ok(()));
}

struct ByName {
    config: Arc<rustls::ServerConfig>,
}

impl ChooseServerConfig for ByName {
    fn choose(&self, hello: &rustls::server::ClientHello<'_>) -> Option<Arc<rustls::ServerConfig>> {
        (hello.server_name() == Some("other.example")).then(|| Arc::clone(&self.config))
    }
}

#[test]
fn a_configuration_is_chosen_by_the_name_that_is_asked_for() {
    for version in VERSIONS {
        let other = certified("other.example");
        let config = Arc::new(pem::server_config(other.identity(), None, &[], &PROVIDER).unwrap());
        let server = support::server_tls().with_chooser(Arc::new(ByName { config }));
        let client = ClientTls::new(trusting(version));
        let mut shown = Vec::new();
        for name in ["localhost", "other.example"] {
            for cut in [1, 1000] {
                let session = TlsSession::client(&client, name.try_into().unwrap()).unwrap();
                let mut pair = Pair::new(end(session, &[]), end(TlsSession::server(&server), &[]));
                pair.there.cuts = vec![cut];
                pair.run_now();
                assert_eq!(negotiated(&pair.right).server_name.as_deref(), Some(name));
                shown.push(negotiated(&pair.left).peer_certificates.clone());
            }
        }
        assert_eq!((&shown[0], &shown[2]), (&shown[1], &shown[3]));
        assert_ne!(shown[0], shown[2]);
    }
}

#[test]
fn a_handshake_may_be_cut_anywhere() {
    for version in VERSIONS {
        for cut in (1..80).chain([100, 200, 500, 1000, 1500]) {
            let (client, server) = support::sessions(version);
            let mut pair = Pair::new(end(client, &[b"hello"]), end(server, &[b"hi"]));
            for path in [&mut pair.there, &mut pair.back] {
                path.cuts = vec![cut];
                path.portions = vec![cut];
            }
            pair.run();
            assert_eq!(pair.right.trace().frames(), [b"hello"], "cut {cut}");
            assert_eq!(pair.left.trace().frames(), [b"hi"], "cut {cut}");
            assert_eq!(pair.left.trace().closed(), Some(&CloseReason::Finished));
        }
    }
}

#[test]
fn a_peer_that_does_not_speak_tls_is_told_so() {
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\0\0\0\0\0\0", b"hello, is there anybody?"] {
        let mut pair = join(&support::client_tls(Version::Tls13), &support::server_tls());
        pair.left.is_stuck = true;
        pair.back.keeping();
        pair.there.inject(garbage, pair.now);
        pair.run_now();
        let TlsError::Refused { cause, alert: Some(alert) } = tls_error(&pair.right) else {
            panic!("{:?}", pair.right.trace());
        };
        assert_eq!(cause, TlsCause::NotTls);
        assert_eq!(pair.back.written, Some(vec![0x15, 3, 3, 0, 2, 2, alert.0]));
    }
}

#[test]
fn what_follows_close_notify_is_ignored() {
    for version in VERSIONS {
        let mut pair = still(version);
        pair.left.connection.send(b"last").unwrap();
        pair.left.connection.finish();
        let mut bytes = pair.left.connection.transmit().to_vec();
        bytes.extend_from_slice(b"whatever this is");
        pair.left.is_stuck = true;
        pair.there.inject(&bytes, pair.now);
        pair.there.end(pair.now);
        pair.run_now();
        let frames = Event::Frame(b"last".to_vec());
        let closed = Event::Closed(CloseReason::Finished);
        assert_eq!(pair.right.trace().events(), [Event::Open, frames, Event::Finished, closed]);
        pair.right.connection.settle(&mut Pool::default());
        assert_eq!(pair.right.connection.memory_len(), 0, "kept what is of no use");
    }
}

#[test]
fn roles_and_versions_agree_over_any_pair() {
    for version in VERSIONS {
        let listener = || Talker::listening(LengthPrefix::u32be());
        let mut pair = Over::Tls(version).turned_pair(listener(), listener());
        pair.run_now();
        assert_eq!(negotiated(&pair.right).peer_certificates.len(), 1, "the client is right");
    }
}
