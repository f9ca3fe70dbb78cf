//! The laws in one call for HTTP/1.1: both sides of the framing, what serves it, and two that talk.
#![cfg(all(feature = "http1", feature = "testkit"))]

mod http1_cases;
#[cfg(feature = "tls")]
mod support;

use drywire::Peer;
use drywire::http1::{Http1, HttpLimits};
use drywire::protocol::HttpEcho;
use drywire::testkit::any_order::Choices;
use drywire::testkit::check::Check;
use drywire::testkit::http1::{Answer, Asked, Event, Side, message, written};
use drywire::testkit::{Law, Talker, Then};

/// Laws that compare what is written however the input was cut: a body in chunks goes back in the
/// chunks in which it could be read.
const CUT_SHOWS: [Law; 6] = [
    Law::InputCut,
    Law::OutputCut,
    Law::Turns,
    Law::EndAfterData,
    Law::FullLosesNothing,
    Law::FlushedAfterError,
];

/// What a check can choose among.
const INPUTS_MAX: usize = 256;

/// The catalogue of cases of one side.
fn catalogue(is_request: bool) -> Vec<Vec<u8>> {
    let cases = http1_cases::all().into_iter();
    cases.filter(|case| case.is_request == is_request).map(|case| case.input).collect()
}

/// Messages that may be sent, mostly.
fn messages(is_request: bool, count: u32) -> Vec<Vec<Event>> {
    // Any numbers that are not alike: the seeds of the laws come from the check.
    let choices = |number: u32| {
        let numbers = (0..64).map(move |at| number.wrapping_mul(31).wrapping_add(at));
        numbers.map(|number| (number.wrapping_mul(0x9E37_79B9) >> 24) as u8).collect::<Vec<_>>()
    };
    (0..count).map(|number| message(&mut Choices::new(&choices(number)), is_request)).collect()
}

fn inputs(is_request: bool) -> Vec<Vec<u8>> {
    let mut inputs = catalogue(is_request);
    inputs.extend(messages(is_request, 100).iter().map(|message| written(message)));
    inputs
}

fn is_chunked(input: &[u8]) -> bool {
    input.to_ascii_lowercase().windows(7).any(|seven| seven == b"chunked")
}

fn asked(method: &str) -> Asked {
    Asked { method: method.into(), minor: 1, closes: false, upgrades: false }
}

fn request(method: &str, fields: &[(&str, &str)], pieces: &[&str]) -> Vec<Event> {
    let head = drywire::testkit::http1::Head {
        method: method.into(),
        target: "/".into(),
        minor: 1,
        fields: [("Host", "a")]
            .iter()
            .chain(fields)
            .map(|(name, value)| ((*name).into(), value.as_bytes().to_vec()))
            .collect(),
        ..Default::default()
    };
    let mut events = vec![Event::Request(head)];
    events.extend(pieces.iter().map(|piece| Event::Body(piece.as_bytes().to_vec())));
    events.push(Event::End);
    events
}

/// Requests of every kind that is answered in its own way, the last with a long body.
fn conversation() -> Vec<Event> {
    let long = "x".repeat(3000);
    [
        request("GET", &[], &[]),
        request("HEAD", &[], &[]),
        request("POST", &[("Content-Length", "5")], &["he", "llo"]),
        request("TRACE", &[], &[]),
        request("OPTIONS", &[], &[]),
        request("PUT", &[("Transfer-Encoding", "chunked")], &["one", "two", &long]),
    ]
    .concat()
}

#[test]
fn a_server_reads_by_the_laws() {
    for answer in [Answer { status: 200, closes: false }, Answer { status: 101, closes: false }] {
        let side = Side::server(HttpLimits::new(), Some(answer));
        let inputs = inputs(true);
        for some in inputs.chunks(INPUTS_MAX) {
            Check::framing(side.clone()).inputs(some.to_vec()).looks_again(0, 4).cases(256).run();
        }
    }
}

#[test]
fn a_client_reads_by_the_laws() {
    for methods in [&["GET", "HEAD", "GET"][..], &["CONNECT"]] {
        let asked: Vec<_> = methods.iter().map(|method| asked(method)).collect();
        let side = Side::client(HttpLimits::new(), &asked);
        let inputs = inputs(false);
        Check::framing(side).inputs(inputs).looks_again(0, 4).cases(256).run();
    }
}

#[test]
fn an_echo_of_bodies_of_known_length_keeps_all_laws() {
    // The answer to what is no HTTP is left out when the queue is full: nothing comes behind it.
    let mut inputs = inputs(true);
    inputs.retain(|input| !is_chunked(input));
    for some in inputs.chunks(INPUTS_MAX) {
        Check::protocol(HttpEcho::new).inputs(some.to_vec()).may_lose_when_full().cases(128).run();
    }
}

#[test]
fn an_echo_of_chunks_keeps_the_laws_that_do_not_compare_chunks() {
    let mut inputs = inputs(true);
    inputs.retain(|input| is_chunked(input));
    let laws: Vec<_> = Law::ALL.iter().copied().filter(|law| !CUT_SHOWS.contains(law)).collect();
    Check::protocol(HttpEcho::new).inputs(inputs).only(&laws).cases(128).run();
}

/// The account says what arrived and not how, so that no law has to be left out.
#[test]
fn a_report_keeps_all_laws_and_all_are_examined() {
    let inputs = inputs(true);
    let mut reports = vec![];
    for some in inputs.chunks(INPUTS_MAX) {
        let make = || HttpEcho::new().reporting(&Peer::unix(), None);
        let check = Check::protocol(make).inputs(some.to_vec()).may_lose_when_full();
        reports.push(check.cases(128).run());
    }
    for law in reports[0].laws.iter().map(|examination| examination.law) {
        let examined: u32 = reports.iter().map(|report| report.examined(law)).sum();
        assert!(examined > 0, "{law}");
    }
}

#[test]
fn a_client_that_has_asked_keeps_all_laws() {
    let make = || {
        let asked = [(); 3].map(|()| request("GET", &[], &[])).concat();
        Talker::new(Http1::client(), asked, Then::Wait)
    };
    Check::protocol(make).inputs(inputs(false)).cases(128).run();
}

#[test]
fn a_client_and_a_server_that_are_joined() {
    let client = || Talker::new(Http1::client(), conversation(), Then::Finish);
    // What the two wrote cannot be read without what the other wrote: see the chapter of `check`.
    Check::pair(client, HttpEcho::new).only(&[Law::Joined]).cases(24).run();
    let reporting = || HttpEcho::new().reporting(&Peer::unix(), None);
    Check::pair(client, reporting).only(&[Law::Joined]).cases(24).run();
}

#[cfg(feature = "tls")]
#[test]
fn a_client_and_a_server_that_are_joined_within_tls() {
    for version in support::VERSIONS {
        let make = move || {
            let client = Talker::new(Http1::client(), conversation(), Then::Finish);
            support::Over::Tls(version).pair(client, HttpEcho::new())
        };
        let client = || Talker::new(Http1::client(), conversation(), Then::Finish);
        let check = Check::pair(client, HttpEcho::new).tls(make);
        let report = check.only(&[Law::TlsTransparency]).cases(2).run();
        assert!(report.examined(Law::TlsTransparency) > 0, "{report}");
    }
}
