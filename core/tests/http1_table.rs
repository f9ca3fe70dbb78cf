//! The catalogue of HTTP/1.1 messages, against the framing and against the naive model.
#![cfg(all(feature = "http1", feature = "testkit"))]

mod http1_cases;

use drywire::error::{DecodeError, RemoteError};
use drywire::framing::Framing;
use drywire::http1::HttpLimits;
use drywire::testkit::http1::{
    self as model, Account, Answer, Asked, Event, Fault, Field, Head, Side,
};
use drywire::testkit::laws;
use drywire::testkit::model::Decoded;
use http1_cases::{Case, Ending};

/// The cases that the catalogue is promised to have at least.
const CASES_MIN: usize = 340;

/// Requests (true) and responses, from which all that differ in one byte are made.
const MESSAGES: &[(bool, &[u8])] = &[
    (
        true,
        b"POST /a?b HTTP/1.1\r\nHost: a:80\r\nX: y\r\nContent-Length: 3\r\n\r\nabc\
          GET / HTTP/1.1\r\nHost: b\r\n\r\n",
    ),
    (
        true,
        b"PUT http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
          5;x=y\r\nhello\r\nA\r\n0123456789\r\n0\r\nA: b\r\n\r\n",
    ),
    (true, b"OPTIONS * HTTP/1.0\r\nConnection: keep-alive\r\n\r\nCONNECT a:80 HTTP/1.1\r\nHost: [::1]:1\r\n\r\nx"),
    (
        false,
        b"HTTP/1.1 100 \r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi\
          HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nHTTP/1.0 299 x\r\n\r\nbody",
    ),
    (
        false,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
          5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n\
          HTTP/1.1 204 \r\nConnection: close\r\n\r\n",
    ),
];

/// Bytes that mean something to a grammar.
const SIGNS: &[u8] = b" \t\r\n\0:;,0";

/// A frame as the catalogue writes it, with its fields if `line` has some.
fn described(event: &Event, line: &[u8]) -> Vec<u8> {
    let with = |mut text: Vec<u8>, fields: &[Field]| {
        if line.windows(2).any(|two| two == b" |") {
            text.extend(b" |");
            for (at, (name, value)) in fields.iter().enumerate() {
                text.extend([&b" |"[..if at == 0 { 0 } else { 2 }], b" "].concat());
                text.extend([name.as_bytes(), b": ", value].concat());
            }
        }
        text
    };
    let response = |head: &Head| {
        let mut text = format!("{} 1.{} ", head.status, head.minor).into_bytes();
        text.extend(&head.reason);
        with(text.trim_ascii_end().to_vec(), &head.fields)
    };
    match event {
        Event::Request(head) => {
            let text = format!("{} {} 1.{}", head.method, head.target, head.minor);
            with(text.into_bytes(), &head.fields)
        }
        Event::Informational(head) | Event::Response(head) => response(head),
        Event::Body(bytes) => [b"body ", &bytes[..]].concat(),
        Event::Trailers(fields) => with(b"trailers".to_vec(), fields),
        Event::End => b"end".to_vec(),
        Event::Tunnel(bytes) => [b"tunnel ", &bytes[..]].concat(),
    }
}

fn readable(lines: &[Vec<u8>]) -> Vec<String> {
    lines.iter().map(|line| line.escape_ascii().to_string()).collect()
}

fn modelled(case: &Case) -> Account {
    if case.is_request {
        model::requests(&case.limits, &case.input, |_| case.answer)
    } else {
        model::responses(&case.limits, &case.input, &case.asked)
    }
}

fn check_shown(case: &Case, events: &[Event], by: &str) -> Option<String> {
    let lines = (0..events.len()).map(|at| case.shown.get(at).map_or(&[][..], |line| &line[..]));
    let found: Vec<_> =
        events.iter().zip(lines).map(|(event, line)| described(event, line)).collect();
    (found != case.shown).then(|| {
        let (found, expected) = (readable(&found), readable(&case.shown));
        format!("{} by {by}:\n  {found:?}\n  instead of\n  {expected:?}", case.name)
    })
}

/// The status and the name of a refusal.
fn named(fault: &Fault) -> Ending {
    let (status, name) = match fault {
        Fault::Invalid(violation) => (violation.status(), format!("{violation:?}")),
        Fault::TooLarge(part) => (part.status(), format!("{part:?}")),
    };
    Ending::Refused { status, name }
}

#[test]
fn the_model_reads_every_case_as_the_catalogue_says() {
    let mut broken = vec![];
    for case in http1_cases::all() {
        let account = modelled(&case);
        broken.extend(check_shown(&case, &account.events, "the model"));
        let is_equal = match &account.ending {
            model::Ending::Finished => case.ending == Ending::Finished,
            model::Ending::Truncated(_) => case.ending == Ending::Truncated,
            model::Ending::Over => case.ending == Ending::Over,
            model::Ending::Refused(faults) => {
                faults.iter().any(|fault| named(fault) == case.ending)
            }
        };
        if !is_equal {
            broken.push(format!("{}: {:?}, not {:?}", case.name, account.ending, case.ending));
        }
    }
    assert!(broken.is_empty(), "{} broken\n{}", broken.len(), broken.join("\n"));
}

/// The side that a case is about.
fn side(case: &Case) -> Side {
    if case.is_request {
        Side::server(case.limits, Some(case.answer))
    } else {
        Side::client(case.limits, &case.asked)
    }
}

fn ending(side: &Side, end: &Result<(), DecodeError>) -> Ending {
    match end {
        Ok(()) if side.is_over() => Ending::Over,
        Ok(()) => Ending::Finished,
        Err(DecodeError::Truncated { .. }) => Ending::Truncated,
        Err(DecodeError::Invalid(RemoteError::Http(violation))) => {
            named(&Fault::Invalid(*violation))
        }
        Err(DecodeError::Http { part, .. }) => named(&Fault::TooLarge(*part)),
        Err(other) => panic!("{other:?} of HTTP"),
    }
}

#[test]
fn the_framing_reads_every_case_as_the_catalogue_says_however_it_is_cut() {
    let mut broken = vec![];
    let mut random = 1_u32;
    for case in http1_cases::all() {
        let len = case.input.len();
        let mut cuts = vec![vec![], (1..len).collect::<Vec<_>>()];
        for _ in 0..10 {
            let mut some = vec![];
            for _ in 0..4 {
                // Numerical Recipes' generator.
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                some.push(1 + (random >> 8) as usize % len.max(1));
            }
            cuts.push(some);
        }
        for cuts in cuts {
            let mut side = side(&case);
            let Decoded { frames, end } = laws::framing::decode_on(&mut side, &case.input, &cuts);
            let frames = laws::framing::joined(&side, frames);
            let shown = check_shown(&case, &frames, "the framing");
            let ending = ending(&side, &end);
            let ended = (ending != case.ending)
                .then(|| format!("{}: {ending:?}, not {:?}", case.name, case.ending));
            if shown.is_some() || ended.is_some() {
                broken.extend(shown.into_iter().chain(ended));
                break;
            }
        }
    }
    assert!(broken.is_empty(), "{} broken\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn every_byte_at_every_place_is_read_as_by_the_model() {
    let limits = HttpLimits::new();
    let asked = ["GET", "HEAD", "GET"].map(|method| Asked {
        method: method.into(),
        minor: 1,
        closes: false,
        upgrades: false,
    });
    let answer = Answer { status: 200, closes: false };
    let server = Side::server(limits, Some(answer));
    let client = Side::client(limits, &asked);
    for (is_request, message) in MESSAGES {
        let check = |input: &[u8], is_cut: bool| {
            let (side, account) = if *is_request {
                (&server, model::requests(&limits, input, |_| answer))
            } else {
                (&client, model::responses(&limits, input, &asked))
            };
            side.reads(input, &[], &account);
            if is_cut {
                side.reads(input, &(1..input.len()).collect::<Vec<_>>(), &account);
            }
        };
        for at in 0..message.len() {
            let mut input = message.to_vec();
            input.remove(at);
            check(&input, true);
            check(&input[..at], true);
            for byte in 0..=255 {
                let mut input = message.to_vec();
                input[at] = byte;
                check(&input, SIGNS.contains(&byte));
            }
            for byte in SIGNS {
                let mut input = message.to_vec();
                input.insert(at, *byte);
                check(&input, false);
            }
        }
    }
}

#[test]
fn the_catalogue_is_as_long_as_it_is_said_to_be() {
    let cases = http1_cases::all();
    assert!(cases.len() >= CASES_MIN, "{} cases", cases.len());
    let mut names: Vec<_> = cases.iter().map(|case| &case.name).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), cases.len(), "two cases of one name");
}
