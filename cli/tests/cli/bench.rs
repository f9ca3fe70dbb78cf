//! `drywire bench`. How latencies are measured is tested in virtual time, with the core.

use std::net::TcpListener;
use std::process::Command;
use std::thread;

use serde_json::{Value, json};

use crate::process::{Finished, Folder, Lines, Process, Server, drywire, run};

/// An echo over TCP and TLS.
fn serve(framing: &str) -> Server {
    Server::start(&["tcp://127.0.0.1:0", "tls://127.0.0.1:0"], ["--framing", framing])
}

fn bench(options: &[&str], address: &str) -> Finished {
    run(["bench", "--warm-up", "0"].iter().chain(options).chain([&address]), "")
}

#[track_caller]
fn report(finished: &Finished) -> Value {
    finished.assert(0, "");
    let value: Value = serde_json::from_str(finished.text()).unwrap();
    assert_eq!((&value["event"], &value["version"]), (&json!("bench"), &json!(1)));
    value
}

#[test]
fn so_many_requests_are_counted() {
    for framing in ["raw", "lines", "u32be", "fixed:64", "netstring"] {
        let server = serve(framing);
        let options = ["-c", "4", "-p", "3", "-n", "500", "--framing", framing, "--json"];
        let report = report(&bench(&options, server.address()));
        assert_eq!((&report["requests"], &report["bytes"]), (&json!(500), &json!(32_000)));
        assert_eq!((&report["errors"], &report["uncorrected"]), (&json!({}), &Value::Null));
        assert_eq!(report["options"]["framing"], framing);
        let latency = |name: &str| report["latency"][name].as_f64().unwrap();
        let names = ["min", "p50", "p90", "p99", "p99.9", "max"];
        assert!(names.is_sorted_by_key(|name| latency(name)), "{report}");
        assert!(latency("min") > 0.0);
    }
}

#[test]
fn people_get_a_table() {
    let server = serve("raw");
    let finished = bench(&["-n", "100", "--rate", "2000"], server.address());
    finished.assert(0, "");
    let lines: Vec<_> = finished.text().lines().collect();
    let [counts, "", head, latency, uncorrected, "", "no errors"] = &lines[..] else {
        panic!("{lines:?}")
    };
    assert!(counts.trim_start().starts_with("100 requests in "), "{counts}");
    assert!(head.ends_with("p50      p90      p99    p99.9      max     mean"), "{head}");
    for line in [latency, uncorrected] {
        assert_eq!(line.chars().count(), head.chars().count(), "{line}");
    }
}

#[test]
fn a_time_is_kept_with_and_without_connections_of_their_own() {
    let server = serve("raw");
    for options in [&["-d", "0.3"][..], &["-d", "0.3", "--connect"]] {
        let report = report(&bench(&[options, &["--json"]].concat(), server.address()));
        let seconds = report["seconds"].as_f64().unwrap();
        assert!((0.2..5.0).contains(&seconds), "{report}");
        assert!(report["requests"].as_u64().unwrap() > 10, "{report}");
        assert!(!report["slices"].as_array().unwrap().is_empty());
    }
}

#[test]
fn sessions_are_resumed_only_if_that_is_asked_for() {
    let server = serve("raw");
    let options = ["-c", "2", "-n", "20", "--connect", "--insecure", "--json"];
    for resume in [false, true] {
        let options = [&options[..], if resume { &["--resume"] } else { &[] }].concat();
        let finished = bench(&options, &server.addresses[1]);
        assert_eq!(finished.code, Some(0), "{finished:?}");
        let report: Value = serde_json::from_str(finished.text()).unwrap();
        assert_eq!(report["options"]["resume"], resume);
        assert_eq!(report["requests"], 20);
    }
}

/// A server that reads a request and goes away.
fn rude() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = std::io::Read::read(&mut stream.unwrap(), &mut [0; 64]);
        }
    });
    address
}

#[test]
fn who_does_not_answer_is_told_of() {
    let finished = bench(&["-c", "1", "-d", "0.2"], &rude());
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.text().contains("unanswered"), "{finished:?}");
}

#[test]
fn a_rate_that_is_not_kept_is_told_and_what_was_not_sent_counts() {
    let server = serve("raw");
    let options = ["-d", "0.3", "--rate", "1000000000"];
    let finished = bench(&options, server.address());
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.text().contains("of 1000000000 a second"), "{finished:?}");
    assert!(finished.text().contains("a lower bound"), "{finished:?}");
    let finished = bench(&[&options[..], &["--json"]].concat(), server.address());
    let report: Value = serde_json::from_str(finished.text()).unwrap();
    assert_eq!(report["rate_missed"], true);
    assert!(report["requests"].as_u64().unwrap() > 0, "{report}");
    // Nearly all of them were never sent: they have waited for half of the time.
    let median = report["latency"]["p50"].as_f64().unwrap();
    assert!((0.1..0.2).contains(&median), "{report}");
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    bench(&[], &format!("tcp://{nobody}")).assert(4, "connection refused");
    bench(&[], "udp://127.0.0.1:7").assert(2, "a load can be put on");
    bench(&["--insecure"], "tcp://127.0.0.1:7").assert(2, "--insecure is for TLS");
    bench(&["-s", "99999", "--framing", "lines"], "tcp://127.0.0.1:7").assert(2, "--size 99999");
    let server = serve("fixed:64");
    let refused = bench(&["-s", "63", "--framing", "fixed:64"], server.address());
    refused.assert(2, "requests of this --size cannot be framed so");
}

/// Runs `drywire` with so many descriptors, of which some are open already.
fn run_with_descriptors(soft: u32, hard: u32, arguments: &[&str]) -> Finished {
    let script = format!("ulimit -Sn {soft} && ulimit -Hn {hard} && exec \"$0\" \"$@\"");
    let command = drywire(arguments);
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).arg(command.get_program()).args(arguments);
    Process::start(&mut shell).finish()
}

#[test]
fn connections_beyond_the_limit_of_descriptors_are_refused_before_any_is_made() {
    let server = serve("raw");
    let bench = |connections: &str| {
        let arguments =
            ["bench", "--warm-up", "0", "-n", "100", "-c", connections, server.address()];
        run_with_descriptors(32, 100, &arguments)
    };
    let refused = bench("90");
    refused.assert(2, "drywire: --connections 90: this process may have 100 descriptors open");
    assert!(refused.stderr.contains("(`ulimit -Hn N` raises that, as root), enough for 7"));
    // The soft limit is raised.
    bench("60").assert(0, "");
}

#[test]
fn a_server_tells_that_it_may_have_too_few_descriptors() {
    let arguments = ["serve", "--listen", "tcp://127.0.0.1:0", "--max-connections", "1000"];
    let script = "ulimit -n 100 && exec \"$0\" \"$@\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(drywire([""; 0]).get_program()).args(arguments);
    let mut process = Process::start(&mut shell);
    let stderr = Lines::of(process.stderr.take().unwrap());
    let warning = stderr.next();
    assert!(
        warning.starts_with(
            "drywire: --max-connections 1000: this process may have 100 descriptors open"
        ),
        "{warning}"
    );
    assert!(warning.ends_with("; others will wait"), "{warning}");
}

#[test]
fn reports_are_compared() {
    let (folder, server) = (Folder::new(), serve("raw"));
    let [a, b] = ["a.json", "b.json"].map(|name| {
        let finished = bench(&["-d", "0.5", "--json"], server.address());
        folder.write(name, finished.text())
    });
    let finished = run(["bench", "--compare", &a, &b], "");
    finished.assert(0, "");
    let lines: Vec<_> = finished.text().lines().collect();
    assert!(
        lines[0].trim_start().starts_with("a.json") && lines[0].ends_with("ratio"),
        "{lines:?}"
    );
    assert!(lines[1].starts_with("requests per second") && lines.len() == 6, "{lines:?}");
    let finished = run(["bench", "--compare", &a, &a, "--json"], "");
    let value: Value = serde_json::from_str(finished.text()).unwrap();
    assert_eq!(
        (&value["event"], value["figures"].as_array().unwrap().len()),
        (&json!("comparison"), 5)
    );
    assert_eq!(value["figures"][0]["beyond_noise"], false);
    run(["bench", "--compare", &a, "/dev/null"], "").assert(2, "has no report");
}
