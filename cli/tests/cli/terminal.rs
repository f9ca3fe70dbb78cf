//! What only a terminal gets.

use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

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
fn shown(command: Command, set: impl FnOnce(&mut Command, File)) -> (Option<i32>, String) {
    shown_at(command, (80, 24), set)
}

/// The same with so many columns and rows.
fn shown_at(
    mut command: Command,
    (columns, rows): (u16, u16),
    set: impl FnOnce(&mut Command, File),
) -> (Option<i32>, String) {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let name = ptsname(&controller, Vec::new()).unwrap();
    let terminal = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let size = Winsize { ws_col: columns, ws_row: rows, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&terminal, size).unwrap();
    set(&mut command, terminal);
    let process = Process::spawn(&mut command);
    // The command holds the terminal too, until it is dropped.
    drop(command);
    // A terminal holds little until it is read.
    let reader = thread::spawn(move || {
        let mut text = Vec::new();
        // A terminal that nobody has open any more is an error on Linux, and the end elsewhere.
        let _ = File::from(controller).read_to_end(&mut text);
        text
    });
    let code = process.finish().code;
    (code, String::from_utf8(reader.join().unwrap()).unwrap())
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

/// What is on a terminal in the end, for what commands of this program do with one.
fn left(text: &str) -> String {
    let mut lines = vec![String::new()];
    let mut row = 0;
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        rest = &rest[letter.len_utf8()..];
        match letter {
            '\r' => {}
            '\n' => {
                row += 1;
                lines.resize(lines.len().max(row + 1), String::new());
            }
            '\x1b' => {
                let end = rest.find(|letter: char| letter.is_ascii_alphabetic()).unwrap();
                let (count, order) = (rest[1..end].parse().unwrap_or(1), &rest[end..=end]);
                match order {
                    "A" | "F" => row = row.saturating_sub(count),
                    "B" => row += count,
                    "K" => lines[row].clear(),
                    "J" => lines.truncate(row),
                    _ => {}
                }
                lines.resize(lines.len().max(row + 1), String::new());
                rest = &rest[end + 1..];
            }
            letter => lines[row].push(letter),
        }
    }
    lines.join("\n").trim().to_owned()
}

#[test]
fn a_load_is_shown_on_a_terminal_that_can_and_rubbed_out() {
    let server = Server::start(&["tcp://127.0.0.1:0"], [""; 0]);
    let bench = |term: &str, options: &[&str], size: (u16, u16)| {
        let mut command = drywire(["bench", "-w", "0", "-d", "0.3"]);
        command.args(options).arg(server.address()).env("TERM", term).stdout(Stdio::null());
        let (code, text) = shown_at(command, size, |command, terminal| {
            command.stderr(terminal);
        });
        assert_eq!(code, Some(0), "{text}");
        text
    };
    for (columns, rows) in [(80, 24), (40, 6), (20, 24)] {
        let text = bench("xterm", &[], (columns, rows));
        assert!(text.contains(" requests, ") && text.contains("up to "), "{text:?}");
        assert_eq!(text.contains('█'), columns >= 40, "{text:?}");
        assert_eq!(left(&text), "", "{text:?}");
        let widths = text.split(['\r', '\n', '\x1b']).map(|line| line.chars().count());
        assert!(widths.max() <= Some(usize::from(columns) + 8), "{text:?}");
    }
    for (term, options) in [("dumb", &[][..]), ("xterm", &["--json"])] {
        assert_eq!(bench(term, options, (80, 24)), "");
    }
}
