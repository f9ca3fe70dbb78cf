//! The command as a process.

use std::fmt::Display;
use std::process::ExitStatus;

use drywire_conformance::certificates::Certificates;
use drywire_conformance::peer::Process;

/// The names of the runtimes.
pub(crate) const RUNTIMES: [&str; 2] = ["std", "smol"];

/// `drywire serve` for HTTP, plain and within TLS, each on a port that the system chose.
#[derive(Debug)]
pub(crate) struct Served {
    process: Process,
    /// `http://127.0.0.1:…`
    pub(crate) http: String,
    /// `https://localhost:…`, the name that the certificate is for.
    pub(crate) https: String,
}

impl Served {
    pub(crate) fn start(runtime: &str, certificates: &Certificates, options: &[&str]) -> Self {
        let (certificate, key) = (certificates.file("server"), certificates.file("server-key"));
        let fixed = ["serve", "--runtime", runtime, "--cert", &certificate, "--key", &key];
        let listen = ["--listen", "http://127.0.0.1:0", "--listen", "https://127.0.0.1:0"];
        let arguments = fixed.iter().chain(&listen).chain(options);
        let mut process = Process::start(env!("CARGO_BIN_EXE_drywire"), arguments);
        let http = process.expect("listening http://");
        let https = process.expect("listening https://").replace("127.0.0.1", "localhost");
        let [http, https] = [("http", http), ("https", https)]
            .map(|(scheme, place)| format!("{scheme}://{}", place.trim_end_matches('/')));
        Self { process, http, https }
    }

    /// Both, with the path and query `target`.
    pub(crate) fn urls(&self, target: &str) -> [String; 2] {
        [&self.http, &self.https].map(|base| format!("{base}{target}"))
    }

    /// Ends it in order; nothing may be left that is not drained.
    pub(crate) fn end(mut self) {
        self.process.terminate();
        let status = self.process.wait();
        assert!(status.success(), "{status}: {}", self.process);
    }
}

/// `drywire get` with these arguments, to its end: how it ended and what it printed.
pub(crate) fn get(arguments: &[&str]) -> (ExitStatus, String) {
    let arguments = ["get"].iter().chain(arguments);
    Process::start(env!("CARGO_BIN_EXE_drywire"), arguments).finish()
}

/// `drywire get` with these arguments, which must succeed; what came on standard output.
pub(crate) fn got(arguments: &[&str]) -> Vec<u8> {
    let arguments = ["get"].iter().chain(arguments);
    Process::start(env!("CARGO_BIN_EXE_drywire"), arguments).succeed()
}

/// Bytes of which no two neighbouring stretches are equal.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0_u32..).flat_map(|word| word.wrapping_mul(2_654_435_761).to_le_bytes()).take(len).collect()
}

/// `text` contains `part`, or the test ends showing both.
#[track_caller]
pub(crate) fn assert_contains(text: &str, part: impl Display) {
    let part = part.to_string();
    assert!(text.contains(&part), "no {part:?} in {text}");
}
