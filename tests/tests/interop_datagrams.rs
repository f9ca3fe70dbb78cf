//! Datagrams of both sides, and `socat` and Python's `socket`.

use drywire::address::Address;
use drywire::datagram::RequestLimits;
use drywire::limits::DATAGRAM_LEN_MAX;
use drywire_conformance::adapter::Adapter;
use drywire_conformance::both;
use drywire_conformance::datagrams::{Setup, path};
use drywire_conformance::peer::{Process, python};

/// What all scripts begin with. A place is a path, or a host and a port.
const PRELUDE: &str = r#"
import os, socket, sys

def unix(place):
    return place.startswith("/")

def address(place):
    if unix(place):
        return place
    host, port = place.rsplit(" ", 1)
    return host, int(port)

def datagram_socket(place, own=None):
    kind = socket.AF_UNIX if unix(place) else socket.AF_INET6 if ":" in place else socket.AF_INET
    made = socket.socket(kind, socket.SOCK_DGRAM)
    made.settimeout(10)
    if own:
        made.bind(own)
    return made
"#;

/// Asks with every length, then from 200 sockets, each beside one that vanishes.
const CLIENT: &str = r#"
place, folder = sys.argv[1:]
server = address(place)
# A port of its own from the beginning, and not one that a vanished socket had.
own = lambda name: folder + "/" + name if unix(place) else (server[0], 0)
for length in [0, 1, 2, 1472, 1473, 9000, 65506, 65507]:
    made = datagram_socket(place, own("length%d" % length))
    data = bytes(at % 251 for at in range(length))
    made.sendto(data, server)
    back, sender = made.recvfrom(70000)
    assert back == data, (length, len(back))
    assert sender[:2] == server[:2], (sender, server)
peers = [datagram_socket(place, own("peer%d" % number)) for number in range(200)]
for number, peer in enumerate(peers):
    peer.sendto(b"peer %d" % number, server)
    vanishing = datagram_socket(place, own("vanishing%d" % number))
    vanishing.sendto(b"farewell", server)
    vanishing.close()
for number, peer in enumerate(peers):
    assert peer.recv(100) == b"peer %d" % number
print("answered")
"#;

/// An echo; `loss` of the first attempts of each datagram are not answered.
const SERVER: &str = r#"
place, loss = sys.argv[1:]
made = datagram_socket(place, address(place))
print("bound", place if unix(place) else made.getsockname()[1], flush=True)
seen = {}
while True:
    data, sender = made.recvfrom(70000)
    seen[data] = seen.get(data, 0) + 1
    if seen[data] > int(loss):
        made.sendto(data, sender)
"#;

fn text(address: &Address) -> String {
    match address.to_string().strip_prefix("udp://") {
        Some(place) => {
            let (host, port) = place.rsplit_once(':').unwrap();
            format!("{} {port}", host.trim_matches(['[', ']']))
        }
        None => path(address).display().to_string(),
    }
}

fn python_is_answered_over_every_kind_of_socket(adapter: &dyn Adapter) {
    let everywhere = ["udp://127.0.0.1:0", "udp://[::1]:0", "unixgram:FOLDER/socket"];
    let server = Setup::at(&everywhere).serve(adapter);
    for address in &server.addresses {
        let folder = tempfile::tempdir().unwrap();
        let script = format!("{PRELUDE}{CLIENT}");
        let client = python(&script, &[&text(address), &folder.path().display().to_string()]);
        assert_eq!(client.succeed(), b"answered\n", "{address}");
    }
    let statistics = server.until(|statistics| statistics.received == 3 * (8 + 400));
    assert_eq!(statistics.dropped_in_all(), 0);
}

fn python_answers_our_client_which_asks_again(adapter: &dyn Adapter) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("socket").display().to_string();
    for place in ["127.0.0.1 0", "::1 0", &file] {
        let mut server = python(&format!("{PRELUDE}{SERVER}"), &[place, "1"]);
        let told = server.expect("bound ");
        let port = told.rsplit(' ').next().unwrap();
        let address = match place.split_once(' ') {
            Some(("::1", _)) => format!("udp://[::1]:{port}"),
            Some((host, _)) => format!("udp://{host}:{port}"),
            None => format!("unixgram:{file}"),
        };
        let mut limits = RequestLimits::new();
        limits.retry_timeout = std::time::Duration::from_millis(50);
        let mut client = adapter.connect_datagrams(&address.parse().unwrap(), limits).unwrap();
        for len in [0, 1, 1473, DATAGRAM_LEN_MAX] {
            let reply = client.request(&vec![b'x'; len]).unwrap();
            assert_eq!(reply.bytes, vec![b'x'; len], "{address}");
            assert!(reply.attempts >= 2, "{address}");
        }
    }
}

fn socat_is_answered(adapter: &dyn Adapter) {
    let everywhere = ["udp://127.0.0.1:0", "udp://[::1]:0", "unixgram:FOLDER/socket"];
    let server = Setup::at(&everywhere).serve(adapter);
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("socat").display().to_string();
    let targets = [
        format!("UDP4:127.0.0.1:{}", server.ip(0).port()),
        format!("UDP6:[::1]:{}", server.ip(1).port()),
        format!("UNIX-CLIENT:{},type=2,bind={own}", path(&server.addresses[2]).display()),
    ];
    for target in &targets {
        let mut client = Process::start("socat", ["-t", "10", "STDIO", target]);
        for line in [&b"hello\n"[..], b"again\n"] {
            client.write(line);
        }
        assert_eq!(client.stdout(12), b"hello\nagain\n", "{target}");
    }
}

fn socat_answers_our_client(adapter: &dyn Adapter) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("socket").display().to_string();
    let echo = "EXEC:cat".to_owned();
    for (listen, is_unix) in [
        ("UDP4-LISTEN:0,bind=127.0.0.1".to_owned(), false),
        (format!("UNIX-RECVFROM:{file}"), true),
    ] {
        let mut process = Process::start("socat", ["-d", "-d", "-d", "-t", "10", &listen, &echo]);
        let address = if is_unix {
            process.expect("starting recvfrom loop");
            format!("unixgram:{file}")
        } else {
            let told = process.expect("listening on UDP");
            format!("udp://127.0.0.1:{}", told.rsplit(':').next().unwrap())
        };
        let address = address.parse().unwrap();
        let mut client = adapter.connect_datagrams(&address, RequestLimits::new()).unwrap();
        assert_eq!(client.request(b"hello").unwrap().bytes, b"hello", "{address}");
    }
}

both!(
    python_is_answered_over_every_kind_of_socket,
    python_answers_our_client_which_asks_again,
    socat_is_answered,
    socat_answers_our_client,
);
