//! The laws in one call, for what is in the box.
#![cfg(feature = "testkit")]

use drywire::framing::{AnyFraming, Fixed, Netstring};
use drywire::protocol::{Discard, Echo};
use drywire::testkit::check::{self, Check};
use drywire::testkit::{Talker, Then};

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
