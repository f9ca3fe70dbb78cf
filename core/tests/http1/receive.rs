//! What is in a message, and what is refused.

use drywire::http1::Violation::{self, *};

use crate::support::{Side, accepted, refused};

fn server(input: &[u8]) -> Vec<String> {
    accepted(Side::server, input)
}

fn client(input: &[u8]) -> Vec<String> {
    accepted(|| Side::client("GET"), input)
}

/// A request with these lines behind the first one and a Host.
fn with(lines: &str) -> Vec<u8> {
    format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}").into_bytes()
}

/// RFC 9112, sections 2.2, 3 and 5.
#[test]
fn requests_are_shown_as_they_are() {
    assert_eq!(server(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), ["GET / 1.1 Host=a", "end"]);
    assert_eq!(server(b"GET / HTTP/1.0\r\n\r\n"), ["GET / 1.0", "end"]);
    // Case and order are kept, white space around values is not.
    assert_eq!(
        server(
            b"m-e!th /%20?a=b&c|d HTTP/1.1\r\nhOSt:a:80\r\nX:  y z\t \r\nEmpty:\r\nX:\xff\r\n\r\n"
        ),
        ["m-e!th /%20?a=b&c|d 1.1 hOSt=a:80 X=y z Empty= X=\\xff", "end"]
    );
    // Empty lines before a request (section 2.2).
    assert_eq!(server(b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), ["GET / 1.1 Host=a", "end"]);
    // Another expectation, another upgrade, any connection option: not the framing's business.
    assert_eq!(
        server(b"GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\nConnection: ,x,, y\r\n\r\n"),
        ["GET / 1.1 Host=a Expect=x Connection=,x,, y", "end"]
    );
}

/// RFC 9112, section 3.2.
#[test]
fn each_form_of_target_goes_with_its_methods() {
    let request = |line: &str| format!("{line} HTTP/1.1\r\nHost: h\r\n\r\n").into_bytes();
    for line in [
        "GET /",
        "GET //a",
        "GET /:@!$&'()*+,;=",
        "GET http://a",
        "GET http://a?q",
        "GET hTTps://a.b:443/c",
        "GET http://[::1]:80/",
        "PUT x-y+z.1://a/",
        "OPTIONS *",
        "OPTIONS /",
        "CONNECT a:1",
        "CONNECT [::1]:65535",
    ] {
        assert_eq!(server(&request(line))[0], format!("{line} 1.1 Host=h"));
    }
    for line in [
        "GET *",
        "options *",
        "GET a",
        "GET a/b",
        "GET a:80",
        "GET http:/a",
        "GET http:///a",
        "GET ://a",
        "GET 1http://a",
        "GET http://u@a/",
        "GET http://a:x/",
        "GET http://a:65536/",
        "GET http://[::1/",
        "GET /#f",
        "GET /\x7f",
        "GET /\u{e4}",
        "GET /\u{1}",
        "CONNECT /",
        "CONNECT a",
        "CONNECT a:",
        "CONNECT :1",
        "CONNECT http://a:1",
        "CONNECT a:65536",
    ] {
        assert_eq!(refused(Side::server, &request(line)), Target.into(), "{line}");
    }
}

/// RFC 9112, sections 2.2, 2.3, 3 and 5, and RFC 9110, section 5.5.
#[test]
fn lines_that_could_be_read_differently_are_refused() {
    let cases: [(&[u8], Violation); 45] = [
        (b"GET / HTTP/1.1\nHost: a\r\n\r\n", BareLf),
        (b"GET / HTTP/1.1\r\nHost: a\n\r\n", BareLf),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\n", BareLf),
        (b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", BareLf),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\nY: b\r\n\r\n", BareLf),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rY: b\r\n\r\n", BareCr),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\r\n\r\n", BareCr),
        (b"GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", BareCr),
        (b"GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", BareCr),
        (b"\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", BareCr),
        (b" GET / HTTP/1.1\r\nHost: a\r\n\r\n", Method),
        (b"G\tT / HTTP/1.1\r\nHost: a\r\n\r\n", Method),
        (b"G\x00T / HTTP/1.1\r\nHost: a\r\n\r\n", Method),
        (b"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", Method),
        (b"GET\r\n\r\n", Method),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01", Method),
        (b"GET /\r\n\r\n", RequestLine),
        (b"GET / \r\nHost: a\r\n\r\n", Version),
        (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", RequestLine),
        (b"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", RequestLine),
        (b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", RequestLine),
        (b"GET / x HTTP/1.1\r\nHost: a\r\n\r\n", RequestLine),
        (b"GET / http/1.1\r\nHost: a\r\n\r\n", Version),
        (b"GET / HTTP/1.\r\nHost: a\r\n\r\n", Version),
        (b"GET / HTTP/11\r\nHost: a\r\n\r\n", Version),
        (b"GET / HTTP/1.10\r\nHost: a\r\n\r\n", Version),
        (b"GET / HTTPS/1.1\r\nHost: a\r\n\r\n", Version),
        (b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", VersionUnsupported),
        (b"GET / HTTP/0.9\r\nHost: a\r\n\r\n", VersionUnsupported),
        (b"PRI * HTTP/2.0\r\n\r\n", VersionUnsupported),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", SpaceBeforeColon),
        (b"GET / HTTP/1.1\r\nHost\t: a\r\n\r\n", SpaceBeforeColon),
        (b"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", ObsFold),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\tc\r\n\r\n", ObsFold),
        (b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", ObsFold),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", FieldName),
        (b"GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", FieldName),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX y: x\r\n\r\n", FieldName),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX\x00: x\r\n\r\n", FieldName),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\xc3\xa4: x\r\n\r\n", FieldName),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n", FieldValue),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x0bb\r\n\r\n", FieldValue),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: \x7f\r\n\r\n", FieldValue),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\x00\r\n\r\n", FieldValue),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: \x1f\r\n\r\n", FieldValue),
    ];
    for (input, violation) in cases {
        assert_eq!(refused(Side::server, input), violation.into(), "{}", input.escape_ascii());
    }
}

/// RFC 9112, section 3.2.
#[test]
fn host_is_there_once() {
    let cases: [(&str, Violation); 10] = [
        ("", HostMissing),
        ("X: a\r\n", HostMissing),
        ("Host: a\r\nHost: a\r\n", HostRepeated),
        ("Host: a\r\nhost: b\r\n", HostRepeated),
        ("Host:\r\n", HostInvalid),
        ("Host: \t\r\n", HostInvalid),
        ("Host: a b\r\n", HostInvalid),
        ("Host: u@a\r\n", HostInvalid),
        ("Host: a/b\r\n", HostInvalid),
        ("Host: a:b\r\n", HostInvalid),
    ];
    for (lines, violation) in cases {
        let input = format!("GET / HTTP/1.1\r\n{lines}\r\n");
        assert_eq!(refused(Side::server, input.as_bytes()), violation.into(), "{lines}");
        // It is not asked for in HTTP/1.0, but if it is there, it is a host.
        let input = input.replace("1.1", "1.0");
        if violation == HostMissing {
            accepted(Side::server, input.as_bytes());
        } else {
            assert_eq!(refused(Side::server, input.as_bytes()), violation.into(), "{lines}");
        }
    }
}

/// RFC 9110, section 8.6, and RFC 9112, section 6.3.
#[test]
fn a_length_is_one_plain_number() {
    assert_eq!(
        server(&with("Content-Length: 3\r\n\r\nabc")),
        ["POST / 1.1 Host=a Content-Length=3", "| abc", "end"]
    );
    assert_eq!(server(&with("Content-Length: \t0 \r\n\r\n"))[1..], ["end"]);
    for value in
        ["", "+1", "-1", "1 ", "0x1", "1.0", "1,1", "1, 1", "01", "00", "1 1", "a", "\u{661}"]
    {
        // White space at the end is not of the value.
        if value == "1 " {
            continue;
        }
        let input = with(&format!("Content-Length: {value}\r\n\r\n"));
        assert_eq!(refused(Side::server, &input), ContentLength.into(), "{value}");
    }
    for value in ["18446744073709551616", "99999999999999999999999999999999"] {
        let input = with(&format!("Content-Length: {value}\r\n\r\n"));
        assert_eq!(refused(Side::server, &input), ContentLengthOverflow.into(), "{value}");
    }
    let input = with("Content-Length: 18446744073709551615\r\n\r\nabc");
    assert_eq!(server(&input)[1..], ["| abc"]);
    for second in ["3", "4"] {
        let input = with(&format!("Content-Length: 3\r\nContent-length: {second}\r\n\r\nabc"));
        assert_eq!(refused(Side::server, &input), ContentLengthRepeated.into(), "{second}");
    }
}

/// RFC 9112, section 6.1.
#[test]
fn a_transfer_coding_is_chunked_and_nothing_else() {
    let cases: [(&str, Violation); 17] = [
        ("Transfer-Encoding: gzip", TransferCodingUnknown),
        ("Transfer-Encoding: identity", TransferCodingUnknown),
        ("Transfer-Encoding: xchunked", TransferCodingUnknown),
        ("Transfer-Encoding: gzip, chunked", TransferCodings),
        ("Transfer-Encoding: chunked, gzip", TransferCodings),
        ("Transfer-Encoding: chunked, chunked", TransferCodings),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", TransferCodings),
        ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", TransferCodings),
        ("Transfer-Encoding:", TransferEncoding),
        ("Transfer-Encoding: ,chunked", TransferEncoding),
        ("Transfer-Encoding: chunked,", TransferEncoding),
        ("Transfer-Encoding: chunked;x=y", TransferEncoding),
        ("Transfer-Encoding: \"chunked\"", TransferEncoding),
        ("Transfer-Encoding: chunked foo", TransferEncoding),
        ("Transfer-Encoding: chunked\r\nContent-Length: 3", LengthAndCoding),
        ("Content-Length: 3\r\nTransfer-Encoding: chunked", LengthAndCoding),
        ("Content-Length: 3\r\nTransfer-Encoding: gzip", LengthAndCoding),
    ];
    for (lines, violation) in cases {
        let input = with(&format!("{lines}\r\n\r\n0\r\n\r\n"));
        assert_eq!(refused(Side::server, &input), violation.into(), "{lines}");
    }
    assert_eq!(server(&with("TRANSFER-encoding: Chunked\r\n\r\n0\r\n\r\n"))[1..], ["end"]);
    let old = b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(refused(Side::server, old), TransferEncodingInHttp10.into());
}

/// RFC 9112, section 7.1.
#[test]
fn chunks_are_joined_and_extensions_skipped() {
    let chunked = |body: &str| with(&format!("Transfer-Encoding: chunked\r\n\r\n{body}"));
    assert_eq!(server(&chunked("0\r\n\r\n"))[1..], ["end"]);
    assert_eq!(
        server(&chunked(
            "3\r\nabc\r\n00000000000000A;x=\"y\" ; z\r\n\r\n12345678\r\n0 \t;\r\n\r\n"
        ))[1..],
        ["| abc\\r\\n12345678", "end"]
    );
    assert_eq!(
        server(&chunked("1\r\na\r\n0;x\r\nOne: 1 \r\ntwo:\r\n\r\n"))[1..],
        ["| a", "trailers One=1 two=", "end"]
    );
    let cases: [(&str, Violation); 25] = [
        ("\r\n", ChunkSize),
        ("x\r\n", ChunkSize),
        ("0x1\r\n", ChunkSize),
        ("-1\r\n", ChunkSize),
        ("+1\r\n", ChunkSize),
        (" 1\r\n", ChunkSize),
        ("1 \r\n", ChunkSize),
        ("1_0\r\n", ChunkSize),
        ("1 1\r\n", ChunkSize),
        (";x\r\n", ChunkSize),
        ("1\n", ChunkSize),
        ("1\rx", BareCr),
        ("1;\n", BareLf),
        ("1;x\x00\r\n", ChunkExtension),
        ("1;x\x7f\r\n", ChunkExtension),
        ("10000000000000000\r\n", ChunkSizeOverflow),
        ("00000000000000001\r\n", ChunkSizeOverflow),
        ("1\r\nab\r\n", ChunkEnd),
        ("1\r\na\n", ChunkEnd),
        ("1\r\na\rb", ChunkEnd),
        ("1\r\na0\r\n\r\n", ChunkEnd),
        ("0\r\n\n", BareLf),
        ("0\r\nX : y\r\n\r\n", SpaceBeforeColon),
        ("0\r\nX: y\r\n z\r\n\r\n", ObsFold),
        ("0\r\nX: a\rb\r\n\r\n", BareCr),
    ];
    for (body, violation) in cases {
        assert_eq!(refused(Side::server, &chunked(body)), violation.into(), "{body:?}");
    }
    // RFC 9110, section 6.5.1.
    for name in ["Content-Length", "transfer-encoding", "HOST"] {
        let input = chunked(&format!("0\r\nX: y\r\n{name}: 1\r\n\r\n"));
        assert_eq!(refused(Side::server, &input), TrailerField.into(), "{name}");
    }
}

/// RFC 9110, section 9.3.6.
#[test]
fn connect_has_no_body() {
    for (line, is_refused) in [
        ("Content-Length: 0", false),
        ("Content-Length: 1", true),
        ("Transfer-Encoding: chunked", true),
    ] {
        let input = format!("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n");
        if is_refused {
            assert_eq!(refused(Side::server, input.as_bytes()), ConnectBody.into());
        } else {
            server(input.as_bytes());
        }
    }
}

/// RFC 9112, section 4.
#[test]
fn responses_are_shown_as_they_are() {
    assert_eq!(
        client(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
        ["1.1 200 OK Content-Length=2", "| hi", "end"]
    );
    assert_eq!(client(b"HTTP/1.0 299 \r\n\r\n"), ["1.0 299 "]);
    assert_eq!(
        client(b"HTTP/1.1 999\r\ncontent-length:0\r\n\r\n"),
        ["1.1 999  content-length=0", "end"]
    );
    assert_eq!(client(b"HTTP/1.1 404 n\xf6 \t\r\n\r\nabc"), ["1.1 404 n\\xf6 \\t", "| abc"]);
    let cases: [(&[u8], Violation); 22] = [
        (b"HTTP/1.1 200 OK\n\r\n", BareLf),
        (b"HTTP/1.1 200 O\rK\r\n\r\n", BareCr),
        (b"HTTP/1.1 200 O\x00K\r\n\r\n", StatusLine),
        (b"\r\nHTTP/1.1 200 OK\r\n\r\n", StatusLine),
        (b"HTTP/1.1  200 OK\r\n\r\n", StatusLine),
        (b"HTTP/1.1\r\n\r\n", StatusLine),
        (b"HTTP/1.1 20 OK\r\n\r\n", StatusLine),
        (b"HTTP/1.1 2000 OK\r\n\r\n", StatusLine),
        (b"HTTP/1.1 2x0 OK\r\n\r\n", StatusLine),
        (b"HTTP/1.1 099 OK\r\n\r\n", StatusLine),
        (b"http/1.1 200 OK\r\n\r\n", StatusLine),
        (b"ICY 200 OK\r\n\r\n", StatusLine),
        (b"HTTP/2.0 200 OK\r\n\r\n", VersionUnsupported),
        (b"HTTP/1.1 200 OK\r\nX : y\r\n\r\n", SpaceBeforeColon),
        (b"HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n", ObsFold),
        (b"HTTP/1.1 200 OK\r\nX: \x00\r\n\r\n", FieldValue),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            ContentLengthRepeated,
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            LengthAndCoding,
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", TransferCodingUnknown),
        (b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", TransferEncodingInHttp10),
        (b"HTTP/1.1 101 Yes\r\n\r\n", UpgradeUnasked),
        (b"HTTP/1.1 204 No\r\nContent-Length: x\r\n\r\n", ContentLength),
    ];
    for (input, violation) in cases {
        let error = refused(|| Side::client("GET"), input);
        assert_eq!(error, violation.into(), "{}", input.escape_ascii());
    }
}

/// RFC 9112, section 6.3.
#[test]
fn some_responses_have_no_body() {
    let response = |status: u16| format!("HTTP/1.1 {status} x\r\nContent-Length: 5\r\n\r\n");
    for status in [204, 304] {
        let frames = client(response(status).as_bytes());
        assert_eq!(frames, [format!("1.1 {status} x Content-Length=5"), "end".into()]);
    }
    for status in [200, 404] {
        let frames = accepted(|| Side::client("HEAD"), response(status).as_bytes());
        assert_eq!(frames[1..], ["end"]);
    }
    let chunked = b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(accepted(|| Side::client("HEAD"), chunked)[1..], ["end"]);
    // A refused CONNECT is answered like anything else.
    let refused = [response(407), "hello".into()].concat();
    let frames = accepted(|| Side::client("CONNECT"), refused.as_bytes());
    assert_eq!(frames[1..], ["| hello", "end"]);
    let frames = accepted(|| Side::client("CONNECT"), (response(200) + "hello").as_bytes());
    assert_eq!(frames[1..], ["end", "tunnel hello"]);
}

/// RFC 9112, section 6.3, and section 8.
#[test]
fn the_end_of_the_stream_ends_a_body_only_if_nothing_else_does() {
    let mut side = Side::client("GET");
    assert_eq!(side.receive(b"HTTP/1.1 200 OK\r\n\r\nab"), ["1.1 200 OK", "| ab"]);
    assert_eq!(side.receive_end(), Ok(Some("end".into())));
    assert_eq!(side.receive_end(), Ok(None));
    for (input, left) in [
        (&b""[..], None),
        (b"HTTP/1.1 200", None),
        (b"HTTP/1.1 200 OK\r\n", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", Some(1)),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab", None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", None),
    ] {
        let mut side = Side::client("GET");
        side.receive(input);
        assert_eq!(side.framing.body_left(), left);
        side.receive_end().expect_err(&input.escape_ascii().to_string());
    }
    // A request's body has a length of its own, so that a server is at rest behind it.
    let mut side = Side::server();
    side.receive(b"POST / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(side.receive_end(), Ok(None));
}

#[test]
fn what_a_request_is_for_and_what_it_announces() {
    use drywire::http1::{BodyLen, Fields, Request};
    let fields = [("Host", &b"h:1"[..]), ("content-length", b"3"), ("expect", b"100-Continue")];
    let mut request = Request::new("PUT", "http://a:80/b?c", Fields::new(&fields));
    // RFC 9112, section 3.2.2: the target counts, not Host.
    assert_eq!((request.authority(), request.path()), (Some("a:80"), "/b?c"));
    assert_eq!((request.body(), request.expects_continue()), (BodyLen::Length(3), true));
    request.target = "/b?c=d://e";
    assert_eq!((request.authority(), request.path()), (Some("h:1"), "/b?c=d://e"));
    (request.method, request.target) = ("CONNECT", "a:1");
    assert_eq!((request.authority(), request.path()), (Some("a:1"), ""));
    (request.method, request.target) = ("OPTIONS", "*");
    assert_eq!((request.authority(), request.path()), (Some("h:1"), "*"));
    request.fields = Fields::NONE;
    assert_eq!((request.authority(), request.body()), (None, BodyLen::None));
    assert!(!request.expects_continue());
    request.fields = Fields::new(&[("Transfer-encoding", b"CHUNKED")]);
    assert_eq!(request.body(), BodyLen::Chunked);
}
