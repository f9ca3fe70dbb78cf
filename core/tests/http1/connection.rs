//! Through whole connections, plain and within TLS.

use std::sync::Arc;
use std::time::Duration;

use drywire::connection::{Timer, Truncation};
use drywire::framing::{Framing, Lines};
use drywire::http1::{Fields, Frame, Http1, HttpPart, Request, Response, Violation, reason};
use drywire::{CloseReason, Connection, Handle, Instant, Limits, Step};

use crate::sessions::{EVERYTHING, Over, sessions};
use crate::support::{limited, request, response, text};

const NOW: Instant = Instant::ZERO;
const HOST: [(&str, &[u8]); 1] = [("host", b"a")];

/// One end and what it was told.
struct Side {
    connection: Connection<Http1>,
    log: Vec<String>,
    react: fn(&Frame<'_>, &mut Handle<'_, Http1>),
}

impl Side {
    fn new(connection: Connection<Http1>) -> Self {
        Self { connection, log: Vec::new(), react: |_, _| {} }
    }

    fn plain(framing: Http1) -> Self {
        Self::new(Connection::plain(framing, Arc::new(Limits::new()), NOW))
    }

    /// Takes all steps; an error is answered with its status.
    fn step(&mut self) {
        while let Some(step) = self.connection.next() {
            let entry = match step {
                Step::Open(..) => continue,
                Step::Frame(frame, mut handle) => {
                    (self.react)(&frame, &mut handle);
                    text(&frame)
                }
                Step::Finished(mut handle) => {
                    handle.finish();
                    "finished".into()
                }
                Step::Failed(reason, mut handle) => {
                    if let Some(status) = reason.http_status() {
                        let empty = [("content-length", &b"0"[..])];
                        let _ = handle.send(response(status, &empty));
                        let _ = handle.send(Frame::End);
                    }
                    format!("failed: {reason}")
                }
                Step::Closed(reason) => format!("closed: {reason}"),
                step => panic!("{step:?}"),
            };
            match (self.log.last_mut(), entry.strip_prefix("| ")) {
                (Some(last), Some(more)) if last.starts_with("| ") => last.push_str(more),
                _ => self.log.push(entry),
            }
        }
    }

    fn receive(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = self.connection.receive_buffer();
            let len = room.len().min(bytes.len());
            assert!(len > 0, "wants to read");
            room[..len].copy_from_slice(&bytes[..len]);
            bytes = &bytes[len..];
            self.connection.received(len, NOW).unwrap();
            self.step();
        }
    }

    /// What is queued, as if it were transmitted.
    fn transmit(&mut self) -> String {
        let sent = String::from_utf8_lossy(self.connection.transmit()).into_owned();
        self.connection.transmitted(sent.len(), NOW).unwrap();
        sent
    }
}

/// A client and a server over that.
fn sides(over: Over) -> (Side, Side) {
    let limits = Arc::new(Limits::new());
    let Over::Tls(version) = over else {
        return (Side::plain(Http1::client()), Side::plain(Http1::server()));
    };
    let (client, server) = sessions(version);
    let client = Connection::tls(client, Http1::client(), Arc::clone(&limits), NOW);
    let server = Connection::tls(server, Http1::server(), limits, NOW);
    (Side::new(client), Side::new(server))
}

/// Moves at most `cut` bytes. Returns whether anything happened.
fn carry<F: Framing, G: Framing>(
    from: &mut Connection<F>,
    to: &mut Connection<G>,
    cut: usize,
) -> bool {
    let len = from.transmit().len().min(cut);
    let room = to.receive_buffer();
    let len = len.min(room.len());
    room[..len].copy_from_slice(&from.transmit()[..len]);
    to.received(len, NOW).unwrap();
    from.transmitted(len, NOW).unwrap();
    if len == 0 && from.interest().shutdown {
        from.shut_down(NOW).unwrap();
        let _ = to.received_eof(NOW);
        return true;
    }
    len > 0
}

fn run(client: &mut Side, server: &mut Side, cut: usize) {
    loop {
        client.step();
        server.step();
        let there = carry(&mut client.connection, &mut server.connection, cut);
        let back = carry(&mut server.connection, &mut client.connection, cut);
        if !there && !back {
            client.step();
            server.step();
            return;
        }
    }
}

/// A server that echoes bodies in chunks, until `/last`.
fn echo(frame: &Frame<'_>, handle: &mut Handle<'_, Http1>) {
    match frame {
        Frame::Request(request) => {
            if request.expects_continue() {
                handle.send(Frame::Informational(Response::new(100, Fields::NONE))).unwrap();
            }
            let all = [("transfer-encoding", &b"chunked"[..]), ("connection", b"close")];
            let count = if request.target == "/last" { 2 } else { 1 };
            handle.send(response(200, &all[..count])).unwrap();
        }
        Frame::Body(piece) => handle.send(Frame::Body(piece)).unwrap(),
        Frame::Trailers(fields) => handle.send(Frame::Trailers(*fields)).unwrap(),
        Frame::End => handle.send(Frame::End).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn pipelined_exchanges_are_the_same_over_everything_and_however_cut() {
    for over in EVERYTHING {
        for cut in [1, 2, 7, 1000] {
            let (mut client, mut server) = sides(over);
            server.react = echo;
            let chunked = [HOST[0], ("transfer-encoding", b"chunked")];
            let length = [HOST[0], ("content-length", &b"5"[..])];
            let frames = [
                request("PUT", "/1", &length),
                Frame::Body(b"hello"),
                Frame::End,
                request("PUT", "/2", &chunked),
                Frame::Body(b"hel"),
                Frame::Body(b"lo"),
                Frame::Trailers(Fields::new(&[("sum", b"1")])),
                Frame::End,
                request("GET", "/last", &HOST),
                Frame::End,
            ];
            for frame in frames {
                client.connection.send(frame).unwrap();
            }
            run(&mut client, &mut server, cut);
            let head = "1.1 200 OK transfer-encoding=chunked";
            assert_eq!(
                client.log,
                [
                    head,
                    "| hello",
                    "end",
                    head,
                    "| hello",
                    "trailers sum=1",
                    "end",
                    &format!("{head} connection=close"),
                    "end",
                    "closed: closed by us, flushed"
                ],
                "{over:?}, {cut}"
            );
            let clean = CloseReason::Closed;
            assert_eq!(server.connection.close_reason(), Some(&clean), "{over:?}, {cut}");
        }
    }
}

#[test]
fn a_request_waits_for_the_answer_before_it_and_so_does_the_end() {
    let mut server = Side::plain(Http1::server());
    let get = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    server.receive(&[&get[..], get].concat());
    server.connection.received_eof(NOW).unwrap();
    server.step();
    assert_eq!(server.log, ["GET / 1.1 Host=a", "end"]);
    assert_eq!(
        server.connection.interest().deadline.map(|deadline| deadline.timer),
        Some(Timer::Idle)
    );
    for len in [4, 5] {
        server.connection.send(response(200, &[("content-length", b"0")])).unwrap();
        server.step();
        server.connection.send(Frame::End).unwrap();
        server.step();
        assert_eq!(server.log.len(), len);
    }
    assert_eq!(server.log[4], "finished");
}

#[test]
fn an_expected_100_comes_before_the_body() {
    let mut server = Side::plain(Http1::server());
    server.react = |frame, handle| {
        if let Frame::Request(request) = frame {
            assert!(request.expects_continue());
            handle.send(Frame::Informational(Response::new(100, Fields::NONE))).unwrap();
        }
    };
    server
        .receive(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(server.transmit(), "HTTP/1.1 100 Continue\r\n\r\n");
    server.receive(b"ab");
    assert_eq!(server.log[1..], ["| ab", "end"]);
}

/// The bytes behind the upgrade, read with it, are the new framing's.
#[test]
fn an_upgrade_hands_over_what_was_read() {
    let offer: [(&str, &[u8]); 3] = [HOST[0], ("connection", b"upgrade"), ("upgrade", b"lines")];
    for over in EVERYTHING {
        for cut in [1, 1000] {
            let (mut client, mut server) = sides(over);
            client.connection.send(request("GET", "/", &offer)).unwrap();
            client.connection.send(Frame::End).unwrap();
            server.react = |frame, handle| {
                if *frame == Frame::End {
                    let switch = [("connection", &b"upgrade"[..]), ("upgrade", b"lines")];
                    handle.send(response(101, &switch)).unwrap();
                    handle.send(Frame::End).unwrap();
                    handle.send(Frame::Tunnel(b"ready\n")).unwrap();
                }
            };
            run(&mut client, &mut server, cut);
            assert_eq!(client.log[1], "end", "{over:?}");
            assert!(client.log[2..].concat().replace("tunnel ", "") == "ready\\n", "{over:?}");
            assert!(server.connection.framing().is_tunnel());

            let mut lines = server.connection.upgrade(Lines::new());
            client.connection.send(Frame::Tunnel(b"one\ntw")).unwrap();
            client.connection.send(Frame::Tunnel(b"o\n")).unwrap();
            while carry(&mut client.connection, &mut lines, cut) {}
            assert!(matches!(lines.next(), Some(Step::Frame(b"one", _))));
            assert!(matches!(lines.next(), Some(Step::Frame(b"two", _))));
        }
    }
    // Read together with the request itself.
    let mut server = Side::plain(Http1::server());
    server.receive(b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\none\ntwo\n");
    assert_eq!(server.log.len(), 2);
    server.connection.send(response(200, &[])).unwrap();
    server.connection.send(Frame::End).unwrap();
    let mut lines = server.connection.upgrade(Lines::new());
    assert!(matches!(lines.next(), Some(Step::Frame(b"one", _))));
    assert!(matches!(lines.next(), Some(Step::Frame(b"two", _))));
}

#[test]
fn a_body_until_the_end_is_whole_or_truncated_where_that_can_be_told() {
    for over in EVERYTHING {
        for is_cut in [false, true] {
            let (mut client, mut server) = sides(over);
            client.connection.send(request("GET", "/", &HOST)).unwrap();
            client.connection.send(Frame::End).unwrap();
            server.react = |frame, handle| {
                if *frame == Frame::End {
                    handle.send(response(200, &[])).unwrap();
                    handle.send(Frame::Body(b"hello")).unwrap();
                }
            };
            run(&mut client, &mut server, 1000);
            assert_eq!(client.log, ["1.1 200 OK connection=close", "| hello"]);
            if is_cut {
                client.connection.received_eof(NOW).unwrap();
                client.step();
            } else {
                server.connection.send(Frame::End).unwrap();
                run(&mut client, &mut server, 1000);
            }
            let truncated = CloseReason::Truncated(Truncation::Session);
            let expected = if is_cut && over != Over::Plain {
                [format!("failed: {truncated}")]
            } else {
                ["end".into()]
            };
            assert_eq!(client.log[2..3], expected, "{over:?}");
        }
    }
}

#[test]
fn a_body_of_known_length_is_truncated_by_any_end() {
    for fields in [[("content-length", &b"9"[..])], [("transfer-encoding", b"chunked")]] {
        let mut client = Side::plain(Http1::client());
        client.connection.send(request("GET", "/", &HOST)).unwrap();
        client.connection.send(Frame::End).unwrap();
        let mut server = Side::plain(Http1::server());
        run(&mut client, &mut server, 1000);
        server.connection.send(response(200, &fields)).unwrap();
        server.connection.send(Frame::Body(b"hello")).unwrap();
        server.connection.finish();
        run(&mut client, &mut server, 1000);
        let failed = client.log.iter().any(|entry| entry.starts_with("failed: truncated"));
        assert!(failed, "{:?}", client.log);
    }
}

#[test]
fn a_head_that_is_late_is_answered_with_408() {
    let mut server = Side::plain(Http1::server());
    server.receive(b"GET / HTTP/1.1\r\nHost:");
    let deadline = server.connection.interest().deadline.unwrap();
    assert_eq!((deadline.timer, deadline.at), (Timer::Frame, NOW + Duration::from_secs(30)));
    server.connection.handle_timeout(deadline.at);
    server.step();
    let answer = "HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    assert_eq!(server.transmit(), answer);
    assert!(server.connection.interest().shutdown);
    // A body may take as long as its pieces come.
    let mut server = Side::plain(Http1::server());
    server.receive(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na");
    let deadline = server.connection.interest().deadline.unwrap();
    assert_eq!(deadline.timer, Timer::Idle);
}

#[test]
fn each_refusal_is_answered_with_its_status_and_closes() {
    let limits = limited(|limits| {
        limits.target_len_max = 10;
        limits.head_len_max = 200;
        limits.body_len_max = 10;
    });
    let cases: [(&str, u16); 9] = [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
        ),
        ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", 413),
        ("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n", 413),
        ("GET /0123456789", 414),
        ("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx", 400),
        ("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: br, chunked\r\n\r\n", 501),
        ("GET / HTTP/2.0\r\n\r\n", 505),
        ("GET / HTTP/1.1\r\nX: 0123456789", 431),
    ];
    for (input, status) in cases {
        let padding = if status == 431 { "x".repeat(200) } else { String::new() };
        let mut server = Side::plain(Http1::server().with_limits(limits));
        server.receive(format!("{input}{padding}").as_bytes());
        let reason = reason(status);
        let answer =
            format!("HTTP/1.1 {status} {reason}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        assert_eq!(server.transmit(), answer, "{input}");
        assert!(server.connection.interest().shutdown, "{input}");
        server.connection.shut_down(NOW).unwrap();
        // What still comes is discarded.
        server.receive(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        server.connection.received_eof(NOW).unwrap();
        server.step();
        assert_eq!(server.transmit(), "");
        let last = server.log.last().unwrap();
        assert_eq!(*last, format!("closed: {}", server.connection.close_reason().unwrap()));
    }
}

#[test]
fn a_last_answer_closes_by_itself() {
    let mut server = Side::plain(Http1::server());
    server.react = |frame, handle| {
        if *frame == Frame::End {
            handle.send(response(200, &[("content-length", b"0")])).unwrap();
            handle.send(Frame::End).unwrap();
        }
    };
    server.receive(b"GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n");
    assert_eq!(server.log, ["GET / 1.0", "end"]);
    assert!(server.transmit().contains("connection: close"));
    assert!(server.connection.interest().shutdown);
}

#[test]
fn what_is_refused_leaves_nothing_half_sent() {
    let mut client = Side::plain(Http1::client());
    let split = [HOST[0], ("x", &b"\r\nY: z"[..])];
    client.connection.send(request("GET", "/", &split)).unwrap_err();
    assert_eq!(client.connection.queued_len(), 0);
    client.connection.send(Frame::Request(Request::new("GET", "/", Fields::new(&HOST)))).unwrap();
    assert_eq!(client.transmit(), "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
}

#[test]
fn ends_have_a_status_only_where_an_answer_makes_sense() {
    use drywire::Error;
    use drywire::error::{LimitExceeded, RemoteError};
    let cases = [
        (CloseReason::Failed(Error::Remote(RemoteError::Http(Violation::ObsFold))), Some(400)),
        (CloseReason::TimedOut(Timer::Frame), Some(408)),
        (CloseReason::TimedOut(Timer::Idle), None),
        (CloseReason::Failed(Error::Remote(RemoteError::LengthOutOfRange)), None),
        (CloseReason::Truncated(Truncation::Session), None),
        (CloseReason::Finished, None),
    ];
    for (reason, status) in cases {
        assert_eq!(reason.http_status(), status, "{reason}");
    }
    for (part, status) in [
        (HttpPart::Body, 413),
        (HttpPart::ChunkExtensions, 400),
        (HttpPart::Fields, 431),
        (HttpPart::Head, 431),
        (HttpPart::Target, 414),
        (HttpPart::Trailers, 431),
    ] {
        let reason = CloseReason::Failed(Error::Limit(LimitExceeded::Http { part, max: 1 }));
        assert_eq!(reason.http_status(), Some(status), "{reason}");
    }
}
