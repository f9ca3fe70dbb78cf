//! Each limit, at one less, at it, and at one more; the same however the input is cut.

use drywire::DecodeError;
use drywire::framing::Framing;
use drywire::http1::{Fields, Frame, Http1, HttpLimits, HttpPart, Request, Response, Unsendable};

use crate::support::{Side, accepted, limited, outcome, refused};

fn server(limits: HttpLimits) -> impl Fn() -> Side {
    move || Side::new(Http1::server().with_limits(limits))
}

/// A client that has asked.
fn client(limits: HttpLimits) -> impl Fn() -> Side {
    move || {
        let mut client = Side::new(Http1::client().with_limits(limits));
        client.ask("GET");
        client
    }
}

fn exceeded(part: HttpPart, max: u64) -> DecodeError {
    DecodeError::Http { part, max }
}

/// Asserts that `input(len)` is accepted up to `max` and refused from there on, by that limit.
fn assert_bound(
    new: impl Fn() -> Side,
    part: HttpPart,
    max: usize,
    input: impl Fn(usize) -> Vec<u8>,
) {
    for len in [max - 1, max] {
        accepted(&new, &input(len));
    }
    for len in [max + 1, max + 2, max + 40] {
        assert_eq!(refused(&new, &input(len)), exceeded(part, max as u64), "{part} of {len}");
    }
}

fn padded_head(first_line: &str, len: usize) -> Vec<u8> {
    let frame = format!("{first_line}\r\nHost: a\r\nContent-Length: 0\r\nX: \r\n\r\n");
    frame.replace("X: ", &format!("X: {}", "x".repeat(len - frame.len()))).into_bytes()
}

#[test]
fn heads() {
    let limits = limited(|limits| limits.head_len_max = 100);
    let request = |len| padded_head("GET / HTTP/1.1", len);
    assert_bound(server(limits), HttpPart::Head, 100, request);
    assert_bound(client(limits), HttpPart::Head, 100, |len| padded_head("HTTP/1.1 200 OK", len));
    // Empty lines before it count, and whatever never ends.
    assert_bound(server(limits), HttpPart::Head, 100, |len| {
        [b"\r\n\r\n".to_vec(), padded_head("GET / HTTP/1.1", len - 4)].concat()
    });
    for endless in ["x", "\r\n", "GET / HTTP/1.1\r\nX: ", "GET / HTTP/1.1\r\nX: y\r\nX: "] {
        let input = endless.to_owned() + &endless[..1].repeat(100);
        if endless != "\r\n" {
            assert_eq!(refused(server(limits), input.as_bytes()), exceeded(HttpPart::Head, 100));
        }
    }
    assert_eq!(refused(server(limits), &b"\r\n".repeat(50)), exceeded(HttpPart::Head, 100));
    // It is found as soon as it is certain.
    assert_eq!(outcome(server(limits), &[b'x'; 99]).1, None);
    assert_eq!(outcome(server(limits), &[b'x'; 100]).1, Some(exceeded(HttpPart::Head, 100)));
    assert_eq!(Http1::server().wire_len_max(), 64 * 1024 + 4 * 1024 + 20);
}

#[test]
fn targets() {
    let limits = limited(|limits| limits.target_len_max = 20);
    assert_bound(server(limits), HttpPart::Target, 20, |len| {
        format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(len - 1)).into_bytes()
    });
    let input = format!("GET /{}", "x".repeat(19));
    assert_eq!(outcome(server(limits), input.as_bytes()).1, None);
    let input = format!("GET /{}", "x".repeat(20));
    assert_eq!(refused(server(limits), input.as_bytes()), exceeded(HttpPart::Target, 20));
    // A line that ends without a version can be too long as well.
    let input = format!("GET /{}\r\n\r\n", "x".repeat(20));
    assert_eq!(refused(server(limits), input.as_bytes()), exceeded(HttpPart::Target, 20));
}

#[test]
fn counts_of_fields() {
    let limits = limited(|limits| limits.fields_max = 3);
    assert_bound(server(limits), HttpPart::Fields, 3, |count| {
        format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(count - 1)).into_bytes()
    });
    assert_bound(client(limits), HttpPart::Fields, 3, |count| {
        format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(count)).into_bytes()
    });
    assert_bound(server(limits), HttpPart::Fields, 3, |count| {
        let head = "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
        format!("{head}{}\r\n", "X: y\r\n".repeat(count)).into_bytes()
    });
    // More than what fits the stack is not possible.
    let limits = limited(|limits| limits.fields_max = usize::MAX);
    let request =
        |count: usize| format!("GET / HTTP/1.0\r\n{}\r\n", "X:\r\n".repeat(count)).into_bytes();
    assert_bound(server(limits), HttpPart::Fields, HttpLimits::FIELDS_MAX, request);
}

#[test]
fn chunk_extensions_of_one_body() {
    let limits = limited(|limits| limits.chunk_extensions_len_max = 10);
    let chunked = |body: String| {
        format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}0\r\n\r\n")
            .into_bytes()
    };
    assert_bound(server(limits), HttpPart::ChunkExtensions, 10, |len| {
        chunked(format!("1;{}\r\na\r\n", "x".repeat(len - 1)))
    });
    assert_bound(server(limits), HttpPart::ChunkExtensions, 10, |len| {
        chunked(format!("1 \t;\r\na\r\n1 ;{}\r\na\r\n", "x".repeat(len - 5)))
    });
}

#[test]
fn trailers() {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;x\r\na\r\n0\r\n";
    let limits = limited(|limits| limits.trailers_len_max = 20);
    assert_bound(server(limits), HttpPart::Trailers, 20, |len| {
        format!("{head}X: {}\r\n\r\n", "x".repeat(len - 5)).into_bytes()
    });
    let limits = limited(|limits| limits.trailers_len_max = 0);
    accepted(server(limits), format!("{head}\r\n").as_bytes());
    let error = refused(server(limits), format!("{head}X:\r\n\r\n").as_bytes());
    assert_eq!(error, exceeded(HttpPart::Trailers, 0));
}

#[test]
fn bodies() {
    let limits = limited(|limits| limits.body_len_max = 10);
    let head = "POST / HTTP/1.1\r\nHost: a\r\n";
    assert_bound(server(limits), HttpPart::Body, 10, |len| {
        format!("{head}Content-Length: {len}\r\n\r\n{}", "x".repeat(len)).into_bytes()
    });
    assert_bound(server(limits), HttpPart::Body, 10, |len| {
        let rest = "x".repeat(len - 2);
        let size = rest.len();
        format!(
            "{head}Transfer-Encoding: chunked\r\n\r\n2\r\nxx\r\n{size:x}\r\n{rest}\r\n0\r\n\r\n"
        )
        .into_bytes()
    });
    assert_bound(client(limits), HttpPart::Body, 10, |len| {
        format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(len)).into_bytes()
    });
    // The sum of sizes has 64 bits.
    let most = "ffffffffffffffff";
    let head = format!("{head}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n{most}\r\n");
    assert_eq!(refused(Side::server, head.as_bytes()), exceeded(HttpPart::Body, u64::MAX));
    // What is within it is shown before it is exceeded.
    let (frames, _) = outcome(client(limits), b"HTTP/1.1 200 OK\r\n\r\n0123456789ab");
    assert_eq!(frames[1..], ["| 0123456789"]);
}

#[test]
fn pieces_are_cut_and_sent_within_their_bound() {
    let len_max = drywire::http1::PIECE_LEN_MAX;
    let mut framing = Http1::client();
    let mut buffer = drywire::buffer::Buffer::new();
    let request = Request::new("GET", "/", Fields::new(&[("host", b"a")]));
    framing.encode(Frame::Request(request), &mut buffer).unwrap();
    let head = b"HTTP/1.1 200 OK\r\n\r\n";
    let drywire::framing::Scan::Found(whole) = framing.scan(head).unwrap() else { panic!() };
    assert_eq!(whole.len, head.len());
    let input = vec![b'x'; len_max + 1];
    let drywire::framing::Scan::Found(whole) = framing.scan(&input).unwrap() else { panic!() };
    assert_eq!(whole.len, len_max);

    let mut side = Side::server();
    side.receive(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    side.send(Frame::Response(Response::new(200, Fields::NONE))).unwrap();
    side.send(Frame::Body(&input[1..])).unwrap();
    let error = side.send(Frame::Body(&input)).unwrap_err();
    assert_eq!(error, drywire::EncodeError::TooLong { len: len_max + 1, max: len_max });
}

/// What is sent keeps within the limits of heads and trailers, with what is added.
#[test]
fn of_what_is_sent() {
    let limit = |part, max| Unsendable::Limit { part, max }.into();
    let request = |framing: Http1, target: &str, fields: &[(&str, &[u8])]| {
        let mut client = Side::new(framing);
        client.send(Frame::Request(Request::new("GET", target, Fields::new(fields)))).map(|()| {
            let sent = client.sent();
            accepted(
                || Side::new(Http1::server().with_limits(*client.framing.limits())),
                sent.as_bytes(),
            );
            sent.len()
        })
    };
    let host = ("host", &b"a"[..]);
    let len = "GET / HTTP/1.1\r\nhost: a\r\n\r\n".len();
    for (head_len_max, is_sent) in [(len + 1, true), (len, true), (len - 1, false)] {
        let framing =
            Http1::client().with_limits(limited(|limits| limits.head_len_max = head_len_max));
        let expected = if is_sent { Ok(len) } else { Err(limit(HttpPart::Head, len as u64 - 1)) };
        assert_eq!(request(framing, "/", &[host]), expected);
    }
    let framing = || Http1::client().with_limits(limited(|limits| limits.target_len_max = 3));
    request(framing(), "/ab", &[host]).unwrap();
    assert_eq!(request(framing(), "/abc", &[host]), Err(limit(HttpPart::Target, 3)));
    let framing = || Http1::client().with_limits(limited(|limits| limits.fields_max = 2));
    request(framing(), "/", &[host, ("x", b"")]).unwrap();
    let three = [host, ("x", b""), ("x", b"")];
    assert_eq!(request(framing(), "/", &three), Err(limit(HttpPart::Fields, 2)));

    // `connection: close` is one more field.
    let limits = limited(|limits| limits.fields_max = 1);
    let mut server = Side::new(Http1::server().with_limits(limits));
    server.receive(b"GET / HTTP/1.0\r\n\r\n");
    let fields = Fields::new(&[("content-length", b"0")]);
    let error = server.send(Frame::Response(Response::new(200, fields))).unwrap_err();
    assert_eq!(error, limit(HttpPart::Fields, 1));
    assert_eq!(server.sent(), "");

    let limits = limited(|limits| limits.trailers_len_max = 6);
    let mut server = Side::new(Http1::server().with_limits(limits));
    server.receive(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let fields = Fields::new(&[("transfer-encoding", b"chunked")]);
    server.send(Frame::Response(Response::new(200, fields))).unwrap();
    let error = server.send(Frame::Trailers(Fields::new(&[("x", b"yz")]))).unwrap_err();
    assert_eq!(error, limit(HttpPart::Trailers, 6));
    server.send(Frame::Trailers(Fields::new(&[("x", b"y")]))).unwrap();
    server.send(Frame::End).unwrap();
}
