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
    use drywire::testkit::check::{self, Check};
    use drywire::testkit::{Pair, Talker, Then};

    use super::*;

    fn requests() -> Vec<OwnedValue> {
        let requests = ["SET name drywire", "GET name", "GET other", "DEL name"];
        requests.map(|request| OwnedValue::Bulk(request.into())).to_vec()
    }

    #[test]
    fn the_framing_keeps_all_laws() {
        check::framing(Resp::new(100));
    }

    #[test]
    fn the_server_keeps_all_laws() {
        Check::protocol(Store::new).examples(requests()).run();
    }

    #[test]
    fn client_and_server_keep_all_laws() {
        check::pair(|| Talker::new(Resp::new(100), requests(), Then::Finish), Store::new);
    }

    #[test]
    fn requests_are_answered() {
        let client = Talker::new(Resp::new(100), requests(), Then::Finish);
        let mut pair = Pair::plain(client, Store::new());
        pair.run();
        let replies: Vec<_> = pair.left.trace().shown().cloned().collect();
        let expected = [
            OwnedValue::Simple(b"OK".to_vec()),
            OwnedValue::Bulk(b"drywire".to_vec()),
            OwnedValue::Error(b"no such key".to_vec()),
            OwnedValue::Error(b"unknown request".to_vec()),
        ];
        assert_eq!(replies, expected);
    }
}
