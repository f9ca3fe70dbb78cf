//! What was recorded is replayed: the same steps, frames, bytes and ends.
#![cfg(all(feature = "testkit", feature = "tls", feature = "http1"))]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use drywire::buffer::Pool;
use drywire::framing::AnyFraming;
use drywire::protocol::{Discard, Echo, HttpEcho};
use drywire::script::{
    self, Begin, Call, Effort, Obstacle, Payload, Recorder, Replay, ReplayError, Role, Script,
    StepKind,
};
use drywire::testkit::{Event, OwnedFrames, Pair, Talker, Then};
use drywire::{CloseKind, CloseReason, Connection, Fault, Instant, Limits, Protocol};
use support::{EVERYTHING, Over};

const NAMES: [&str; 12] = [
    "raw",
    "u8",
    "u16be",
    "u16le",
    "u32be",
    "u64le",
    "lines",
    "netstring",
    "varint",
    "quic-varint",
    "fixed:5",
    "delimiter:0d0a",
];

const SERVER: u64 = 1;
const CLIENT: u64 = 2;

/// A recording in memory, and what to begin it with.
struct Recording(Arc<Mutex<Script>>);

impl Recording {
    fn new() -> Self {
        Self(Arc::default())
    }

    /// Records both ends of `pair`: the right one as the server that runs `protocol`, the left one
    /// as a client whose wants are written down.
    fn attach<P, Q>(&self, pair: &mut Pair<P, Q>, framing: &str, protocol: &str)
    where
        P: Protocol<Framing: OwnedFrames>,
        Q: Protocol<Framing: OwnedFrames>,
    {
        let begin = |role, protocol: Option<&str>| {
            let mut begin = Begin::new(role);
            begin.framing = Some(framing.to_owned());
            begin.protocol = protocol.map(str::to_owned);
            begin
        };
        let recorder = || Arc::clone(&self.0) as Arc<dyn Recorder>;
        let server = begin(Role::Server, Some(protocol));
        pair.right.connection.record(recorder(), SERVER, server);
        pair.left.connection.record(recorder(), CLIENT, begin(Role::Client, None));
    }

    fn script(self) -> Script {
        let script = self.0.lock().unwrap().clone();
        // What is replayed is what a file would say.
        let parsed = script.to_string().parse();
        assert_eq!(parsed.as_ref(), Ok(&script));
        script
    }
}

fn replayed(script: &Script) -> Replay {
    let replay = script::replay(script).unwrap_or_else(|error| panic!("{error}\n{script}"));
    assert_eq!(script::replay(script).as_ref(), Ok(&replay), "twice is not the same\n{script}");
    let differences: Vec<_> = replay.differences().iter().map(ToString::to_string).collect();
    assert!(differences.is_empty(), "{differences:?}\n{script}");
    replay
}

/// What a trace would say of the replay's steps, but for `Writable` and what frames hold.
fn same_steps<T: Clone + std::fmt::Debug + PartialEq>(
    replay: &Replay,
    number: u64,
    trace: &drywire::testkit::Trace<T>,
    joins: bool,
) {
    let mut kinds = vec![];
    for step in replay.steps(number) {
        let kind = match step {
            StepKind::Open => "open".to_owned(),
            StepKind::Frame { .. } => "frame".to_owned(),
            StepKind::Timer => "timer".to_owned(),
            StepKind::Finished => "finished".to_owned(),
            StepKind::Failed(kind) => format!("failed {kind}"),
            StepKind::Closed(kind) => format!("closed {kind}"),
            _ => continue,
        };
        if !(joins && kind == "frame" && kinds.last() == Some(&kind)) {
            kinds.push(kind);
        }
    }
    let expected: Vec<_> = trace
        .without_writable()
        .iter()
        .map(|event| match event {
            Event::Open => "open".to_owned(),
            Event::Frame(_) => "frame".to_owned(),
            Event::Timer => "timer".to_owned(),
            Event::Finished => "finished".to_owned(),
            Event::Failed(reason) => format!("failed {}", reason.kind()),
            Event::Closed(reason) => format!("closed {}", reason.kind()),
            Event::Writable => "writable".to_owned(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(kinds, expected);
}

/// Frames that every one of the framings takes.
fn frames(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|at| format!("{:05}", at % 100_000).into_bytes()).collect()
}

/// Plays a conversation that is recorded, and what it was.
fn recorded<P, Q>(over: Over, name: &str, protocol: &str, mut pair: Pair<P, Q>)
where
    P: Protocol<Framing = AnyFraming>,
    Q: Protocol<Framing = AnyFraming>,
{
    let recording = Recording::new();
    recording.attach(&mut pair, name, protocol);
    pair.there.cuts = vec![7, 1, 100, 3];
    pair.back.cuts = vec![11, 2, 40];
    pair.there.lag = Duration::from_micros(3);
    pair.back.lag = Duration::from_micros(5);
    pair.there.keeping();
    pair.back.keeping();
    pair.run();
    assert_eq!(pair.right.trace().closed(), Some(&CloseReason::Finished), "{over:?} {name}");
    let (there, back) = (pair.there.written.take(), pair.back.written.take());
    let (left, right) = (pair.left.trace().clone(), pair.right.trace().clone());
    drop(pair);
    let script = recording.script();
    let replay = replayed(&script);
    let joins = name == "raw";
    same_steps(&replay, SERVER, &right, joins);
    same_steps(&replay, CLIENT, &left, joins);
    if over == Over::Plain {
        assert_eq!(Some(replay.sent(CLIENT)), there, "{name}");
        assert_eq!(Some(replay.sent(SERVER)), back, "{name}");
    }
    let received: Vec<u8> = replay.frames(SERVER).flatten().copied().collect();
    assert_eq!(received, replay.sent(CLIENT), "{over:?} {name}");
    for number in [SERVER, CLIENT] {
        assert!(matches!(script.of(number).last().unwrap().call, Call::Dropped));
    }
}

#[test]
fn a_conversation_of_every_framing_is_replayed() {
    for over in EVERYTHING {
        for name in NAMES {
            let framing: AnyFraming = name.parse().unwrap();
            for pool in [false, true] {
                let talker = Talker::new(framing.clone(), frames(60), Then::Finish);
                let mut pair = over.pair(talker, Echo::new(framing.clone()));
                if pool {
                    pair.left.pool = Some(Pool::default());
                    pair.right.pool = Some(Pool::default());
                }
                recorded(over, name, "echo", pair);
            }
            let talker = Talker::new(framing.clone(), frames(60), Then::Finish);
            recorded(over, name, "discard", over.pair(talker, Discard::new(framing)));
        }
    }
}

#[test]
fn frames_that_were_retained_for_a_full_queue_are_replayed() {
    for over in EVERYTHING {
        let mut limits = Limits::new();
        (limits.transmit_high_water, limits.transmit_low_water) = (64, 16);
        let framing: AnyFraming = "netstring".parse().unwrap();
        let talker = Talker::new(framing.clone(), frames(500), Then::Finish);
        let mut pair = over.pair_within(talker, Echo::new(framing.clone()), &limits);
        pair.back.portions = vec![1, 30, 3];
        recorded(over, "netstring", "echo", pair);
    }
}

#[test]
fn an_exchange_of_http_is_replayed() {
    let recording = Recording::new();
    let connection = Connection::plain(HttpEcho::new().framing(), Arc::default(), Instant::ZERO);
    let mut end = drywire::testkit::End::new(connection, HttpEcho::new());
    let mut begin = Begin::new(Role::Server);
    begin.framing = Some("http1".to_owned());
    begin.protocol = Some("http_echo".to_owned());
    end.connection.record(recording.0.clone(), SERVER, begin);
    let input = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\
                  GET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let written = end.converse(input, &[9, 1, 33], &[5, 70]);
    drop(end);
    let replay = replayed(&recording.script());
    assert_eq!(replay.sent(SERVER).escape_ascii().to_string(), written.escape_ascii().to_string());
    assert!(written.ends_with(b"\r\n\r\n") && written.len() > 50);
    assert_eq!(replay.reason(SERVER).map(CloseReason::kind), Some(CloseKind::Closed));
}

/// Ends that are not in order: each in a way of its own.
#[test]
fn every_other_end_is_replayed() {
    type Ends = Pair<Talker<AnyFraming>, Echo<AnyFraming>>;
    let framing: AnyFraming = "netstring".parse().unwrap();
    type End = (&'static str, fn(&mut Ends), Option<CloseKind>);
    let ends: [End; 9] = [
        ("reset", |pair| pair.reset(), Some(CloseKind::Reset)),
        ("silence", |pair| pair.cut(), Some(CloseKind::TimedOut)),
        ("stop", |pair| pair.right.connection.stop(), Some(CloseKind::Stopped)),
        ("abort", |pair| pair.right.connection.abort(), Some(CloseKind::Aborted)),
        ("fail", |pair| pair.right.connection.fail(9), Some(CloseKind::LocalError)),
        ("close", |pair| pair.right.connection.close(), Some(CloseKind::LingerExpired)),
        ("drain", |pair| pair.right.connection.drain(pair.now), None),
        (
            "transmit",
            |pair| {
                let now = pair.now;
                pair.right.connection.transmit_failed(Fault::Reset, now);
            },
            Some(CloseKind::Reset),
        ),
        ("truncated", |pair| pair.there.end(pair.now), None),
    ];
    for over in EVERYTHING {
        for (name, end, kind) in ends {
            // What the driver of the server asks for is not the protocol's, so that the script
            // says what was wanted.
            let recording = Recording::new();
            let mut limits = Limits::new();
            limits.drain_idle_timeout = Duration::from_secs(2);
            let talker = Talker::new(framing.clone(), frames(3), Then::Stay);
            let mut pair = over.pair_within(talker, Echo::new(framing.clone()), &limits);
            recording.attach(&mut pair, "netstring", "echo");
            pair.run_now();
            end(&mut pair);
            pair.run();
            let closed = pair.right.trace().closed().expect(name).kind();
            assert!(kind.is_none_or(|kind| kind == closed), "{name}: {closed}");
            let right = pair.right.trace().clone();
            drop(pair);
            let mut script = recording.script();
            for entry in &mut script.entries {
                if let Call::Begin(begin) = &mut entry.call {
                    begin.protocol = None;
                }
            }
            let replay = replayed(&script);
            same_steps(&replay, SERVER, &right, false);
        }
    }
}

#[test]
fn handshakes_that_fail_are_replayed() {
    let framing: AnyFraming = "lines".parse().unwrap();
    for over in EVERYTHING.into_iter().filter(|over| *over != Over::Plain) {
        for (name, input) in
            [("cut", &b""[..]), ("wrong", b"GET / HTTP/1.1\r\n\r\n"), ("late", b"")]
        {
            let recording = Recording::new();
            let talker = Talker::new(framing.clone(), frames(3), Then::Finish);
            let mut pair = over.pair(talker, Echo::new(framing.clone()));
            recording.attach(&mut pair, "lines", "echo");
            pair.left.is_stuck = true;
            pair.there.inject(input, pair.now);
            if name == "cut" {
                pair.there.end(pair.now);
            }
            pair.run_until(|pair| pair.right.connection.is_closed());
            let right = pair.right.trace().clone();
            let closed = right.closed().expect(name).kind();
            drop(pair);
            let replay = replayed(&recording.script());
            same_steps(&replay, SERVER, &right, false);
            let expected = match name {
                "cut" => CloseKind::Truncated,
                "wrong" => CloseKind::TlsError,
                _ => CloseKind::TimedOut,
            };
            assert_eq!((closed, replay.reason(SERVER).unwrap().kind()), (expected, expected));
        }
    }
}

/// Keeps no secrets.
struct Discreet(Mutex<Script>);

impl Recorder for Discreet {
    fn record(&self, entry: script::Entry<'_>) -> std::ops::ControlFlow<()> {
        self.0.record(entry)
    }
}

#[test]
fn what_tls_keeps_secret_is_not_written_down() {
    for over in EVERYTHING {
        let recorder = Arc::new(Discreet(Mutex::default()));
        let framing: AnyFraming = "lines".parse().unwrap();
        let secret = b"correct horse".to_vec();
        let talker = Talker::new(framing.clone(), vec![secret.clone()], Then::Finish);
        let mut pair = over.pair(talker, Echo::new(framing.clone()));
        let mut begin = Begin::new(Role::Server);
        begin.framing = Some("lines".to_owned());
        begin.protocol = Some("echo".to_owned());
        pair.right.connection.record(recorder.clone(), SERVER, begin);
        pair.run();
        drop(pair);
        let script = recorder.0.lock().unwrap().clone();
        let text = script.to_string();
        let replay = script::replay(&script);
        if over == Over::Plain {
            assert!(text.contains("correct horse"), "{text}");
            assert!(replay.is_ok());
            continue;
        }
        let entry = |call: &Call<'_>| script.entries.iter().any(|entry| entry.call == *call);
        assert!(entry(&Call::Received(Payload::Withheld(14))), "{text}");
        assert!(entry(&Call::Sent(Payload::Withheld(14))), "{text}");
        for entry in &script.entries {
            assert!(entry.call.payload().and_then(Payload::bytes).is_none(), "{text}");
        }
        let error = replay.unwrap_err();
        assert_eq!((error.connection, error.obstacle), (SERVER, Obstacle::Withheld));
        assert!(script.entries[error.index].call.payload().is_some());
    }
}

#[test]
fn every_call_is_recorded_and_a_look_that_came_to_nothing() {
    let recording = Recording::new();
    let at = Instant::from_nanos;
    let lines = drywire::framing::Lines::new();
    let mut connection = Connection::plain(lines.clone(), Arc::default(), at(7));
    let mut echo = Echo::new(lines);
    connection.record(recording.0.clone(), 3, Begin::new(Role::Server));
    let mut pool = Pool::default();
    connection.lease(&mut pool);
    let input = b"a\nbc\nd";
    connection.receive_buffer()[..input.len()].copy_from_slice(input);
    connection.received(input.len(), at(9)).unwrap();
    drywire::pump(&mut connection, &mut echo);
    assert!(connection.received(1, at(10)).is_err(), "more than was lent");
    connection.set_timer(Some(at(15)));
    connection.transmitted(3, at(12)).unwrap();
    connection.handle_timeout(at(20));
    assert!(connection.has_step());
    assert!(matches!(connection.next(), Some(drywire::Step::Timer(_))));
    // One look says what several do.
    assert!(!connection.has_step() && !connection.has_frame());
    connection.settle(&mut pool);
    connection.drain(at(21));
    connection.close();
    drop(connection);
    let expected = "3 +7 begin server\n3 +0 lease\n3 +2 received \"a\\nbc\\nd\"\n3 +0 step open\n\
                    3 +0 step frame 2\n3 +0 sent \"a\\n\"\n3 +0 step frame 3\n\
                    3 +0 sent \"bc\\n\"\n3 +0 look\n3 +0 timer 6\n3 +3 transmitted 3\n\
                    3 +8 timeout\n3 +0 step timer\n3 +0 look\n3 +0 settle\n3 +1 drain\n3 +0 close\n\
                    3 +0 dropped\n";
    assert_eq!(recording.script().to_string(), format!("{HEAD}{expected}"));
}

#[test]
fn a_recorder_that_breaks_off_is_told_nothing_more() {
    struct Short(Mutex<Vec<String>>);
    impl Recorder for Short {
        fn record(&self, entry: script::Entry<'_>) -> std::ops::ControlFlow<()> {
            let mut lines = self.0.lock().unwrap();
            lines.push(entry.call.to_string());
            if lines.len() == 3 {
                std::ops::ControlFlow::Break(())
            } else {
                std::ops::ControlFlow::Continue(())
            }
        }
    }
    let recorder = Arc::new(Short(Mutex::default()));
    let framing: AnyFraming = "lines".parse().unwrap();
    let talker = Talker::new(framing.clone(), frames(3), Then::Finish);
    let mut pair = Pair::plain(talker, Echo::new(framing));
    pair.right.connection.record(recorder.clone(), 7, Begin::new(Role::Server));
    pair.run();
    assert_eq!(pair.right.trace().closed(), Some(&CloseReason::Finished));
    assert_eq!(*recorder.0.lock().unwrap(), ["begin server", "step open", "look"]);
    assert_eq!(Arc::strong_count(&recorder), 1);
}

const HEAD: &str = "drywire-script 1\n";

fn parsed(lines: &str) -> Script {
    format!("{HEAD}{lines}").parse().unwrap_or_else(|error| panic!("{error}: {lines}"))
}

#[test]
fn a_difference_is_named_with_its_place() {
    let good = "1 +0 begin server framing=lines protocol=echo\n1 +0 step open\n\
                1 +5 received \"hello\\n\"\n1 +0 step frame 6\n1 +0 sent \"hello\\n\"\n1 +0 look\n";
    assert_eq!(script::replay(&parsed(good)).unwrap().differences(), []);
    for (from, to, sentence) in [
        (
            "step frame 6",
            "step frame 5",
            "connection 1, entry 3: recorded was step frame 5, replayed step frame 6",
        ),
        (
            "sent \"hello",
            "sent \"heLLo",
            "connection 1, entry 4: recorded was sent \"LLo\\n\", replayed sent \"llo\\n\"",
        ),
        (
            "1 +0 sent \"hello\\n\"\n",
            "",
            "connection 1, entry 3: recorded was nothing, replayed sent \"hello\\n\"",
        ),
        (
            "1 +5 received \"hello\\n\"\n",
            "",
            "connection 1, entry 2: recorded was step frame 6, replayed nothing",
        ),
    ] {
        let script = parsed(&good.replace(from, to));
        let differences = script::replay(&script).unwrap().differences().to_vec();
        assert_eq!(differences.iter().map(ToString::to_string).collect::<Vec<_>>(), [sentence]);
    }
}

#[test]
fn what_cannot_be_replayed_is_said_with_its_entry() {
    let begin = |rest: &str| format!("1 +0 begin server{rest}\n");
    for (lines, index, obstacle) in [
        (begin(""), 0, Obstacle::UnknownFraming),
        (begin(" framing=morse"), 0, Obstacle::UnknownFraming),
        (begin(" framing=lines protocol=chess"), 0, Obstacle::UnknownProtocol),
        (begin(" framing=lines") + "1 +0 upgrade\n", 1, Obstacle::Upgrade),
        (begin(" framing=lines") + "1 +0 eof\n1 +0 sent *3\n", 2, Obstacle::Withheld),
    ] {
        let error = script::replay(&parsed(&lines)).unwrap_err();
        let ReplayError { connection, index: at, obstacle: found, .. } = error;
        assert_eq!((connection, at, found), (1, index, obstacle), "{lines}");
    }
    let mut script = Script::new();
    script.push(3, Instant::ZERO, Call::Eof);
    let error = script::replay(&script).unwrap_err();
    assert_eq!(
        error.to_string(),
        "connection 3, entry 0: the connection has not begun or was dropped"
    );
    let mut begin = Begin::new(Role::Server);
    begin.framing = Some("raw".to_owned());
    let mut script = Script::beginning(begin.clone());
    script.push(1, Instant::ZERO, Call::Begin(Box::new(begin)));
    let error = script::replay(&script).unwrap_err();
    assert_eq!(error.to_string(), "connection 1, entry 1: the connection has begun before");
    for (obstacle, sentence) in [
        (Obstacle::Withheld, "bytes were withheld: it was recorded without secrets"),
        (Obstacle::UnknownFraming, "no framing is named that is known here"),
        (Obstacle::UnknownProtocol, "the protocol is not known here"),
        (Obstacle::Upgrade, "the framing was exchanged, which needs the protocol"),
    ] {
        assert_eq!(obstacle.to_string(), sentence);
    }
}

#[test]
fn a_protocol_of_ones_own_is_replayed() {
    let script = parsed("4 +0 begin server protocol=mine\n4 +9 received \"a\\nb\"\n4 +0 eof\n");
    let lines = || drywire::framing::Lines::new();
    let replay = script::replay_with(&script, |number, begin| {
        assert_eq!((number, begin.protocol.as_deref()), (4, Some("mine")));
        Echo::new(lines())
    });
    let replay = replay.unwrap();
    assert_eq!(replay.sent(4), b"a\n");
    assert_eq!(replay.reason(4).map(CloseReason::kind), Some(CloseKind::Truncated));
    assert_eq!(replay.played()[0].index, 0);
}

/// A frame that is retained and shown again takes its bytes once.
#[test]
fn a_frame_that_is_retained_is_kept_once() {
    let mut lines =
        "1 +0 begin server framing=lines frame_len_max=200000\n1 +0 received \"".to_owned();
    lines.push_str(&"a".repeat(100_000));
    lines.push_str("\\n\"\n1 +0 step open\n1 +0 step frame 100001\n");
    for _ in 0..300 {
        lines.push_str("1 +0 retain\n1 +1 timeout\n1 +0 step frame 100001\n");
    }
    let replay = script::replay(&parsed(&lines)).unwrap();
    assert_eq!(replay.frames(1).count(), 301);
    assert!(replay.frames(1).all(|frame| frame.len() == 100_001));
    assert!(replay.memory_len() < 20 * lines.len(), "{}", replay.memory_len());

    let mut lines = "1 +0 begin server framing=raw\n1 +0 step open\n".to_owned();
    for _ in 0..1000 {
        lines.push_str("1 +0 received \"ab\"\n1 +0 step frame 2\n1 +0 retain\n");
    }
    let replay = script::replay(&parsed(&lines)).unwrap();
    assert_eq!(replay.frames(1).count(), 1000);
    assert!(replay.frames(1).all(|frame| frame == b"ab"), "it is found, and does not grow");
    assert!(replay.memory_len() < 100 * lines.len(), "{}", replay.memory_len());
}

#[test]
fn connections_that_wait_hold_no_large_buffers() {
    let lines: String = (1..=2000)
        .map(|number| {
            format!("{number} +0 begin server framing=u16be\n{number} +0 received 0x00\n")
        })
        .collect();
    let replay = script::replay(&parsed(&lines)).unwrap();
    assert!(replay.memory_len() < 2000 * 16 * 1024, "{}", replay.memory_len());
}

#[test]
fn a_replay_takes_no_more_than_it_may() {
    for lines in [
        "1 +0 begin server framing=u8 protocol=echo\n1 +0 received 0x0161000162\n1 +0 eof\n",
        "1 +0 begin server framing=u16be\n2 +0 begin server framing=u8\n2 +0 dropped\n",
    ] {
        let script = parsed(lines);
        let whole = script::replay(&script).unwrap();
        let mut bounds = script::Bounds::new();
        for (max, fits) in [(-1, false), (0, true), (1, true)] {
            bounds.replay_len_max = whole.memory_len().checked_add_signed(max).unwrap();
            match script::replay_within(&script, &bounds) {
                Ok(replay) => assert!(fits && replay == whole, "{lines}"),
                Err(error) => {
                    let max = bounds.replay_len_max;
                    assert!(!fits, "{lines}");
                    assert_eq!(error.obstacle, Obstacle::TooLarge { max });
                    let sentence = format!("the replay takes more than the limit of {max} bytes");
                    assert_eq!(error.obstacle.to_string(), sentence);
                }
            }
        }
    }
}

#[test]
fn a_failure_that_was_recorded_becomes_a_few_bytes() {
    let recording = Recording::new();
    let framing: AnyFraming = "netstring".parse().unwrap();
    let talker = Talker::new(framing.clone(), frames(40), Then::Stay);
    let mut pair = Pair::plain(talker, Echo::new(framing));
    recording.attach(&mut pair, "netstring", "echo");
    pair.run_now();
    pair.there.inject(b"3:abcd", pair.now);
    pair.run();
    drop(pair);
    let script = recording.script();
    let reason = script::replay(&script).unwrap().reason(SERVER).cloned();
    let shows = |script: &Script| {
        script::replay(script).is_ok_and(|replay| {
            replay.reason(SERVER).map(CloseReason::kind) == Some(CloseKind::RemoteError)
        })
    };
    assert_eq!(reason.unwrap().kind(), CloseKind::RemoteError);
    let small = script::minimise(&script, shows, &Effort::new()).unwrap();
    assert!(small.is_minimal);
    assert_eq!(
        small.script.to_string(),
        format!("{HEAD}1 +0 begin server framing=netstring protocol=echo\n1 +0 received \"a\"\n")
    );
}
