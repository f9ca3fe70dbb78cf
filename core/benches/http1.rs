//! HTTP/1.1 against httparse alone, which must look at the same heads.
//!
//! `cargo bench -p drywire --features http1 --bench http1`

mod common;

use std::hint::black_box;
use std::mem::MaybeUninit;

use common::pair;
use drywire::buffer::{Buffer, Pool};
use drywire::framing::{Framing, Scan};
use drywire::http1::{Fields, Frame, Http1, Response};
use drywire::{Connection, Instant, Step};

/// What a browser sends, shortened: 10 fields.
const REQUEST: &[u8] = b"GET /articles/2024/sans-io?page=2&sort=new HTTP/1.1\r\n\
Host: www.example.com\r\n\
User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n\
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8\r\n\
Accept-Language: en-US,en;q=0.5\r\n\
Accept-Encoding: gzip, deflate, br, zstd\r\n\
Referer: https://www.example.com/articles\r\n\
Connection: keep-alive\r\n\
Cookie: session=7f3c9a1be1d04f6f9e52; theme=dark\r\n\
Upgrade-Insecure-Requests: 1\r\n\
Sec-Fetch-Mode: navigate\r\n\r\n";

const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\n\
Date: Tue, 05 Nov 2024 10:00:00 GMT\r\n\
Server: example\r\n\
Content-Type: text/html; charset=utf-8\r\n\
Content-Length: 0\r\n\
Cache-Control: max-age=60\r\n\
ETag: \"5f3c9a1b\"\r\n\
Vary: Accept-Encoding\r\n\r\n";

/// Heads that every round handles.
const COUNT: usize = 1000;
const FIELDS: &[(&str, &[u8])] = &[("content-type", b"text/plain"), ("content-length", b"2")];

fn main() {
    let len = REQUEST.len() * COUNT;

    assert_eq!((requests(), httparse_requests()), (COUNT * 10, COUNT * 10), "requests are parsed");
    pair("request head, 10 fields", len, COUNT, requests, "httparse", httparse_requests);

    assert_eq!((walked(), httparse_walked()), (399_000, 399_000), "fields are walked");
    pair("request head, fields walked", len, COUNT, walked, "httparse", httparse_walked);

    assert_eq!((responses(), httparse_responses()), (COUNT * 7, COUNT * 7), "responses are parsed");
    let len = RESPONSE.len() * COUNT;
    pair("response head, 7 fields", len, COUNT, responses, "httparse", httparse_responses);

    // A whole connection: pipelined requests in, short answers out. The limit is as before.
    let mut server = Server::new();
    let len = REQUEST.len() * COUNT;
    assert_eq!(server.round(), COUNT * Server::ANSWER.len(), "requests are answered");
    let limit = httparse_requests;
    pair("connection, pipelined", len, COUNT, || server.round(), "httparse", limit);
}

/// Fields of `COUNT` requests, each of which is answered. Only the heads are timed, but for what
/// it takes to get on to the next one.
fn each_request(mut see: impl FnMut(&Frame<'_>) -> usize) -> usize {
    let mut head = REQUEST.to_vec();
    let mut seen = 0;
    for _ in 0..COUNT {
        let mut framing = Http1::server();
        if let Ok(Scan::Found(whole)) = framing.scan(black_box(&head)) {
            seen += see(&Http1::view(whole.found, &mut head));
        }
    }
    seen
}

fn requests() -> usize {
    each_request(|frame| match frame {
        Frame::Request(request) => {
            black_box((request.method, request.target));
            10
        }
        _ => 0,
    })
}

fn walked() -> usize {
    each_request(|frame| match frame {
        Frame::Request(request) => {
            request.fields.iter().map(|(name, value)| name.len() + value.len()).sum()
        }
        _ => 0,
    })
}

fn each_httparse(mut see: impl FnMut(&httparse::Request<'_, '_>) -> usize) -> usize {
    let mut seen = 0;
    for _ in 0..COUNT {
        let mut headers = [const { MaybeUninit::uninit() }; 100];
        let mut request = httparse::Request::new(&mut []);
        let status = request.parse_with_uninit_headers(black_box(REQUEST), &mut headers);
        if status == Ok(httparse::Status::Complete(REQUEST.len())) {
            seen += see(&request);
        }
    }
    seen
}

fn httparse_requests() -> usize {
    each_httparse(|request| {
        black_box((request.method, request.path));
        request.headers.len()
    })
}

fn httparse_walked() -> usize {
    each_httparse(|request| {
        request.headers.iter().map(|header| header.name.len() + header.value.len()).sum()
    })
}

fn responses() -> usize {
    let mut seen = 0;
    let mut transmit = Buffer::new();
    let mut head = RESPONSE.to_vec();
    let mut asked = Http1::client();
    let get = drywire::http1::Request::new("GET", "/", Fields::new(&[("host", b"a")]));
    asked.encode(Frame::Request(get), &mut transmit).expect("legal");
    for _ in 0..COUNT {
        let mut framing = asked.clone();
        if let Ok(Scan::Found(whole)) = framing.scan(black_box(&head)) {
            if let Frame::Response(response) = Http1::view(whole.found, &mut head) {
                black_box((response.status, response.reason));
                seen += 7;
            }
        }
    }
    seen
}

fn httparse_responses() -> usize {
    let mut seen = 0;
    let config = httparse::ParserConfig::default();
    for _ in 0..COUNT {
        let mut headers = [const { MaybeUninit::uninit() }; 100];
        let mut response = httparse::Response::new(&mut []);
        let input = black_box(RESPONSE);
        let parsed = config.parse_response_with_uninit_headers(&mut response, input, &mut headers);
        if parsed == Ok(httparse::Status::Complete(RESPONSE.len())) {
            black_box((response.code, response.reason));
            seen += response.headers.len();
        }
    }
    seen
}

struct Server {
    connection: Connection<Http1>,
    pool: Pool,
    input: Vec<u8>,
}

impl Server {
    const ANSWER: &'static [u8] =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nhi";

    fn new() -> Self {
        Self {
            connection: Connection::plain(Http1::server(), Default::default(), Instant::ZERO),
            pool: Pool::default(),
            input: REQUEST.repeat(COUNT),
        }
    }

    /// Feeds all requests as reads bring them; returns the bytes sent.
    fn round(&mut self) -> usize {
        let (mut rest, mut sent, now) = (self.input.as_slice(), 0, Instant::ZERO);
        loop {
            self.connection.lease(&mut self.pool);
            let room = self.connection.receive_buffer();
            let len = room.len().min(rest.len());
            room[..len].copy_from_slice(&rest[..len]);
            rest = &rest[len..];
            self.connection.received(len, now).expect("lent");
            while let Some(step) = self.connection.next() {
                if let Step::Frame(Frame::End, mut handle) = step {
                    let head = Response::new(200, Fields::new(FIELDS));
                    for frame in [Frame::Response(head), Frame::Body(b"hi"), Frame::End] {
                        handle.send(frame).expect("room");
                    }
                }
            }
            let len = self.connection.transmit().len();
            sent += len;
            self.connection.transmitted(len, now).expect("shown");
            self.connection.settle(&mut self.pool);
            if rest.is_empty() && len == 0 {
                return sent;
            }
        }
    }
}
