//! Any text is an address that prints itself canonically, or is refused with a place in it.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| drywire::testkit::fuzz::address(data));
