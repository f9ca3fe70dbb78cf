//! `drywire ping` by udp, tcp and tls. By icmp it needs privileges: see `tests/privileged.rs`.

use std::fs::File;
use std::io::Read;
use std::net::UdpSocket;
use std::thread;
use std::time::Instant;

use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};

use crate::process::{Finished, Folder, Lines, PATIENCE, Process, Server, drywire, run};

const RUNTIMES: [&str; 2] = ["std", "smol"];

/// Where a UDP echo is that answers those of the first datagrams whose place in `answers` is true,
/// and all after them.
fn udp_echo(answers: &'static [bool]) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let place = socket.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let mut bytes = [0; 65_536];
        let mut answers = answers.iter();
        while let Ok((len, from)) = socket.recv_from(&mut bytes) {
            if answers.next() != Some(&false) {
                socket.send_to(&bytes[..len], from).unwrap();
            }
        }
    });
    place
}

/// Pings `target` a few times, quickly.
fn ping(options: &[&str], target: &str) -> Finished {
    run(["ping", "-c", "3", "-i", "0.01"].iter().chain(options).chain([&target]), "")
}

#[track_caller]
fn seconds(value: &Value) -> f64 {
    let seconds = value.as_f64().unwrap();
    assert!((0.0..60.0).contains(&seconds), "{value}");
    seconds
}

#[test]
fn every_reply_is_a_line_and_the_summary_is_like_that_of_ping() {
    for runtime in RUNTIMES {
        let place = udp_echo(&[]);
        let finished = ping(&["--via", "udp", "--runtime", runtime, "--size", "16"], &place);
        finished.assert(0, "");
        let lines: Vec<_> = finished.text().lines().collect();
        let [begin, replies @ .., title, counts, times] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!(*begin, format!("pinging {place} (udp://{place}) by udp, 16 bytes"));
        assert_eq!(replies.len(), 3);
        for (number, reply) in replies.iter().enumerate() {
            let start = format!("udp://{place}: seq={number} time=");
            assert!(reply.starts_with(&start) && reply.ends_with(" ms"), "{reply}");
        }
        assert_eq!(*title, format!("--- {place} (udp://{place}) ping statistics ---"));
        assert_eq!(*counts, "3 sent, 3 received, 0% lost");
        assert!(times.starts_with("round trip min/mean/p50/p99/max/sd = "), "{times}");
    }
}

#[test]
fn what_does_not_come_back_is_told_and_any_reply_is_success() {
    for runtime in RUNTIMES {
        let place = format!("udp://{}", udp_echo(&[false, true, false]));
        let options = ["-W", "1", "-w", "none", "-s", "56", "--runtime", runtime];
        let finished = ping(&options, &place);
        finished.assert(0, "");
        assert!(finished.text().contains(&format!("{place}: seq=0 timed out\n")), "{finished:?}");
        assert!(finished.text().contains(&format!("{place}: seq=1 time=")), "{finished:?}");
        let counts = "\n3 sent, 1 received, 66.667% lost, 2 timed out\n";
        assert!(finished.text().contains(counts), "{finished:?}");

        let silent = udp_echo(&[false, false, false]);
        let options = [&options[..], &["--via", "udp"]].concat();
        let finished = ping(&options, &silent);
        finished.assert(1, "");
        assert!(finished.text().ends_with("\n3 sent, 0 received, 100% lost, 3 timed out\n"));
        assert_eq!(finished.stderr, "");
    }
}

#[test]
fn a_router_is_named_that_says_why() {
    // Connected elsewhere, it keeps the port from others and takes nothing from us.
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect("127.0.0.1:9").unwrap();
    let target = format!("udp://{}", socket.local_addr().unwrap());
    for runtime in RUNTIMES {
        let finished = ping(&["--runtime", runtime], &target);
        finished.assert(1, "");
        // For people once.
        let lines = format!(
            "{target}: seq=0 127.0.0.1: destination port unreachable\n\
             {target}: seq=1 failed as before\n{target}: seq=2 failed as before\n"
        );
        assert!(finished.text().contains(&lines), "{finished:?}");
        assert!(finished.text().ends_with("\n3 sent, 0 received, 100% lost, 3 failed\n"));

        let finished = ping(&["--runtime", runtime, "--json"], &target);
        let failed: Vec<_> =
            finished.records().into_iter().filter(|record| record["event"] == "failed").collect();
        assert_eq!(failed.len(), 3);
        assert_eq!(
            failed[1],
            json!({
                "event": "failed",
                "target": target,
                "address": target,
                "number": 1,
                "reason": "127.0.0.1: destination port unreachable",
                "from": "127.0.0.1",
                "cause": "unreachable",
            })
        );
    }
}

#[test]
fn connections_are_measured_by_stages() {
    let folder = Folder::new();
    let ca = folder.file("dev.pem");
    let server = Server::start(&["tcp://127.0.0.1:0", "tls://127.0.0.1:0"], ["--dev-cert", &ca]);
    // It is written before the server listens, and told after.
    server.stderr.find("--ca");
    for runtime in RUNTIMES {
        for (address, is_tls) in server.addresses.iter().zip([false, true]) {
            for size in ["0", "1", "56", "100000"] {
                let tls: &[&str] = if is_tls { &["--ca", &ca] } else { &[] };
                let options = ["--json", "--runtime", runtime, "--size", size];
                let finished = ping(&[&options[..], tls].concat(), address);
                finished.assert(0, "");
                let records = finished.records();
                let [begin, replies @ .., statistics] = &records[..] else { panic!("{records:?}") };
                let via = if is_tls { "tls" } else { "tcp" };
                assert_eq!((&begin["event"], &begin["via"]), (&json!("ping"), &json!(via)));
                assert_eq!(replies.len(), 3, "{finished:?}");
                for reply in replies {
                    assert_eq!(reply["event"], "reply");
                    let mut laps = seconds(&reply["connect"]);
                    if is_tls {
                        laps += seconds(&reply["handshake"]);
                    } else {
                        assert_eq!(reply["handshake"], Value::Null);
                    }
                    if size == "0" {
                        assert_eq!(reply["echo"], Value::Null);
                    } else {
                        laps += seconds(&reply["echo"]);
                    }
                    assert!(laps <= seconds(&reply["round_trip"]) + 1e-6, "{reply}");
                }
                assert_eq!((&statistics["sent"], &statistics["loss"]), (&json!(3), &json!(0.0)));
                assert!(seconds(&statistics["connect"]["p50"]) > 0.0);
                assert_eq!(statistics["handshake"].is_null(), !is_tls);
            }
        }
    }
    let finished = ping(&[], &server.addresses[1]);
    finished.assert(1, "");
    let hint = "not issued by a trusted authority";
    assert!(finished.text().contains(hint) && finished.text().contains("; --ca FILE trusts"));
    ping(&["--insecure"], &server.addresses[1]).assert(0, "servers are not verified");
    // By name, as the certificate has it.
    let port = server.addresses[1].rsplit_once(':').unwrap().1;
    ping(&["-4", "--via", "tls", "--ca", &ca], &format!("localhost:{port}")).assert(0, "");
}

#[test]
fn several_targets_are_pinged_at_once() {
    let places = [udp_echo(&[]), udp_echo(&[])].map(|place| format!("udp://{place}"));
    let [one, other] = &places;
    // The one that cannot be found keeps nobody else from being asked.
    let nowhere = "udp://[fe80::1%nosuchif]:7";
    let finished = ping(&["--json", one, nowhere], other);
    finished.assert(0, "cannot resolve udp://[fe80::1%nosuchif]:7");
    let records = finished.records();
    for place in &places {
        let of = |event: &str| {
            let is_of = |record: &&Value| record["event"] == event && record["target"] == **place;
            records.iter().filter(is_of).count()
        };
        assert_eq!((of("ping"), of("reply"), of("statistics")), (1, 3, 1), "{records:?}");
    }
    ping(&["--json", nowhere], nowhere).assert(3, "cannot resolve");
}

#[test]
fn a_signal_or_the_deadline_ends_it_with_a_summary() {
    let place = udp_echo(&[]);
    for runtime in RUNTIMES {
        let arguments =
            ["ping", "--via", "udp", "--interval", "3600", "--runtime", runtime, &place];
        for signal in [Signal::INT, Signal::TERM] {
            let mut process = Process::start(&mut drywire(arguments));
            let stdout = Lines::of(process.stdout.take().unwrap());
            stdout.find("seq=0 time=");
            process.signal(signal);
            assert_eq!(stdout.find("sent"), "1 sent, 1 received, 0% lost");
            process.finish().assert(0, "");
        }
        let begin = Instant::now();
        let finished = run(arguments.iter().chain(&["--deadline", "0.3"]), "");
        finished.assert(0, "");
        assert!(finished.text().contains("\n1 sent, 1 received, 0% lost\n"));
        assert!(begin.elapsed() < PATIENCE);
    }
}

/// Standard error of a ping when that is a terminal, and standard output, which is none.
fn on_terminal(options: &[&str], term: &str) -> (String, String) {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let name = ptsname(&controller, Vec::new()).unwrap();
    let terminal = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let target = format!("udp://{}", udp_echo(&[]));
    let mut command = drywire(["ping", "--count", "9", "--interval", "0.03"]);
    command.args(options).arg(target).env("TERM", term);
    let command = command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped());
    let reading = thread::spawn(move || {
        let mut text = Vec::new();
        let _ = File::from(controller).read_to_end(&mut text);
        String::from_utf8(text).unwrap()
    });
    let process = Process::spawn(command.stderr(terminal));
    // The command holds the terminal too.
    command.stderr(std::process::Stdio::null());
    let finished = process.finish();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    (reading.join().unwrap(), finished.text().to_owned())
}

#[test]
fn a_terminal_shows_figures_and_a_plot() {
    let is_braille = |letter: char| ('\u{2801}'..='\u{28ff}').contains(&letter);
    let (screen, output) = on_terminal(&[], "xterm");
    assert!(screen.contains("9 of 9, 0% lost, min/p50/max "), "{screen}");
    assert!(screen.contains(is_braille) && screen.contains("\x1b["), "{screen}");
    // Standard output is data, and the same as without a terminal.
    assert!(output.contains("seq=8 time=") && output.contains("9 sent, 9 received"), "{output}");
    assert!(!output.contains(is_braille) && !output.contains('\x1b'), "{output}");

    let (screen, _) = on_terminal(&["--no-plot"], "xterm");
    assert!(screen.contains("9 of 9") && !screen.contains(is_braille), "{screen}");
    for (options, term) in [(&[][..], "dumb"), (&["--json"], "xterm")] {
        let (screen, output) = on_terminal(options, term);
        assert_eq!(screen, "");
        assert!(output.lines().count() > 9);
    }
}

#[test]
fn usage_is_2() {
    for (arguments, sentence) in [
        (&["ping"][..], "TARGET"),
        (&["ping", "--via", "tcp", "localhost"], "by tcp: expected a port (HOST:PORT)"),
        (&["ping", "127.0.0.1:80"], "which has no ports: --via tcp, or tcp://127.0.0.1:80\n"),
        (&["ping", "http://localhost"], "udp, tcp and tls addresses can be pinged only"),
        (&["ping", "--via", "udp", "--size", "15", "h:7"], "by udp it is from 16 to 65507"),
        (&["ping", "--size", "65508", "h"], "--size 65508: by icmp it is from 0 to 65507"),
        (&["ping", "--size", "1048577", "tcp://h:7"], "by tcp it is from 0 to 1048576"),
        (&["ping", "--interval", "0", "h"], "must be more than 0"),
        (&["ping", "--ttl", "0", "h"], "'--ttl <N>': must be at least 1\n"),
        (&["ping", "--ttl", "256", "h"], "'--ttl <N>': too large\n"),
        (&["ping", "--count", "0", "h"], "must be at least 1\n"),
        (&["ping", "--size", "1.5", "h"], "expected a whole number\n"),
        (&["ping", "--ttl", "3", "tcp://h:7"], "--ttl is for icmp and udp, and no target"),
        (&["ping", "-4", "-6", "h"], "cannot be used with"),
        (&["ping", "--ca", "x", "tcp://h:7"], "--ca is for TLS, and no target is pinged by tls"),
        (&["ping", "--ca", "/does/not/exist", "tls://h:7"], "cannot read the authorities"),
    ] {
        run(arguments, "").assert(2, sentence);
    }
    run(["ping", "--json", "--size", "9", "udp://h:7"], "").assert(2, "\"exit\":2");
}

#[test]
fn the_family_can_be_chosen() {
    run(["ping", "-6", "udp://127.0.0.1:7"], "")
        .assert(3, "cannot resolve udp://127.0.0.1:7: no IPv6 address");
    run(["ping", "-4", "udp://[::1]:7"], "").assert(3, "no IPv4 address");
}
