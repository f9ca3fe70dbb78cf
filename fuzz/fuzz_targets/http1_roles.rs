//! What one role of HTTP/1.1 sends the other reads back, whatever it is.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| drywire::testkit::fuzz::http1_roles(data));
