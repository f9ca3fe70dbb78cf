//! Messages from choices: mostly valid, now and then anything.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::stream::{Event, Field, Head};
use crate::testkit::any_order::Choices;

/// Exchanges of one conversation.
const EXCHANGES_MAX: usize = 4;

/// Bytes that mean something to somebody.
const LETTERS: &[u8] = b" \t\r\n\0:;,0123456789abcdefxX+-_\"#/*[]@\x0b\x0c\x7f";

/// What a client (true) and a server (false) send, in an order that mostly makes sense: requests
/// may be pipelined, and answered before they have ended.
pub fn turns(choices: &mut Choices<'_>) -> Vec<(bool, Event)> {
    let mut turns = vec![];
    let (mut there, mut back) = (vec![], vec![]);
    for _ in 0..1 + usize::from(choices.byte()) % EXCHANGES_MAX {
        there.extend(message(choices, true));
        back.extend(message(choices, false));
    }
    while !there.is_empty() || !back.is_empty() {
        // Mostly a whole message, mostly the client first.
        let is_client =
            !there.is_empty() && (back.is_empty() || choices.pick(&[true, true, false]));
        let side = if is_client { &mut there } else { &mut back };
        let whole =
            side.iter().position(|event| *event == Event::End).map_or(side.len(), |at| at + 1);
        let count = choices.pick(&[whole, whole, 1, 2]).min(side.len());
        turns.extend(side.drain(..count).map(|event| (is_client, event)));
    }
    turns
}

/// Requests or responses as a stream of bytes, rarely damaged.
pub fn stream(choices: &mut Choices<'_>, is_request: bool) -> Vec<u8> {
    let mut bytes = vec![];
    for _ in 0..1 + usize::from(choices.byte()) % EXCHANGES_MAX {
        bytes.extend(written(&message(choices, is_request)));
    }
    damage(choices, &mut bytes);
    bytes
}

/// A message.
pub fn message(choices: &mut Choices<'_>, is_request: bool) -> Vec<Event> {
    let mut head = Head { minor: choices.pick(&[1, 1, 1, 1, 1, 0]), ..Head::default() };
    let mut events = vec![];
    if is_request {
        head.method = text(choices, &["GET", "POST", "HEAD", "PUT", "OPTIONS", "CONNECT", "x"]);
        head.target = text(choices, &["/", "/a?b", "/%20", "http://a/", "*", "a:80", "/#", "a b"]);
        if head.method == "CONNECT" && choices.byte() % 8 != 0 {
            head.target = "a:80".to_string();
        }
        if choices.byte() % 16 != 0 {
            head.fields.push(field("Host", text(choices, &["a", "a", "a:80", "[::1]", "", "a/b"])));
        }
    } else {
        while choices.byte() % 8 == 1 {
            let status = choices.pick(&[100, 103, 102, 199]);
            events.push(Event::Informational(Head { status, minor: 1, ..Head::default() }));
        }
        head.status = choices.pick(&[200, 200, 404, 204, 304, 101, 500, 999, 0]);
        head.reason = choices.pick(&[&b"OK"[..], b"", b"Not \xff", b"\r"]).to_vec();
    }
    for _ in 0..choices.pick(&[0, 0, 1, 2, 5]) {
        head.fields.push(any_field(choices));
    }
    let pieces: Vec<Vec<u8>> = (0..choices.byte() % 4).map(|_| piece(choices)).collect();
    let len: usize = pieces.iter().map(Vec::len).sum();
    let mut trailers = vec![];
    match choices.byte() % 8 {
        0 => {}
        1..4 => head.fields.push(field("Content-Length", len.to_string())),
        4..7 => {
            head.fields.push(field("Transfer-Encoding", "chunked"));
            trailers = (0..choices.pick(&[0, 0, 1, 2])).map(|_| any_field(choices)).collect();
        }
        _ => head.fields.push(framing_field(choices)),
    }
    events.push(if is_request { Event::Request(head) } else { Event::Response(head) });
    events.extend(pieces.into_iter().map(Event::Body));
    if !trailers.is_empty() {
        events.push(Event::Trailers(trailers));
    }
    events.push(Event::End);
    events
}

/// Writes a message without asking whether it may be written.
pub fn written(events: &[Event]) -> Vec<u8> {
    let mut bytes = vec![];
    let mut is_chunked = false;
    let mut has_trailers = false;
    for event in events {
        match event {
            Event::Request(head) => {
                is_chunked = says_chunked(head);
                let Head { method, target, minor, .. } = head;
                let line = alloc::format!("{method} {target} HTTP/1.{minor}\r\n");
                bytes.extend([line.as_bytes(), &block(&head.fields)].concat());
            }
            Event::Informational(head) | Event::Response(head) => {
                is_chunked = says_chunked(head);
                let line = alloc::format!("HTTP/1.{} {:03} ", head.minor, head.status);
                let lines = [line.as_bytes(), &head.reason, b"\r\n", &block(&head.fields)];
                bytes.extend(lines.concat());
            }
            Event::Body(piece) if is_chunked && !piece.is_empty() => {
                bytes.extend(alloc::format!("{:x}\r\n", piece.len()).bytes());
                bytes.extend([piece, &b"\r\n"[..]].concat());
            }
            Event::Body(piece) | Event::Tunnel(piece) => bytes.extend(piece),
            Event::Trailers(fields) => {
                has_trailers = true;
                bytes.extend([b"0\r\n", &block(fields)[..]].concat());
            }
            Event::End if is_chunked && !has_trailers => bytes.extend(b"0\r\n\r\n"),
            Event::End => {}
        }
    }
    bytes
}

/// Rarely changes, drops, doubles or inserts a byte, or cuts the end off.
fn damage(choices: &mut Choices<'_>, bytes: &mut Vec<u8>) {
    let kind = choices.byte();
    if bytes.is_empty() || kind >= 100 {
        return;
    }
    let at = (usize::from(choices.byte()) << 8 | usize::from(choices.byte())) % bytes.len();
    match kind % 5 {
        0 => bytes[at] = letter(choices),
        1 => bytes.truncate(at),
        2 => drop(bytes.remove(at)),
        3 => bytes.insert(at, bytes[at]),
        _ => bytes.insert(at, letter(choices)),
    }
}

/// One of those, or any other byte.
fn letter(choices: &mut Choices<'_>) -> u8 {
    match choices.byte() {
        any @ 128.. => any,
        other => LETTERS[usize::from(other) % LETTERS.len()],
    }
}

fn piece(choices: &mut Choices<'_>) -> Vec<u8> {
    match choices.byte() % 8 {
        0 => vec![],
        1 => b"0\r\n\r\n".to_vec(),
        2 => b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        3 => b"HTTP/1.1 200 OK\r\n\r\n".to_vec(),
        4 => vec![b'x'; choices.pick(&[15, 16, 17, 255, 256, 257])],
        _ => {
            let len = usize::from(choices.byte() % 16);
            choices.take(len).to_vec()
        }
    }
}

fn text(choices: &mut Choices<'_>, usual: &[&str]) -> String {
    // The first ones are the likely ones.
    let at = (usize::from(choices.byte()) * usize::from(choices.byte()) * usual.len()) >> 16;
    usual[at].to_string()
}

fn field(name: &str, value: impl AsRef<[u8]>) -> Field {
    (name.to_string(), value.as_ref().to_vec())
}

fn any_field(choices: &mut Choices<'_>) -> Field {
    match choices.byte() % 16 {
        0 => field("connection", text(choices, &["close", "keep-alive", "x, Close", "upgrade"])),
        1 => field("Connection", "upgrade"),
        2 => field("Upgrade", "echo"),
        3 => field("Expect", "100-continue"),
        4 => framing_field(choices),
        5 => {
            let len = usize::from(choices.byte() % 8);
            field("X-Any", choices.take(len))
        }
        6 => {
            let len = usize::from(choices.byte() % 4);
            let name = String::from_utf8_lossy(choices.take(len)).into_owned();
            (name, b"x".to_vec())
        }
        7 => field("X-Empty", ""),
        _ => field("X-Usual", text(choices, &["a", "b c", "\t\u{e9}"])),
    }
}

/// A field about the length of the body, right or wrong.
fn framing_field(choices: &mut Choices<'_>) -> Field {
    match choices.byte() % 8 {
        0 => field("Transfer-Encoding", "chunked"),
        1 => field("transfer-encoding", "gzip, chunked"),
        2 => field("Transfer-Encoding", "identity"),
        3 => field("content-length", "+1"),
        4 => field("Content-Length", "18446744073709551616"),
        5 => field("Content-Length", "1, 1"),
        _ => field("Content-Length", (choices.byte() % 32).to_string()),
    }
}

fn block(fields: &[Field]) -> Vec<u8> {
    let lines =
        fields.iter().map(|(name, value)| [name.as_bytes(), b": ", value, b"\r\n"].concat());
    lines.chain([b"\r\n".to_vec()]).flatten().collect()
}

fn says_chunked(head: &Head) -> bool {
    head.fields.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("transfer-encoding") && value.eq_ignore_ascii_case(b"chunked")
    })
}
