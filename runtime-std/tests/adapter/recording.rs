//! Connections that are recorded are replayed: the same steps and the same bytes.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::{fs, process};

use crate::adapter::{Client, Recording, RecordingOptions, Server};
use drywire::framing::Lines;
use drywire::protocol::Echo;
use drywire::script::{self, Call, Role, Script};
use drywire::{CloseKind, CloseReason, Instant, Peer};

use crate::calls::now;
use crate::peer::{Raw, dial, expect, expect_end};
use crate::serving::{loopback, run};

/// A file that is removed in the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("drywire-{}-{name}.script", process::id())))
    }

    fn recording(&self) -> Recording {
        let options = RecordingOptions::new().describing(|_, begin| {
            begin.framing = Some("lines".to_owned());
            if begin.role == Role::Server {
                begin.protocol = Some("echo".to_owned());
            }
        });
        Recording::create(&self.0, options).unwrap()
    }

    fn script(&self) -> Script {
        fs::read_to_string(&self.0).unwrap().parse().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Two conversations by hand: one in order, and one that ends inside a line.
fn converse(at: SocketAddr) {
    let mut peer = dial(at);
    peer.write_all(b"one\ntw").unwrap();
    expect(&mut peer, b"one\n");
    peer.write_all(b"o\n").unwrap();
    expect(&mut peer, b"two\n");
    peer.finish();
    expect_end(&mut peer);
    let mut peer = dial(at);
    peer.write_all(b"thr").unwrap();
    peer.finish();
    expect_end(&mut peer);
}

#[test]
fn connections_are_recorded() {
    let scratch = Scratch::new("connections");
    let recording = scratch.recording();
    let server = Server::new(|_: &Peer| Echo::new(Lines::new())).record(recording.clone());
    let server = run(server, vec![loopback()]);
    converse(server.at());
    server.handle.drain();
    assert!(server.ended().drained);
    recording.finish().unwrap();

    let script = scratch.script();
    let replay = script::replay(&script).unwrap();
    assert_eq!(script::replay(&script).as_ref(), Ok(&replay));
    assert_eq!(replay.differences(), [], "{script}");
    assert_eq!(replay.sent(1), b"one\ntwo\n");
    assert_eq!(replay.frames(1).collect::<Vec<_>>(), [&b"one\n"[..], b"two\n"]);
    assert_eq!(replay.reason(1), Some(&CloseReason::Finished));
    assert_eq!(replay.reason(2).map(CloseReason::kind), Some(CloseKind::Truncated));
    for (number, begin) in script.connections() {
        assert_eq!(begin.role, Role::Server);
        assert!(begin.peer.as_deref().is_some_and(|peer| peer.starts_with("127.0.0.1:")));
        assert!(script.of(number).all(|entry| entry.at > Instant::ZERO));
        assert!(matches!(script.of(number).last().map(|entry| &entry.call), Some(Call::Dropped)));
    }
    assert_eq!(script.connections().count(), 2);
}

#[test]
fn a_client_is_recorded_with_what_it_wanted() {
    let scratch = Scratch::new("client");
    let recording = scratch.recording();
    let server = run(Server::new(|_: &Peer| Echo::new(Lines::new())), vec![loopback()]);
    let client = Client::new().record(recording.clone());
    let mut framed = now(client.connect(&server.addresses[0], Lines::new())).unwrap();
    now(framed.send(b"hello")).unwrap();
    assert_eq!(now(framed.recv()).unwrap(), Some(&b"hello"[..]));
    now(framed.send(b"again")).unwrap();
    now(framed.finish()).unwrap();
    assert_eq!(now(framed.recv()).unwrap(), Some(&b"again"[..]));
    assert_eq!(now(framed.recv()).unwrap(), None);
    assert_eq!(now(framed.close()).unwrap(), CloseReason::Finished);
    server.handle.drain();
    assert!(server.ended().drained);
    recording.finish().unwrap();

    let script = scratch.script();
    let replay = script::replay(&script).unwrap();
    assert_eq!(replay.differences(), [], "{script}");
    assert_eq!(replay.sent(1), b"hello\nagain\n");
    assert_eq!(replay.frames(1).collect::<Vec<_>>(), [b"hello\n", b"again\n"]);
    assert_eq!(replay.reason(1), Some(&CloseReason::Finished));
}
