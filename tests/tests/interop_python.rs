//! Both sides and Python's `socket` and `ssl` modules.

use drywire::connection::Truncation;
use drywire::tls::{Alert, TlsError};
use drywire::{CloseReason, Error, Limits};
use drywire_conformance::adapter::{Adapter, Dial, Running, Setup};
use drywire_conformance::certificates::Certificates;
use drywire_conformance::peer::{Place, Process, Reach, python};
use drywire_conformance::protocol::Behaviour;
use drywire_conformance::wire::SAMPLES;
use drywire_conformance::{PATIENCE, both};

/// What all scripts begin with. `connect` and `listen` take a place as [`text`] writes it, `read`
/// reads exactly so many bytes, `rest` all that there are.
const PRELUDE: &str = r#"
import socket, ssl, struct, sys

def socket_for(place):
    kind = socket.AF_UNIX if place.startswith("/") else socket.AF_INET6 if "::" in place else socket.AF_INET
    made = socket.socket(kind)
    made.settimeout(10)
    if kind == socket.AF_UNIX:
        return made, place
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    host, port = place.rsplit(" ", 1)
    return made, (host, int(port))

def connect(place):
    made, address = socket_for(place)
    made.connect(address)
    return made

def listen(place):
    made, address = socket_for(place)
    made.bind(address)
    made.listen()
    print("listening", address if isinstance(address, str) else made.getsockname()[1], flush=True)
    accepted = made.accept()[0]
    accepted.settimeout(10)
    return accepted

def read(stream, length):
    data = b""
    while len(data) < length:
        part = stream.recv(length - len(data))
        assert part, "the end after %r" % data
        data += part
    return data

def rest(stream):
    data = b""
    while part := stream.recv(65536):
        data += part
    return data

def client(stream, authority, version, certificate=None, key=None):
    context = ssl.create_default_context(cafile=authority)
    context.minimum_version = context.maximum_version = version
    if certificate:
        context.load_cert_chain(certificate, key)
    return context.wrap_socket(stream, server_hostname="localhost", suppress_ragged_eofs=False)

def server(stream, certificate, key, version):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = context.maximum_version = version
    context.load_cert_chain(certificate, key)
    return context.wrap_socket(stream, server_side=True, suppress_ragged_eofs=False)

def reset(stream):
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.close()

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
place = sys.argv[1]
"#;

/// Runs `body` behind the prelude.
fn script(body: &str, arguments: &[&str]) -> Process {
    python(&format!("{PRELUDE}\n{body}"), arguments)
}

/// A place as the scripts take it.
fn text(place: &Place) -> String {
    match place {
        Place::Tcp(address) => format!("{} {}", address.ip(), address.port()),
        Place::Unix(path) => path.display().to_string(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Starts a server of `body` and returns its address, plain.
fn listening(
    certificates: &Certificates,
    reach: Reach,
    body: &str,
    arguments: &[&str],
) -> (Process, String) {
    let socket = certificates.folder().join("python").display().to_string();
    let place = match reach {
        Reach::V4 => "127.0.0.1 0",
        Reach::V6 => "::1 0",
        Reach::Unix => &socket,
    };
    let mut process = script(body, &[&[place], arguments].concat());
    let told = process.expect("listening ");
    let address = match reach {
        Reach::V4 => format!("127.0.0.1:{told}"),
        Reach::V6 => format!("[::1]:{told}"),
        Reach::Unix => socket,
    };
    (process, address)
}

/// The same address in our grammar.
fn address(reach: Reach, tls: bool, place: &str) -> drywire::address::Address {
    let scheme = match (reach, tls) {
        (Reach::V4 | Reach::V6, false) => "tcp://",
        (Reach::V4 | Reach::V6, true) => "tls://",
        (Reach::Unix, false) => "unix:",
        (Reach::Unix, true) => "tls+unix:",
    };
    format!("{scheme}{place}").parse().unwrap()
}

fn finished(server: &Running) {
    assert_eq!(server.reason(), CloseReason::Finished);
}

/// Byte by byte, each in a segment of its own, then whole; then the end of one side.
const CLIENT: &str = r#"
sample = bytes.fromhex(sys.argv[2])
stream = connect(place)
for at in range(len(sample)):
    stream.sendall(sample[at:at + 1])
assert read(stream, len(sample)) == sample
stream.sendall(sample)
stream.shutdown(socket.SHUT_WR)
assert rest(stream) == sample
"#;

fn every_framing_is_echoed_over_every_kind_of_socket(adapter: &dyn Adapter) {
    for (at, sample) in SAMPLES.iter().enumerate() {
        let server = Setup::echo(sample.framing).reach(Reach::ALL[at % 3]).serve(adapter);
        let client = script(CLIENT, &[&text(&server.place()), &hex(sample.bytes)]);
        let _ = client.succeed();
        finished(&server);
    }
}

/// `unwrap` sends close_notify and waits for ours.
const TLS_CLIENT: &str = r#"
sample = bytes.fromhex(sys.argv[2])
stream = client(connect(place), sys.argv[3], VERSIONS[sys.argv[4]])
assert stream.version() == "TLSv" + sys.argv[4]
for at in range(len(sample)):
    stream.sendall(sample[at:at + 1])
assert read(stream, len(sample)) == sample
stream.sendall(sample)
assert read(stream, len(sample)) == sample
plain = stream.unwrap()
plain.shutdown(socket.SHUT_WR)
assert rest(plain) == b""
"#;

fn every_framing_is_echoed_within_tls(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let authority = certificates.file("authority");
    for (at, sample) in SAMPLES.iter().enumerate() {
        let setup = Setup::echo(sample.framing).reach(Reach::ALL[at % 3]);
        let server = setup.tls(&certificates.server_tls()).serve(adapter);
        let place = text(&server.place());
        let version = ["1.2", "1.3"][at % 2];
        let arguments = [&place, &hex(sample.bytes), &authority, version];
        let _ = script(TLS_CLIENT, &arguments).succeed();
        finished(&server);
    }
}

/// A server that echoes by hand, to the end, and ends its own side then.
const SERVER: &str = r#"
stream = listen(place)
stream.sendall(rest(stream))
stream.shutdown(socket.SHUT_WR)
"#;

/// The same within TLS: what is read ends with close_notify, which raises nothing.
const TLS_SERVER: &str = r#"
stream = server(listen(place), sys.argv[2], sys.argv[3], VERSIONS[sys.argv[4]])
stream.sendall(rest(stream))
stream.unwrap()
"#;

fn our_client_finishes_first_and_reads_on(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let [certificate, key] = ["server", "server-key"].map(|name| certificates.file(name));
    for (at, sample) in SAMPLES.iter().enumerate() {
        for version in [None, Some(["1.2", "1.3"][at % 2])] {
            let reach = Reach::ALL[at % 3];
            // The socket's file of the round before would be in the way.
            let _ = std::fs::remove_file(certificates.folder().join("python"));
            let (process, place) = match version {
                None => listening(&certificates, reach, SERVER, &[]),
                Some(version) => {
                    let arguments = [certificate.as_str(), &key, version];
                    listening(&certificates, reach, TLS_SERVER, &arguments)
                }
            };
            let dial = Dial::plain(sample.framing).tls(&certificates.client_tls());
            let address = address(reach, version.is_some(), &place);
            let mut talk = dial.connect(adapter, &address);
            for frame in sample.frames {
                talk.send(frame).unwrap();
            }
            talk.finish().unwrap();
            let mut received = Vec::new();
            while let Some(frame) = talk.recv().unwrap() {
                received.push(frame);
            }
            assert_eq!(received, sample.frames, "{sample:?} {version:?}");
            assert_eq!(talk.close_reason(), Some(CloseReason::Finished));
            let _ = process.succeed();
        }
    }
}

const HALF_CLOSE: &str = r#"
stream = connect(place)
stream.sendall(b"one\ntwo\nthree\n")
stream.shutdown(socket.SHUT_WR)
assert rest(stream) == b"3\n"
"#;

/// In TLS 1.3 the end of one side is not the end of the other; Python's `unwrap` reads no data, so
/// that the memory interface is used.
const TLS_HALF_CLOSE: &str = r#"
stream = connect(place)
context = ssl.create_default_context(cafile=sys.argv[2])
incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
session = context.wrap_bio(incoming, outgoing, server_hostname="localhost")

def flush():
    stream.sendall(outgoing.read())

def until(action):
    while True:
        try:
            return action()
        except ssl.SSLWantReadError:
            flush()
            part = stream.recv(65536)
            if part:
                incoming.write(part)
            else:
                incoming.write_eof()

until(session.do_handshake)
session.write(b"one\ntwo\nthree\n")
try:
    session.unwrap()
except ssl.SSLWantReadError:
    pass
flush()
assert until(lambda: session.read(100)) == b"3\n"
"#;

fn what_is_sent_after_the_peers_half_close_arrives(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let server = Setup::echo("lines").behaving(Behaviour::Count).serve(adapter);
    let _ = script(HALF_CLOSE, &[&text(&server.place())]).succeed();
    finished(&server);

    let setup = Setup::echo("lines").behaving(Behaviour::Count).tls(&certificates.server_tls());
    let server = setup.serve(adapter);
    let authority = certificates.file("authority");
    let _ = script(TLS_HALF_CLOSE, &[&text(&server.place()), &authority]).succeed();
    finished(&server);
}

/// Closing the socket without `unwrap` sends no close_notify.
const ABRUPT: &str = r#"
stream = connect(place)
if sys.argv[3]:
    stream = client(stream, sys.argv[3], VERSIONS["1.3"])
stream.sendall(b"whole\n")
assert read(stream, 6) == b"whole\n"
if sys.argv[2] == "in a frame":
    stream.sendall(b"part")
if sys.argv[2] == "reset":
    reset(stream)
stream.close()
"#;

fn abrupt_ends_are_told_apart(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let authority = certificates.file("authority");
    for (how, tls, expected) in [
        ("in a frame", false, CloseReason::Truncated(Truncation::Frame { len: 4 })),
        ("in a frame", true, CloseReason::Truncated(Truncation::Frame { len: 4 })),
        ("between frames", true, CloseReason::Truncated(Truncation::Session)),
        ("reset", false, CloseReason::Reset),
        ("reset", true, CloseReason::Reset),
    ] {
        let setup = Setup::echo("lines");
        let setup = if tls { setup.tls(&certificates.server_tls()) } else { setup };
        let server = setup.serve(adapter);
        let authority = if tls { authority.as_str() } else { "" };
        let _ = script(ABRUPT, &[&text(&server.place()), how, authority]).succeed();
        assert_eq!(server.reason(), expected, "{how}, TLS {tls}");
    }
}

/// Sends all before it reads any of it, on two threads; compares what comes back by its hash.
const TRANSFER: &str = r#"
import hashlib, threading
total = int(sys.argv[2])
stream = connect(place)
if sys.argv[3]:
    stream = client(stream, sys.argv[3], VERSIONS["1.3"])
block = bytes(range(251)) * 1000
sent, came = hashlib.sha256(), hashlib.sha256()

def send():
    left = total
    while left:
        part = block[:left]
        sent.update(part)
        stream.sendall(part)
        left -= len(part)

thread = threading.Thread(target=send, daemon=True)
thread.start()
left = total
while left:
    part = stream.recv(min(left, 1 << 20))
    assert part
    came.update(part)
    left -= len(part)
thread.join()
assert came.digest() == sent.digest()
if sys.argv[3]:
    stream = stream.unwrap()
stream.shutdown(socket.SHUT_WR)
assert rest(stream) == b""
"#;

/// A Unix socket has smaller buffers.
fn sixteen_mebibytes_come_back(adapter: &dyn Adapter) {
    const LEN: &str = "16777216";
    let certificates = Certificates::new();
    let authority = certificates.file("authority");
    for (reach, tls) in [(Reach::V4, false), (Reach::Unix, false), (Reach::V6, true)] {
        let setup = Setup::echo("raw").reach(reach);
        let setup = if tls { setup.tls(&certificates.server_tls()) } else { setup };
        let server = setup.serve(adapter);
        let authority = if tls { authority.as_str() } else { "" };
        let _ = script(TRANSFER, &[&text(&server.place()), LEN, authority]).succeed();
        finished(&server);
        let statistics = server.drain().statistics;
        assert!(statistics.received_len >= 16 << 20 && statistics.transmitted_len >= 16 << 20);
    }
}

const MISTRUSTING: &str = r#"
try:
    client(connect(place), sys.argv[2], VERSIONS["1.3"])
except ssl.SSLCertVerificationError as error:
    print(error.verify_message)
"#;

fn python_refuses_wrong_certificates_and_we_are_told(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let authority = certificates.file("authority");
    for (issued, alert, message) in [
        (&certificates.foreign, 48, "unable to get local issuer certificate"),
        (&certificates.expired, 45, "certificate has expired"),
        (&certificates.wrong_name, 42, "Hostname mismatch"),
    ] {
        let config = certificates.server_config(issued, &[]);
        let tls = drywire::tls::ServerTls::new(config).unwrap();
        let server = Setup::echo("lines").tls(&tls).serve(adapter);
        let client = script(MISTRUSTING, &[&text(&server.place()), &authority]);
        let printed = String::from_utf8(client.succeed()).unwrap();
        assert!(printed.contains(message), "{printed}");
        let expected = Error::Tls(TlsError::AlertReceived(Alert(alert)));
        assert_eq!(server.reason(), CloseReason::Failed(expected));
    }
}

/// Reads nothing until its input ends.
const UNREADING: &str = r#"
stream = listen(place)
sys.stdin.read()
"#;

fn a_server_that_never_reads_is_a_stall(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let (process, place) = listening(&certificates, Reach::V4, UNREADING, &[]);
    let small = |limits: &mut Limits| {
        limits.stall_timeout = PATIENCE / 50;
    };
    let dial = Dial::plain("raw").limits(small);
    let mut talk = dial.connect(adapter, &address(Reach::V4, false, &place));
    let error = loop {
        if let Err(error) = talk.send(&[0; 65536]) {
            break error;
        }
    };
    let expected = CloseReason::TimedOut(drywire::connection::Timer::Stall);
    assert_eq!(talk.close_reason(), Some(expected), "{error}");
    let _ = process.succeed();
}

both!(
    every_framing_is_echoed_over_every_kind_of_socket,
    every_framing_is_echoed_within_tls,
    our_client_finishes_first_and_reads_on,
    what_is_sent_after_the_peers_half_close_arrives,
    abrupt_ends_are_told_apart,
    sixteen_mebibytes_come_back,
    python_refuses_wrong_certificates_and_we_are_told,
    a_server_that_never_reads_is_a_stall,
);
