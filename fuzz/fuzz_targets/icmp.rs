//! Any bytes are an ICMP packet that says the same when written again, or are refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| drywire::testkit::fuzz::icmp(data));
