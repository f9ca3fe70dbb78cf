//! The framing keeps all laws.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    drywire::testkit::fuzz::framing(&own_protocol::Resp::new(100), data);
});
