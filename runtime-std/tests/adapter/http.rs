//! The HTTP echo over real sockets, plain and TLS, by raw bytes.

use std::io::{Read, Write};
use std::time::Duration;

use crate::adapter::{Listener, Server};
use drywire::connection::Timer;
use drywire::protocol::HttpEcho;
use drywire::{CloseReason, Limits, Peer};

use crate::certificate::Certificate;
use crate::peer::{dial, dial_unix, expect, expect_end, handshake};
use crate::serving::{Running, loopback, run, socket_addr, socket_path};

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// A server with a plain listener and one with TLS, and its clients.
struct Echo {
    server: Running,
    certificate: Certificate,
}

impl Echo {
    fn new(limits: Limits) -> Self {
        let certificate = Certificate::new();
        let listeners = vec![loopback(), loopback().with_tls(certificate.server())];
        let server = run(Server::new(|_: &Peer| HttpEcho::new()).limits(limits), listeners);
        Self { server, certificate }
    }

    /// A client of each listener.
    fn clients(&self) -> [Box<dyn Stream>; 2] {
        let at = |index: usize| socket_addr(&self.server.addresses[index], [127, 0, 0, 1].into());
        let session = handshake(dial(at(1)), &self.certificate.client_config());
        [Box::new(dial(at(0))), Box::new(session)]
    }
}

/// The head of the next answer, without its last empty line.
fn head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    String::from_utf8(head[..head.len() - 4].to_vec()).unwrap()
}

/// The next answer, whose body has as many bytes as it says.
fn answer(stream: &mut impl Read) -> (String, String) {
    let head = head(stream);
    let len = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; len.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    (head, String::from_utf8(body).unwrap())
}

#[test]
fn a_connection_is_kept_for_many_requests() {
    let echo = Echo::new(Limits::new());
    for mut client in echo.clients() {
        for number in 0..3 {
            let request = format!(
                "POST /{number} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nno. {number}"
            );
            client.write_all(request.as_bytes()).unwrap();
            let (head, body) = answer(&mut client);
            assert_eq!(head, "HTTP/1.1 200 OK\r\ncontent-length: 5");
            assert_eq!(body, format!("no. {number}"));
        }
        // Two at once, and HEAD, whose answer has no body.
        client
            .write_all(
                b"HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi\
                  POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nend",
            )
            .unwrap();
        expect(&mut client, b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n");
        expect(
            &mut client,
            b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nend",
        );
        expect_end(&mut client);
        drop(client);
        echo.server.closed();
    }
    assert_eq!(echo.server.stop().statistics.accepted, 2);
}

#[test]
fn a_long_body_is_streamed() {
    let echo = Echo::new(Limits::new());
    for mut client in echo.clients() {
        let piece: Vec<u8> = (0..64 * 1024).map(|index| (index % 251) as u8).collect();
        let total = 16 * piece.len();
        write!(client, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {total}\r\n\r\n").unwrap();
        // The answer begins before the body is there.
        assert_eq!(head(&mut client), format!("HTTP/1.1 200 OK\r\ncontent-length: {total}"));
        for _ in 0..16 {
            client.write_all(&piece).unwrap();
            expect(&mut client, &piece);
        }
        client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        assert_eq!(answer(&mut client).1, "");
    }
    echo.server.stop();
}

#[test]
fn what_is_wrong_is_answered_and_closed() {
    let echo = Echo::new(Limits::new());
    for (request, status, line) in [
        ("GET / HTTP/1.1\r\n\r\n", 400, "the Host field is missing\n"),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "the request line is malformed\n"),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "the HTTP version is neither 1.0 nor 1.1\n"),
        ("\x16\x03\x01 no HTTP at all\r\n\r\n", 400, "\n"),
    ] {
        for mut client in echo.clients() {
            client.write_all(request.as_bytes()).unwrap();
            let (head, body) = answer(&mut client);
            assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
            assert!(head.contains("connection: close"), "{head}");
            assert!(body.ends_with(line), "{body}");
            expect_end(&mut client);
            drop(client);
            let reason = echo.server.closed();
            assert!(matches!(reason, CloseReason::Failed(_)), "{reason:?}");
        }
    }
    echo.server.stop();
}

#[test]
fn a_head_that_is_late_is_answered_and_closed() {
    let mut limits = Limits::new();
    limits.frame_timeout = Duration::from_millis(50);
    let echo = Echo::new(limits);
    for mut client in echo.clients() {
        client.write_all(b"GET / HTTP/1.1\r\nHo").unwrap();
        let (head, body) = answer(&mut client);
        assert!(head.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{head}");
        assert!(body.starts_with("timed out"), "{body}");
        expect_end(&mut client);
        drop(client);
        assert_eq!(echo.server.closed(), CloseReason::TimedOut(Timer::Frame));
    }
    echo.server.stop();
}

#[test]
fn over_a_unix_socket_an_account_names_it() {
    let path = socket_path();
    let listener = Listener::bind(&format!("http+unix:{}", path.display()).parse().unwrap());
    let factory = |peer: &Peer| HttpEcho::new().reporting(peer, None);
    let server = run(Server::new(factory), vec![listener.unwrap()]);
    let mut client = dial_unix(&path);
    client.write_all(b"GET /x HTTP/1.1\r\nHost: a\r\nX: \xff\r\n\r\n").unwrap();
    let (head, body) = answer(&mut client);
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(body.contains(r#"{"name":"X","value":"\\xff","escaped":true}"#), "{body}");
    assert!(body.contains(r#""peer":"unix","via":null,"local":null,"tls":null}"#), "{body}");
    server.stop();
}

#[test]
fn an_account_says_what_tls_agreed_on() {
    let certificate = Certificate::new();
    let factory = |peer: &Peer| HttpEcho::new().reporting(peer, None);
    let listener = loopback().with_tls(certificate.server());
    let server = run(Server::new(factory), vec![listener]);
    let mut client = handshake(dial(server.at()), &certificate.client_config());
    client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let (_, body) = answer(&mut client);
    assert!(body.contains(r#""tls":{"version":"TLSv1.3","suite":"TLS13_"#), "{body}");
    assert!(body.contains(r#""server_name":"localhost","resumed":false"#), "{body}");
    assert!(body.contains(r#""client_certificates":[]}}"#), "{body}");
    server.stop();
}

/// A client that asks all the time is told with an answer that it is the last.
#[test]
fn a_busy_connection_drains_with_its_next_answer() {
    let echo = Echo::new(Limits::new());
    let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut clients = echo.clients();
    for client in &mut clients {
        client.write_all(request).unwrap();
        assert_eq!(answer(client).0, "HTTP/1.1 200 OK\r\ncontent-length: 0");
    }
    echo.server.handle.drain();
    for client in &mut clients {
        // Those that were under way when it began are not the last.
        let mut answers = 0;
        loop {
            client.write_all(request).unwrap();
            answers += 1;
            if answer(client).0.ends_with("connection: close") {
                break;
            }
            assert!(answers < 10_000, "never told");
        }
        expect_end(client);
    }
    drop(clients);
    assert!(echo.server.ended().drained);
}
