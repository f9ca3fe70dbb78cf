//! Our servers and `openssl s_client`.

use drywire::tls::{
    Alert, CertificateProblem, Negotiated, ServerTls, TlsCause, TlsError, TlsVersion,
};
use drywire::{CloseReason, Error};
use drywire_conformance::adapter::{Adapter, Running, Setup};
use drywire_conformance::both;
use drywire_conformance::certificates::Certificates;
use drywire_conformance::peer::{Place, Process, Reach};
use drywire_conformance::protocol::Event;
use drywire_conformance::wire::SAMPLES;

/// `openssl s_client` to `server`, which it verifies.
fn s_client(server: &Running, certificates: &Certificates, options: &[&str]) -> Process {
    let authority = certificates.file("authority");
    let to = match server.place() {
        Place::Tcp(address) => ["-connect".to_owned(), address.to_string()],
        Place::Unix(path) => ["-unix".to_owned(), path.display().to_string()],
    };
    let fixed = ["s_client", &to[0], &to[1], "-CAfile", &authority, "-verify_return_error"];
    let name = ["-servername", "localhost", "-verify_hostname", "localhost"];
    Process::start("openssl", fixed.iter().chain(&name).chain(options))
}

/// What the server agreed on with a client that has connected.
fn negotiated(server: &Running) -> Negotiated {
    match server.event() {
        Event::Open(Some(negotiated)) => *negotiated,
        other => panic!("{other:?}"),
    }
}

/// Sends a line, and waits for its echo.
fn exchange(client: &mut Process, text: &str) {
    client.write(format!("{text}\n").as_bytes());
    client.expect(text);
}

fn every_framing_is_echoed_to_a_client_that_verified_the_chain(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    for (at, sample) in SAMPLES.iter().enumerate() {
        let reach = Reach::ALL[at % 3];
        let version = ["-tls1_3", "-tls1_2"][at % 2];
        let setup = Setup::echo(sample.framing).reach(reach).tls(&certificates.server_tls());
        let server = setup.serve(adapter);
        let options = [version, "-quiet", "-no_ign_eof"];
        let mut client = s_client(&server, &certificates, &options);
        client.write(sample.bytes);
        assert_eq!(client.stdout(sample.bytes.len()), sample.bytes, "{sample:?}");
        let _ = client.succeed();
        assert_eq!(server.reason(), CloseReason::Finished, "{sample:?}");
    }
}

fn both_versions_over_every_kind_of_socket(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    for reach in Reach::ALL {
        for (option, version) in [("-tls1_2", TlsVersion::Tls12), ("-tls1_3", TlsVersion::Tls13)] {
            let setup = Setup::echo("lines").reach(reach).tls(&certificates.server_tls());
            let server = setup.serve(adapter);
            let mut client = s_client(&server, &certificates, &[option]);
            exchange(&mut client, "hello there");
            let negotiated = negotiated(&server);
            assert_eq!(negotiated.version, version);
            assert_eq!(negotiated.server_name.as_deref(), Some("localhost"));
            assert_eq!(negotiated.alpn, None);
            let printed = client.succeed();
            let printed = String::from_utf8_lossy(&printed);
            assert!(printed.contains("Verify return code: 0 (ok)"), "{printed}");
            // The end of its input is a close_notify.
            assert_eq!(server.reason(), CloseReason::Finished, "{reach:?} {option}");
        }
    }
}

fn application_protocols_are_agreed_on(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let config = certificates.server_config(&certificates.server, &[b"echo/2", b"echo/1"]);
    let setup = Setup::echo("lines").tls(&ServerTls::new(config).unwrap());
    for version in ["-tls1_2", "-tls1_3"] {
        let server = setup.clone().serve(adapter);
        let mut client = s_client(&server, &certificates, &[version, "-alpn", "echo/1,echo/2"]);
        client.expect("ALPN protocol: echo/2");
        assert_eq!(negotiated(&server).alpn.as_deref(), Some(&b"echo/2"[..]));

        let client = s_client(&server, &certificates, &[version, "-alpn", "other"]);
        let (status, printed) = client.finish();
        assert!(!status.success() && printed.contains("alert number 120"), "{printed}");
    }
}

fn a_client_shows_its_certificate(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let (certificate, key) = (certificates.file("client"), certificates.file("client-key"));
    for version in ["-tls1_2", "-tls1_3"] {
        let setup = Setup::echo("lines").tls(&certificates.demanding_server_tls());
        let server = setup.serve(adapter);
        let options = [version, "-cert", &certificate, "-key", &key];
        let mut client = s_client(&server, &certificates, &options);
        exchange(&mut client, "hello there");
        let shown = negotiated(&server).peer_certificates;
        assert_eq!(&*shown[0], certificates.client.der);
        let _ = client.succeed();
        assert_eq!(server.reason(), CloseReason::Finished);
    }
}

fn a_client_without_a_certificate_is_told_why_it_is_refused(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    for version in ["-tls1_2", "-tls1_3"] {
        let setup = Setup::echo("lines").tls(&certificates.demanding_server_tls());
        let server = setup.serve(adapter);
        let mut client = s_client(&server, &certificates, &[version]);
        let reason = server.reason();
        let CloseReason::Failed(Error::Tls(TlsError::Refused { cause, .. })) = reason else {
            panic!("{reason}");
        };
        assert_eq!(cause, TlsCause::Certificate(CertificateProblem::Missing));
        client.expect("alert certificate required");
    }
}

fn a_client_that_does_not_trust_us_sends_an_alert(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    for (issued, alert) in
        [(&certificates.foreign, 48), (&certificates.expired, 45), (&certificates.wrong_name, 42)]
    {
        let config = certificates.server_config(issued, &[]);
        let setup = Setup::echo("lines").tls(&ServerTls::new(config).unwrap());
        let server = setup.serve(adapter);
        let (status, printed) = s_client(&server, &certificates, &[]).finish();
        assert!(!status.success(), "{printed}");
        let expected = Error::Tls(TlsError::AlertReceived(Alert(alert)));
        assert_eq!(server.reason(), CloseReason::Failed(expected));
    }
}

fn keys_are_updated_by_the_client_alone_and_on_both_sides(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let server = Setup::echo("lines").tls(&certificates.server_tls()).serve(adapter);
    let mut client = s_client(&server, &certificates, &["-tls1_3"]);
    exchange(&mut client, "before");
    for (command, text) in [("k", "one side"), ("K", "both sides"), ("K", "again")] {
        client.write(format!("{command}\n").as_bytes());
        // A command must be a read of its own: the next may only be written once it is done.
        client.expect("KEYUPDATE");
        exchange(&mut client, text);
    }
    let _ = client.succeed();
    assert_eq!(server.reason(), CloseReason::Finished);
}

fn sessions_are_resumed(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let session = certificates.folder().join("session").display().to_string();
    for version in ["-tls1_2", "-tls1_3"] {
        let server = Setup::echo("lines").tls(&certificates.server_tls()).serve(adapter);
        for (option, resumed) in [("-sess_out", false), ("-sess_in", true)] {
            let mut client = s_client(&server, &certificates, &[version, option, &session]);
            exchange(&mut client, "hello there");
            let printed = client.succeed();
            let printed = String::from_utf8_lossy(&printed);
            assert_eq!(printed.contains("Reused, TLSv1."), resumed, "{printed}");
            let trace = server.trace();
            let Some(Event::Open(Some(negotiated))) = trace.first() else { panic!("{trace:?}") };
            assert_eq!(negotiated.resumed, resumed, "{version}");
        }
    }
}

fn a_mebibyte_comes_back(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let server = Setup::echo("raw").tls(&certificates.server_tls()).serve(adapter);
    let sent: Vec<u8> = (0..1 << 20).map(|at: u32| (at % 251) as u8).collect();
    let mut client = s_client(&server, &certificates, &["-quiet"]);
    client.write_in_background(sent.clone());
    assert!(client.stdout(sent.len()) == sent, "other bytes came back");
}

both!(
    every_framing_is_echoed_to_a_client_that_verified_the_chain,
    both_versions_over_every_kind_of_socket,
    application_protocols_are_agreed_on,
    a_client_shows_its_certificate,
    a_client_without_a_certificate_is_told_why_it_is_refused,
    a_client_that_does_not_trust_us_sends_an_alert,
    keys_are_updated_by_the_client_alone_and_on_both_sides,
    sessions_are_resumed,
    a_mebibyte_comes_back,
);
