//! The laws in one call, for what is in the box.
#![cfg(all(feature = "testkit", feature = "tls"))]

mod support;

use std::cell::Cell;
use std::rc::Rc;

use drywire::framing::{AnyFraming, Fixed, Netstring};
use drywire::protocol::{Discard, Echo};
use drywire::script::{Script, replay_with};
use drywire::testkit::check::{self, Check, Report, Unexamined};
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
#[should_panic(expected = "no case was tried")]
fn a_check_without_cases_fails() {
    Check::framing(Netstring::new()).cases(0).run();
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
    let mut case = check::Case::default();
    case.tail = b"5:hello,".to_vec();
    case.cuts = vec![3];
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

/// The laws of which no case said anything, and why.
fn unexamined(report: &Report) -> Vec<(Law, Unexamined)> {
    let laws = report.laws.iter();
    let unexamined = laws.filter_map(|law| law.unexamined.map(|why| (law.law, why)));
    unexamined.inspect(|(law, _)| assert_eq!(report.examined(*law), 0)).collect()
}

#[test]
fn every_framing_in_the_box_keeps_all_laws_and_all_are_examined() {
    for max in [5, 100, 100_000] {
        for framing in framings(max) {
            let mut expected = vec![(Law::EqualsModel, Unexamined::NoModel)];
            if framing.to_string() == "raw" {
                expected.push((Law::PrefixIncomplete, Unexamined::NoWholeFrames));
            }
            let report = Check::framing(framing).cases(64).run();
            assert_eq!(unexamined(&report), expected, "{report}");
        }
    }
}

#[test]
fn every_echo_keeps_all_laws_and_all_are_examined() {
    for framing in framings(100).chain(framings(100_000)) {
        let expected: &[_] = match &*framing.to_string() {
            // There is nothing that it refuses.
            "raw" => &[
                (Law::StickyErrors, Unexamined::NeverFailed),
                (Law::FlushedAfterError, Unexamined::NeverFailed),
            ],
            _ => &[],
        };
        let report = Check::protocol(move || Echo::new(framing.clone())).cases(64).run();
        assert_eq!(unexamined(&report), expected, "{report}");
    }
}

/// It sends nothing, so that the laws of what is sent have nothing to look at.
#[test]
fn discard_keeps_all_laws_that_can_be_examined() {
    for framing in framings(100) {
        let is_raw = framing.to_string() == "raw";
        let report = Check::protocol(move || Discard::new(framing.clone())).cases(64).run();
        let mut expected = vec![
            (Law::OutputCut, Unexamined::NothingWritten),
            (Law::FullLosesNothing, Unexamined::NeverFull),
        ];
        if is_raw {
            expected.push((Law::StickyErrors, Unexamined::NeverFailed));
            expected.push((Law::FlushedAfterError, Unexamined::NeverFailed));
        } else {
            expected.push((Law::FlushedAfterError, Unexamined::NothingQueued));
        }
        assert_eq!(unexamined(&report), expected, "{report}");
    }
}

#[test]
fn a_report_says_what_was_examined_and_what_was_not() {
    let check = Check::protocol(|| Discard::new(Netstring::new()));
    let report = check.only(&[Law::InputCut, Law::OutputCut]).cases(8).run();
    assert_eq!(report.cases, 8);
    let examined = report.examined(Law::InputCut);
    assert!((1..=8).contains(&examined));
    assert_eq!(
        report.to_string(),
        format!(
            "8 cases\n  input cut: {examined}\n  output cut: not examined, nothing was written \
             that can be taken in portions"
        )
    );
    assert_eq!(report.examined(Law::Turns), 0);
    assert_eq!(report.unexamined(Law::Turns), None, "it was not to be checked");
}

/// A handshake takes as long as many cases, but at least one is made.
#[test]
fn the_law_of_tls_is_examined_however_few_cases_there_are() {
    let sessions = || support::sessions(support::Version::Tls13);
    for seed in 0..6 {
        for cases in [4, 40] {
            let check = Check::protocol(|| Echo::new(Netstring::new())).tls(sessions);
            let report = check.only(&[Law::TlsTransparency]).cases(cases).seed(seed).run();
            let examined = report.examined(Law::TlsTransparency);
            assert!((1..=cases.div_ceil(8) + 1).contains(&examined), "{examined} of {cases}");
        }
    }
}

#[test]
fn two_that_talk_keep_all_laws() {
    for framing in framings(100) {
        let frames = vec![b"01234".to_vec(); 20];
        let echo = framing.clone();
        let report = check::pair(
            move || Talker::new(framing.clone(), frames.clone(), Then::Finish),
            move || Echo::new(echo.clone()),
        );
        assert_eq!(unexamined(&report), [], "{report}");
    }
}

#[test]
fn laws_that_are_not_about_what_is_checked_are_left_out() {
    let report = Check::framing(Netstring::new()).only(&[Law::RoundTrip, Law::OutputCut]).run();
    assert_eq!(report.laws.iter().map(|law| law.law).collect::<Vec<_>>(), [Law::RoundTrip]);
}

#[test]
#[should_panic(expected = "none of these laws is about what is checked")]
fn a_check_without_a_law_is_refused() {
    let _ = Check::framing(Netstring::new()).only(&[Law::OutputCut]);
}
