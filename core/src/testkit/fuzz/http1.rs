use alloc::vec::Vec;

use crate::http1::HttpLimits;
use crate::testkit::any_order::Choices;
use crate::testkit::http1::{self, Account, Answer, Asked, Side};
use crate::testkit::laws;

/// Requests that a client has sent, by number.
const ASKED: [&[&str]; 8] = [
    &["GET"],
    &["HEAD"],
    &["CONNECT"],
    &["GET", "GET"],
    &["HEAD", "POST"],
    &["GET", "HEAD", "GET"],
    &["POST", "CONNECT"],
    &[],
];

/// Statuses that a server answers with, by number.
const ANSWERS: [Answer; 4] = [
    Answer { status: 200, closes: false },
    Answer { status: 200, closes: true },
    Answer { status: 403, closes: false },
    Answer { status: 101, closes: false },
];

/// What a scan may look at again at the end of what has arrived: an unfinished empty line.
const LOOKED_AT_AGAIN: usize = 4;

/// Checks that a server reads requests as the naive model does, and every law about receiving.
///
/// The first bytes of `data` choose limits, the answers and cuts; the rest arrives, or says what
/// does.
///
/// # Panics
/// When a law is broken.
pub fn http1_requests(data: &[u8]) {
    let mut choices = Choices::new(data);
    let limits = limits(&mut choices);
    let answer = choices.pick(&ANSWERS);
    let (cuts, input) = input(&mut choices, true);
    let side = Side::server(limits, Some(answer));
    check(&side, &http1::requests(&limits, &input, |_| answer), &input, &cuts);
}

/// Checks that a client reads responses as the naive model does, and every law about receiving.
///
/// The first bytes of `data` choose limits, what was asked and cuts; the rest arrives, or says what
/// does.
///
/// # Panics
/// When a law is broken.
pub fn http1_responses(data: &[u8]) {
    let mut choices = Choices::new(data);
    let limits = limits(&mut choices);
    let methods = choices.pick(&ASKED);
    let flags = choices.byte();
    let asked: Vec<_> = (methods.iter().enumerate())
        .map(|(at, method)| {
            let is_last = at + 1 == methods.len();
            Asked {
                method: (*method).into(),
                minor: 1,
                closes: is_last && flags == 1,
                upgrades: is_last && flags == 2 && *method != "CONNECT",
            }
        })
        .collect();
    let (cuts, input) = input(&mut choices, false);
    let side = Side::client(limits, &asked);
    check(&side, &http1::responses(&limits, &input, &asked), &input, &cuts);
}

/// Checks that what a client sends a server reads back, and the other way, whatever is sent in
/// whatever order: what encode takes, decode takes, as the same.
///
/// # Panics
/// When it is not.
pub fn http1_roles(data: &[u8]) {
    let mut choices = Choices::new(data);
    let cuts = cuts(&mut choices);
    let turns = http1::turns(&mut choices);
    let client = Side::client(HttpLimits::new(), &[]);
    let server = Side::server(HttpLimits::new(), None);
    laws::framing::conversation(&client, &server, &turns, &cuts);
}

/// Compares what becomes of heads with what httparse alone makes of them: whatever is taken,
/// httparse takes, with the same parts. The other way it is not so.
///
/// The first byte of `data` says whether it is a request that follows.
///
/// # Panics
/// When httparse disagrees.
pub fn http1_heads(data: &[u8]) {
    let mut choices = Choices::new(data);
    let is_request = choices.byte() % 2 == 0;
    let input = choices.take(usize::MAX);
    let mut side = if is_request {
        Side::server(HttpLimits::new(), Some(ANSWERS[2]))
    } else {
        let asked =
            |method: &str| Asked { method: method.into(), minor: 1, closes: false, upgrades: true };
        Side::client(HttpLimits::new(), &[asked("GET")])
    };
    let mut frames = laws::framing::decode_on(&mut side, input, &[]).frames;
    if frames.is_empty() {
        return;
    }
    let mut fields = [httparse::EMPTY_HEADER; 128];
    let found = match frames.swap_remove(0) {
        http1::Event::Request(head) => {
            let mut request = httparse::Request::new(&mut fields);
            let parsed = request.parse(input);
            assert!(matches!(parsed, Ok(httparse::Status::Complete(_))), "{parsed:?}: {head:?}");
            assert_eq!(request.method, Some(&*head.method));
            assert_eq!(request.path, Some(&*head.target));
            assert_eq!(request.version, Some(head.minor));
            head.fields
        }
        http1::Event::Response(head) | http1::Event::Informational(head) => {
            let mut response = httparse::Response::new(&mut fields);
            let parsed = response.parse(input);
            assert!(matches!(parsed, Ok(httparse::Status::Complete(_))), "{parsed:?}: {head:?}");
            assert_eq!(response.code, Some(head.status));
            assert_eq!(response.version, Some(head.minor));
            let reason = response.reason.expect("a reason");
            // It shows none that is not ASCII.
            assert!(reason.as_bytes() == head.reason || !head.reason.is_ascii(), "{head:?}");
            head.fields
        }
        other => panic!("{other:?} is no head"),
    };
    let ended = fields.iter().position(|field| field.name.is_empty()).unwrap_or(fields.len());
    let parsed: Vec<_> = fields[..ended].iter().map(|field| (field.name, field.value)).collect();
    let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), &value[..])).collect();
    assert_eq!(found, parsed);
}

fn check(side: &Side, account: &Account, input: &[u8], cuts: &[usize]) {
    side.reads(input, cuts, account);
    laws::framing::receiving(side, input, cuts);
    laws::framing::scanned_twice(
        side,
        input,
        0,
        LOOKED_AT_AGAIN,
        b"\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    );
}

fn limits(choices: &mut Choices<'_>) -> HttpLimits {
    let mut limits = HttpLimits::new();
    if choices.byte() % 4 == 1 {
        limits.head_len_max = choices.pick(&[64, 100, 1000]);
        limits.target_len_max = choices.pick(&[8, 1, 100]);
        limits.fields_max = choices.pick(&[3, 4, 5, 100]);
        limits.chunk_extensions_len_max = choices.pick(&[6, 0, 1, 100]);
        limits.trailers_len_max = choices.pick(&[16, 2, 100]);
        limits.body_len_max = choices.pick(&[5, 0, 1, 100, 1000]);
    }
    limits
}

fn cuts(choices: &mut Choices<'_>) -> Vec<usize> {
    (0..choices.byte() % 4).map(|_| 1 + usize::from(choices.byte())).collect()
}

fn input(choices: &mut Choices<'_>, is_request: bool) -> (Vec<usize>, Vec<u8>) {
    let cuts = cuts(choices);
    let input = if choices.byte() % 2 == 0 {
        choices.take(usize::MAX).to_vec()
    } else {
        http1::stream(choices, is_request)
    };
    (cuts, input)
}
