//! What only a terminal gets.

use std::fs::File;
use std::io::Read;
use std::process::Command;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::process::{Process, Server, drywire, run};
use crate::scripted::{Scripted, ok};

/// What is printed on standard error when that is a terminal.
fn on_terminal(arguments: &[&str], no_color: Option<&str>, term: &str) -> String {
    let mut command = drywire(arguments);
    command.env("TERM", term);
    if let Some(no_color) = no_color {
        command.env("NO_COLOR", no_color);
    }
    let (code, text) = shown(command, |command, terminal| {
        command.stderr(terminal);
    });
    assert_eq!(code, Some(2));
    text
}

/// How a command ends whose output is `set` to a terminal, and what that shows.
fn shown(mut command: Command, set: impl FnOnce(&mut Command, File)) -> (Option<i32>, String) {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let name = ptsname(&controller, Vec::new()).unwrap();
    let terminal = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    set(&mut command, terminal);
    let process = Process::spawn(&mut command);
    // The command holds the terminal too, until it is dropped.
    drop(command);
    let code = process.finish().code;
    let mut text = Vec::new();
    // A terminal that nobody has open any more is an error on Linux, and the end elsewhere.
    let _ = File::from(controller).read_to_end(&mut text);
    (code, String::from_utf8(text).unwrap())
}

#[test]
fn colours_are_for_terminals_and_can_be_refused() {
    // One error of our own, one of the parser.
    for arguments in [&["frames", "/does/not/exist"][..], &["frobnicate"]] {
        assert!(on_terminal(arguments, None, "xterm").contains("\x1b["));
        assert!(!on_terminal(arguments, Some("1"), "xterm").contains("\x1b["));
        assert!(!on_terminal(arguments, None, "dumb").contains("\x1b["));
        let process = Process::start(drywire(arguments).env("TERM", "xterm"));
        assert!(!process.finish().stderr.contains("\x1b["));
    }
}

#[test]
fn the_last_line_is_ended_on_a_terminal_only() {
    let stdout = |command: &mut Command, terminal: File| {
        command.stdout(terminal);
    };
    let server = Server::start(&["tcp://127.0.0.1:0", "udp://127.0.0.1:0"], [""; 0]);
    for (body, expected) in [("hello", "hello\r\n"), ("hello\n", "hello\r\n"), ("", "")] {
        let scripted = Scripted::start(vec![ok("", body)], None);
        let get = drywire(["get", &scripted.http("/")]);
        assert_eq!(shown(get, stdout), (Some(0), expected.to_owned()));
        scripted.requests();
        for address in &server.addresses {
            let send = drywire(["send", address, body]);
            assert_eq!(shown(send, stdout), (Some(0), expected.to_owned()));
            assert_eq!(run(["send", address, body], "").text(), body);
        }
    }
}
