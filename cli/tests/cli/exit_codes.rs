//! Each exit code, and the sentence that goes with it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;

use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};

use crate::process::{Folder, Server, run};

const NOTHING: [u8; 0] = [];

#[test]
fn usage_is_2() {
    run(["serve", "--framing", "morse"], NOTHING).assert(2, "expected raw, lines");
    run(["serve", "--idle-timeout", "soon"], NOTHING).assert(2, "expected seconds");
    run(["serve", "--max-frame", "0"], NOTHING).assert(2, "must be at least 1");
    run(["send", "tcp://localhost"], NOTHING).assert(2, "at byte 15: expected a port");
    run(["send", "http://localhost", "x"], NOTHING).assert(2, "unixgram addresses only");
    run(["serve", "--model", "threads", "--threads", "2"], NOTHING)
        .assert(2, "--threads is for --model evented and --runtime smol");
    run(["serve", "--model", "evented", "--runtime", "smol"], NOTHING)
        .assert(2, "--model evented is for --runtime std");
    run(["frobnicate"], NOTHING).assert(2, "frobnicate");
    run(["man", "frobnicate"], NOTHING).assert(2, "there is no command frobnicate, only serve");
    run([""; 0], NOTHING).assert(2, "Examples:");
    run(["man", "--json"], NOTHING).assert(2, "--json is not for completions and man");
    run(["completions", "bash", "--json"], NOTHING).assert(2, "--json is not for completions");
}

#[test]
fn what_the_command_line_lacks_is_one_line() {
    for (arguments, sentence) in [
        (&["send"][..], "the following required arguments were not provided: <ADDRESS>"),
        (
            &["serve", "--max-frame", "x"],
            "invalid value 'x' for '--max-frame <BYTES>': expected a whole number",
        ),
        (
            &["serve", "--protocol", "x"],
            "invalid value 'x' for '--protocol <PROTOCOL>' [possible values: echo, discard]",
        ),
        (&["serve", "--frameing", "raw"], "unexpected argument '--frameing' found"),
        (
            &["serve", "-v", "--log-level", "info"],
            "the argument '--verbose...' cannot be used with '--log-level <LEVEL>'",
        ),
    ] {
        let finished = run(arguments, NOTHING);
        assert_eq!((finished.code, finished.stderr), (Some(2), format!("drywire: {sentence}\n")));
        let finished = run(arguments.iter().chain(&["--json"]), NOTHING);
        assert_eq!(finished.error()["message"], sentence);
    }
}

#[test]
fn options_that_would_mean_nothing_are_refused() {
    let plain = "tcp://127.0.0.1:0";
    for option in ["--insecure", "--ca=x", "--server-name=x", "--alpn=x", "--key-log"] {
        let name = option.split('=').next().unwrap();
        run(["send", option, plain, "x"], NOTHING).assert(2, &format!("{name} is for TLS"));
    }
    for option in ["--client-ca=x", "--dev-cert=x", "--alpn=x", "--key-log"] {
        let name = option.split('=').next().unwrap();
        let finished = run(["serve", "--listen", plain, option], NOTHING);
        finished.assert(2, &format!("{name} is for TLS"));
    }
    let http = "http://127.0.0.1:0";
    for option in ["--framing=raw", "--max-frame=9", "--protocol=echo"] {
        let name = option.split('=').next().unwrap();
        let finished = run(["serve", "--listen", http, option], NOTHING);
        finished.assert(2, &format!("{name} is not for HTTP"));
    }
    for option in ["--source-rate=9", "--proxy-timeout=1"] {
        let name = option.split('=').next().unwrap();
        let finished = run(["serve", "--listen", plain, option], NOTHING);
        finished.assert(2, &format!("{name} is for "));
    }
    run(["send", "--cert", "x", plain], NOTHING).assert(2, "--key");
    let secrets = ["--record", "/dev/null", "--record-secrets"];
    let send = ["send", plain, "x"].into_iter().chain(secrets);
    run(send, NOTHING).assert(2, "--record-secrets is for TLS, and tcp://127.0.0.1:0 does not");
    let serve = ["serve", "--listen", plain].into_iter().chain(secrets);
    run(serve, NOTHING).assert(2, "--record-secrets is for TLS, and no address begins with tls");
    for option in [&["--record-secrets"][..], &["--record-limit", "5000"]] {
        run(["send"].iter().chain(option).chain(&[plain, "x"]), NOTHING)
            .assert(2, "--record <FILE>");
    }
    for command in [&["send", plain, "x"][..], &["serve", "--listen", plain]] {
        let finished = run(command.iter().chain(&["--record", "-"]), NOTHING);
        finished.assert(2, "'--record <FILE>': a recording needs a file");
        assert!(!std::path::Path::new("-").exists());
    }
}

#[test]
fn a_named_file_that_cannot_be_used_is_2() {
    run(["frames", "/does/not/exist"], NOTHING)
        .assert(2, "cannot open /does/not/exist: no such file or directory");
    run(["frames", "/"], NOTHING).assert(2, "cannot open /: is a directory");
    run(["send", "--ca", "/does/not/exist", "tls://127.0.0.1:9", "x"], NOTHING)
        .assert(2, "cannot read the authorities in /does/not/exist");
}

#[test]
fn an_argument_that_the_framing_refuses_is_2() {
    let nobody = "tcp://127.0.0.1:9";
    run(["send", "--framing", "fixed:4", nobody, "four", "five!"], NOTHING)
        .assert(2, "argument 2 cannot be sent: a frame of 5 bytes where every frame has 4");
    run(["send", "--framing", "lines", nobody, "a\nb"], NOTHING)
        .assert(2, "argument 1 cannot be sent: the frame contains its own terminator at byte 1");
    run(["send", "--max-frame", "3", nobody, "four"], NOTHING)
        .assert(2, "a frame of 4 bytes exceeds the limit of 3");
}

#[test]
fn a_name_that_does_not_resolve_is_3() {
    // No name server is asked for an interface.
    let nowhere = "tcp://[fe80::1%nosuchif]:7";
    for runtime in ["std", "smol"] {
        run(["send", "--runtime", runtime, nowhere, "x"], NOTHING).assert(3, "cannot resolve");
        run(["serve", "--runtime", runtime, "--listen", nowhere], NOTHING)
            .assert(3, "cannot resolve");
    }
}

#[test]
fn refused_connections_are_4() {
    let folder = Folder::new();
    // Bound and not listening: nobody else gets the port meanwhile.
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&socket, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let place = SocketAddr::try_from(getsockname(&socket).unwrap()).unwrap();
    let address = format!("tcp://{place}");
    let unix = format!("unix:{}", folder.file("none"));
    for runtime in ["std", "smol"] {
        run(["send", "--runtime", runtime, &address, "x"], NOTHING)
            .assert(4, &format!("cannot connect to {address}: connection refused"));
        run(["send", "--runtime", runtime, &unix, "x"], NOTHING)
            .assert(4, "no such file or directory");
    }
}

#[test]
fn a_port_in_use_is_4() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    let finished = run(["serve", "--listen", &address], NOTHING);
    finished.assert(4, &format!("cannot listen on {address}: address already in use"));
    assert_eq!(finished.text(), "");
}

#[test]
fn a_unix_socket_in_use_is_4_and_a_stale_one_is_replaced() {
    let folder = Folder::new();
    let address = format!("unix:{}", folder.file("socket"));
    let server = Server::start(&[&address], ["--runtime", "smol"]);
    run(["serve", "--listen", &address], NOTHING).assert(4, "another process listens on");
    // Still served, also after somebody tried to take its place.
    assert_eq!(run(["send", &address, "hello"], NOTHING).text(), "hello");
    server.process.signal(rustix::process::Signal::KILL);
    assert_eq!(server.process.finish().code, None);
    let server = Server::start(&[&address], [""; 0]);
    assert_eq!(run(["send", &address, "hello"], NOTHING).text(), "hello");
    server.end().assert(0, "");
    assert!(!std::path::Path::new(&folder.file("socket")).exists());
}

#[test]
fn a_peer_without_tls_is_5() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tls://{}", listener.local_addr().unwrap());
    for runtime in ["std", "smol"] {
        let listener = listener.try_clone().unwrap();
        let peer = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"220 hello, this is mail\r\n").unwrap();
            stream.read_to_end(&mut Vec::new()).unwrap();
        });
        run(["send", "--insecure", "--runtime", runtime, &address, "x"], NOTHING)
            .assert(5, "the peer does not speak TLS");
        peer.join().unwrap();
    }
}

#[test]
fn a_peer_that_breaks_the_protocol_or_breaks_off_is_6() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    for runtime in ["std", "smol"] {
        for (reply, sentence) in [
            (&b"2:ok,x"[..], "expected a digit at byte 0 of a frame, found 0x78"),
            (b"2:ok,9999999:", "a frame of 9999999 bytes or more exceeds the limit of 1048576"),
            (b"2:ok,3:a", "the stream ended 3 bytes into a frame"),
        ] {
            let listener = listener.try_clone().unwrap();
            let peer = thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                stream.read_exact(&mut [0; 4]).unwrap();
                stream.write_all(reply).unwrap();
            });
            let finished = run(
                ["send", "--framing", "netstring", "--runtime", runtime, &address, "x"],
                NOTHING,
            );
            finished.assert(6, sentence);
            // What came before is printed.
            assert_eq!(finished.text(), "ok");
            peer.join().unwrap();
        }
    }
}

#[test]
fn silence_is_7() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap();
    for runtime in ["std", "smol"] {
        for (address, sentence) in [
            (format!("tcp://{place}"), "timed out: no byte came or went in time"),
            (format!("tls://{place}"), "timed out: the TLS handshake was not done in time"),
        ] {
            let insecure = address.starts_with("tls").then_some("--insecure");
            let arguments = ["send", "--timeout", "0.1", "--runtime", runtime, &address, "x"];
            run(arguments.into_iter().chain(insecure), NOTHING).assert(7, sentence);
        }
    }
}

#[test]
fn input_that_cannot_be_sent_is_8() {
    let server = Server::start(&["tcp://127.0.0.1:0"], ["--framing", "fixed:4"]);
    for runtime in ["std", "smol"] {
        let arguments = ["send", "--framing", "fixed:4", "--runtime", runtime, server.address()];
        run(arguments, "fourfourfi")
            .assert(8, "byte 8 of the input begins a frame that cannot be sent: only 2 bytes");
        run(arguments, "fourfour").assert(0, "");
    }
}
