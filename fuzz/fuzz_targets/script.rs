//! Any text is a script that prints itself canonically, or is refused with a line of it.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| drywire::testkit::fuzz::script(data));
