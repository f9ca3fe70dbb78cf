//! The laws of whole connections, over every framing, plain and within TLS.
#![cfg(all(feature = "testkit", feature = "tls"))]

mod support;

use std::sync::Arc;
use std::time::Duration;

use drywire::buffer::{Buffer, Pool};
use drywire::framing::{AnyFraming, Framing, LengthPrefix, Lines, Netstring, Raw};
use drywire::protocol::{Discard, Echo};
use drywire::testkit::any_order::Choices;
use drywire::testkit::{End, Event, Talker, Then, Watched, Work, laws};
use drywire::{CloseReason, Connection, Error, Instant, Limits, Step};
use proptest::prelude::*;
use support::{EVERYTHING, Over, VERSIONS, Version};

const NOW: Instant = Instant::ZERO;

const NAMES: [&str; 9] =
    ["raw", "u8", "u16le", "u32be", "lines", "netstring", "varint", "fixed:5", "delimiter:0d0a"];

fn framings() -> impl Iterator<Item = AnyFraming> {
    NAMES.into_iter().map(|name| name.parse().unwrap())
}

/// Frames that every one of the framings takes.
fn frames(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|at| format!("{:05}", at % 100_000).into_bytes()).collect()
}

fn encoded(framing: &AnyFraming, frames: &[Vec<u8>]) -> Vec<u8> {
    let mut framing = framing.clone();
    let mut wire = Buffer::new();
    for frame in frames {
        framing.encode(frame, &mut wire).unwrap();
    }
    wire.filled().to_vec()
}

fn echo(framing: &AnyFraming, limits: Limits) -> End<Echo<AnyFraming>> {
    let connection = Connection::plain(framing.clone(), Arc::new(limits), NOW);
    End::new(connection, Echo::new(framing.clone()))
}

#[test]
fn cutting_changes_nothing() {
    for framing in framings() {
        let mut input = encoded(&framing, &frames(40));
        for tail in [0, 1, 3] {
            // Whole, and with the last frame cut short.
            input.truncate(input.len() - tail);
            let make = || echo(&framing, Limits::new());
            laws::connection::split_invariant(make, &input, &[3, 1, 7, 64]);
        }
    }
}

#[test]
fn cutting_changes_nothing_in_turns_of_one_frame() {
    let mut limits = Limits::new();
    limits.turn_frames_max = 1;
    for framing in framings() {
        let input = encoded(&framing, &frames(40));
        let make = || {
            let mut end = echo(&framing, limits.clone());
            end.pool = Some(Pool::default());
            end
        };
        laws::connection::split_invariant(make, &input, &[3, 1, 7, 64]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn cutting_any_input_changes_nothing(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        cuts in prop::collection::vec(1..40_usize, 1..6),
    ) {
        let mut choices = Choices::new(&bytes);
        let framing = choices.framing();
        let mut input = encoded(&"netstring".parse().unwrap(), &frames(3));
        input.extend_from_slice(choices.take(usize::MAX));
        laws::connection::split_invariant(|| echo(&framing, Limits::new()), &input, &cuts);
    }
}

#[test]
fn cutting_changes_nothing_for_two_that_are_joined() {
    for over in EVERYTHING {
        for framing in [AnyFraming::Raw(Raw::new()), "netstring".parse().unwrap()] {
            let make = || {
                let talker = Talker::new(framing.clone(), frames(200), Then::Finish);
                over.pair(talker, Echo::new(framing.clone()))
            };
            laws::connection::pair_invariant(make, &[5, 1, 100, 3]);
        }
    }
}

#[test]
fn an_echo_returns_every_byte_once() {
    for over in EVERYTHING {
        for framing in framings() {
            let frames = frames(300);
            let talker = Talker::new(framing.clone(), frames.clone(), Then::Finish);
            // Small enough for sends to be refused and frames to be retained on the way.
            let mut limits = Limits::new();
            limits.transmit_high_water = 100;
            limits.transmit_low_water = 20;
            let mut pair = over.pair_within(talker, Echo::new(framing), &limits);
            pair.back.capacity = 200;
            pair.back.cuts = vec![7];
            let pair = laws::connection::conserves(pair, &frames, &frames);
            let refused = pair.left.trace().events().contains(&Event::Writable);
            assert!(refused, "nothing was refused: the test tests less than it says");
        }
    }
}

#[test]
fn two_that_write_before_they_read_do_not_block_each_other() {
    for over in EVERYTHING {
        for turned in [false, true] {
            let framing = LengthPrefix::u32be();
            let frames: Vec<Vec<u8>> = (1..3).map(|at| vec![at; 100_000]).collect();
            let talker = || Talker::new(framing.clone(), frames.clone(), Then::Finish);
            let mut pair = if turned {
                over.turned_pair(talker(), talker())
            } else {
                over.pair(talker(), talker())
            };
            pair.there.capacity = 1000;
            pair.back.capacity = 1000;
            laws::connection::conserves(pair, &frames, &frames);
        }
    }
}

#[test]
fn with_tls_as_without() {
    for version in VERSIONS {
        for then in [Then::Finish, Then::Close] {
            for framing in framings() {
                let make = |over: Over| {
                    let talker = Talker::new(framing.clone(), frames(100), then);
                    over.pair(talker, Echo::new(framing.clone()))
                };
                let tls = Over::Tls(version);
                laws::connection::transparent(make(Over::Plain), make(tls));
                let make = |over: Over| {
                    let talker = Talker::new(framing.clone(), frames(100), then);
                    over.turned_pair(Echo::new(framing.clone()), talker)
                };
                laws::connection::transparent(make(Over::Plain), make(tls));
            }
        }
    }
}

#[test]
fn a_peer_that_never_reads_is_not_read_from_beyond_the_bounds() {
    for framing in framings() {
        for high_water in [1, 100, 10_000] {
            let mut limits = Limits::new();
            limits.transmit_high_water = high_water;
            limits.receive_backlog_max = 1000;
            let input = encoded(&framing, &frames(10));
            let largest = if framing.has_whole_frames() {
                encoded(&framing, &frames(1)).len()
            } else {
                // Chunks are as large as what was read.
                100_000
            };
            let mut end = echo(&framing, limits);
            laws::connection::bounded_when_unread(&mut end, &input, high_water + largest - 1);
        }
    }
}

#[test]
fn a_tls_peer_that_never_reads_is_not_read_from_beyond_the_bounds() {
    for version in VERSIONS {
        let framing = LengthPrefix::u32be();
        let mut limits = Limits::new();
        limits.transmit_high_water = 50_000;
        let talker = Talker::new(framing.clone(), vec![vec![1; 10_000]; 1000], Then::Stay);
        let mut pair = Over::Tls(version).pair_within(talker, Echo::new(framing), &limits);
        while pair.left.trace().events().is_empty() || pair.right.trace().events().is_empty() {
            pair.step_now();
        }
        pair.back.capacity = 0;
        pair.there.capacity = 1000;
        while pair.step_now() {
            let queued = pair.right.connection.queued_len();
            assert!(queued < 50_000 + 10_004 + 1000, "{queued} bytes");
        }
        assert!(!pair.right.connection.interest().read);
        assert!(!pair.left.connection.is_writable());
        pair.back.capacity = usize::MAX;
        pair.there.capacity = usize::MAX;
        pair.run_now();
        assert_eq!(pair.left.trace().frames().len(), 1000);
    }
}

#[test]
fn an_error_is_final_and_what_was_queued_still_leaves() {
    let framing = AnyFraming::Netstring(Netstring::new());
    let input = b"5:hello,5:hello,nonsense";
    let sent = laws::connection::sticky(&mut echo(&framing, Limits::new()), input);
    assert_eq!(sent, b"5:hello,5:hello,");
}

#[test]
fn full_changes_nothing() {
    for framing in framings() {
        let mut limits = Limits::new();
        limits.transmit_high_water = 20;
        limits.transmit_low_water = 5;
        let mut connection = Connection::plain(framing.clone(), Arc::new(limits), NOW);
        let input = encoded(&framing, &frames(2));
        connection.receive_buffer()[..input.len()].copy_from_slice(&input);
        connection.received(input.len(), NOW).unwrap();
        laws::connection::full_changes_nothing(&mut connection, b"12345");
    }
}

#[test]
fn feeding_byte_by_byte_is_linear() {
    let work = Work::default();
    let framing = Watched::new(Lines::new(), work.clone());
    let mut connection = Connection::plain(framing.clone(), Arc::new(Limits::new()), NOW);
    let line = [&[b'x'; 60_000][..], b"\n"].concat();
    let mut frames = 0;
    for byte in line.iter().chain(&line).chain(b"a\nb\n") {
        connection.receive_buffer()[0] = *byte;
        connection.received(1, NOW).unwrap();
        while let Some(step) = connection.next() {
            frames += usize::from(matches!(step, Step::Frame(..)));
        }
    }
    let fed = 2 * line.len() + 4;
    assert_eq!((frames, work.frames(), work.len()), (4, 4, fed));
    // One for each byte, and one behind each frame.
    assert!(work.scans() <= fed + 4 + 1, "{} scans for {fed} bytes", work.scans());
}

#[test]
fn the_framing_is_used_as_its_contract_says() {
    for over in EVERYTHING {
        for name in NAMES {
            let framing: AnyFraming = name.parse().unwrap();
            let watched = Watched::new(framing, Work::default());
            let talker = Talker::new(watched.clone(), frames(300), Then::Finish);
            let mut limits = Limits::new();
            limits.transmit_high_water = 100;
            limits.transmit_low_water = 20;
            let mut pair = over.pair_within(talker, Echo::new(watched), &limits);
            pair.there.cuts = vec![3];
            pair.run();
            assert_eq!(pair.left.trace().frames().concat(), frames(300).concat());
        }
    }
}

#[test]
fn a_frame_is_not_told_after_the_end_and_the_end_not_before() {
    for over in EVERYTHING {
        let framing = Netstring::new();
        let talker = Talker::new(framing.clone(), frames(5), Then::Finish);
        let mut pair = over.pair(talker, Discard::new(framing));
        pair.there.lag = Duration::from_millis(5);
        pair.run();
        let mut expected = vec![Event::Open];
        expected.extend(frames(5).into_iter().map(Event::Frame));
        expected.extend([Event::Finished, Event::Closed(CloseReason::Finished)]);
        assert_eq!(pair.right.trace().events(), expected);
    }
}

#[test]
fn a_tls_alert_is_flushed_after_a_failure_and_no_second_one_follows() {
    for version in VERSIONS {
        let mut pair = Over::Tls(version)
            .pair(Talker::listening(Netstring::new()), Talker::listening(Netstring::new()));
        pair.run_now();
        let garbage = [&[0x17, 3, 3, 0, 40][..], &[9; 40]].concat();
        for _ in 0..3 {
            pair.there.inject(&garbage, pair.now);
        }
        pair.back.keeping();
        pair.run_now();
        let alert_len = pair.back.written.as_ref().map(Vec::len);
        assert!(alert_len.is_some_and(|len| (1..60).contains(&len)), "{alert_len:?}");
        let reason = pair.left.trace().failed().unwrap();
        assert_eq!(reason.to_string(), "the peer sent the TLS alert bad_record_mac");
        let reason = pair.right.trace().failed().unwrap();
        assert!(matches!(reason, CloseReason::Failed(Error::Tls(_))), "{reason:?}");
    }
}

#[test]
fn versions_are_what_they_say() {
    for (version, name) in [(Version::Tls12, "TLSv1.2"), (Version::Tls13, "TLSv1.3")] {
        let listener = || Talker::listening(Raw::new());
        let mut pair = Over::Tls(version).pair(listener(), listener());
        pair.run_now();
        for recorder in [&pair.left.recorder, &pair.right.recorder] {
            assert_eq!(recorder.negotiated.as_ref().unwrap().version.to_string(), name);
        }
    }
}
