//! The HTTP echo, request by request.
#![cfg(feature = "http1")]

use std::time::Duration;

use drywire::connection::Timer;
use drywire::error::{Error, RemoteError};
use drywire::http1::Violation;
use drywire::protocol::HttpEcho;
use drywire::proxy::{Header, Transport, UnixAddress, Version};
use drywire::{CloseReason, Limits, Peer};
use http::{Server, exchange, exchange_cut, parts};
use proptest::collection::vec;
use proptest::prelude::*;

#[path = "support/http.rs"]
mod http;

#[track_caller]
fn expect(input: &str, expected: &str) {
    let (answer, reason) = exchange_cut(HttpEcho::new, input.as_bytes());
    assert_eq!(answer, expected);
    assert!(reason.as_ref().is_some_and(CloseReason::is_clean), "{reason:?}");
}

#[test]
fn a_body_goes_back_with_its_length_and_type() {
    expect(
        "POST /x HTTP/1.1\r\nHost: a\r\nContent-Type: text/x\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-type: text/x\r\n\r\nhello",
    );
    expect("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    expect(
        "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    );
}

#[test]
fn chunks_go_back_in_chunks_with_their_trailers() {
    let input = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
        5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nCheck: sum\r\n\r\n";
    let (answer, reason) = exchange(HttpEcho::new, input);
    let (head, body) = parts(&answer);
    assert_eq!(head, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked");
    assert_eq!(unchunked(body), ("hello!".to_owned(), "Check: sum\r\n".to_owned()));
    assert_eq!(reason, Some(CloseReason::Finished));

    let input = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let (answer, _) = exchange(HttpEcho::new, input);
    assert_eq!(parts(&answer).1, "0\r\n\r\n");
}

/// Content and trailers.
fn unchunked(mut body: &str) -> (String, String) {
    let mut content = String::new();
    loop {
        let (size, rest) = body.split_once("\r\n").unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return (content, rest.strip_suffix("\r\n").unwrap().to_owned());
        }
        content.push_str(&rest[..size]);
        body = rest[size..].strip_prefix("\r\n").unwrap();
    }
}

#[test]
fn head_is_answered_without_a_body() {
    expect(
        "HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n",
    );
    let input =
        b"HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
    let (answer, _) = exchange_cut(HttpEcho::new, input);
    assert_eq!(answer, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
}

#[test]
fn a_client_that_waits_is_told_to_go_on() {
    expect(
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
    );
    let mut server = Server::new(HttpEcho::new(), Limits::new());
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    let answer = server.answer(head, usize::MAX);
    assert!(answer.starts_with(b"HTTP/1.1 100 Continue\r\n\r\n"));
    assert!(server.answer(b"hi", 1).ends_with(b"hi"));
}

#[test]
fn options_tells_the_methods_and_connect_is_refused() {
    let allow = "allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n";
    expect(
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        &format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n{allow}\r\n"),
    );
    let input = b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let (answer, reason) = exchange_cut(HttpEcho::new, input);
    let (head, rest) = parts(&answer);
    assert!(head.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"), "{head}");
    assert!(format!("{head}\r\n").contains(allow), "{head}");
    // It was no tunnel, and what was sent for it in advance is not read.
    assert!(head.contains("connection: close") && !rest.contains("HTTP/1.1"), "{answer}");
    assert_eq!(reason, Some(CloseReason::Closed));
    let (answer, _) = exchange_cut(HttpEcho::new, b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
}

#[test]
fn a_long_type_is_left_out_and_a_long_request_answered() {
    for (len, is_told) in [(1024, true), (1025, false), (65_000, false)] {
        let kind = "x".repeat(len);
        let head = format!("GET / HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\n\r\n");
        let (answer, _) = exchange_cut(HttpEcho::new, head.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 200 "), "{len}");
        assert_eq!(answer.contains("content-type"), is_told, "{len}");
    }
}

/// What a body of so many bytes in each period comes to, after so many periods.
fn paced(len: usize, periods: u32, is_reporting: bool) -> (String, Option<CloseReason>) {
    let mut echo = HttpEcho::new();
    if is_reporting {
        echo = echo.reporting(&Peer::unix(), None);
    }
    let mut server = Server::new(echo, Limits::new());
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
    let mut answer = server.answer(head, usize::MAX);
    for _ in 0..periods {
        // Not all at once, and never so late that the silence counts.
        answer.extend(server.answer(&vec![b'x'; len - 1], usize::MAX));
        answer.extend(server.pass(Duration::from_secs(29)));
        answer.extend(server.answer(b"x", usize::MAX));
        answer.extend(server.pass(Duration::from_secs(1)));
    }
    (String::from_utf8(answer).unwrap(), server.connection().close_reason().cloned())
}

#[test]
fn a_body_that_comes_too_slowly_is_given_up() {
    let (answer, reason) = paced(15_000, 20, true);
    assert_eq!((answer.as_str(), reason), ("", None));
    let (answer, _) = paced(14_999, 1, true);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    // Where the answer has begun there is no other.
    let (answer, _) = paced(14_999, 1, false);
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    let (answer, _) = paced(15_000, 20, false);
    assert!(answer.len() > 20 * 15_000);
}

#[test]
fn the_answer_to_a_late_chunk_says_that_it_is_the_last() {
    let mut server = Server::new(HttpEcho::new().reporting(&Peer::unix(), None), Limits::new());
    let input = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5";
    assert_eq!(server.answer(input, usize::MAX), b"");
    let answer = String::from_utf8(server.pass(Duration::from_secs(31))).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
}

/// The head once said how long the line behind it was, for which there was no room any more.
#[test]
fn a_last_answer_that_does_not_fit_has_no_body() {
    for high_water in [1, 50, 130, 131, 140, 155, 156, 157, 158, 281, 282, 283, 1000] {
        let mut limits = Limits::new();
        limits.transmit_high_water = high_water;
        limits.transmit_low_water = 0;
        let mut server = Server::new(HttpEcho::new(), limits);
        let mut answer = server.answer(b":", usize::MAX);
        answer.extend(server.end().0);
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = parts(&answer);
        assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
        let len = format!("content-length: {}\r\n", body.len());
        assert!(head.contains(&len), "{high_water}: {answer}");
        assert_eq!(body.is_empty(), high_water <= 282, "{high_water}: {answer}");
    }
}

#[test]
fn a_violation_that_comes_with_the_deadline_is_a_violation() {
    let mut server = Server::new(HttpEcho::new(), Limits::new());
    assert_eq!(server.answer(b"GET", usize::MAX), b"");
    server.now = server.now + Duration::from_secs(30);
    let answer = server.answer(b"( / HTTP/1.1\r\n\r\n", usize::MAX);
    assert!(answer.starts_with(b"HTTP/1.1 400 "), "{}", answer.escape_ascii());
}

#[test]
fn requests_are_answered_in_their_order() {
    let mut input = Vec::new();
    let mut expected = String::new();
    for number in 0..100 {
        let body = "x".repeat(number);
        let len = body.len();
        let head = format!("POST /{number} HTTP/1.1\r\nHost: a\r\nContent-Length: {len}\r\n\r\n");
        input.extend(head.bytes().chain(body.bytes()));
        expected.push_str(&format!("HTTP/1.1 200 OK\r\ncontent-length: {len}\r\n\r\n{body}"));
    }
    let (answer, reason) = exchange_cut(HttpEcho::new, &input);
    assert_eq!(answer, expected);
    assert_eq!(reason, Some(CloseReason::Finished));
}

#[test]
fn a_client_that_says_close_gets_one_answer() {
    let input = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n\
        GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let (answer, reason) = exchange_cut(HttpEcho::new, input);
    assert_eq!(answer, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    assert_eq!(reason, Some(CloseReason::Closed));
    let (answer, _) = exchange_cut(HttpEcho::new, b"GET / HTTP/1.0\r\n\r\n");
    assert!(answer.contains("200 OK\r\ncontent-length: 0\r\nconnection: close\r\n"), "{answer}");
}

#[test]
fn violations_are_answered_with_their_status_and_a_line() {
    for (input, status, line) in [
        ("GET / HTTP/1.1\r\n\r\n", "400 Bad Request", "the Host field is missing"),
        ("GET / HTTP/3.0\r\n\r\n", "505 HTTP Version Not Supported", "neither 1.0 nor 1.1"),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "501 Not Implemented",
            "transfer coding",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "400 Bad Request",
            "Content-Length beside Transfer-Encoding",
        ),
    ] {
        let (answer, reason) = exchange_cut(HttpEcho::new, input.as_bytes());
        let (head, body) = parts(&answer);
        assert!(head.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{answer}");
        assert!(head.contains("content-type: text/plain; charset=utf-8"), "{answer}");
        assert!(head.contains("connection: close"), "{answer}");
        assert!(body.contains(line) && body.ends_with('\n'), "{answer}");
        assert!(
            matches!(reason, Some(CloseReason::Failed(Error::Remote(RemoteError::Http(_))))),
            "{reason:?}"
        );
    }
}

#[test]
fn what_is_too_long_is_answered() {
    let target = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(9000));
    let fields = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "a: b\r\n".repeat(200));
    for (input, status) in [(target, 414), (fields, 431)] {
        let (answer, _) = exchange_cut(HttpEcho::new, input.as_bytes());
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
}

#[test]
fn a_violation_behind_an_answer_that_has_begun_only_ends_it() {
    let input = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\nzz\r\n";
    let (answer, reason) = exchange(HttpEcho::new, input);
    assert_eq!(
        answer, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n",
        "no end and no second answer"
    );
    let violation = Error::Remote(RemoteError::Http(Violation::ChunkSize));
    assert_eq!(reason, Some(CloseReason::Failed(violation)));
}

#[test]
fn a_head_that_does_not_come_is_timed_out_with_an_answer() {
    let mut server = Server::new(HttpEcho::new(), Limits::new());
    assert_eq!(server.answer(b"GET / HTTP/1.1\r\nHos", 1), b"");
    let answer = server.pass(Duration::from_secs(30));
    assert!(answer.starts_with(b"HTTP/1.1 408 Request Timeout\r\n"), "{}", answer.escape_ascii());
    let (_, reason) = server.end();
    assert_eq!(reason, Some(CloseReason::TimedOut(Timer::Frame)));
}

#[test]
fn a_long_body_takes_no_more_memory_than_a_short_one() {
    let mut limits = Limits::new();
    (limits.transmit_high_water, limits.transmit_low_water) = (64 * 1024, 16 * 1024);
    let mut server = Server::new(HttpEcho::new(), limits);
    let total = 64 * 1024 * 1024_usize;
    let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {total}\r\n\r\n");
    assert_eq!(server.receive(head.as_bytes()), head.len());
    let mut answered = 0;
    let (piece, mut left, mut memory_len) = ([b'p'; 50_000], total, 0);
    while answered < total {
        // The client reads only now and then.
        while left > 0 {
            let len = server.receive(&piece[..piece.len().min(left)]);
            if len == 0 {
                break;
            }
            left -= len;
        }
        memory_len = memory_len.max(server.connection().memory_len());
        let taken = server.take();
        assert!(!taken.is_empty(), "{answered} of {total}");
        answered += taken.iter().filter(|byte| **byte == b'p').count();
    }
    assert!(memory_len <= 1024 * 1024, "{memory_len}");
    assert_eq!(server.answer(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1).len(), 38);
}

fn reporting() -> HttpEcho {
    let peer = Peer::ip("192.0.2.1:7".parse().unwrap(), "[::1]:8".parse().unwrap());
    HttpEcho::new().reporting(&peer, None)
}

#[test]
fn an_account_says_what_arrived() {
    let input =
        b"PoST /a?b HTTP/1.1\r\nHost: a\r\nX-One: \"1\" \r\nx-one:\\\r\nTransfer-Encoding: \
        chunked\r\nB: caf\xe9\\\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nT: t\r\n\r\n";
    let (answer, reason) = exchange_cut(reporting, input);
    let (head, body) = parts(&answer);
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
    assert_eq!(
        body,
        "{\"method\":\"PoST\",\"target\":\"/a?b\",\"version\":\"HTTP/1.1\",\"fields\":[\
         {\"name\":\"Host\",\"value\":\"a\"},{\"name\":\"X-One\",\"value\":\"\\\"1\\\"\"},\
         {\"name\":\"x-one\",\"value\":\"\\\\\"},\
         {\"name\":\"Transfer-Encoding\",\"value\":\"chunked\"},\
         {\"name\":\"B\",\"value\":\"caf\\\\xe9\\\\\\\\\",\"escaped\":true}],\
         \"body_len\":5,\"trailers\":[{\"name\":\"T\",\"value\":\"t\"}],\
         \"peer\":\"192.0.2.1:7\",\"via\":null,\"local\":\"[::1]:8\",\"tls\":null}\n"
    );
    assert_eq!(reason, Some(CloseReason::Finished));
}

#[test]
fn an_account_tells_client_and_balancer_apart() {
    let balancer = Peer::ip("10.0.0.1:7".parse().unwrap(), "10.0.0.2:8".parse().unwrap());
    let name = UnixAddress::new(b"/c\"").unwrap();
    let by_ip =
        Header::tcp(Version::Two, "192.0.2.1:9".parse().unwrap(), "192.0.2.2:80".parse().unwrap());
    for (header, peer) in [
        (by_ip, r#""peer":"192.0.2.1:9""#),
        (Header::unix(Transport::Stream, name.clone(), name), r#""peer":"unix:/c\\\"""#),
    ] {
        let peer_of = balancer.clone().introduced(header);
        let make = || HttpEcho::new().reporting(&peer_of, None);
        let (answer, _) = exchange_cut(make, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let expected = format!(r#"{peer},"via":"10.0.0.1:7","local":"10.0.0.2:8","#);
        assert!(answer.contains(&expected), "{answer}");
    }
}

#[test]
fn accounts_do_not_mix() {
    let input = b"POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\
        T: t\r\n\r\nHEAD /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.1\r\nHost: b\r\n\r\n";
    let (answer, _) = exchange_cut(reporting, input);
    let last = answer.lines().last().unwrap();
    assert!(last.contains("\"target\":\"/3\"") && last.contains("\"trailers\":[]"), "{last}");
    assert!(last.contains("\"body_len\":0"), "{last}");
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 3);
    assert_eq!(answer.matches("{\"method\"").count(), 2, "HEAD has no body: {answer}");
}

#[test]
fn answers_wait_for_room() {
    let mut limits = Limits::new();
    (limits.transmit_high_water, limits.transmit_low_water) = (8, 4);
    let request =
        b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx";
    let requests = request.repeat(3);
    for make in [HttpEcho::new, reporting] {
        let expected = Server::new(make(), Limits::new()).answer(&requests, usize::MAX);
        let answer = Server::new(make(), limits.clone()).answer(&requests, usize::MAX);
        assert_eq!(answer.escape_ascii().to_string(), expected.escape_ascii().to_string());
        assert_eq!(expected.windows(12).filter(|part| part == b"HTTP/1.1 100").count(), 3);
        assert_eq!(expected.windows(12).filter(|part| part == b"HTTP/1.1 200").count(), 3);
    }
}

/// A request, and what must come back.
#[derive(Clone, Debug)]
struct Case {
    body: String,
    /// Lengths of its chunks, if it comes in chunks.
    chunks: Option<Vec<usize>>,
    is_head: bool,
    expects: bool,
}

impl Case {
    fn request(&self) -> String {
        let method = if self.is_head { "HEAD" } else { "POST" };
        let expect = if self.expects { "Expect: 100-continue\r\n" } else { "" };
        let head = format!("{method} / HTTP/1.1\r\nHost: a\r\n{expect}");
        let Some(chunks) = &self.chunks else {
            return format!("{head}Content-Length: {}\r\n\r\n{}", self.body.len(), self.body);
        };
        let mut request = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
        let mut rest = self.body.as_str();
        for len in chunks.iter().cycle() {
            let (chunk, after) = rest.split_at((*len).min(rest.len()));
            if chunk.is_empty() {
                break;
            }
            request.push_str(&format!("{:x}\r\n{chunk}\r\n", chunk.len()));
            rest = after;
        }
        request.push_str("0\r\nT: t\r\n\r\n");
        request
    }

    /// Takes the answer off the front of `answers`.
    fn check(&self, mut answers: &str) -> String {
        let has_body = self.chunks.is_some() || !self.body.is_empty();
        if self.expects && has_body {
            answers = answers.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n").unwrap();
        }
        let (head, rest) = parts(answers);
        match (&self.chunks, self.is_head) {
            (None, is_head) => {
                let len = self.body.len();
                assert_eq!(head, format!("HTTP/1.1 200 OK\r\ncontent-length: {len}"));
                let (body, rest) = rest.split_at(if is_head { 0 } else { len });
                assert_eq!(body, if is_head { "" } else { &self.body });
                rest.to_owned()
            }
            (Some(_), is_head) => {
                assert_eq!(head, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked");
                if is_head {
                    return rest.to_owned();
                }
                let (end, _) = rest.split_once("0\r\nT: t\r\n\r\n").unwrap();
                let (message, rest) = rest.split_at(end.len() + "0\r\nT: t\r\n\r\n".len());
                assert_eq!(unchunked(message), (self.body.clone(), "T: t\r\n".to_owned()));
                rest.to_owned()
            }
        }
    }
}

fn case() -> impl Strategy<Value = Case> {
    // No digits and no line ends, so that a chunked answer's end is where it seems to be.
    let body = "[a-z]{0,400}";
    let chunks = prop::option::of(vec(1..100_usize, 1..4));
    (body, chunks, prop::bool::weighted(0.2), any::<bool>())
        .prop_map(|(body, chunks, is_head, expects)| Case { body, chunks, is_head, expects })
}

proptest! {
    #[test]
    fn whatever_arrives_goes_back_however_it_is_cut(
        cases in vec(case(), 1..6),
        cuts in vec(1..200_usize, 1..5),
        portions in vec(0..200_usize, 1..5),
        high_water in 1..600_usize,
    ) {
        let mut limits = Limits::new();
        (limits.transmit_high_water, limits.transmit_low_water) = (high_water, high_water / 3);
        let mut server = Server::new(HttpEcho::new(), limits);
        let input: String = cases.iter().map(Case::request).collect();
        let (mut rest, mut answers) = (input.as_bytes(), Vec::new());
        let (mut cuts, mut portions) = (cuts.iter().cycle(), portions.iter().cycle());
        while !rest.is_empty() {
            let cut = (*cuts.next().unwrap()).min(rest.len());
            let len = server.receive(&rest[..cut]);
            rest = &rest[len..];
            answers.extend(server.take_some(*portions.next().unwrap()));
            if len == 0 {
                answers.extend(server.take_some(1));
            }
        }
        answers.extend(server.take());
        let mut answers = String::from_utf8(answers).unwrap();
        for case in &cases {
            answers = case.check(&answers);
        }
        prop_assert_eq!(answers, "");
        prop_assert_eq!(server.end(), (Vec::new(), Some(CloseReason::Finished)));
    }

    #[test]
    fn any_bytes_are_answered_the_same_however_they_are_cut(
        parts in vec(prop::sample::select(vec![
            "GET / HTTP/1.1\r\n", "POST /x HTTP/1.1\r\n", "Host: a\r\n", "\r\n", "\n", " ", "\0",
            "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "Connection: close\r\n",
            "abc", "3\r\nabc\r\n", "0\r\n\r\n", "Expect: 100-continue\r\n", "HEAD * HTTP/1.0\r\n",
        ]), 0..12),
    ) {
        exchange_cut(reporting, parts.concat().as_bytes());
    }
}
