//! Both ends, on both runtimes, over every transport and framing.

use crate::process::{Folder, Process, Server, drywire, run};

const RUNTIMES: [&str; 2] = ["std", "smol"];

#[test]
fn every_transport_carries_arguments_and_input() {
    for serving in RUNTIMES {
        let folder = Folder::new();
        let (unix, tls_unix) =
            (format!("unix:{}", folder.file("s")), format!("tls+unix:{}", folder.file("t")));
        let ca = folder.file("dev.pem");
        let server = Server::start(
            &[
                "tcp://127.0.0.1:0",
                "tls://127.0.0.1:0",
                &unix,
                &tls_unix,
                "tls://[::1]:0",
                "[::]:0",
            ],
            ["--runtime", serving, "--dev-cert", &ca],
        );
        for sending in RUNTIMES {
            for address in &server.addresses {
                let tls: &[&str] = match address.split(':').next() {
                    Some("tls") => &["--ca", &ca],
                    Some("tls+unix") => &["--ca", &ca, "--server-name", "localhost"],
                    _ => &[],
                };
                let options = ["send", "--runtime", sending, address];
                let send = |data: &[&str], input: &str| {
                    let arguments = options.iter().chain(tls).chain(data);
                    let finished = run(arguments, input);
                    finished.assert(0, "");
                    assert_eq!(finished.stderr, "", "{address}");
                    finished.text().to_owned()
                };
                assert_eq!(send(&["hel", "lo"], "not this"), "hello");
                assert_eq!(send(&[], "hello\nhello\n"), "hello\nhello\n");
                assert_eq!(send(&[], ""), "");
            }
        }
        let finished = server.end();
        assert_eq!(finished.code, Some(0));
    }
}

#[test]
fn a_name_is_tried_on_all_its_addresses() {
    let server = Server::start(&["tcp://127.0.0.1:0"], [""; 0]);
    let port = server.place().rsplit(':').next().unwrap();
    for runtime in RUNTIMES {
        let address = format!("tcp://localhost:{port}");
        assert_eq!(run(["send", "--runtime", runtime, &address, "hello"], "").text(), "hello");
    }
}

#[test]
fn every_framing_carries_frames() {
    for (framing, one_and_two) in [
        ("raw", "onetwo"),
        ("lines", "one\ntwo\n"),
        ("netstring", "onetwo"),
        ("varint", "onetwo"),
        ("quic-varint", "onetwo"),
        ("u8", "onetwo"),
        ("u16be", "onetwo"),
        ("u16le", "onetwo"),
        ("u32be", "onetwo"),
        ("u32le", "onetwo"),
        ("u64be", "onetwo"),
        ("u64le", "onetwo"),
        ("fixed:3", "onetwo"),
        ("delimiter:7c7c", "one||two||"),
    ] {
        for (serving, sending) in [("std", "smol"), ("smol", "std")] {
            let server =
                Server::start(&["tcp://127.0.0.1:0"], ["--framing", framing, "--runtime", serving]);
            let options = ["send", "--framing", framing, "--runtime", sending, server.address()];
            let finished = run(options.iter().chain(&["one", "two"]), "");
            finished.assert(0, "");
            assert_eq!(finished.text(), one_and_two, "{framing}");
            // An echo of an input is that input.
            let finished = run(options, one_and_two);
            finished.assert(0, "");
            assert_eq!(finished.text(), one_and_two, "{framing}");
        }
    }
}

#[test]
fn any_byte_is_carried() {
    let bytes: Vec<u8> = (0..=255).collect();
    for framing in ["raw", "u8", "netstring", "fixed:64"] {
        let server = Server::start(&["tcp://127.0.0.1:0"], ["--framing", framing]);
        let finished = run(["send", "--framing", framing, server.address()], bytes.clone());
        finished.assert(0, "");
        assert_eq!(finished.stdout, bytes, "{framing}");
    }
}

#[test]
fn discard_answers_nothing() {
    for runtime in RUNTIMES {
        let options = ["--protocol", "discard", "--runtime", runtime];
        let server = Server::start(&["tcp://127.0.0.1:0"], options);
        let finished = run(["send", server.address(), "hello"], "");
        finished.assert(0, "");
        assert_eq!(finished.text(), "");
        server.process.signal(rustix::process::Signal::INT);
        server.stderr.find("drained: 1 accepted, 0 refused, 5 bytes received, 0 transmitted");
    }
}

#[test]
fn what_comes_back_is_printed_before_the_input_has_ended() {
    use std::io::Write;

    for runtime in RUNTIMES {
        let server = Server::start(&["tcp://127.0.0.1:0"], ["--framing", "lines"]);
        let mut process = Process::start(&mut drywire([
            "send",
            "--framing",
            "lines",
            "--runtime",
            runtime,
            server.address(),
        ]));
        for line in [b"one\n", b"two\n"] {
            process.stdin.as_mut().unwrap().write_all(line).unwrap();
            assert_eq!(process.read(4), line);
        }
        drop(process.stdin.take());
        process.finish().assert(0, "");
    }
}
