//! Any call in any order and state is legal.
#![cfg(all(feature = "testkit", feature = "tls"))]

mod support;

use drywire::testkit::fuzz;
use proptest::prelude::*;
use support::Version;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn plain(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz::connection(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn tls(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz::tls(&bytes, |is_new| support::sessions(Version::of(is_new)));
    }
}
