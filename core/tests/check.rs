//! The laws in one call, for what is in the box.
#![cfg(feature = "testkit")]

use std::cell::Cell;
use std::rc::Rc;

use drywire::framing::{AnyFraming, Fixed, Netstring};
use drywire::protocol::{Discard, Echo};
use drywire::script::{Script, replay_with};
use drywire::testkit::check::{self, Check};
use drywire::testkit::{Law, Talker, Then};
use drywire::{Handle, Protocol};

const NAMES: [&str; 9] =
    ["raw", "u8", "u16le", "u32be", "lines", "netstring", "varint", "fixed:5", "delimiter:0d0a"];

fn framings(max: usize) -> impl Iterator<Item = AnyFraming> {
    NAMES.into_iter().map(move |name| {
        let framing: AnyFraming = name.parse().unwrap();
        framing.with_frame_len_max(max)
    })
}

#[test]
fn one_call_is_enough() {
    check::framing(Netstring::new());
    check::protocol(|| Echo::new(Netstring::new()));
}

#[test]
fn the_same_settings_try_the_same_cases_and_others_try_others() {
    let seeds = |seed| Check::framing(Netstring::new()).cases(20).seed(seed).seeds();
    assert!(seeds(1).eq(seeds(1)));
    assert!(!seeds(1).eq(seeds(2)));
    assert_eq!(seeds(1).count(), 20);
    for seed in seeds(1) {
        Check::framing(Netstring::new()).replay(&seed);
    }
}

#[test]
#[should_panic(expected = "no frame can be made")]
fn a_check_that_shows_nothing_fails() {
    // Longer than any frame that is tried.
    let framing = AnyFraming::Fixed(Fixed::new(200_000.try_into().unwrap()));
    Check::framing(framing).cases(5).run();
}

#[test]
fn examples_are_among_the_frames() {
    let framing = AnyFraming::Fixed(Fixed::new(200_000.try_into().unwrap()));
    Check::framing(framing).examples([vec![1; 200_000]]).cases(5).run();
}

/// Answers with a number that all connections share.
struct Counter(Rc<Cell<u64>>);

impl Protocol for Counter {
    type Framing = Netstring;

    fn framing(&self) -> Netstring {
        Netstring::new()
    }

    fn on_frame(&mut self, _: &[u8], handle: &mut Handle<'_, Netstring>) {
        self.0.set(self.0.get() + 1);
        let _ = handle.send(self.0.get().to_string().as_bytes());
    }
}

#[test]
fn a_failure_says_how_to_see_it_again() {
    let counts = Rc::<Cell<_>>::default();
    let check = Check::protocol(move || Counter(Rc::clone(&counts)));
    let failure = check.try_run().unwrap_err();
    assert_eq!(failure.law, Law::Deterministic);
    assert_eq!(failure.input, b"0:,");

    // By the case,
    let again = check.try_replay(&failure.case.to_bytes()).unwrap_err();
    assert_eq!((again.law, &again.input), (failure.law, &failure.input));
    // and by the script of both runs, which says the same as text.
    let script: Script = failure.script.to_string().parse().unwrap();
    assert_eq!(script, failure.script);
    assert_eq!(script.connections().count(), 2);
    let replay = replay_with(&script, |_, _| Counter(Rc::default())).unwrap();
    assert_eq!((replay.sent(1), replay.sent(2)), (b"1:1,".to_vec(), b"1:1,".to_vec()));
    let report = failure.to_string();
    assert!(report.contains("1 +0 received \"0:,\"\n"), "{report}");
    assert!(report.contains("Check::protocol(…).replay(b\"\\x00"), "{report}");
}

#[test]
fn the_input_of_a_fuzz_target_is_a_script_too() {
    let tail = b"5:hello,".to_vec();
    let case = check::Case { tail, cuts: vec![3], ..Default::default() };
    for script in [
        Check::framing(Netstring::new()).script(&case.to_bytes()),
        Check::protocol(|| Echo::new(Netstring::new())).script(&case.to_bytes()),
    ] {
        let text = script.to_string();
        for line in ["received \"5:h\"", "received \"ell\"", "received \"o,\"", "eof"] {
            assert!(text.contains(line), "{text}");
        }
    }
}

#[test]
fn every_framing_in_the_box_keeps_all_laws() {
    for max in [5, 100, 100_000] {
        for framing in framings(max) {
            Check::framing(framing).cases(64).run();
        }
    }
}

#[test]
fn every_echo_keeps_all_laws() {
    for framing in framings(100).chain(framings(100_000)) {
        Check::protocol(move || Echo::new(framing.clone())).cases(64).run();
    }
}

#[test]
fn discard_keeps_all_laws() {
    for framing in framings(100) {
        Check::protocol(move || Discard::new(framing.clone())).cases(64).run();
    }
}

#[test]
fn two_that_talk_keep_all_laws() {
    for framing in framings(100) {
        let frames = vec![b"01234".to_vec(); 20];
        let echo = framing.clone();
        check::pair(
            move || Talker::new(framing.clone(), frames.clone(), Then::Finish),
            move || Echo::new(echo.clone()),
        );
    }
}
