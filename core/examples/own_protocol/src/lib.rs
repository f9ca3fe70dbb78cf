//! A protocol of one's own, in the manner of the one that Redis speaks: requests and replies, keys
//! and values. [`Resp`] is its framing and [`Store`] its server; the tests are all that it takes
//! to put them to the laws.
//!
//! ```text
//! value  = simple / error / bulk
//! simple = "+" text CRLF                  ; text without CR
//! error  = "-" text CRLF
//! bulk   = "$" length CRLF *OCTET CRLF    ; length in decimal, as short as it can be
//!
//! request = bulk                          ; "SET key value", "GET key"
//! reply   = value
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test stops where it fails"))]

#[cfg(any(test, feature = "testkit"))]
mod owned;
mod resp;
mod store;

#[cfg(any(test, feature = "testkit"))]
pub use owned::OwnedValue;
pub use resp::{Resp, Value};
pub use store::Store;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use drywire::script::{self, Script};
    use drywire::testkit::check::{self, Check};
    use drywire::testkit::sim::{Link, Party, Sim};
    use drywire::testkit::{Talker, Then, Traced};

    use super::*;

    fn requests() -> Vec<OwnedValue> {
        let requests = ["SET name drywire", "GET name", "GET other", "DEL name"];
        requests.map(|request| OwnedValue::Bulk(request.into())).to_vec()
    }

    fn client() -> Talker<Resp> {
        Talker::new(Resp::new(100), requests(), Then::Finish)
    }

    #[test]
    fn the_framing_keeps_all_laws() {
        check::framing(Resp::new(100));
    }

    /// And every law had something to look at, so that the check says something.
    #[test]
    fn the_server_keeps_all_laws() {
        let report = Check::protocol(Store::new).examples(requests()).run();
        assert!(report.laws.iter().all(|law| law.unexamined.is_none()), "{report}");
    }

    #[test]
    fn client_and_server_keep_all_laws() {
        check::pair(client, Store::new);
    }

    #[test]
    fn requests_are_answered_over_a_bad_network() {
        let mobile = Link::new()
            .latency(Duration::from_millis(40))
            .jitter(Duration::from_millis(20))
            .loss(0.05)
            .segments(1..=3);
        for seed in 0..20 {
            let mut sim = Sim::new(seed).link(mobile.clone());
            let (client, _) = sim.connect(
                Party::plain("client", Traced::new(client())),
                Party::plain("store", Store::new()),
            );
            sim.run().unwrap();
            let replies: Vec<_> = sim[client].protocol.trace.shown().cloned().collect();
            let expected = [
                OwnedValue::Simple(b"OK".to_vec()),
                OwnedValue::Bulk(b"drywire".to_vec()),
                OwnedValue::Error(b"no such key".to_vec()),
                OwnedValue::Error(b"unknown request".to_vec()),
            ];
            assert_eq!(replies, expected, "with seed {seed}");
        }
    }

    /// It did not once: every refusal was taken for one by a full queue.
    #[test]
    fn it_ends_when_nobody_takes_its_replies() {
        let script: Script = include_str!("../tests/no_reader.script").parse().unwrap();
        let replay = script::replay_with(&script, |_, _| Store::new()).unwrap();
        assert!(replay.reason(1).is_some());
    }
}
