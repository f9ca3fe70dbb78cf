//! What may be sent, and how it looks on the wire.

use drywire::http1::Unsendable::*;
use drywire::http1::{Fields, Frame, Request, Response, Unsendable, Version, Violation};

use crate::support::{Side, accepted, request, response};

type List<'a> = &'a [(&'a str, &'a [u8])];

const HOST: (&str, &[u8]) = ("Host", b"a");
const CHUNKED: (&str, &[u8]) = ("Transfer-Encoding", b"chunked");

fn client() -> Side {
    Side::new(drywire::http1::Http1::client())
}

/// The peer would refuse it.
const fn refusal(violation: Violation) -> Unsendable {
    Violation(violation)
}

/// A server that owes an answer to a request of that method.
fn asked(method: &str) -> Side {
    let mut server = Side::server();
    let target = if method == "CONNECT" { "a:1" } else { "/" };
    server.receive(format!("{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
    server
}

fn length(len: &'static [u8]) -> (&'static str, &'static [u8]) {
    ("Content-Length", len)
}

#[test]
fn a_request_looks_like_this_and_is_read_back() {
    let mut side = client();
    side.send(request("POST", "/x?y", &[HOST, ("X", b" a\tb "), CHUNKED])).unwrap();
    side.send(Frame::Body(b"0123456789abcdef")).unwrap();
    side.send(Frame::Body(b"")).unwrap();
    side.send(Frame::Body(b"!")).unwrap();
    side.send(Frame::Trailers(Fields::new(&[("Sum", b"1")]))).unwrap();
    side.send(Frame::End).unwrap();
    let sent = side.sent();
    assert_eq!(
        sent,
        "POST /x?y HTTP/1.1\r\nHost: a\r\nX: a\tb\r\nTransfer-Encoding: chunked\r\n\r\n\
         10\r\n0123456789abcdef\r\n1\r\n!\r\n0\r\nSum: 1\r\n\r\n"
    );
    assert_eq!(
        accepted(Side::server, sent.as_bytes()),
        [
            "POST /x?y 1.1 Host=a X=a\\tb Transfer-Encoding=chunked",
            "| 0123456789abcdef!",
            "trailers Sum=1",
            "end"
        ]
    );
}

#[test]
fn requests_that_a_server_would_refuse_are_not_sent() {
    let cases: [(&str, &str, List<'_>, Violation); 19] = [
        ("", "/", &[HOST], Violation::Method),
        ("G T", "/", &[HOST], Violation::Method),
        ("GET\r\nX:", "/", &[HOST], Violation::Method),
        ("GET", "", &[HOST], Violation::Target),
        ("GET", "a", &[HOST], Violation::Target),
        ("GET", "/ HTTP/1.1\r\nX: y", &[HOST], Violation::Target),
        ("CONNECT", "/", &[HOST], Violation::Target),
        ("GET", "/", &[], Violation::HostMissing),
        ("GET", "/", &[HOST, HOST], Violation::HostRepeated),
        ("GET", "/", &[("Host", b"")], Violation::HostInvalid),
        ("GET", "/", &[HOST, ("", b"")], Violation::FieldName),
        ("GET", "/", &[HOST, ("X ", b"")], Violation::FieldName),
        ("GET", "/", &[HOST, ("X\r\nY", b"")], Violation::FieldName),
        ("GET", "/", &[HOST, ("X", b"a\r\nY: b")], Violation::FieldValue),
        ("GET", "/", &[HOST, ("X", b"\0")], Violation::FieldValue),
        ("POST", "/", &[HOST, length(b"1"), CHUNKED], Violation::LengthAndCoding),
        ("POST", "/", &[HOST, length(b"1"), length(b"1")], Violation::ContentLengthRepeated),
        ("POST", "/", &[HOST, ("Transfer-Encoding", b"gzip, chunked")], Violation::TransferCodings),
        ("CONNECT", "a:1", &[HOST, length(b"1")], Violation::ConnectBody),
    ];
    for (method, target, fields, violation) in cases {
        let mut side = client();
        let error = side.send(request(method, target, fields)).unwrap_err();
        assert_eq!(error, refusal(violation).into(), "{method} {target}");
        assert_eq!((side.sent().as_str(), side.framing.outstanding()), ("", 0));
        // Nothing has begun.
        side.ask("GET");
    }
    let old =
        Request { version: Version::Http10, ..Request::new("POST", "/", Fields::new(&[CHUNKED])) };
    let error = client().send(Frame::Request(old)).unwrap_err();
    assert_eq!(error, refusal(Violation::TransferEncodingInHttp10).into());
}

#[test]
fn responses_that_a_client_would_refuse_are_not_sent() {
    let cases: [(&str, u16, List<'_>, Unsendable); 13] = [
        ("GET", 99, &[], Status(99)),
        ("GET", 100, &[], Status(100)),
        ("GET", 1000, &[], Status(1000)),
        ("GET", 101, &[], UpgradeUnasked),
        ("GET", 204, &[length(b"0")], BodyAnnounced),
        ("GET", 204, &[CHUNKED], BodyAnnounced),
        ("CONNECT", 200, &[length(b"0")], BodyAnnounced),
        ("CONNECT", 299, &[CHUNKED], BodyAnnounced),
        ("GET", 200, &[length(b"1"), CHUNKED], refusal(Violation::LengthAndCoding)),
        ("HEAD", 200, &[length(b"01")], refusal(Violation::ContentLength)),
        ("GET", 304, &[("X", b"\n")], refusal(Violation::FieldValue)),
        ("GET", 200, &[("X:", b"")], refusal(Violation::FieldName)),
        ("GET", 200, &[("transfer-encoding", b"br")], refusal(Violation::TransferCodingUnknown)),
    ];
    for (method, status, fields, unsendable) in cases {
        let mut server = asked(method);
        assert_eq!(server.send(response(status, fields)), Err(unsendable.into()), "{status}");
        assert_eq!(server.sent(), "");
        server.answer(404);
    }
    let mut server = asked("GET");
    let split = Response { reason: b"OK\r\nX: y", ..Response::new(200, Fields::NONE) };
    assert_eq!(server.send(Frame::Response(split)), Err(Reason.into()));
    let early = Response::new(200, Fields::NONE);
    assert_eq!(server.send(Frame::Informational(early)), Err(Status(200).into()));
    let switching = Response::new(101, Fields::NONE);
    assert_eq!(server.send(Frame::Informational(switching)), Err(Status(101).into()));
    let fields = [length(b"0")];
    let lengthy = Response::new(103, Fields::new(&fields));
    assert_eq!(server.send(Frame::Informational(lengthy)), Err(BodyAnnounced.into()));
}

#[test]
fn a_body_is_what_was_announced() {
    let mut server = asked("GET");
    assert_eq!(server.send(Frame::Body(b"x")), Err(OutOfTurn.into()));
    assert_eq!(server.send(Frame::End), Err(OutOfTurn.into()));
    assert_eq!(server.send(Frame::Trailers(Fields::NONE)), Err(OutOfTurn.into()));
    assert_eq!(server.send(Frame::Tunnel(b"x")), Err(OutOfTurn.into()));
    server.send(response(200, &[length(b"3")])).unwrap();
    assert_eq!(server.send(response(200, &[])), Err(OutOfTurn.into()));
    let hints = Frame::Informational(Response::new(103, Fields::NONE));
    assert_eq!(server.send(hints), Err(OutOfTurn.into()));
    server.send(Frame::Body(b"ab")).unwrap();
    assert_eq!(server.send(Frame::Body(b"cd")), Err(BodyTooLong { len: 2, left: 1 }.into()));
    assert_eq!(server.send(Frame::End), Err(BodyTooShort { left: 1 }.into()));
    assert_eq!(server.send(Frame::Trailers(Fields::NONE)), Err(TrailersUnchunked.into()));
    server.send(Frame::Body(b"c")).unwrap();
    server.send(Frame::End).unwrap();
    assert_eq!(server.sent(), "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
    assert_eq!(server.send(Frame::End), Err(OutOfTurn.into()));
    assert_eq!(server.send(response(200, &[])), Err(Unasked.into()));
}

#[test]
fn trailers_are_behind_chunks_and_once() {
    let mut server = asked("GET");
    server.send(response(200, &[CHUNKED])).unwrap();
    for name in ["host", "Content-Length", "TRANSFER-ENCODING"] {
        let error = server.send(Frame::Trailers(Fields::new(&[(name, b"1")]))).unwrap_err();
        assert_eq!(error, refusal(Violation::TrailerField).into(), "{name}");
    }
    let error = server.send(Frame::Trailers(Fields::new(&[("X", b"\r\n")]))).unwrap_err();
    assert_eq!(error, refusal(Violation::FieldValue).into());
    server.send(Frame::Trailers(Fields::new(&[("X", b"y")]))).unwrap();
    assert_eq!(server.send(Frame::Trailers(Fields::NONE)), Err(OutOfTurn.into()));
    assert_eq!(server.send(Frame::Body(b"x")), Err(OutOfTurn.into()));
    server.send(Frame::End).unwrap();
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(server.sent(), head.to_owned() + "0\r\nX: y\r\n\r\n");
}

/// RFC 9112, section 6.3: these have no body, whatever they announce, and `End` all the same.
#[test]
fn some_responses_have_no_body() {
    for (method, status) in [("HEAD", 200), ("HEAD", 404), ("GET", 304)] {
        for fields in [&[length(b"5")][..], &[CHUNKED], &[]] {
            let mut server = asked(method);
            server.send(response(status, fields)).unwrap();
            let error = server.send(Frame::Body(b"x")).unwrap_err();
            assert_eq!(error, BodyTooLong { len: 1, left: 0 }.into());
            server.send(Frame::End).unwrap();
            let sent = server.sent();
            assert!(sent.ends_with("\r\n\r\n") && !sent.contains("close"), "{sent}");
        }
    }
    let mut server = asked("GET");
    server.send(response(204, &[])).unwrap();
    server.send(Frame::End).unwrap();
    assert_eq!(server.sent(), "HTTP/1.1 204 No Content\r\n\r\n");
    assert!(server.framing.is_keep_alive());
}

#[test]
fn each_side_sends_its_own() {
    assert_eq!(Side::server().send(request("GET", "/", &[HOST])), Err(WrongRole.into()));
    assert_eq!(client().send(response(200, &[])), Err(WrongRole.into()));
    let hints = Frame::Informational(Response::new(103, Fields::NONE));
    assert_eq!(client().send(hints), Err(WrongRole.into()));
}

#[test]
fn whoever_speaks_http10_is_not_sent_chunks() {
    let mut server = Side::server();
    server.receive(b"GET / HTTP/1.0\r\n\r\n");
    assert_eq!(server.send(response(200, &[CHUNKED])), Err(ChunkedToHttp10.into()));
    let info = Frame::Informational(Response::new(100, Fields::NONE));
    assert_eq!(server.send(info), Err(InformationalToHttp10.into()));

    let mut side = Side::client("GET");
    side.receive(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n");
    let error = side.send(request("POST", "/", &[HOST, CHUNKED])).unwrap_err();
    assert_eq!(error, ChunkedToHttp10.into());
    side.ask("GET");
}

/// RFC 9112, section 9.3.
#[test]
fn the_connection_field_is_added_where_it_is_missing() {
    let sent = |request: &str, fields: &[(&str, &[u8])]| {
        let mut server = Side::server();
        server.receive(request.as_bytes());
        server.send(response(200, fields)).unwrap();
        let sent = server.sent();
        let added = sent.strip_prefix("HTTP/1.1 200 OK\r\n").unwrap().to_owned();
        (added, server.framing.is_keep_alive())
    };
    let new = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let closing = "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n";
    let old = "GET / HTTP/1.0\r\n\r\n";
    let kept = "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n";
    let close: (&str, &[u8]) = ("Connection", b"close");
    let line = |text: &str| format!("Content-Length: 0\r\n{text}\r\n");
    let with_length = [length(b"0")];
    let cases = [
        (new, &with_length[..], line(""), true),
        (closing, &with_length, line("connection: close\r\n"), false),
        (old, &with_length, line("connection: close\r\n"), false),
        (kept, &with_length, line("connection: keep-alive\r\n"), true),
        (new, &[length(b"0"), close], line("Connection: close\r\n"), false),
        (kept, &[length(b"0"), close], line("Connection: close\r\n"), false),
        (closing, &[length(b"0"), close], line("Connection: close\r\n"), false),
        (new, &[], "connection: close\r\n\r\n".into(), false),
        (kept, &[], "connection: close\r\n\r\n".into(), false),
    ];
    for (request, fields, expected, is_keep_alive) in cases {
        assert_eq!(sent(request, fields), (expected, is_keep_alive), "{request}");
    }
}
