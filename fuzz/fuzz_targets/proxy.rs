//! Any bytes are the PROXY header that the naive model sees, however they are cut.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| drywire::testkit::fuzz::proxy(data));
