//! Every framing keeps every law, and does as its naive model does.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| drywire::testkit::fuzz::in_box(data));
