//! Datagrams: both ends, on both runtimes, and what they end with.

use std::net::UdpSocket;
use std::thread;

use rustix::process::Signal;

use crate::process::{Folder, Lines, PATIENCE, Process, Server, drywire, run};

const RUNTIMES: [&str; 2] = ["std", "smol"];

#[test]
fn every_datagram_socket_carries_arguments_and_input() {
    for serving in RUNTIMES {
        let folder = Folder::new();
        let unix = format!("unixgram:{}", folder.file("s"));
        let server = Server::start(
            &["udp://127.0.0.1:0", "tcp://127.0.0.1:0", &unix, "udp://[::1]:0", "udp://[::]:0"],
            ["--runtime", serving],
        );
        for sending in RUNTIMES {
            for address in &server.addresses {
                let address = address.replace("[::]", "[::1]");
                let send = |framing: &str, data: &[&str], input: &[u8]| {
                    let options = ["send", "--runtime", sending, "--framing", framing, &address];
                    let finished = run(options.iter().chain(data), input);
                    finished.assert(0, "");
                    assert_eq!(finished.stderr, "", "{address}");
                    finished.stdout
                };
                assert_eq!(send("raw", &["hel", "", "lo"], b"not this"), b"hello");
                assert_eq!(send("raw", &[], b""), b"");
                // More than fits one datagram, and more than the sockets hold at once.
                let long: Vec<u8> = (0..=255).cycle().take(700_000).collect();
                assert_eq!(send("raw", &[], &long).len(), long.len());
                assert_eq!(send("lines", &[], b"one\r\ntwo\n\nthree"), b"one\ntwo\n\nthree\n");
            }
        }
        server.process.signal(Signal::TERM);
        assert!(server.stderr.find("drained").contains("; datagrams: "));
        server.process.finish().assert(0, "");
    }
}

#[test]
fn a_line_is_a_datagram_and_records_say_so() {
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    let address = format!("udp://{}", peer.local_addr().unwrap());
    for runtime in RUNTIMES {
        let peer = peer.try_clone().unwrap();
        let answering = thread::spawn(move || {
            let mut buffer = [0; 100];
            [(); 3].map(|()| {
                let (len, from) = peer.recv_from(&mut buffer).unwrap();
                peer.send_to(b"\xffreply", from).unwrap();
                buffer[..len].to_vec()
            })
        });
        let options = ["send", "--json", "--runtime", runtime, "--framing", "lines", &address];
        let finished = run(options, "one\n\nthree");
        finished.assert(0, "");
        assert_eq!(answering.join().unwrap(), [b"one".to_vec(), b"".to_vec(), b"three".to_vec()]);
        let records = finished.records();
        assert_eq!((records.len(), &records[0]["event"]), (4, &"open".into()));
        // As that of a connection.
        assert_eq!(
            Some(&*address),
            records[0]["peer"].as_str().map(|at| format!("udp://{at}")).as_deref()
        );
        assert_eq!(records[1]["base64"], "/3JlcGx5");
    }
}

#[test]
fn no_reply_is_exit_1_and_some_are_7() {
    for runtime in RUNTIMES {
        // Nobody is there.
        let place = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let address = format!("udp://{place}");
        run(["send", "--runtime", runtime, &address, "x"], "")
            .assert(1, "no reply: connection refused");
        // Somebody is, and says nothing, or not enough.
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        let address = format!("udp://{}", peer.local_addr().unwrap());
        let options = ["send", "--timeout", "0.05", "--runtime", runtime, &address, "x", "y"];
        let finished = run(options, "");
        finished.assert(1, "no reply");
        assert!(!finished.stderr.contains("refused"), "{finished:?}");
        let mut buffer = [0; 9];
        (0..2).for_each(|_| assert_eq!(peer.recv(&mut buffer).unwrap(), 1));
        let answering = thread::spawn(move || {
            let (_, from) = peer.recv_from(&mut [0; 9]).unwrap();
            peer.send_to(b"!", from).unwrap();
            peer
        });
        let options = ["send", "--timeout", "2", "--runtime", runtime, &address, "x", "y"];
        let finished = run(options, "");
        finished.assert(7, "1 replies to 2 datagrams");
        assert_eq!(finished.text(), "!");
        drop(answering.join().unwrap());

        let long = "x".repeat(65_508);
        run(["send", "--runtime", runtime, &address, &long], "").assert(2, "argument 1");
        let unix = ["send", "--runtime", runtime, "unixgram:/nowhere/at/all", "x"];
        run(unix, "").assert(4, "cannot connect");
        let named = ["send", "--runtime", runtime, "udp://no.such.name.invalid:7", "x"];
        run(named, "").assert(3, "cannot resolve");
    }
}

#[test]
fn a_summary_counts_datagrams_and_why_they_were_dropped() {
    for runtime in RUNTIMES {
        let options = ["serve", "--json", "--listen", "udp://127.0.0.1:0", "--runtime", runtime];
        let mut process = Process::start(drywire(options).args(["--source-rate", "1"]));
        let stdout = Lines::of(process.stdout.take().unwrap());
        let record = || serde_json::from_str::<serde_json::Value>(&stdout.next()).unwrap();
        let to = record()["address"].as_str().unwrap().replace("udp://", "");
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        peer.send_to(b"first", &to).unwrap();
        let (len, _) = peer.recv_from(&mut [0; 9]).unwrap();
        assert_eq!(len, 5);
        (0..20).for_each(|_| assert_eq!(peer.send_to(b"more", &to).unwrap(), 4));
        // From elsewhere, so that it is known that those before were looked at.
        let other = UdpSocket::bind("127.0.0.2:0").unwrap();
        other.set_read_timeout(Some(PATIENCE)).unwrap();
        other.send_to(b"last", &to).unwrap();
        other.recv(&mut [0; 9]).unwrap();
        process.signal(Signal::TERM);
        let summary = record();
        process.finish().assert(0, "");
        let datagrams = &summary["datagrams"];
        assert_eq!(datagrams["received"], 22, "{summary}");
        assert!(datagrams["dropped"]["source_rate"].as_u64().unwrap() >= 15, "{summary}");
        assert_eq!(datagrams["dropped"]["queue_full"], 0);
        assert_eq!(datagrams["faults"]["refused"], 0);
    }
}

#[test]
fn what_cannot_be_served_is_refused() {
    let folder = Folder::new();
    let unix = format!("unixgram:{}", folder.file("s"));
    let _server = Server::start(&[&unix], [""; 0]);
    run(["serve", "--listen", &unix], "").assert(4, "another process listens on");
    std::fs::write(folder.file("file"), "text").unwrap();
    let file = format!("unixgram:{}", folder.file("file"));
    run(["serve", "--listen", &file], "").assert(4, "not a socket");
    let proxied = ["--proxy-protocol", "--trust", "::1"];
    run(["serve", "--listen", "udp://127.0.0.1:0"].iter().chain(&proxied), "")
        .assert(2, "PROXY headers are for byte streams");
    run(["send", "--proxy-protocol", "v2", "udp://127.0.0.1:7", "x"], "")
        .assert(2, "PROXY headers are for byte streams");
    run(["serve", "--source-rate", "0"], "").assert(2, "must be at least 1");
}
