//! `drywire serve` for HTTP, and what it tells of itself.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Instant;

use rustix::process::Signal;

use crate::process::{Folder, Lines, PATIENCE, Process, Server, drywire, run};

const RUNTIMES: [&str; 2] = ["std", "smol"];

/// Sends `request` and reads to the end.
fn ask(place: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(place).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn get(place: &str, target: &str) -> String {
    ask(place, &format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
}

/// Asks again until it holds.
#[track_caller]
fn until(holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "in time");
    }
}

/// Host and port of an address such as `http://127.0.0.1:1/`.
fn place(address: &str) -> &str {
    address.split_once("://").unwrap().1.trim_end_matches('/')
}

#[test]
fn frames_and_http_are_served_side_by_side() {
    for runtime in RUNTIMES {
        let addresses = ["tcp://127.0.0.1:0", "http://127.0.0.1:0"];
        let server = Server::start(&addresses, ["--runtime", runtime, "--framing", "lines"]);
        run(["send", "--framing", "lines", server.address(), "frame"], "").assert(0, "");
        let at = place(&server.addresses[1]);
        let answer = ask(
            at,
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: a/b\r\n\
             Content-Length: 5\r\n\r\nhello",
        );
        assert_eq!(
            answer,
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-type: a/b\r\nconnection: close\r\n\
             \r\nhello"
        );
        let answer = ask(at, "GET / HTTP/1.1\nHost: a\n\n");
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
        assert!(answer.ends_with("a line feed without a carriage return\n"), "{answer}");
        server.end().assert(0, "");
    }
}

#[test]
fn accounts_tell_what_arrived() {
    for runtime in RUNTIMES {
        let folder = Folder::new();
        let path = folder.file("s");
        let addresses = ["http://127.0.0.1:0", &format!("http+unix:{path}")];
        let server = Server::start(&addresses, ["--runtime", runtime, "--format", "json"]);
        let answer = get(place(server.address()), "/a?b");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let account: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!((&account["method"], &account["target"]), (&"GET".into(), &"/a?b".into()));
        assert_eq!(
            account["fields"][0],
            serde_json::json!({ "name": "Host", "value": "localhost" })
        );
        assert!(account["peer"].as_str().unwrap().starts_with("127.0.0.1:"), "{account}");
        assert_eq!(account["tls"], serde_json::Value::Null);

        let mut stream = UnixStream::connect(&path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        drop(stream);
        assert!(
            answer.contains("\"version\":\"HTTP/1.0\"") && answer.contains("\"peer\":\"unix\"")
        );
        server.end().assert(0, "");
    }
}

#[test]
fn http_over_tls_offers_its_name() {
    for runtime in RUNTIMES {
        let folder = Folder::new();
        let ca = folder.file("dev.pem");
        let addresses = ["https://127.0.0.1:0", "tls://127.0.0.1:0"];
        let server = Server::start(
            &addresses,
            ["--runtime", runtime, "--format", "json", "--dev-cert", &ca],
        );
        let tls = format!("tls://{}", place(server.address()));
        let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let sent = run(["send", "--ca", &ca, "--alpn", "http/1.1", &tls, request], "");
        sent.assert(0, "");
        let (_, body) = sent.text().split_once("\r\n\r\n").unwrap();
        let account: serde_json::Value = serde_json::from_str(body.trim_end()).unwrap();
        assert_eq!(account["tls"]["alpn"], "http/1.1", "{account}");
        assert_eq!(account["tls"]["version"], "TLSv1.3");
        assert_eq!(account["tls"]["client_certificates"], serde_json::json!([]));
        // The other listener has nothing to do with HTTP.
        run(["send", "--ca", &ca, "--alpn", "any", &server.addresses[1], "x"], "").assert(0, "");
        run(["send", "--ca", &ca, "--alpn", "h2", &tls, request], "").assert(5, "");
        server.end().assert(0, "");
    }
}

/// A server with an admin listener: the process, where it serves and where it tells of itself.
fn administered(runtime: &str, admin: &str) -> (Process, Lines, String, String) {
    let mut process = Process::start(&mut drywire([
        "serve",
        "--runtime",
        runtime,
        "--listen",
        "tcp://127.0.0.1:0",
        "--drain-pause",
        "30",
        "--admin",
        admin,
    ]));
    let stdout = Lines::of(process.stdout.take().unwrap());
    let listening = stdout.next().strip_prefix("listening ").unwrap().to_owned();
    let admin = stdout.next().strip_prefix("admin ").unwrap().to_owned();
    (process, stdout, listening, admin)
}

#[test]
fn a_server_tells_of_itself_on_loopback() {
    for runtime in RUNTIMES {
        let (process, _stdout, address, admin) = administered(runtime, "127.0.0.1:0");
        assert!(admin.starts_with("http://127.0.0.1:") && admin.ends_with('/'), "{admin}");
        let admin = place(&admin);
        run(["send", &address, "hello"], "").assert(0, "");
        let kept = TcpStream::connect(place(&address)).unwrap();
        assert!(get(admin, "/livez").starts_with("HTTP/1.1 200 OK\r\n"));
        assert!(get(admin, "/readyz").starts_with("HTTP/1.1 200 OK\r\n"));
        let metrics = get(admin, "/metrics");
        assert!(metrics.contains("\ndrywire_received_bytes_total 5\n"), "{metrics}");
        assert!(
            metrics.contains("\n# TYPE process_open_fds gauge\nprocess_open_fds "),
            "{metrics}"
        );
        // A connection may be made before it is accepted.
        until(|| get(admin, "/connections").contains("\"state\":\""));
        assert!(get(admin, "/other").starts_with("HTTP/1.1 404 "));

        // Not ready any more, and serving for a pause.
        process.signal(Signal::TERM);
        until(|| get(admin, "/readyz").starts_with("HTTP/1.1 503 "));
        run(["send", &address, "hello"], "").assert(0, "");
        assert!(get(admin, "/livez").starts_with("HTTP/1.1 200 OK\r\n"));
        drop(kept);
        until(|| get(admin, "/metrics").contains("\ndrywire_connections_active 0\n"));
        process.signal(Signal::TERM);
        process.finish().assert(0, "drained: 3 accepted");
    }
}

#[test]
fn an_admin_listener_may_be_a_unix_socket() {
    let folder = Folder::new();
    let path = folder.file("a");
    let (process, _stdout, _, admin) = administered("std", &format!("unix:{path}"));
    assert_eq!(admin, format!("http+unix:{path}:/"));
    let mut stream = UnixStream::connect(&path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"HELO example.org\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    process.signal(Signal::INT);
    process.finish().assert(0, "drained");
}

#[test]
fn what_cannot_be_is_refused() {
    for (arguments, sentence) in [
        (&["--admin", "http://0.0.0.0:0"][..], "only loopback addresses and Unix sockets"),
        (&["--admin", "http://192.0.2.1:1"], "only loopback addresses and Unix sockets"),
        (&["--admin", "https://127.0.0.1:0"], "only HTTP without TLS"),
        (&["--admin", "udp://127.0.0.1:0"], "only HTTP without TLS"),
        (&["--admin", "http://127.0.0.1:0/x"], "no target can be named"),
        (&["--format", "json"], "--format is for HTTP"),
        (&["--listen", "http://127.0.0.1:0/x"], "every target is served"),
        (&["--listen", "http://127.0.0.1:0", "--alpn", "x"], "--alpn is for TLS"),
    ] {
        let arguments = ["serve", "--listen", "tcp://127.0.0.1:0"].iter().chain(arguments);
        run(arguments, "").assert(2, sentence);
    }
}
