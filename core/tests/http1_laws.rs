//! Every law for HTTP/1.1, in both roles: framing and connection, plain and within TLS.
#![cfg(all(feature = "http1", feature = "testkit", feature = "tls"))]

mod http1_cases;
mod support;

use std::sync::Arc;

use drywire::http1::{BodyLen, Fields, Frame, Http1, HttpLimits, Response, Version};
use drywire::testkit::http1::{Event, Head, Side, written};
use drywire::testkit::{End, Talker, Then, Watched, Work, fuzz, laws};
use drywire::{CloseReason, Connection, Handle, Instant, Limits, Protocol, Step};
use proptest::prelude::*;
use support::{EVERYTHING, Over, VERSIONS};

const NOW: Instant = Instant::ZERO;

/// Answers every request with its own body, of known length if it was, and every failure with its
/// status.
#[derive(Debug)]
struct Mirror;

impl Protocol for Mirror {
    type Framing = Http1;

    fn framing(&self) -> Http1 {
        Http1::server()
    }

    fn on_frame(&mut self, frame: Frame<'_>, handle: &mut Handle<'_, Http1>) {
        let sent = match frame {
            Frame::Request(request) => {
                let len = request.fields.get("content-length").unwrap_or(b"0");
                let fields: &[(&str, &[u8])] = match request.body() {
                    BodyLen::Chunked => &[("Transfer-Encoding", b"chunked")],
                    _ => &[("Content-Length", len)],
                };
                handle.send(head(200, fields))
            }
            Frame::Body(piece) => handle.send(Frame::Body(piece)),
            Frame::End => handle.send(Frame::End),
            _ => Ok(()),
        };
        if sent == Err(drywire::SendError::Full) {
            handle.retain();
        }
    }

    fn on_failed(&mut self, reason: &CloseReason, handle: &mut Handle<'_, Http1>) {
        let Some(status) = reason.http_status() else { return };
        let fields: &[(&str, &[u8])] = &[("Content-Length", b"0")];
        if handle.send(head(status, fields)).is_ok() {
            handle.send(Frame::End).unwrap();
        }
    }
}

fn head<'a>(status: u16, fields: &'a [(&'a str, &'a [u8])]) -> Frame<'a> {
    let fields = Fields::new(fields);
    Frame::Response(Response { version: Version::Http11, status, reason: b"", fields })
}

fn mirror(limits: Limits) -> End<Mirror> {
    End::new(Connection::plain(Http1::server(), Arc::new(limits), NOW), Mirror)
}

/// A client that asks at once, and then waits.
fn client(asked: &[Event]) -> End<Talker<Http1>> {
    let connection = Connection::plain(Http1::client(), Arc::default(), NOW);
    End::new(connection, Talker::new(Http1::client(), asked.to_vec(), Then::Wait))
}

fn field(name: &str, value: &str) -> (String, Vec<u8>) {
    (name.into(), value.into())
}

/// A request with a body of these pieces.
fn post(target: &str, pieces: &[&[u8]], is_chunked: bool) -> Vec<Event> {
    let len: usize = pieces.iter().map(|piece| piece.len()).sum();
    let length = if is_chunked {
        field("Transfer-Encoding", "chunked")
    } else {
        field("Content-Length", &len.to_string())
    };
    let mut events = vec![Event::Request(Head {
        method: "POST".into(),
        target: target.into(),
        minor: 1,
        fields: vec![field("Host", "a"), length],
        ..Head::default()
    })];
    events.extend(pieces.iter().map(|piece| Event::Body(piece.to_vec())));
    events.push(Event::End);
    events
}

/// What the mirror answers to a request.
fn mirrored(asked: &[Event]) -> Vec<Event> {
    let mut events = asked.to_vec();
    if let Event::Request(head) = &mut events[0] {
        let fields = head.fields.split_off(1);
        events[0] = Event::Response(Head { status: 200, minor: 1, fields, ..Head::default() });
    }
    events
}

/// Three exchanges: what is asked and what is answered.
fn exchanges(chunked: [bool; 3]) -> (Vec<Event>, Vec<Event>) {
    let long = vec![b'x'; 20_000];
    let bodies: [&[&[u8]]; 3] = [&[b"hello", b"0\r\n\r\n"], &[], &[&long, b"\r\n"]];
    let asked: Vec<_> =
        bodies.iter().zip(chunked).map(|(body, is_chunked)| post("/", body, is_chunked)).collect();
    let answered = asked.iter().flat_map(|asked| mirrored(asked)).collect();
    (asked.concat(), answered)
}

#[test]
fn every_case_of_the_catalogue_keeps_every_law_of_framings() {
    for case in http1_cases::all() {
        println!("{}", case.name);
        // Default limits, the first answer or question, no cuts, bytes as they are.
        if case.is_request {
            fuzz::http1_requests(&[&[0; 4][..], &case.input].concat());
            fuzz::http1_heads(&[&[0][..], &case.input].concat());
        } else {
            fuzz::http1_responses(&[&[0; 5][..], &case.input].concat());
            fuzz::http1_heads(&[&[1][..], &case.input].concat());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn mostly_valid_requests(
        (limits, answer) in (0..8_u8, 0..4_u8),
        cuts in prop::array::uniform3(any::<u8>()),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        fuzz::http1_requests(&[&[limits, answer, 3][..], &cuts, &[1], &bytes].concat());
    }

    #[test]
    fn mostly_valid_responses(
        (limits, asked, flags) in (0..8_u8, 0..8_u8, 0..4_u8),
        cuts in prop::array::uniform3(any::<u8>()),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        fuzz::http1_responses(&[&[limits, asked, flags, 3][..], &cuts, &[1], &bytes].concat());
    }

    #[test]
    fn what_one_role_sends_the_other_reads(
        cuts in prop::array::uniform3(any::<u8>()),
        bytes in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        fuzz::http1_roles(&[&[3][..], &cuts, &bytes].concat());
    }

    #[test]
    fn any_bytes_at_all(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        fuzz::http1_requests(&[&[0; 4][..], &bytes].concat());
        fuzz::http1_responses(&[&[0; 5][..], &bytes].concat());
    }
}

#[test]
fn cutting_changes_nothing() {
    // Every piece of a body is a chunk, and so in chunks what is written depends on the cuts.
    let (asked, _) = exchanges([false; 3]);
    let mut input = written(&asked);
    for tail in [&b""[..], b"GET / HT", b"GET / HTTP/1.1\nHost: a\r\n\r\n"] {
        input.extend(tail);
        laws::connection::split_invariant(|| mirror(Limits::new()), &input, &[3, 1, 7, 64]);
    }
}

#[test]
fn cutting_changes_nothing_for_a_client() {
    let (asked, answered) = exchanges([true, false, true]);
    let mut input = b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec();
    input.extend(written(&answered));
    let make = || client(&asked);
    for tail in [&b""[..], b"HTTP/1.1 200 OK\r\n\r\n"] {
        input.extend(tail);
        laws::connection::split_invariant(make, &input, &[3, 1, 7, 64]);
    }
    // The last answer is cut.
    let input = &written(&answered)[..20_000];
    laws::connection::split_invariant(make, input, &[3, 1, 7, 64]);
}

#[test]
fn cutting_changes_nothing_for_two_that_are_joined() {
    for over in EVERYTHING {
        let make = || {
            let (asked, _) = exchanges([true, false, true]);
            over.pair(Talker::new(Http1::client(), asked, Then::Finish), Mirror)
        };
        laws::connection::pair_invariant(make, &[5, 1, 100, 3]);
    }
}

#[test]
fn every_byte_is_returned_once() {
    for over in EVERYTHING {
        let (asked, answered) = exchanges([true, false, true]);
        let talker = Talker::new(Http1::client(), asked.clone(), Then::Finish);
        let mut limits = Limits::new();
        limits.transmit_high_water = 5000;
        limits.transmit_low_water = 20;
        let mut pair = over.pair_within(talker, Mirror, &limits);
        pair.back.capacity = 200;
        pair.back.cuts = vec![7];
        laws::connection::conserves(pair, &asked, &answered);
    }
}

#[test]
fn with_tls_as_without() {
    for version in VERSIONS {
        let make = |over: Over| {
            let (asked, _) = exchanges([true, false, true]);
            over.pair(Talker::new(Http1::client(), asked, Then::Finish), Mirror)
        };
        laws::connection::transparent(make(Over::Plain), make(Over::Tls(version)));
    }
}

#[test]
fn a_peer_that_never_reads_is_not_read_from_beyond_the_bounds() {
    let body = [b'x'; 1000];
    let input = written(&post("/", &[&body], true));
    for high_water in [1, 100, 10_000] {
        let mut limits = Limits::new();
        limits.transmit_high_water = high_water;
        limits.receive_backlog_max = 1000;
        let mut end = mirror(limits);
        laws::connection::bounded_when_unread(&mut end, &input, high_water + 1100);
    }
}

#[test]
fn an_error_is_final_and_its_answer_leaves_behind_those_before() {
    let input = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost : a\r\n\r\n";
    let sent = laws::connection::sticky(&mut mirror(Limits::new()), input);
    let sent = String::from_utf8(sent).unwrap();
    let second = sent.strip_prefix("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n");
    let second = second.unwrap_or_else(|| panic!("{sent:?}"));
    assert!(second.starts_with("HTTP/1.1 400 ") && second.ends_with("\r\n\r\n"), "{sent:?}");
    assert!(second.to_lowercase().contains("\r\nconnection: close\r\n"), "{sent:?}");
}

#[test]
fn an_error_of_a_server_is_final_for_a_client() {
    let (asked, _) = exchanges([false; 3]);
    let input = b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello";
    let sent = laws::connection::sticky(&mut client(&asked), input);
    assert_eq!(sent, written(&asked), "what was asked before it failed, and nothing behind it");
}

#[test]
fn feeding_byte_by_byte_is_linear() {
    let work = Work::default();
    let framing = Watched::new(Http1::server(), work.clone());
    let mut connection = Connection::plain(framing, Arc::new(Limits::new()), NOW);
    let head = [b"GET / HTTP/1.1\r\nHost: a\r\n", &b"X: y\r\n".repeat(90)[..], b"\r\n"].concat();
    let mut frames = 0;
    for byte in &head {
        connection.receive_buffer()[0] = *byte;
        connection.received(1, NOW).unwrap();
        while let Some(step) = connection.next() {
            frames += usize::from(matches!(step, Step::Frame(..)));
        }
    }
    assert_eq!((frames, work.len()), (2, head.len()));
    assert!(work.scans() <= head.len() + 4, "{} scans for {} bytes", work.scans(), head.len());
}

#[test]
fn a_long_head_fed_byte_by_byte_is_looked_at_twice() {
    let fields = b"X-Field: of some length, and then some\r\n".repeat(99);
    let input = [b"GET / HTTP/1.1\r\nHost: a\r\n", &fields[..], b"\r\n"].concat();
    let server = Side::server(HttpLimits::new(), None);
    laws::framing::scanned_twice(&server, &input, 0, 4, b"\r\n\r\nGET / HTTP/1.1\r\n\r\n");
}
