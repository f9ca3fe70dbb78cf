//! Scripts as text: what is printed is parsed as the same, and what is no script is refused with
//! its line.
#![cfg(feature = "record")]

use std::borrow::Cow;
use std::time::Duration;

use drywire::script::{Begin, Bounds, Call, Ending, Flaw, Payload, Role, Script, StepKind};
use drywire::{CloseKind, Fault, Instant, Limits};
use proptest::prelude::*;

const HEADER: &str = "drywire-script 1\n";

/// A script of one connection that makes `calls`.
fn script(calls: Vec<Call<'static>>) -> Script {
    let mut script = Script::beginning(Begin::new(Role::Server));
    for call in calls {
        script.push(1, Instant::from_nanos(3), call);
    }
    script
}

fn bytes(bytes: &[u8]) -> Payload<'static> {
    Payload::Bytes(Cow::Owned(bytes.to_vec()))
}

/// Every call, with what it prints.
fn calls() -> Vec<(Call<'static>, &'static str)> {
    let after = Duration::from_nanos(1500);
    let mut calls = vec![
        (Call::Opened, "opened"),
        (Call::Received(bytes(b"")), r#"received """#),
        (Call::Received(bytes(b"hi\r\n\t\\\" ~")), r#"received "hi\r\n\t\\\" ~""#),
        (Call::Received(bytes(b"\0")), "received 0x00"),
        (Call::Received(bytes(b"ab\0\xff")), "received 0x616200ff"),
        (Call::Received(bytes(b"abc\0\xff")), "received 0x61626300ff"),
        (Call::Received(bytes(b"abcd\0\xff")), r#"received "abcd\x00\xff""#),
        (Call::Received(Payload::Withheld(70_000)), "received *70000"),
        (Call::Eof, "eof"),
        (Call::Cut, "cut"),
        (Call::TlsFailed, "tls_failed"),
        (Call::Transmitted(12), "transmitted 12"),
        (Call::ShutDown, "shut_down"),
        (Call::TransmitFailed(Fault::Other), "transmit_failed other"),
        (Call::Timeout, "timeout"),
        (Call::Sent(bytes(b"\n\n")), r#"sent "\n\n""#),
        (Call::Finish, "finish"),
        (Call::Close, "close"),
        (Call::Abort, "abort"),
        (Call::Fail(u32::MAX), "fail 4294967295"),
        (Call::SetTimer(Some(after)), "timer 1500"),
        (Call::SetTimer(None), "timer none"),
        (Call::Retain, "retain"),
        (Call::Decouple, "decouple"),
        (Call::Upgrade, "upgrade"),
        (Call::Drain, "drain"),
        (Call::Stop, "stop"),
        (Call::Lease, "lease"),
        (Call::Settle, "settle"),
        (Call::Look, "look"),
        (Call::Step(StepKind::Open), "step open"),
        (Call::Step(StepKind::Frame { len: 6 }), "step frame 6"),
        (Call::Step(StepKind::Timer), "step timer"),
        (Call::Step(StepKind::Writable), "step writable"),
        (Call::Step(StepKind::Finished), "step finished"),
    ];
    for (fault, line) in [
        (Fault::Reset, "transport_failed reset"),
        (Fault::Refused, "transport_failed refused"),
        (Fault::Unreachable, "transport_failed unreachable"),
        (Fault::TimedOut, "transport_failed timed_out"),
        (Fault::OutOfResources, "transport_failed out_of_resources"),
    ] {
        calls.push((Call::TransportFailed(fault), line));
    }
    calls.extend([
        (Call::Step(StepKind::Failed(CloseKind::TlsError)), "step failed tls_error"),
        (Call::Step(StepKind::Closed(CloseKind::Finished)), "step closed finished"),
        // Only at the end, in this order.
        (Call::Dropped, "dropped"),
    ]);
    calls
}

#[test]
fn every_call_is_a_line() {
    let (calls, lines): (Vec<_>, Vec<_>) = calls().into_iter().unzip();
    let script = script(calls);
    let mut text = format!("{HEADER}1 +0 begin server\n1 +3 {}\n", lines[0]);
    for line in &lines[1..] {
        text.push_str(&format!("1 +0 {line}\n"));
    }
    assert_eq!(script.to_string(), text);
    assert_eq!(text.parse(), Ok(script));
}

#[test]
fn a_beginning_says_what_is_not_the_default() {
    let mut begin = Begin::new(Role::Client);
    begin.is_tls = true;
    begin.framing = Some("delimiter:0d0a".into());
    begin.protocol = Some(String::new());
    begin.frame_len_max = Some(7);
    begin.peer = Some("[fe80::1%eth0]:7".into());
    begin.local = Some("/run/a \"b\" é=".into());
    let mut limits = Limits::new();
    limits.transmit_high_water = 1;
    limits.transmit_low_water = 2;
    limits.receive_backlog_max = 3;
    limits.turn_frames_max = 4;
    limits.handshake_timeout = Duration::ZERO;
    limits.frame_timeout = Duration::from_nanos(5);
    limits.stall_timeout = Duration::MAX;
    limits.idle_timeout = Duration::from_secs(6);
    limits.drain_idle_timeout = Duration::from_nanos(7);
    limits.linger_timeout = Duration::from_nanos(8);
    begin.limits = limits;
    begin.begun = Some(Duration::new(1_700_000_000, 5));
    let script = Script::beginning(begin);
    let line = "1 +0 begin client tls framing=delimiter:0d0a protocol=\"\" frame_len_max=7 \
                peer=[fe80::1%eth0]:7 local=\"/run/a \\\"b\\\" \\xc3\\xa9=\" \
                begun=1700000000000000005 \
                transmit_high_water=1 transmit_low_water=2 receive_backlog_max=3 \
                handshake_timeout=0 frame_timeout=5 \
                stall_timeout=none idle_timeout=6000000000 \
                drain_idle_timeout=7 linger_timeout=8 turn_frames_max=4\n";
    assert_eq!(script.to_string(), format!("{HEADER}{line}"));
    assert_eq!(script.to_string().parse(), Ok(script));
}

#[test]
fn the_times_of_each_connection_are_its_own() {
    let mut script = Script::new();
    let begin = || Call::Begin(Box::new(Begin::new(Role::Server)));
    let at = Instant::from_nanos;
    script.push(2, at(100), begin());
    script.push(9, at(90), begin());
    script.push(2, at(101), Call::Timeout);
    script.push(9, at(400), Call::Timeout);
    script.push(0, at(390), Call::Ended(Ending::Limit { max: 5 }));
    let text = "2 +100 begin server\n9 +90 begin server\n2 +1 timeout\n9 +310 timeout\n\
                0 +390 ended limit 5\n";
    assert_eq!(script.to_string(), format!("{HEADER}{text}"));
    assert_eq!(script.to_string().parse(), Ok(script.clone()));
    assert_eq!(script.ending(), Some(Ending::Limit { max: 5 }));
    assert_eq!(script.connections().map(|(number, _)| number).collect::<Vec<_>>(), [2, 9]);
    assert_eq!(script.of(9).count(), 2);
}

#[test]
fn comments_empty_lines_and_other_ways_to_write_bytes_are_read() {
    let text = "drywire-script 1\r\n# a comment\r\n\r\n1 +0 begin server\r\n\n\
                1 +0 sent 0x6869\n1 +0 sent \"\\x68i\"";
    let parsed: Script = text.parse().unwrap();
    let calls = vec![Call::Sent(bytes(b"hi")), Call::Sent(bytes(b"hi"))];
    let printed = format!("{HEADER}1 +0 begin server\n1 +0 sent \"hi\"\n1 +0 sent \"hi\"\n");
    assert_eq!(parsed.to_string(), printed);
    assert_eq!(
        parsed.entries.into_iter().map(|entry| entry.call).skip(1).collect::<Vec<_>>(),
        calls
    );
}

#[test]
fn what_is_no_script_is_refused_with_its_line() {
    for (text, line, flaw) in [
        ("", 1, Flaw::NoScript),
        ("drywire-script", 1, Flaw::NoScript),
        ("drywire-script x\n", 1, Flaw::NoScript),
        ("drywire-script 01\n", 1, Flaw::NoScript),
        ("drywire-script 2\n", 1, Flaw::Version { found: 2 }),
    ] {
        let error = text.parse::<Script>().unwrap_err();
        assert_eq!((error.line, error.flaw), (line, flaw), "{text:?}");
    }
    for (entry, flaw) in [
        ("x", Flaw::Connection),
        ("-1 +0 eof", Flaw::Connection),
        ("18446744073709551616 +0 eof", Flaw::Connection),
        (" 1 +0 eof", Flaw::Connection),
        ("1", Flaw::Time),
        ("1 0 eof", Flaw::Time),
        ("1 +01 eof", Flaw::Time),
        ("1  +0 eof", Flaw::Time),
        ("1 +0", Flaw::Missing),
        ("1 +0 end", Flaw::UnknownCall),
        ("1 +0  eof", Flaw::Missing),
        ("1 +0 eof now", Flaw::Excess),
        ("1 +0 received \"a\" b", Flaw::Excess),
        ("1 +0 received", Flaw::Missing),
        ("1 +0 received a", Flaw::Argument),
        ("1 +0 received \"a", Flaw::Argument),
        ("1 +0 received \"a\"b", Flaw::Argument),
        ("1 +0 received \"a\" ", Flaw::Argument),
        ("1 +0 received \"\\q\"", Flaw::Argument),
        ("1 +0 received \"\\x1\"", Flaw::Argument),
        ("1 +0 received \"é\"", Flaw::Argument),
        ("1 +0 received 0x0", Flaw::Argument),
        ("1 +0 received 0x+1", Flaw::Argument),
        ("1 +0 received *", Flaw::Argument),
        ("1 +0 transmitted -1", Flaw::Argument),
        ("1 +0 transport_failed resets", Flaw::Argument),
        ("1 +0 fail 4294967296", Flaw::TooLarge),
        ("1 +0 timer 18446744073709551616", Flaw::TooLarge),
        ("1 +0 timer", Flaw::Missing),
        ("1 +0 step", Flaw::Missing),
        ("1 +0 step frame", Flaw::Missing),
        ("1 +0 step closed shut", Flaw::Argument),
        ("2 +0 begin", Flaw::Missing),
        ("2 +0 begin peer", Flaw::Argument),
        ("2 +0 begin server lines", Flaw::UnknownKey),
        ("2 +0 begin server framing=", Flaw::Argument),
        ("2 +0 begin server framing=\"\\xff\"", Flaw::Argument),
        ("2 +0 begin server colour=red", Flaw::UnknownKey),
        ("2 +0 begin server begun=18446744073709551616", Flaw::TooLarge),
        ("2 +0 begin server turn_frames_max=none", Flaw::Argument),
        ("2 +0 begin server turn_frames_max=99999999999999999999999", Flaw::TooLarge),
        ("2 +0 begin server idle_timeout=-1", Flaw::Argument),
        ("0 +0 ended", Flaw::Missing),
        ("2 +0 eof", Flaw::NotBegun),
        ("1 +0 begin server", Flaw::BegunTwice),
        ("1 +18446744073709551615 eof", Flaw::TimeTooLate),
        ("1 +0 dropped\n1 +0 eof", Flaw::AfterDropped),
        ("0 +0 ended overrun\n1 +0 eof", Flaw::AfterEnding),
    ] {
        let text = format!("{HEADER}\n1 +1 begin server\n{entry}\n1 +0 eof\n");
        let line = 4 + entry.matches('\n').count();
        let error = text.parse::<Script>().expect_err(entry);
        assert_eq!((error.line, error.flaw), (line, flaw), "{entry:?}");
    }
}

#[test]
fn bounds_are_kept() {
    let text = format!("{HEADER}1 +0 begin server\n1 +0 received \"abcd\"\n1 +0 eof\n");
    let long = "1 +0 received \"abcd\"".len();
    for (entries_max, line_len_max, len_max, expected) in [
        (3, long, text.len(), None),
        (4, long + 1, text.len() + 1, None),
        (2, long, text.len(), Some((4, Flaw::TooManyEntries { max: 2 }))),
        (3, long - 1, text.len(), Some((3, Flaw::LineTooLong { max: long - 1 }))),
        (3, long, text.len() - 1, Some((5, Flaw::TooLong { max: text.len() - 1 }))),
    ] {
        let mut bounds = Bounds::new();
        (bounds.entries_max, bounds.line_len_max) = (entries_max, line_len_max);
        bounds.len_max = len_max;
        let error = Script::parse(text.as_bytes(), &bounds).err();
        assert_eq!(error.map(|error| (error.line, error.flaw)), expected);
    }
}

/// A limit that never passes has one name, whatever number stood there.
#[test]
fn a_time_that_never_passes_is_none() {
    let limit = |value: &str| {
        let text = format!("{HEADER}1 +0 begin server frame_timeout={value}\n");
        let script: Script = text.parse().unwrap();
        let (_, begin) = script.connections().next().unwrap();
        (begin.limits.frame_timeout, script.to_string().replace(HEADER, ""))
    };
    let printed = "1 +0 begin server frame_timeout=none\n".to_owned();
    for value in [
        "none",
        "18446744073709551615",
        "18446744073709551616",
        "18446744073709551615999999999",
        "18446744073709551616000000000",
    ] {
        assert_eq!(limit(value), (Duration::MAX, printed.clone()), "{value}");
    }
    let last = "18446744073709551614";
    assert_eq!(limit(last), (Duration::from_nanos(u64::MAX - 1), printed.replace("none", last)));
}

#[test]
fn errors_are_sentences_that_name_the_word() {
    for (line, sentence) in [
        ("x", "line 3: expected the number of a connection: \"x\""),
        ("1", "line 3: expected a time in nanoseconds after +, as in +1500"),
        ("1 5 eof", "line 3: expected a time in nanoseconds after +, as in +1500: \"5\""),
        ("1 +18446744073709551615 eof", "line 3: the time is beyond the last that there is"),
        ("1 +0 recieved \"a\"", "line 3: no such call: \"recieved\""),
        ("2 +0 begin server colour=red tls", "line 3: no such key: \"colour=red\""),
        ("1 +0 step shut", "line 3: not what the call is made with: \"shut\""),
        ("2 +0 begin serve", "line 3: not what the call is made with: \"serve\""),
        (
            "2 +0 begin server idle_timeout=5s peer=a",
            "line 3: not what the call is made with: \"idle_timeout=5s\"",
        ),
        ("1 +0 sent \"\u{ff}\"", "line 3: not what the call is made with: \"\\\"\\xff\\\"\""),
        ("1 +0 fail 4294967296", "line 3: the number is larger than it can be: \"4294967296\""),
        ("1 +0 sent", "line 3: the line ends before the call does"),
        ("1 +0 eof at once", "line 3: something follows on the call: \"at\""),
        (
            "1 +0 an-unknown-call-of-more-than-32-bytes",
            "line 3: no such call: \"an-unknown-call-of-more-than-32-…\"",
        ),
        ("2 +0 eof", "line 3: the connection has not begun"),
        ("1 +0 begin server", "line 3: the connection has begun before"),
        ("1 +0 dropped\n1 +0 eof", "line 4: the connection was dropped before"),
        ("0 +0 ended overrun\n1 +0 eof", "line 4: the recording ended before"),
    ] {
        let mut text = format!("{HEADER}1 +1 begin server\n").into_bytes();
        // A byte that is no UTF-8, where one is wanted.
        text.extend(line.chars().map(|char| char as u8));
        let error = Script::parse(&text, &Bounds::new()).expect_err(line);
        assert_eq!(error.to_string(), sentence);
    }
    for (flaw, sentence) in [
        (Flaw::NoScript, "expected drywire-script and a version"),
        (Flaw::Version { found: 9 }, "version 9, expected 1"),
        (Flaw::TooManyEntries { max: 5 }, "more than the limit of 5 entries"),
        (Flaw::LineTooLong { max: 5 }, "longer than the limit of 5 bytes"),
        (Flaw::TooLong { max: 5 }, "the script is longer than the limit of 5 bytes"),
    ] {
        assert_eq!(flaw.to_string(), sentence);
    }
    let error = "drywire-script 1\n1 +0 fly\n".parse::<Script>().unwrap_err();
    assert_eq!(error.word.map(|word| word.as_bytes().to_vec()), Some(b"fly".to_vec()));
    assert_eq!(Ending::Limit { max: 9 }.to_string(), "size limit of 9 bytes reached");
    let sentence = "could not be written as fast as things happened";
    assert_eq!(Ending::Overrun.to_string(), sentence);
}

proptest! {
    #[test]
    fn bytes_are_printed_the_shorter_way_and_read_back(data: Vec<u8>, ascii in "[ -~\n]{0,40}") {
        for data in [data, ascii.into_bytes()] {
            let printed = bytes(&data).to_string();
            let escaped_len = data.escape_ascii().count() - data.iter().filter(|b| **b == b'\'').count();
            prop_assert!(printed.len() <= 2 + 2 * data.len().min(escaped_len));
            prop_assert!(printed.len() <= 2 + escaped_len || printed.starts_with("0x"));
            let script = script(vec![Call::Received(bytes(&data))]);
            prop_assert_eq!(script.to_string().parse::<Script>(), Ok(script));
        }
    }

    #[test]
    fn any_calls_at_any_times_are_read_back(picks: Vec<(bool, u32, usize)>) {
        let calls = calls();
        let mut script = Script::beginning(Begin::new(Role::Client));
        script.push(2, Instant::from_nanos(7), Call::Begin(Box::new(Begin::new(Role::Server))));
        let mut times = [0_u64, 7];
        for (is_second, after, pick) in picks {
            let call = &calls[pick % (calls.len() - 1)].0;
            let time = &mut times[usize::from(is_second)];
            *time += u64::from(after);
            script.push(1 + u64::from(is_second), Instant::from_nanos(*time), call.clone());
        }
        let text = script.to_string();
        let parsed = text.parse::<Script>();
        prop_assert_eq!(parsed.as_ref(), Ok(&script));
        prop_assert_eq!(parsed.unwrap().to_string(), text);
    }
}
