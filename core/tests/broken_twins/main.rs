//! Every law can fail: for each there is a framing, a protocol or a connection that is wrong in one
//! way, which the law must catch, and the same without the fault, which it must let pass.
#![cfg(all(feature = "testkit", feature = "tls"))]

mod connections;
mod framings;
mod protocols;
#[path = "../support/mod.rs"]
mod support;

use drywire::testkit::Law;
use drywire::testkit::check::{Failure, Report};

/// What the check of one law comes to, for a subject with the fault that breaks the law or
/// without.
type Twin = fn(law: Law, is_broken: bool) -> Result<Report, Failure>;

/// The twin of each law. There is no law without one: the test below asks for all.
fn twin(law: Law) -> Twin {
    match law {
        Law::Total => framings::needs_nothing,
        Law::SplitInvariance => framings::depends_on_cuts,
        Law::PrefixIncomplete => framings::fails_early,
        Law::RoundTrip => framings::drops_the_last_byte,
        Law::SameLimits => framings::receives_more_than_it_sends,
        Law::LinearTime => framings::looks_again,
        Law::EqualsModel => framings::differs_from_its_model,
        Law::Conservation => framings::drops_the_last_byte,
        Law::Deterministic => protocols::counts_over_connections,
        Law::InputCut => framings::depends_on_cuts_in_a_connection,
        Law::OutputCut => connections::drops_what_was_not_taken,
        Law::Turns => connections::drops_its_queue_with_its_turn,
        Law::EndAfterData => connections::drops_frames_at_the_end,
        Law::FullLosesNothing => protocols::ignores_full,
        Law::BoundedMemory => framings::says_too_small_a_length,
        Law::DeadlinesMoveForward => protocols::spins,
        Law::AnyOrder => protocols::expects_to_be_open,
        Law::MisuseChangesNothing => connections::acts_on_misuse,
        Law::StickyErrors => connections::forgets_why_it_failed,
        Law::FlushedAfterError => connections::drops_its_queue_when_it_fails,
        Law::EndsWithTransport => connections::waits_without_a_transport,
        Law::Joined => protocols::answers_with_the_time,
        Law::TlsTransparency => protocols::greets_within_tls,
        other => panic!("{other} has no broken twin"),
    }
}

#[test]
fn every_law_catches_its_broken_twin_and_says_so() {
    for law in Law::ALL {
        let Err(failure) = twin(*law)(*law, true) else { panic!("{law} did not catch its twin") };
        println!("{failure}\n");
        assert_eq!(failure.law, *law);
        let report = failure.to_string();
        assert!(report.contains(law.name()) && report.contains(law.sentence()), "{report}");
    }
}

#[test]
fn every_law_examines_the_sound_twin_and_lets_it_pass() {
    for law in Law::ALL {
        match twin(*law)(*law, false) {
            Ok(report) => assert!(report.examined(*law) > 0, "{report}"),
            Err(failure) => panic!("{failure}"),
        }
    }
}

#[test]
fn a_protocol_that_retains_its_frame_for_ever_keeps_its_connection() {
    let law = Law::EndsWithTransport;
    assert!(protocols::retains_for_ever(law, false).is_ok());
    assert_eq!(protocols::retains_for_ever(law, true).unwrap_err().law, law);
}

#[test]
fn an_item_that_is_not_sent_as_it_lies_does_not_come_back() {
    let law = Law::RoundTrip;
    assert!(framings::skips_the_length(law, false).is_ok());
    assert_eq!(framings::skips_the_length(law, true).unwrap_err().law, law);
}

#[test]
fn an_item_that_is_refused_is_not_sent_as_it_lies_either() {
    let law = Law::SameLimits;
    assert!(framings::skips_the_limit(law, false).is_ok());
    assert_eq!(framings::skips_the_limit(law, true).unwrap_err().law, law);
}

#[test]
fn laws_are_told_apart_by_name_and_sentence() {
    for (at, law) in Law::ALL.iter().enumerate() {
        for other in &Law::ALL[at + 1..] {
            assert_ne!(law.name(), other.name());
            assert_ne!(law.sentence(), other.sentence());
        }
        assert_eq!(law.to_string(), law.name());
        assert!(law.sentence().ends_with('.'), "{law}");
    }
}
