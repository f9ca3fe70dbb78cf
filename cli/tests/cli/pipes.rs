//! Pipes of any size, readers that go away, disks that are full.

use std::fs::File;
use std::io::Write;
use std::process::Stdio;
use std::thread;

use crate::process::{Folder, Process, Server, drywire, run};

const RUNTIMES: [&str; 2] = ["std", "smol"];

/// Bytes that are nowhere the same for long.
fn noise(len: usize) -> Vec<u8> {
    let words =
        (0_u64..).map(|index| (index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29));
    words.flat_map(u64::to_be_bytes).take(len).collect()
}

#[test]
fn a_big_pipe_comes_back_the_same() {
    let input = noise(64 << 20);
    let folder = Folder::new();
    let ca = folder.file("dev.pem");
    for runtime in RUNTIMES {
        let server = Server::start(
            &["tls://127.0.0.1:0"],
            ["--runtime", runtime, "--framing", "u32be", "--dev-cert", &ca],
        );
        let options =
            ["send", "--runtime", runtime, "--framing", "u32be", "--ca", &ca, server.address()];
        let finished = run(options, input.clone());
        finished.assert(0, "");
        assert!(finished.stdout == input, "{} bytes came back", finished.stdout.len());
    }
}

#[test]
fn many_short_lines_come_back_in_order() {
    let input: String = (0..200_000).map(|number| format!("{number}\n")).collect();
    for runtime in RUNTIMES {
        let server =
            Server::start(&["tcp://127.0.0.1:0"], ["--framing", "lines", "--runtime", runtime]);
        let options = ["send", "--framing", "lines", "--runtime", runtime, server.address()];
        let finished = run(options, input.clone());
        finished.assert(0, "");
        assert!(finished.text() == input, "{} bytes came back", finished.stdout.len());
    }
}

#[test]
fn a_reader_that_goes_away_ends_the_command_without_a_word() {
    for runtime in RUNTIMES {
        let server = Server::start(&["tcp://127.0.0.1:0"], ["--runtime", runtime]);
        let mut process =
            Process::start(&mut drywire(["send", "--runtime", runtime, server.address()]));
        let mut stdin = process.stdin.take().unwrap();
        let endless = thread::spawn(move || while stdin.write_all(&[b'x'; 8192]).is_ok() {});
        process.read(100_000);
        drop(process.stdout.take());
        let finished = process.finish();
        assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
        endless.join().unwrap();
    }
}

#[test]
fn a_reader_that_goes_away_is_noticed_while_the_input_is_silent() {
    let server = Server::start(&["tcp://127.0.0.1:0"], ["--framing", "lines"]);
    let mut process =
        Process::start(&mut drywire(["send", "--framing", "lines", server.address()]));
    drop(process.stdout.take());
    process.stdin.as_mut().unwrap().write_all(b"line\n").unwrap();
    // Standard input stays open.
    let finished = process.finish();
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
}

#[test]
fn readers_of_other_output_may_go_away_too() {
    for arguments in
        [&["--help"][..], &["man"], &["completions", "zsh"], &["frames", "/proc/self/exe"]]
    {
        let mut process = Process::start(&mut drywire(arguments));
        drop(process.stdout.take());
        let finished = process.finish();
        assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn a_full_disk_is_8() {
    for runtime in RUNTIMES {
        let server = Server::start(&["tcp://127.0.0.1:0"], ["--runtime", runtime]);
        let full = || File::options().write(true).open("/dev/full").unwrap();
        for data in [&["hello"][..], &[]] {
            let mut command = drywire(["send", "--runtime", runtime, server.address()]);
            command.args(data).stdin(File::open("/dev/zero").unwrap());
            let process = Process::spawn(command.stdout(full()).stderr(Stdio::piped()));
            let sentence = "cannot write to standard output: no space left on device";
            process.finish().assert(8, sentence);
        }
        let mut command = drywire(["serve", "--listen", "tcp://127.0.0.1:0"]);
        let process = Process::spawn(command.stdout(full()).stderr(Stdio::piped()));
        process.finish().assert(8, "no space left on device");
    }
}

#[test]
fn input_that_cannot_be_read_is_8() {
    let server = Server::start(&["tcp://127.0.0.1:0"], [""; 0]);
    let folder = File::open(std::env::temp_dir()).unwrap();
    let mut command = drywire(["send", server.address()]);
    command.stdin(folder).stdout(Stdio::piped()).stderr(Stdio::piped());
    Process::spawn(&mut command).finish().assert(8, "cannot read standard input: is a directory");
}
