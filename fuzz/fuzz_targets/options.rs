//! Any command line is parsed or refused with a message, never a panic, and twice the same.
#![no_main]
#![allow(dead_code, unused_imports, reason = "the command uses the rest")]

#[path = "../../cli/src/args/mod.rs"]
mod args;

use clap::Parser;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let words = || String::from_utf8_lossy(data).split('\0').map(str::to_owned).collect::<Vec<_>>();
    let parse = || args::Arguments::try_parse_from(words()).map(|parsed| format!("{parsed:?}"));
    let outcome = || parse().map_err(|error| error.to_string());
    assert_eq!(outcome(), outcome());
});
