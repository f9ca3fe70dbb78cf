//! Any order of calls on a datagram endpoint, and on requests over datagrams, keeps their laws.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| drywire::testkit::fuzz::datagram(data));
