//! Connections that are recorded are replayed: the same steps and the same bytes.
#![cfg(feature = "record")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::{fs, process, thread};

use drywire_smol::drywire::address::Address;
use drywire_smol::drywire::framing::Lines;
use drywire_smol::drywire::protocol::Echo;
use drywire_smol::drywire::script::{self, Call, Role, Script};
use drywire_smol::drywire::{CloseKind, CloseReason, Instant};
use drywire_smol::{Client, Listener, Recording, RecordingOptions, Server};

/// A file that is removed in the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("drywire-smol-{}-{name}.script", process::id())))
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

fn listener() -> (Listener, Address) {
    let listener = Listener::bind(&"tcp://127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.address().clone();
    (listener, address)
}

fn connect(address: &Address) -> TcpStream {
    let address = address.to_string();
    TcpStream::connect(address.strip_prefix("tcp://").unwrap()).unwrap()
}

/// Two conversations by hand: one in order, and one that ends inside a line.
fn converse(address: &Address) -> Vec<u8> {
    let mut stream = connect(address);
    let mut answer = vec![0; 8];
    stream.write_all(b"one\ntw").unwrap();
    stream.read_exact(&mut answer[..4]).unwrap();
    stream.write_all(b"o\n").unwrap();
    stream.read_exact(&mut answer[4..]).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    let mut stream = connect(address);
    stream.write_all(b"thr").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    answer
}

/// Replays what a server recorded of [`converse`], twice.
fn check(script: &Script, answer: &[u8]) {
    let replay = script::replay(script).unwrap();
    assert_eq!(script::replay(script).as_ref(), Ok(&replay));
    assert_eq!(replay.differences(), [], "{script}");
    assert_eq!(replay.sent(1), answer);
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
fn connections_in_tasks_are_recorded() {
    let scratch = Scratch::new("tasks");
    let recording = scratch.recording();
    let (listener, address) = listener();
    let server =
        Server::new(|_: &_| Echo::new(Lines::new())).listen(listener).record(recording.clone());
    let handle = server.handle();
    let serving = thread::spawn(move || smol::block_on(server.run()));
    let answer = converse(&address);
    handle.drain();
    assert!(serving.join().unwrap().unwrap().drained);
    recording.finish().unwrap();
    check(&scratch.script(), &answer);
}

#[test]
fn a_client_is_recorded_with_what_it_wanted() {
    let scratch = Scratch::new("client");
    let recording = scratch.recording();
    let (listener, address) = listener();
    let server = Server::new(|_: &_| Echo::new(Lines::new())).listen(listener);
    let handle = server.handle();
    let serving = thread::spawn(move || smol::block_on(server.run()));
    let client = Client::new().record(recording.clone());
    smol::block_on(async {
        let mut framed = client.connect(&address, Lines::new()).await.unwrap();
        framed.send(b"hello").await.unwrap();
        assert_eq!(framed.recv().await.unwrap(), Some(&b"hello"[..]));
        framed.send(b"again").await.unwrap();
        framed.finish().await.unwrap();
        assert_eq!(framed.recv().await.unwrap(), Some(&b"again"[..]));
        assert_eq!(framed.recv().await.unwrap(), None);
        assert_eq!(framed.close().await.unwrap(), CloseReason::Finished);
    });
    handle.drain();
    assert!(serving.join().unwrap().unwrap().drained);
    recording.finish().unwrap();
    let script = scratch.script();
    let replay = script::replay(&script).unwrap();
    assert_eq!(replay.differences(), [], "{script}");
    assert_eq!(replay.sent(1), b"hello\nagain\n");
    assert_eq!(replay.frames(1).collect::<Vec<_>>(), [b"hello\n", b"again\n"]);
    assert_eq!(replay.reason(1), Some(&CloseReason::Finished));
}
