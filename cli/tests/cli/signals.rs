//! Signals to `drywire serve`.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use rustix::process::Signal;

use crate::certificates::Authority;
use crate::process::{Folder, PATIENCE, Server, run};

const RUNTIMES: [&str; 2] = ["std", "smol"];

/// A connection that is open and has been served.
fn served(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.place()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    echo(&mut stream);
    stream
}

fn echo(stream: &mut TcpStream) {
    stream.write_all(b"x").unwrap();
    let mut echo = [0];
    stream.read_exact(&mut echo).unwrap();
    assert_eq!(&echo, b"x");
}

/// Tries until nobody accepts any more.
fn await_refusal(server: &Server) {
    let begin = Instant::now();
    while TcpStream::connect(server.place()).is_ok() {
        assert!(begin.elapsed() < PATIENCE, "connections are still accepted");
    }
}

#[test]
fn a_signal_drains() {
    for runtime in RUNTIMES {
        for signal in [Signal::TERM, Signal::INT] {
            let server = Server::start(&["tcp://127.0.0.1:0"], ["--runtime", runtime]);
            let mut stream = served(&server);
            server.process.signal(signal);
            await_refusal(&server);
            // Who is there is served on.
            echo(&mut stream);
            drop(stream);
            let summary = server.stderr.find("drained: ");
            assert!(summary.starts_with("drained: "), "{summary}");
            server.process.finish().assert(0, "");
        }
    }
}

#[test]
fn a_connection_that_does_not_end_is_ended_by_force() {
    for runtime in RUNTIMES {
        let options = ["--runtime", runtime, "--drain-timeout", "0.05"];
        let server = Server::start(&["tcp://127.0.0.1:0"], options);
        let stream = served(&server);
        server.process.signal(Signal::TERM);
        let summary = server.stderr.find("drained: ");
        assert!(summary.starts_with("not drained: 1 accepted"), "{summary}");
        assert!(summary.contains(", 1 stopped"), "{summary}");
        server.process.finish().assert(1, "");
        drop(stream);
    }
}

#[test]
fn a_second_signal_ends_at_once() {
    for runtime in RUNTIMES {
        let options = ["--runtime", runtime, "--drain-timeout", "none"];
        let server = Server::start(&["tcp://127.0.0.1:0"], options);
        let stream = served(&server);
        // Different ones, for two of a kind may arrive as one.
        server.process.signal(Signal::TERM);
        server.process.signal(Signal::INT);
        server.stderr.find("not drained: 1 accepted");
        server.process.finish().assert(1, "");
        drop(stream);
    }
}

#[test]
fn a_hang_up_loads_the_certificate_again() {
    for runtime in RUNTIMES {
        let folder = Folder::new();
        let (old, new) = (Authority::new("old"), Authority::new("new"));
        let (old_ca, new_ca) =
            (folder.write("old.pem", old.pem()), folder.write("new.pem", new.pem()));
        let (cert, key) = folder.write_identity(old.issue(&["127.0.0.1"]));
        let options = ["--runtime", runtime, "--cert", &cert, "--key", &key];
        let server = Server::start(&["tls://127.0.0.1:0"], options);
        let send = |ca: &str| run(["send", "--ca", ca, server.address(), "hello"], "");
        send(&old_ca).assert(0, "");

        folder.write_identity(new.issue(&["127.0.0.1"]));
        server.process.signal(Signal::HUP);
        server.stderr.find("certificate and key loaded again");
        send(&new_ca).assert(0, "");
        send(&old_ca).assert(5, "not issued by a trusted authority");

        // A key that does not belong to the certificate.
        folder.write("key.pem", old.issue(&["127.0.0.1"]).1);
        server.process.signal(Signal::HUP);
        let line = server.stderr.find("certificate and key stay as they were");
        assert!(line.contains("the private key does not belong to the certificate"), "{line}");
        send(&new_ca).assert(0, "");

        std::fs::remove_file(&key).unwrap();
        server.process.signal(Signal::HUP);
        server.stderr.find("cannot read the private key in");
        send(&new_ca).assert(0, "");
    }
}

#[test]
fn a_hang_up_without_files_changes_nothing() {
    let server = Server::start(&["tcp://127.0.0.1:0"], [""; 0]);
    server.process.signal(Signal::HUP);
    server.stderr.find("there are no certificate and key in files to load again");
    served(&server);
}
