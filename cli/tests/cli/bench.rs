//! `drywire bench`. How latencies are measured is tested in virtual time, with the core.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::process::{Finished, Folder, Lines, PATIENCE, Process, Server, drywire, run};

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

/// What a peer of these tests does with a connection.
type Talk = fn(&mut TcpStream) -> io::Result<()>;

/// A server that does this with every connection, in threads of its own.
fn peer(talk: Talk) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || talk(&mut stream.unwrap()));
        }
    });
    address
}

/// Sends back what comes, `len` bytes at a time, until `change` has something against it.
fn echo(
    stream: &mut TcpStream,
    len: usize,
    mut change: impl FnMut(&mut [u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut bytes = vec![0; len];
    loop {
        stream.read_exact(&mut bytes)?;
        change(&mut bytes)?;
        stream.write_all(&bytes)?;
    }
}

/// Reads a request and goes away.
fn rude() -> String {
    peer(|stream| stream.read(&mut [0; 64]).map(drop))
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
    let told = "asked for 1000000000 a second, reached ";
    assert!(finished.text().contains(told), "{finished:?}");
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

/// Runs `drywire` with so many descriptors, of which some are open already: this process decides how many.
fn run_with_descriptors(soft: u32, hard: u32, arguments: &[&str]) -> Finished {
    let script = format!("ulimit -Sn {soft} && ulimit -Hn {hard} && exec \"$0\" \"$@\"");
    let command = drywire(arguments);
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).arg(command.get_program()).args(arguments);
    Process::start(&mut shell).finish()
}

#[test]
fn connections_beyond_the_limit_of_descriptors_are_refused_before_any_is_made() {
    let (soft, hard) = (64, 256);
    let server = serve("raw");
    let bench = |connections: u32| {
        let connections = connections.to_string();
        let arguments =
            ["bench", "--warm-up", "0", "-n", "300", "-c", &connections, server.address()];
        run_with_descriptors(soft, hard, &arguments)
    };
    let refused = bench(hard);
    refused.assert(2, "drywire: --connections 256: this process may have 256 descriptors open");
    let (_, room) = refused
        .stderr
        .trim_end()
        .split_once(" (`ulimit -Hn N` raises that, as root), enough for ")
        .unwrap_or_else(|| panic!("{}", refused.stderr));
    let room: u32 = room.parse().unwrap();
    // The soft limit is raised, and the descriptors that are open count.
    assert!((soft..hard - 3).contains(&room), "{room}");
    bench(room + 1)
        .assert(2, &format!("open (`ulimit -Hn N` raises that, as root), enough for {room}"));
    bench(room).assert(0, "");
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
fn the_first_byte_that_is_wrong_is_shown() {
    let spoiled = peer(|stream| {
        let mut count = 0;
        echo(stream, 64, |bytes| {
            count += 1;
            bytes[20] = if count == 6 { b'~' } else { bytes[20] };
            Ok(())
        })
    });
    let options = ["-c", "1", "-n", "10", "-s", "64"];
    let finished = bench(&options, &spoiled);
    let sentence = "byte 20 of answer 5 on connection 1 is 0x7e, expected 0x64";
    finished.assert(6, &format!("drywire: {spoiled}: what came back is no echo: {sentence}\n"));
    let shown = finished.text().split_once(sentence).unwrap().1;
    let expected = "
  expected 61 61 61 62 6e 66 6b 69 [64] 62 62 66 63 6c 6a 67
  found    61 61 61 62 6e 66 6b 69 [7e] 62 62 66 63 6c 6a 67
";
    assert_eq!(shown, expected);
    let finished = bench(&[&options[..], &["--json"]].concat(), &spoiled);
    assert_eq!(finished.code, Some(6));
    let report = &finished.records()[0];
    assert_eq!(report["errors"]["mismatched"], 1);
    let mismatch = &report["mismatch"];
    assert_eq!((&mismatch["connection"], &mismatch["answer"]), (&json!(1), &json!(5)));
    assert_eq!(
        (&mismatch["offset"], &mismatch["before"]),
        (&json!(20), &json!("616161626e666b69"))
    );
    assert_eq!(mismatch["expected"], "64626266636c6a67");
    assert_eq!(mismatch["found"], "7e626266636c6a67");
}

/// The peer stalls once, for 200 ms, of a run of half a second.
#[test]
fn a_stall_shows_in_the_tail_of_an_open_loop() {
    let stalling = peer(|stream| {
        let (_nobody, stall) = channel::<()>();
        let mut count = 0;
        echo(stream, 64, |_| {
            count += 1;
            if count == 100 {
                let _ = stall.recv_timeout(Duration::from_millis(200));
            }
            Ok(())
        })
    });
    let options = ["-c", "1", "-n", "500", "--rate", "1000", "--json"];
    let report = report(&bench(&options, &stalling));
    let latency = |name: &str| report["latency"][name].as_f64().unwrap();
    // Some 200 of the 500 were due meanwhile, evenly by up to 200 ms late.
    assert!(latency("max") >= 0.2 && latency("p90") > 0.08, "{report}");
    // One request alone tells of it if those that it kept from being sent are not counted.
    assert!(report["uncorrected"]["p99"].as_f64().unwrap() < latency("p90"), "{report}");
}

/// Starts a load without an end on `address`, and lets it run until `has_begun` says so.
fn begin(options: &[&str], address: &str) -> Process {
    let endless = ["bench", "-c", "1", "--duration", "none", "--warm-up", "0"];
    Process::start(&mut drywire(endless.iter().chain(options).chain([&address])))
}

#[test]
fn an_interrupt_ends_asking_and_what_was_measured_is_told() {
    // Tells of the thousandth request.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    let (sender, thousand) = channel();
    let server = thread::spawn(move || {
        for _ in 0..2 {
            let mut count = 0;
            let _ = echo(&mut listener.accept().unwrap().0, 64, |_| {
                count += 1;
                if count == 1000 { sender.send(()).map_err(io::Error::other) } else { Ok(()) }
            });
        }
    });
    for signal in [Signal::INT, Signal::TERM] {
        let load = begin(&["--json"], &address);
        thousand.recv_timeout(PATIENCE).unwrap();
        load.signal(signal);
        let finished = load.finish();
        finished.assert(0, "");
        let report = &finished.records()[0];
        assert!(report["requests"].as_u64() >= Some(999), "{report}");
        assert_eq!((&report["errors"], &report["options"]["duration"]), (&json!({}), &Value::Null));
    }
    server.join().unwrap();
}

#[test]
fn an_interrupt_waits_for_no_handshake_and_for_answers_no_longer_than_is_said() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap();
    for (scheme, options, told) in [
        ("tls", &["--insecure", "--timeout", "none"][..], "no errors"),
        ("tcp", &["--timeout", "0.1"], "errors: 1 unanswered"),
    ] {
        let load = begin(options, &format!("{scheme}://{place}"));
        let (mut stream, _) = listener.accept().unwrap();
        // It has begun to say something.
        stream.read_exact(&mut [0]).unwrap();
        load.signal(Signal::INT);
        let finished = load.finish();
        // Nothing was answered.
        assert_eq!(finished.code, Some(1), "{finished:?}");
        assert!(finished.text().ends_with(&format!("{told}\n")), "{finished:?}");
    }
}

/// Whether a member of a report is what it should be.
type IsRight = fn(&Value) -> bool;

/// These and no others are the members of `value`.
#[track_caller]
fn assert_kinds(value: &Value, kinds: &[(&str, IsRight)]) {
    let names: BTreeSet<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, kinds.iter().map(|(name, _)| *name).collect(), "{value}");
    for (name, is_right) in kinds {
        assert!(is_right(&value[*name]), "{name}: {}", value[*name]);
    }
}

#[test]
fn every_member_of_a_report_is_of_its_kind_and_documented() {
    const FIGURES: [&str; 8] =
        ["min", "mean", "p50", "p90", "p99", "p99.9", "max", "standard_deviation"];
    let figures = |value: &Value, names: &[&str]| {
        let object = value.as_object().unwrap();
        object.len() == names.len() && names.iter().all(|name| value[*name].is_f64())
    };
    let server = serve("raw");
    let options = ["-d", "0.4", "--rate", "1000", "--timeout", "none", "--json"];
    // A machine with other work may keep one from being sent, which is told as well.
    let with_rate = bench(&options, server.address()).records().remove(0);
    let without = report(&bench(&["-n", "10", "--json"], server.address()));
    let refused = bench(&["-c", "1", "-d", "0.2", "--json"], &rude());
    let unanswered = &refused.records()[0];
    for report in [&with_rate, &without, unanswered] {
        assert_kinds(
            report,
            &[
                ("event", |value| value == "bench"),
                ("version", |value| value == 1),
                ("address", |value| value.as_str().is_some_and(|text| text.starts_with("tcp://"))),
                ("options", Value::is_object),
                ("requests", Value::is_u64),
                ("bytes", Value::is_u64),
                ("seconds", Value::is_f64),
                ("requests_per_second", Value::is_f64),
                ("bytes_per_second", Value::is_f64),
                ("latency", Value::is_object),
                ("uncorrected", |value| value.is_object() || value.is_null()),
                ("rate_missed", Value::is_boolean),
                ("errors", Value::is_object),
                ("mismatch", Value::is_null),
                ("slices", Value::is_array),
            ],
        );
        assert_kinds(
            &report["options"],
            &[
                ("connections", Value::is_u64),
                ("in_flight", Value::is_u64),
                ("size", Value::is_u64),
                ("framing", Value::is_string),
                ("rate", |value| value.is_u64() || value.is_null()),
                ("connect", Value::is_boolean),
                ("resume", Value::is_boolean),
                ("warm_up", Value::is_f64),
                ("duration", |value| value.is_f64() || value.is_null()),
                ("count", |value| value.is_u64() || value.is_null()),
                ("timeout", |value| value.is_f64() || value.is_null()),
            ],
        );
        assert!(figures(&report["latency"], &FIGURES), "{report}");
    }
    assert!(figures(&with_rate["uncorrected"], &FIGURES), "{with_rate}");
    let options = &with_rate["options"];
    assert_eq!((&options["rate"], &options["count"]), (&json!(1000), &Value::Null));
    assert_eq!((&options["duration"], &options["timeout"]), (&json!(0.4), &Value::Null));
    let options = &without["options"];
    assert_eq!((&options["rate"], &options["count"]), (&Value::Null, &json!(10)));
    assert_eq!((&options["duration"], &options["timeout"]), (&Value::Null, &json!(5.0)));
    assert_eq!(without["uncorrected"], Value::Null);
    assert!(unanswered["errors"]["unanswered"].is_u64(), "{unanswered}");
    let slices = with_rate["slices"].as_array().unwrap();
    assert!((1..=4).contains(&slices.len()), "{with_rate}");
    let names = ["requests_per_second", "p50", "p90", "p99", "p99.9"];
    assert!(slices.iter().all(|slice| figures(slice, &names)), "{with_rate}");

    let help = run(["bench", "--help"], "");
    let notes = help.text().split_once("With --json").unwrap().1;
    let mut members: Vec<&String> = with_rate.as_object().unwrap().keys().collect();
    members.extend(with_rate["options"].as_object().unwrap().keys());
    for name in members.into_iter().map(String::as_str).chain(FIGURES) {
        assert!(notes.contains(name), "{name}");
    }
}

#[test]
fn options_that_would_mean_nothing_are_refused() {
    let address = "tcp://127.0.0.1:7";
    for (arguments, sentence) in [
        (&["--warm-up", "none", address][..], "must have an end, as 10 or 0.5; 0 is none"),
        (&["--connect", "-p", "2", address], "'--connect' cannot be used with '--in-flight <N>'"),
        (&["--resume", "--insecure", "tls://127.0.0.1:7"], "--connect"),
        (&["--rate", "0", address], "must be at least 1"),
        (
            &["-s", "1048577", address],
            "--size 1048577: a frame has 1048576 bytes at most; --max-frame",
        ),
        (
            &["-s", "1073741825", "--max-frame", "2000000000", address],
            "--size 1073741825: a request has 1073741824 bytes at most",
        ),
        (&["-c", "0", address], "must be at least 1"),
        (&["-d", "0", address], "must be more than 0"),
        (&["--compare", "a", "b", address], "cannot be used with"),
        (&["--compare", "a", "b", "-c", "9"], "cannot be used with '--connections <N>'"),
        (&["--compare", "a", "b", "--rate", "9"], "cannot be used with '--rate <N>'"),
        (&["--compare", "a", "b", "--framing", "raw"], "cannot be used with '--framing <NAME>'"),
        (&["--compare", "a", "b", "--insecure"], "cannot be used with '--insecure'"),
        (&["--compare", "a"], "--compare"),
        (&[], "<ADDRESS>"),
        (&["udp://127.0.0.1:7"], "on tcp, tls, unix and tls+unix addresses only"),
        (&["http://127.0.0.1:7"], "on tcp, tls, unix and tls+unix addresses only"),
        (&["unixgram:/x"], "on tcp, tls, unix and tls+unix addresses only"),
    ] {
        run(["bench"].iter().chain(arguments), "").assert(2, sentence);
    }
}

#[test]
fn unix_sockets_and_tls_carry_loads_too() {
    let folder = Folder::new();
    let unix = ["unix", "tls+unix"].map(|scheme| format!("{scheme}:{}", folder.file(scheme)));
    let ca = folder.file("dev.pem");
    let listen = [&unix[0], &unix[1], "tls://127.0.0.1:0"];
    let server = Server::start(&listen, ["--dev-cert", &ca]);
    for (address, tls) in server.addresses.iter().zip([
        &[][..],
        &["--ca", &ca, "--server-name", "localhost"],
        &["--ca", &ca],
    ]) {
        let options = [&["-c", "3", "-n", "30"], tls].concat();
        bench(&options, address).assert(0, "");
    }
    // Nobody believes a certificate unasked.
    bench(&[], &server.addresses[2]).assert(5, "--ca FILE trusts an authority");
}

#[test]
fn reports_are_compared() {
    let (folder, server) = (Folder::new(), serve("raw"));
    let [a, b] = ["a.json", "b.json"].map(|name| {
        let finished = bench(&["-d", "1", "--json"], server.address());
        folder.write(name, finished.text())
    });
    let finished = run(["bench", "--compare", &a, &b], "");
    finished.assert(0, "");
    let lines: Vec<_> = finished.text().lines().collect();
    let head = lines[0].trim_start();
    assert!(head.starts_with("a.json") && head.ends_with("ratio"), "{lines:?}");
    assert!(lines[1].starts_with("requests per second") && lines.len() == 6, "{lines:?}");
    let finished = run(["bench", "--compare", &a, &a, "--json"], "");
    let value = &finished.records()[0];
    let count = value["figures"].as_array().unwrap().len();
    assert_eq!((&value["event"], count), (&json!("comparison"), 5));
    assert_eq!(value["figures"][0]["beyond_noise"], false);
    assert_eq!(value["figures"][0]["direction"], Value::Null);
    assert_eq!((&value["figures"][0]["ratio"], &value["differences"]), (&json!(1.0), &json!([])));
    run(["bench", "--compare", &a, "/dev/null"], "").assert(2, "has no report");
}

#[test]
fn runs_that_differ_are_compared_by_name() {
    let (folder, server) = (Folder::new(), serve("raw"));
    let run_with = |name: &str, options: &[&str]| {
        let finished = bench(&[options, &["--json"]].concat(), server.address());
        folder.write(name, finished.text())
    };
    let a = run_with("a", &["-n", "10", "-c", "1"]);
    let b = run_with("b", &["-n", "10", "-c", "2", "--rate", "1000"]);
    let finished = run(["bench", "--compare", &a, &b], "");
    finished.assert(0, "");
    let last = finished.text().lines().last().unwrap();
    assert_eq!(last, "not the same load: connections 1 and 2, rate none and 1000");
    assert_eq!(finished.text().matches("too few slices to tell").count(), 5, "{finished:?}");
    let finished = run(["bench", "--compare", &a, &b, "--json"], "");
    let value = &finished.records()[0];
    let expected = json!([
        { "name": "connections", "a": 1, "b": 2 },
        { "name": "rate", "a": null, "b": 1000 },
    ]);
    assert_eq!(value["differences"], expected);
    assert_kinds(
        &value["figures"][1],
        &[
            ("name", |value| value == "p50"),
            ("a", Value::is_f64),
            ("b", Value::is_f64),
            ("ratio", Value::is_f64),
            ("beyond_noise", Value::is_null),
            ("direction", Value::is_null),
        ],
    );
}
