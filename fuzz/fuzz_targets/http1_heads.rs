//! Every head that is taken is taken by httparse alone, with the same parts.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| drywire::testkit::fuzz::http1_heads(data));
