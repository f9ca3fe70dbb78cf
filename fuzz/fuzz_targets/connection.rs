//! Any call in any order is legal, and the promises of a connection hold after each.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| drywire::testkit::fuzz::connection(data));
