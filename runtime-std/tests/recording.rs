//! Connections that are recorded are replayed: the same steps and the same bytes.
#![cfg(feature = "record")]

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{fs, process, thread};

use drywire::address::Address;
use drywire::framing::Lines;
use drywire::protocol::Echo;
use drywire::script::{self, Call, Role, Script};
use drywire::{CloseKind, CloseReason, Instant};
use drywire_std::{Client, Listener, Recording, RecordingOptions};

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
fn connections_in_threads_are_recorded() {
    let scratch = Scratch::new("threads");
    let recording = scratch.recording();
    let (listener, address) = listener();
    let server = drywire_std::Server::new(|_: &_| Echo::new(Lines::new()))
        .listen(listener)
        .record(recording.clone());
    let handle = server.handle();
    let serving = thread::spawn(move || server.run());
    let answer = converse(&address);
    handle.drain();
    assert!(serving.join().unwrap().unwrap().drained);
    recording.finish().unwrap();
    check(&scratch.script(), &answer);
}

#[test]
fn connections_in_a_loop_are_recorded() {
    let scratch = Scratch::new("evented");
    let recording = scratch.recording();
    let (listener, address) = listener();
    let server = drywire_std::evented::Server::new(|_: &_| Echo::new(Lines::new()))
        .listen(listener)
        .record(recording.clone());
    let handle = server.handle();
    let serving = thread::spawn(move || server.run());
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
    let server = drywire_std::Server::new(|_: &_| Echo::new(Lines::new())).listen(listener);
    let handle = server.handle();
    let serving = thread::spawn(move || server.run());
    let client = Client::new().record(recording.clone());
    let mut framed = client.connect(&address, Lines::new()).unwrap();
    framed.send(b"hello").unwrap();
    assert_eq!(framed.recv().unwrap(), Some(&b"hello"[..]));
    framed.send(b"again").unwrap();
    framed.finish().unwrap();
    assert_eq!(framed.recv().unwrap(), Some(&b"again"[..]));
    assert_eq!(framed.recv().unwrap(), None);
    assert_eq!(framed.close().unwrap(), CloseReason::Finished);
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

#[test]
fn only_the_owner_may_read_a_recording_in_place_of_another_file() {
    let scratch = Scratch::new("mode");
    fs::write(&scratch.0, "what was there before, and is longer than a header\n").unwrap();
    fs::set_permissions(&scratch.0, fs::Permissions::from_mode(0o644)).unwrap();
    let recording = scratch.recording();
    // At once: nothing has been recorded yet.
    assert_eq!(fs::metadata(&scratch.0).unwrap().mode() & 0o777, 0o600);
    recording.finish().unwrap();
    assert_eq!(fs::read_to_string(&scratch.0).unwrap(), "drywire-script 1\n");
}

#[test]
fn a_pipe_is_recorded_into_and_keeps_its_mode() {
    let cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let path = format!("/dev/fd/{}", cat.stdin.as_ref().unwrap().as_raw_fd());
    let before = fs::metadata(&path).unwrap().mode();
    let recording = Recording::create(path.as_ref(), RecordingOptions::new()).unwrap();
    recording.finish().unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode(), before);
    assert_eq!(cat.wait_with_output().unwrap().stdout, b"drywire-script 1\n");
}

#[test]
fn a_device_that_is_full_says_so() {
    let recording = Recording::create("/dev/full".as_ref(), RecordingOptions::new()).unwrap();
    assert_eq!(recording.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
}
