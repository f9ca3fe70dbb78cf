//! What is in `cli/deploy`, put to systemd's own tools.
#![forbid(unsafe_code)]

#[allow(dead_code, reason = "the tests of the command need more of it")]
#[path = "cli/process.rs"]
mod process;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Instant;

use process::{Folder, Lines, PATIENCE, Process};
use rustix::process::Signal;

const UNITS: [&str; 2] = ["drywire.service", "drywire.socket"];

/// A folder with the units, which start the command that was built here.
fn units(change: impl Fn(String) -> String) -> (Folder, Vec<String>) {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    let folder = Folder::new();
    let write = |name: &str| {
        let unit = fs::read_to_string(deploy.join(name)).unwrap();
        folder.write(name, change(unit.replace("/usr/bin/drywire", env!("CARGO_BIN_EXE_drywire"))))
    };
    let files = UNITS.iter().map(|name| write(name)).collect();
    (folder, files)
}

fn analyze(arguments: &[&str], files: &[String]) -> Output {
    Command::new("systemd-analyze").args(arguments).args(files).output().unwrap()
}

/// What `systemd-analyze verify` says; nothing when all is well.
fn complaints(files: &[String]) -> String {
    // The manual page is where it is installed.
    let output = analyze(&["verify", "--man=no"], files);
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[test]
fn units_are_verified() {
    let (_folder, files) = units(|unit| unit);
    assert_eq!(complaints(&files), "");
    // It would say so if there were something.
    let (_folder, files) = units(|unit| unit.replace("KillMode", "KillMood"));
    assert!(complaints(&files).contains("KillMood"));
}

#[test]
fn the_service_can_do_little_else() {
    let (_folder, files) = units(|unit| unit);
    // 100 is a service that may do anything.
    let security = ["security", "--offline=true", "--threshold=10"];
    let output = analyze(&security, &files[..1]);
    assert!(output.status.success(), "{output:?}");
}

/// The command line of the unit, started as systemd starts it when somebody connects.
#[test]
fn the_service_serves_sockets_that_systemd_hands_over() {
    let (folder, files) = units(|unit| unit);
    let unit = fs::read_to_string(&files[0]).unwrap();
    let command = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let path = folder.file("s");
    let mut activate = Command::new("systemd-socket-activate");
    activate.args(["--listen", &path]).args(command.split(' ')).arg("--json");
    let mut process = Process::start(&mut activate);
    let begin = Instant::now();
    let mut stream = loop {
        match UnixStream::connect(&path) {
            Ok(stream) => break stream,
            Err(error) => assert!(begin.elapsed() < PATIENCE, "{error}"),
        }
    };
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"hello").unwrap();
    let mut echo = [0; 5];
    stream.read_exact(&mut echo).unwrap();
    assert_eq!(&echo, b"hello");
    drop(stream);
    let stdout = Lines::of(process.stdout.take().unwrap());
    let listening = stdout.next();
    assert_eq!(listening, format!(r#"{{"address":"unix:{path}","event":"listening"}}"#));
    process.signal(Signal::TERM);
    stdout.find(r#""drained":true"#);
    process.finish().assert(0, "");
}
