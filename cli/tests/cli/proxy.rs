//! PROXY headers, received and sent.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::process::{Finished, Folder, Lines, PATIENCE, Process, Server, drywire, run};

const RUNTIMES: [&str; 2] = ["std", "smol"];

const CLIENT: &str = "192.0.2.1:56324";

/// A server that prints JSON, and its first address.
fn serve(listen: &str, arguments: &[&str]) -> (Process, Lines, String) {
    let mut command = drywire(["serve", "--json", "--listen", listen]);
    let mut process = Process::start(command.args(arguments));
    let stdout = Lines::of(process.stdout.take().unwrap());
    let address = until(&stdout, "listening")["address"].as_str().unwrap().to_owned();
    (process, stdout, address)
}

/// The next record of this event.
fn until(stdout: &Lines, event: &str) -> Value {
    loop {
        let record: Value = serde_json::from_str(&stdout.next()).unwrap();
        if record["event"] == event {
            return record;
        }
    }
}

fn send(options: &[&str], address: &str) -> Finished {
    run([&["send"], options, &[address, "hello"]].concat(), "")
}

#[test]
fn the_client_is_the_one_that_the_header_names() {
    let folder = Folder::new();
    let ca = folder.file("dev.pem");
    for runtime in RUNTIMES {
        for (listen, tls) in
            [("tcp://127.0.0.1:0", &[][..]), ("tls://127.0.0.1:0", &["--dev-cert", &ca])]
        {
            let behind = ["--runtime", runtime, "--proxy-protocol", "--trust", "127.0.0.1"];
            let (_process, stdout, address) = serve(listen, &[&behind, tls].concat());
            for version in ["v1", "v2"] {
                let mut options = vec!["--proxy-protocol", version, "--runtime", runtime];
                if !tls.is_empty() {
                    options.extend(["--ca", &ca]);
                }
                let another = [&options[..], &["--proxy-source", CLIENT]].concat();
                let sent = send(&another, &address);
                sent.assert(0, "");
                assert_eq!(sent.text(), "hello");
                let closed = until(&stdout, "closed");
                assert_eq!(
                    (&closed["kind"], &closed["peer"]),
                    (&json!("finished"), &json!(CLIENT))
                );
                let proxy = closed["proxy"].as_str().unwrap();
                assert!(proxy.starts_with("127.0.0.1:"), "{closed}");

                send(&options, &address).assert(0, "");
                let closed = until(&stdout, "closed");
                assert_eq!(closed["peer"], closed["proxy"], "it introduced itself");
            }
        }
    }
}

#[test]
fn whoever_is_not_trusted_is_refused_or_served_as_he_is() {
    for runtime in RUNTIMES {
        let elsewhere = ["--runtime", runtime, "--trust", "10.0.0.0/8,::1"];
        let required = [&elsewhere[..], &["--proxy-protocol=required"]].concat();
        let (_process, stdout, address) = serve("tcp://127.0.0.1:0", &required);
        let forged = ["--proxy-protocol", "v1", "--proxy-source", CLIENT];
        let sent = send(&forged, &address);
        assert!(matches!(sent.code, Some(4 | 6)), "{sent:?}");
        assert_eq!(sent.text(), "");
        let closed = until(&stdout, "closed");
        assert_eq!((&closed["kind"], &closed["proxy"]), (&json!("refused"), &Value::Null));
        assert_eq!(closed["reason"], "the peer is not trusted to send a PROXY header");

        let mixed = [&elsewhere[..], &["--proxy-protocol=mixed"]].concat();
        let (_process, stdout, address) = serve("tcp://127.0.0.1:0", &mixed);
        let sent = send(&forged, &address);
        sent.assert(0, "");
        assert!(sent.text().starts_with("PROXY TCP4 192.0.2.1 "), "an echo of it all: {sent:?}");
        let closed = until(&stdout, "closed");
        assert!(closed["peer"].as_str().unwrap().starts_with("127.0.0.1:"), "{closed}");
        send(&[], &address).assert(0, "");
    }
}

#[test]
fn people_are_told_of_headers_that_are_missing_late_or_wrong() {
    for runtime in RUNTIMES {
        let options = ["--runtime", runtime, "--proxy-protocol", "--trust", "127.0.0.1"];
        let hasty = [&options[..], &["--proxy-timeout", "0.05"]].concat();
        let server = Server::start(&["tcp://127.0.0.1:0"], hasty);
        server.stderr.find("drywire send --proxy-protocol v2 tcp://127.0.0.1:");
        for (sent, sentence) in [
            ("hello\n", ": PROXY header: no version begins with 0x68 at byte 0"),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", ": PROXY header: expected a port at byte 27"),
            ("PROXY TCP4", ": timed out: the PROXY header was not complete in time"),
        ] {
            let mut stream = TcpStream::connect(server.place()).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.write_all(sent.as_bytes()).unwrap();
            // A reset is an end.
            let _ = stream.read_to_end(&mut Vec::new());
            server.stderr.find(sentence);
        }
    }
    // Who failed, and through whom.
    let options = ["--framing", "u8", "--proxy-protocol", "--trust", "127.0.0.1"];
    let server = Server::start(&["tcp://127.0.0.1:0"], options);
    let mut stream = TcpStream::connect(server.place()).unwrap();
    let ours = stream.local_addr().unwrap();
    stream.write_all(b"PROXY TCP4 192.0.2.1 192.0.2.9 56324 443\r\n\x05hell").unwrap();
    drop(stream);
    server.stderr.find(&format!("{CLIENT} through {ours}: truncated"));
}

#[test]
fn limits_for_an_address_count_the_client() {
    let options =
        ["--max-connections-per-address", "1", "--proxy-protocol", "--trust", "127.0.0.1"];
    let (_process, stdout, address) = serve("tcp://127.0.0.1:0", &options);
    let place = address.split_once("://").unwrap().1;
    let connect = |line: &str| {
        let mut stream = TcpStream::connect(place).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(format!("{line}\r\nhi").as_bytes()).unwrap();
        stream
    };
    let line = "PROXY TCP4 192.0.2.1 192.0.2.9 56324 443";
    let mut held = [connect(line), connect("PROXY TCP4 192.0.2.2 192.0.2.9 1 443")];
    for stream in &mut held {
        stream.read_exact(&mut [0; 2]).unwrap();
    }
    let mut third = connect(line);
    let _ = third.read_to_end(&mut Vec::new());
    let closed = until(&stdout, "closed");
    assert_eq!((&closed["kind"], &closed["peer"]), (&json!("refused"), &json!(CLIENT)));
}

#[test]
fn workers_take_headers_too() {
    let options = ["--model", "processes", "--workers", "1", "--proxy-protocol", "--trust"];
    let options = [&options[..], &["127.0.0.1"]].concat();
    let (_process, stdout, address) = serve("tcp://127.0.0.1:0", &options);
    let sent = send(&["--proxy-protocol", "v2", "--proxy-source", CLIENT], &address);
    assert_eq!((sent.code, sent.text()), (Some(0), "hello"));
    assert_eq!(until(&stdout, "closed")["peer"], CLIENT);
}

#[test]
fn options_that_trust_nobody_or_everybody_are_refused() {
    for (arguments, sentence) in [
        (
            &["serve", "--proxy-protocol"][..],
            "--proxy-protocol needs --trust NET: whoever may send a PROXY header can say to be \
             anybody",
        ),
        (&["serve", "--trust", "::1"], "--trust is for --proxy-protocol"),
        (&["serve", "--proxy-protocol", "--trust", ""], "expected a network"),
        (
            &["serve", "--proxy-protocol", "--trust", "10.0.0.1/8"],
            "at byte 0: the address has bits beyond the prefix of its network",
        ),
        (
            &["serve", "--listen", "unix:/tmp/x", "--proxy-protocol", "--trust", "::1"],
            "unix:/tmp/x: nobody would be served, for --trust does not name unix",
        ),
        (&["serve", "--proxy-protocol=v1", "--trust", "::1"], "required, mixed"),
        (&["send", "--proxy-protocol", "v3", "tcp://[::1]:9"], "v1, v2"),
        (&["send", "--proxy-source", "192.0.2.1:7", "tcp://[::1]:9"], "--proxy-protocol"),
        (
            &["send", "--proxy-protocol", "v1", "--proxy-source", "x", "tcp://[::1]:9"],
            "expected an IP address and a port",
        ),
    ] {
        run(arguments, "").assert(2, sentence);
    }
}

#[test]
fn a_unix_socket_is_trusted_by_name() {
    let folder = Folder::new();
    let listen = format!("unix:{}", folder.file("socket"));
    let (_process, stdout, address) = serve(&listen, &["--proxy-protocol", "--trust", "unix"]);
    let options = ["--proxy-protocol", "v2", "--proxy-source", CLIENT];
    assert_eq!(send(&options, &address).text(), "hello");
    let closed = until(&stdout, "closed");
    assert_eq!((&closed["peer"], &closed["proxy"]), (&json!(CLIENT), &json!("unix")));
    // It speaks for itself, and has no name.
    assert_eq!(send(&options[..2], &address).text(), "hello");
    assert_eq!(until(&stdout, "closed")["peer"], "unix");
}
