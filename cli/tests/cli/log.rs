//! What is logged, and that nothing is unless it is asked for.

use std::net::TcpStream;

use crate::process::{Lines, Process, Server, drywire, run};

const RUNTIMES: [&str; 2] = ["std", "smol"];
const TCP: [&str; 1] = ["tcp://127.0.0.1:0"];

#[test]
fn each_closed_connection_is_a_line() {
    for runtime in RUNTIMES {
        let server = Server::start(&TCP, ["--runtime", runtime, "--log-level", "debug"]);
        run(["send", server.address(), "hello"], "").assert(0, "");
        let line = server.stderr.find("connection closed");
        for part in [
            "DEBUG",
            "peer=\"127.0.0.1:",
            "listener=\"tcp://127.0.0.1:",
            "received=5",
            "transmitted=5",
            "kind=\"finished\"",
            "reason=\"finished by the peer\"",
        ] {
            assert!(line.contains(part), "{part}: {line}");
        }
        server.end().assert(0, "");
    }
}

#[test]
fn lines_can_be_json() {
    for runtime in RUNTIMES {
        // With several, the second may be accepted first.
        let threads = ["--runtime", runtime, "--threads", "1"];
        let limit = [&threads[..], &["--max-connections-per-address", "1"]].concat();
        for server in [
            Server::start(&TCP, ["-vv", "--log-format", "json"].iter().chain(&limit)),
            Server::start_json(&TCP, ["-vv"].iter().chain(&limit)),
        ] {
            let kept = TcpStream::connect(server.place()).unwrap();
            // The second is refused.
            drop(TcpStream::connect(server.place()).unwrap());
            let line = server.stderr.find("connection refused");
            let line: serde_json::Value = serde_json::from_str(&line).unwrap();
            assert_eq!(
                (&line["level"], &line["listener"]),
                (&"DEBUG".into(), &server.address().into())
            );
            assert!(line["peer"].as_str().unwrap().starts_with("127.0.0.1:"), "{line}");
            drop(kept);
            let line = server.stderr.find("connection closed");
            let line: serde_json::Value = serde_json::from_str(&line).unwrap();
            assert_eq!((&line["kind"], &line["received"]), (&"finished".into(), &0.into()));
            server.end().assert(0, "");
        }
    }
}

#[test]
fn those_who_look_into_the_server_are_logged_at_the_level_trace() {
    for (level, is_logged) in [("debug", false), ("trace", true)] {
        let mut command = drywire(["serve", "--listen", TCP[0], "--admin", "127.0.0.1:0"]);
        let mut process = Process::start(command.args(["--log-level", level]));
        let stdout = Lines::of(process.stdout.take().unwrap());
        let address = stdout.find("listening ").split_off("listening ".len());
        let admin = stdout.find("admin ").split_off("admin ".len());
        run(["get", &format!("{admin}readyz")], "").assert(0, "");
        run(["send", &address, "hello"], "").assert(0, "");
        process.signal(rustix::process::Signal::TERM);
        let finished = process.finish();
        let closed = |listener: &str| {
            let listener = format!("listener=\"{listener}\"");
            let mut lines = finished.stderr.lines();
            lines.any(|line| line.contains("connection closed") && line.contains(&listener))
        };
        assert!(closed(&address), "{finished:?}");
        assert_eq!(closed(&admin), is_logged, "{finished:?}");
    }
}

#[test]
fn nothing_is_logged_unasked() {
    for arguments in [&[][..], &["-v"], &["--log-level", "warn"]] {
        let server = Server::start(&TCP, arguments);
        run(["send", server.address(), "hello"], "").assert(0, "");
        server.process.signal(rustix::process::Signal::TERM);
        let mut lines = Vec::new();
        loop {
            let line = server.stderr.next();
            let is_last = line.starts_with("drained");
            lines.push(line);
            if is_last {
                break;
            }
        }
        assert!(!lines.iter().any(|line| line.contains("connection")), "{lines:?}");
    }
}

#[test]
fn asking_in_two_ways_is_refused() {
    run(["serve", "-v", "--log-level", "info"], "").assert(2, "cannot be used with");
}
