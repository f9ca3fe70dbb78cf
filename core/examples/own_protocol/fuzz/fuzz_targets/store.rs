//! The server keeps all laws.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    drywire::testkit::fuzz::protocol(own_protocol::Store::new, data);
});
