//! Colours, which only a terminal gets.

use std::fs::File;
use std::io::Read;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::process::{Process, drywire};

/// What is printed on standard error when that is a terminal.
fn on_terminal(arguments: &[&str], no_color: Option<&str>, term: &str) -> String {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let name = ptsname(&controller, Vec::new()).unwrap();
    let terminal = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let mut command = drywire(arguments);
    command.env("TERM", term).stderr(terminal);
    if let Some(no_color) = no_color {
        command.env("NO_COLOR", no_color);
    }
    let process = Process::spawn(&mut command);
    // The command holds the terminal too, until it is dropped.
    drop(command);
    assert_eq!(process.finish().code, Some(2));
    let mut text = Vec::new();
    // A terminal that nobody has open any more is an error on Linux, and the end elsewhere.
    let _ = File::from(controller).read_to_end(&mut text);
    String::from_utf8(text).unwrap()
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
