//! wrk, a load generator, against `drywire serve`.

use drywire_conformance::certificates::Certificates;
use drywire_conformance::peer::Process;

use crate::command::{RUNTIMES, Served, assert_contains};

#[test]
fn a_load_is_answered_without_an_error() {
    let certificates = Certificates::new();
    for runtime in RUNTIMES {
        let served = Served::start(runtime, &certificates, &[]);
        for url in served.urls("/load") {
            let wrk = Process::start("wrk", ["-t1", "-c32", "-d2s", &url]);
            let (status, text) = wrk.finish();
            assert!(status.success(), "{text}");
            assert_contains(&text, "Requests/sec:");
            assert!(!text.contains("Socket errors"), "{url}: {text}");
            assert!(!text.contains("Non-2xx"), "{url}: {text}");
            println!(
                "{runtime} {url}: {}",
                text.lines().find(|line| line.starts_with("Requests/sec")).unwrap()
            );
        }
        served.end();
    }
}
