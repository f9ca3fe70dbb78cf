//! Both sides and `socat`: TCP, Unix sockets and its own TLS.

use drywire::CloseReason;
use drywire_conformance::adapter::{Adapter, Dial, Running, Setup};
use drywire_conformance::both;
use drywire_conformance::certificates::Certificates;
use drywire_conformance::peer::{Place, Process, Reach};
use drywire_conformance::wire::SAMPLES;

/// `socat` between its standard streams and `server`. It waits up to 10 s for the other end when
/// one has ended.
fn socat(server: &Running, certificates: Option<&Certificates>) -> Process {
    let address = match (server.place(), certificates) {
        (Place::Unix(path), _) => format!("UNIX-CONNECT:{}", path.display()),
        (Place::Tcp(address), None) => format!("TCP:{address}"),
        (Place::Tcp(address), Some(certificates)) => {
            let [authority, certificate, key] =
                ["authority", "client", "client-key"].map(|name| certificates.file(name));
            format!(
                "OPENSSL:{address},cafile={authority},cert={certificate},key={key},verify=1,\
                 commonname=localhost"
            )
        }
    };
    Process::start("socat", ["-t", "10", "STDIO", &address])
}

fn every_framing_is_echoed_over_every_kind_of_socket(adapter: &dyn Adapter) {
    for (at, sample) in SAMPLES.iter().enumerate() {
        let server = Setup::echo(sample.framing).reach(Reach::ALL[at % 3]).serve(adapter);
        let mut client = socat(&server, None);
        client.write(sample.bytes);
        assert_eq!(client.succeed(), sample.bytes, "{sample:?}");
        assert_eq!(server.reason(), CloseReason::Finished);
    }
}

/// Each side verifies the other.
fn every_framing_is_echoed_within_tls(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    for (at, sample) in SAMPLES.iter().enumerate() {
        let setup = Setup::echo(sample.framing).reach([Reach::V4, Reach::V6][at % 2]);
        let server = setup.tls(&certificates.demanding_server_tls()).serve(adapter);
        let mut client = socat(&server, Some(&certificates));
        client.write(sample.bytes);
        assert_eq!(client.stdout(sample.bytes.len()), sample.bytes, "{sample:?}");
        let _ = client.succeed();
        assert_eq!(server.reason(), CloseReason::Finished, "{sample:?}");
    }
}

/// An echo of its own, by a pipe, and where it listens.
fn echo(certificates: &Certificates, reach: Reach, tls: bool) -> (Process, String) {
    let socket = certificates.folder().join("socat").display().to_string();
    let [authority, certificate, key] =
        ["authority", "server", "server-key"].map(|name| certificates.file(name));
    let pem = format!("cafile={authority},cert={certificate},key={key},verify=0");
    let listen = match (reach, tls) {
        (Reach::V4, false) => "TCP4-LISTEN:0,bind=127.0.0.1".to_owned(),
        (Reach::V6, false) => "TCP6-LISTEN:0,bind=[::1]".to_owned(),
        (Reach::V4, true) => format!("OPENSSL-LISTEN:0,pf=ip4,bind=127.0.0.1,{pem}"),
        (Reach::V6, true) => format!("OPENSSL-LISTEN:0,pf=ip6,bind=[::1],{pem}"),
        (Reach::Unix, _) => format!("UNIX-LISTEN:{socket}"),
    };
    let mut process = Process::start("socat", ["-d", "-d", "-t", "10", &listen, "PIPE"]);
    let told = process.expect("listening on ");
    let port = told.rsplit(':').next().unwrap();
    let address = match (reach, tls) {
        (Reach::V4, false) => format!("tcp://127.0.0.1:{port}"),
        (Reach::V6, false) => format!("tcp://[::1]:{port}"),
        (Reach::V4, true) => format!("tls://127.0.0.1:{port}"),
        (Reach::V6, true) => format!("tls://[::1]:{port}"),
        (Reach::Unix, _) => format!("unix:{socket}"),
    };
    (process, address)
}

fn our_client_is_echoed_to(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let kinds = [
        (Reach::V4, false),
        (Reach::Unix, false),
        (Reach::V6, true),
        (Reach::V6, false),
        (Reach::V4, true),
    ];
    for (at, sample) in SAMPLES.iter().enumerate() {
        let (reach, tls) = kinds[at % kinds.len()];
        let (process, address) = echo(&certificates, reach, tls);
        let dial = Dial::plain(sample.framing).tls(&certificates.client_tls());
        let mut talk = dial.connect(adapter, &address.parse().unwrap());
        for frame in sample.frames {
            talk.send(frame).unwrap();
        }
        let mut received = Vec::new();
        for _ in sample.frames {
            received.push(talk.recv().unwrap().unwrap());
        }
        assert_eq!(received, sample.frames, "{sample:?}");
        talk.finish().unwrap();
        assert_eq!(talk.recv().unwrap(), None, "{sample:?}");
        assert_eq!(talk.close_reason(), Some(CloseReason::Finished));
        let _ = process.succeed();
    }
}

both!(
    every_framing_is_echoed_over_every_kind_of_socket,
    every_framing_is_echoed_within_tls,
    our_client_is_echoed_to,
);
