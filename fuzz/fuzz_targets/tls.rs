//! As `connection`, on both sides of TLS sessions, with records damaged, forged and withheld.
#![no_main]

#[path = "../../core/tests/support/mod.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    drywire::testkit::fuzz::tls(data, |is_new| support::sessions(support::Version::of(is_new)));
});
