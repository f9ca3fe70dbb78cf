//! What `drywire serve` allows.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::process::{PATIENCE, Server};

const RUNTIMES: [&str; 2] = ["std", "smol"];

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.place()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// What the server sends until its end. A reset is an end.
fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    bytes
}

#[test]
fn a_frame_beyond_the_limit_ends_its_connection() {
    for runtime in RUNTIMES {
        let options = ["--framing", "lines", "--max-frame", "4", "--runtime", runtime];
        let server = Server::start(&["tcp://127.0.0.1:0"], options);
        let mut stream = connect(&server);
        stream.write_all(b"four\nfive!\n").unwrap();
        assert_eq!(rest(stream), b"four\n");
        server.stderr.find(": a frame of 5 bytes or more exceeds the limit of 4");
    }
}

#[test]
fn silence_and_slowness_end_their_connections() {
    for runtime in RUNTIMES {
        for (option, address, sent, sentence) in [
            ("--idle-timeout", "tcp://127.0.0.1:0", "", "no byte came or went in time"),
            ("--frame-timeout", "tcp://127.0.0.1:0", "half", "a frame was not complete in time"),
            (
                "--handshake-timeout",
                "tls://127.0.0.1:0",
                "",
                "the TLS handshake was not done in time",
            ),
        ] {
            let options = ["--framing", "lines", option, "0.05", "--runtime", runtime];
            let server = Server::start(&[address], options);
            let mut stream = connect(&server);
            stream.write_all(sent.as_bytes()).unwrap();
            rest(stream);
            server.stderr.find(sentence);
        }
    }
}

#[test]
fn connections_beyond_the_limit_are_refused() {
    for runtime in RUNTIMES {
        let options = ["--max-connections-per-address", "1", "--runtime", runtime];
        let server = Server::start(&["tcp://127.0.0.1:0"], options);
        let mut first = connect(&server);
        first.write_all(b"a").unwrap();
        first.read_exact(&mut [0]).unwrap();
        assert_eq!(rest(connect(&server)), b"");
        server.stderr.find("1 connections from this address are open, the most allowed");
        // The first is served on.
        first.write_all(b"b").unwrap();
        first.read_exact(&mut [0]).unwrap();
    }
}

#[test]
fn at_the_limit_of_all_connections_the_next_waits() {
    for runtime in RUNTIMES {
        let options = ["--max-connections", "1", "--runtime", runtime];
        let server = Server::start(&["tcp://127.0.0.1:0"], options);
        let mut first = connect(&server);
        first.write_all(b"a").unwrap();
        first.read_exact(&mut [0]).unwrap();
        let mut second = connect(&server);
        second.write_all(b"b").unwrap();
        drop(first);
        let mut echo = [0];
        second.read_exact(&mut echo).unwrap();
        assert_eq!(&echo, b"b");
    }
}
