//! Our clients and `openssl s_server`.

use drywire::connection::Truncation;
use drywire::tls::{Alert, CertificateProblem, ClientTls, TlsCause, TlsError, TlsVersion};
use drywire::{CloseReason, Error};
use drywire_conformance::adapter::{Adapter, Dial};
use drywire_conformance::both;
use drywire_conformance::certificates::Certificates;
use drywire_conformance::peer::{Process, Reach};
use drywire_conformance::wire::SAMPLES;
use drywire_std::ConnectError;

/// A server, and the address that it listens on.
fn s_server(certificates: &Certificates, reach: Reach, options: &[&str]) -> (Process, String) {
    let files = ["authority", "server", "server-key"].map(|name| certificates.file(name));
    let socket = certificates.folder().join("socket").display().to_string();
    let at = match reach {
        Reach::V4 => ["-accept", "127.0.0.1:0"],
        Reach::V6 => ["-accept", "[::1]:0"],
        Reach::Unix => ["-unix", &socket],
    };
    let fixed =
        ["s_server", at[0], at[1], "-CAfile", &files[0], "-cert", &files[1], "-key", &files[2]];
    let mut server = Process::start("openssl", fixed.iter().chain(options));
    let place = server.expect("ACCEPT ");
    let address = match reach {
        Reach::V4 | Reach::V6 => format!("tls://{place}"),
        Reach::Unix => format!("tls+unix:{socket}"),
    };
    (server, address)
}

fn versions() -> [(&'static str, TlsVersion); 2] {
    [("-tls1_2", TlsVersion::Tls12), ("-tls1_3", TlsVersion::Tls13)]
}

/// Lines come back reversed.
fn lines_are_reversed_over_every_kind_of_socket(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    for reach in Reach::ALL {
        for (option, version) in versions() {
            let options = [option, "-rev", "-naccept", "1"];
            let (server, address) = s_server(&certificates, reach, &options);
            let dial = Dial::plain("lines").tls(&certificates.client_tls());
            let mut talk = dial.connect(adapter, &address.parse().unwrap());
            talk.send(b"hello there").unwrap();
            assert_eq!(talk.recv().unwrap().as_deref(), Some(&b"ereht olleh"[..]));
            let negotiated = talk.negotiated().unwrap();
            assert_eq!((negotiated.version, negotiated.resumed), (version, false));
            assert_eq!(&*negotiated.peer_certificates[0], certificates.server.der);
            assert_eq!(talk.close().unwrap(), CloseReason::Closed, "{reach:?} {option}");
            let _ = server.succeed();
        }
    }
}

fn every_framing_goes_there_and_comes_back(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    for (at, sample) in SAMPLES.iter().enumerate() {
        let reach = Reach::ALL[at % 3];
        let version = versions()[at % 2].0;
        let (mut server, address) = s_server(&certificates, reach, &[version, "-naccept", "1"]);
        let dial = Dial::plain(sample.framing).tls(&certificates.client_tls());
        let mut talk = dial.connect(adapter, &address.parse().unwrap());
        for frame in sample.frames {
            talk.send(frame).unwrap();
        }
        talk.flush().unwrap();
        server.expect_bytes(sample.bytes);
        server.write(sample.bytes);
        let mut received = Vec::new();
        for _ in sample.frames {
            received.push(talk.recv().unwrap().unwrap());
        }
        assert_eq!(received, sample.frames, "{sample:?}");
        talk.finish().unwrap();
        assert_eq!(talk.recv().unwrap(), None);
        assert_eq!(talk.close_reason().unwrap(), CloseReason::Finished, "{sample:?}");
        let _ = server.succeed();
    }
}

fn we_show_our_certificate(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    for (option, _) in versions() {
        let options = [option, "-rev", "-Verify", "1", "-verify_return_error"];
        let (mut server, address) = s_server(&certificates, Reach::V4, &options);
        let address = address.parse().unwrap();
        let config = certificates.client_config(Some(&certificates.client), &[]);
        let mut talk = Dial::plain("lines").tls(&ClientTls::new(config)).connect(adapter, &address);
        talk.send(b"hello").unwrap();
        assert_eq!(talk.recv().unwrap().as_deref(), Some(&b"olleh"[..]));
        server.expect("Peer certificate: CN = client");
        assert_eq!(talk.close().unwrap(), CloseReason::Closed);
    }
}

/// In TLS 1.3 the client has finished its handshake before the server refuses it.
fn we_are_told_why_we_are_refused_without_one(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    for ((option, version), alert) in versions().into_iter().zip([40, 116]) {
        let options = [option, "-rev", "-Verify", "1"];
        let (_server, address) = s_server(&certificates, Reach::V4, &options);
        let address = address.parse().unwrap();
        let dial = Dial::plain("lines").tls(&certificates.client_tls());
        let reason = match version {
            TlsVersion::Tls13 => {
                let mut talk = dial.connect(adapter, &address);
                talk.recv().unwrap_err();
                talk.close_reason().unwrap()
            }
            _ => refusal(adapter.connect(&address, &dial).unwrap_err()),
        };
        let expected = Error::Tls(TlsError::AlertReceived(Alert(alert)));
        assert_eq!(reason, CloseReason::Failed(expected), "{option}");
    }
}

fn refusal(error: ConnectError) -> CloseReason {
    match error {
        ConnectError::Closed(reason) => reason,
        other => panic!("{other}"),
    }
}

/// The server is told, too.
fn we_refuse_a_server_that_we_do_not_trust(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let [foreign, key] = ["foreign", "foreign-key"].map(|name| certificates.file(name));
    let options = ["-cert", &foreign, "-key", &key];
    let (mut server, address) = s_server(&certificates, Reach::V4, &options);
    let address = address.parse().unwrap();
    let dial = Dial::plain("lines").tls(&certificates.client_tls());
    let reason = refusal(adapter.connect(&address, &dial).unwrap_err());
    let CloseReason::Failed(Error::Tls(TlsError::Refused { cause, .. })) = reason else {
        panic!("{reason}");
    };
    assert_eq!(cause, TlsCause::Certificate(CertificateProblem::UnknownIssuer));
    server.expect("alert unknown ca");
}

fn application_protocols_are_agreed_on(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let (_server, address) = s_server(&certificates, Reach::V4, &["-rev", "-alpn", "b,c"]);
    let address = address.parse().unwrap();
    let config = certificates.client_config(None, &[b"c", b"b", b"a"]);
    let talk = Dial::plain("lines").tls(&ClientTls::new(config)).connect(adapter, &address);
    assert_eq!(talk.negotiated().unwrap().alpn.as_deref(), Some(&b"b"[..]));
    talk.close().unwrap();
    let config = certificates.client_config(None, &[b"d"]);
    let dial = Dial::plain("lines").tls(&ClientTls::new(config));
    let reason = refusal(adapter.connect(&address, &dial).unwrap_err());
    let expected = Error::Tls(TlsError::AlertReceived(Alert(120)));
    assert_eq!(reason, CloseReason::Failed(expected));
}

fn sessions_are_resumed(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    for (option, version) in versions() {
        let (_server, address) = s_server(&certificates, Reach::V4, &["-rev", option]);
        let address = address.parse().unwrap();
        let dial = Dial::plain("lines").tls(&certificates.client_tls());
        for resumed in [false, true] {
            let mut talk = dial.connect(adapter, &address);
            talk.send(b"hello").unwrap();
            assert_eq!(talk.recv().unwrap().as_deref(), Some(&b"olleh"[..]));
            let negotiated = talk.negotiated().unwrap();
            assert_eq!((negotiated.version, negotiated.resumed), (version, resumed));
            talk.close().unwrap();
        }
    }
}

fn keys_are_updated_by_the_server_alone_and_on_both_sides(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let (mut server, address) = s_server(&certificates, Reach::V4, &["-tls1_3"]);
    let dial = Dial::plain("lines").tls(&certificates.client_tls());
    let mut talk = dial.connect(adapter, &address.parse().unwrap());
    for command in ["k", "K", "K"] {
        server.write(format!("{command}\n").as_bytes());
        // A command must be a read of its own. The server looks at its input first: when it shows
        // a line of the client it has acted on the command.
        talk.send(b"from the client").unwrap();
        talk.flush().unwrap();
        server.expect("from the client");
        server.write(b"from the server\n");
        assert_eq!(talk.recv().unwrap().as_deref(), Some(&b"from the server"[..]));
    }
    assert_eq!(talk.close().unwrap(), CloseReason::Closed);
}

/// A line `CLOSE` makes it end in order. At the end of its input it only closes the socket.
fn a_server_that_ends_in_order_is_told_from_one_that_does_not(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let dial = Dial::plain("lines").tls(&certificates.client_tls());

    let (_server, address) = s_server(&certificates, Reach::V4, &["-rev"]);
    let mut talk = dial.connect(adapter, &address.parse().unwrap());
    talk.send(b"CLOSE").unwrap();
    assert_eq!(talk.recv().unwrap(), None);
    talk.finish().unwrap();
    assert_eq!(talk.close_reason(), Some(CloseReason::Finished));

    let (mut server, address) = s_server(&certificates, Reach::V4, &[]);
    let mut talk = dial.connect(adapter, &address.parse().unwrap());
    talk.send(b"hello").unwrap();
    talk.flush().unwrap();
    server.expect("hello");
    server.end_input();
    talk.recv().unwrap_err();
    assert_eq!(talk.close_reason(), Some(CloseReason::Truncated(Truncation::Session)));
}

both!(
    lines_are_reversed_over_every_kind_of_socket,
    every_framing_goes_there_and_comes_back,
    we_show_our_certificate,
    we_are_told_why_we_are_refused_without_one,
    we_refuse_a_server_that_we_do_not_trust,
    application_protocols_are_agreed_on,
    sessions_are_resumed,
    keys_are_updated_by_the_server_alone_and_on_both_sides,
    a_server_that_ends_in_order_is_told_from_one_that_does_not,
);
