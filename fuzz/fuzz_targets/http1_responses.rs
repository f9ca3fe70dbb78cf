//! A client reads any bytes as the naive model does, and keeps every law.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| drywire::testkit::fuzz::http1_responses(data));
