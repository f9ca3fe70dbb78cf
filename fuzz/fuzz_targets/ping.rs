//! Any calls on a ping, in any order, settle each request once and leave every deadline ahead.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| drywire::testkit::fuzz::ping(data));
