//! The example `simulation` in small: what it counts is exact.
#![cfg(feature = "testkit")]

#[allow(dead_code, reason = "the example uses all of it")]
#[path = "../examples/simulation/crowd.rs"]
mod crowd;

use std::time::Duration;

use crowd::Crowd;

#[test]
fn a_thousand_connections_ask_and_are_answered_to_the_last_byte() {
    let mut crowd = Crowd::new(1_000, 7);
    let samples = crowd.run(Duration::from_secs(5)).unwrap();
    let (counts, totals) = (crowd.counts(), *crowd.sim.totals());
    assert_eq!((counts.opened, counts.closed_cleanly, counts.closed_otherwise), (1_000, 1_000, 0));
    assert!((8_500..9_500).contains(&counts.asked), "{counts:?}");
    assert_eq!(counts.answered, counts.asked);
    // Question and answer, with four bytes of length each.
    let expected = 2 * (counts.asked_len + 4 * counts.asked);
    assert_eq!((totals.stream_len_sent, totals.stream_len_received), (expected, expected));
    assert_eq!((totals.stream_len_lost, crowd.sim.under_way_len()), (0, (0, 0)));
    assert_eq!(crowd.sim.open_count(), 0);

    // Nearly all were there at once, and what thinks holds no buffers.
    let most = samples.iter().map(|sample| sample.active).max().unwrap();
    assert!(most > 950, "{most}");
    let memory = crowd.sim.memory();
    assert_eq!((memory.nodes, memory.buffers_len), (2_000, 0));
    let parts_of_frames = samples.iter().map(|sample| sample.memory.buffers_len).max().unwrap();
    assert!(parts_of_frames < 1_000 * 2 * 1024 / 10, "{parts_of_frames}");
    // Work does not depend on how many there are: about a dozen rounds for a question.
    let rounds = totals.events / counts.asked;
    assert!((6..=20).contains(&rounds), "{rounds}");

    let mut again = Crowd::new(1_000, 7);
    again.run(Duration::from_secs(5)).unwrap();
    assert_eq!((again.sim.digest(), again.counts()), (crowd.sim.digest(), counts));
}
