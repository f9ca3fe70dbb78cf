//! Accepting while the system refuses to: faults injected into system calls by strace, which must
//! be installed. `cargo test -p drywire-cli --features interop --test faults`

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// `drywire serve` under strace, ended with SIGTERM when dropped.
struct Traced {
    strace: Child,
    place: String,
    trace: std::path::PathBuf,
}

impl Traced {
    fn start(runtime: &str, fault: &str) -> Self {
        let trace = std::env::temp_dir().join(format!(
            "drywire-trace-{}-{runtime}-{}",
            std::process::id(),
            fault.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-"),
        ));
        let mut strace = Command::new("strace")
            .args(["-f", "-qq", "-e", "trace=accept4", "-e", &format!("inject=accept4:{fault}")])
            .arg("-o")
            .arg(&trace)
            .args([env!("CARGO_BIN_EXE_drywire"), "serve", "--runtime", runtime])
            .args(["--listen", "tcp://127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("strace is installed");
        let mut line = String::new();
        let stdout = strace.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let place = line.trim().strip_prefix("listening tcp://").expect("it listens").to_owned();
        Self { strace, place, trace }
    }

    /// Sends and gets back.
    fn echo(&self) {
        let mut stream = TcpStream::connect(&self.place).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(b"still there?").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "still there?");
    }

    fn injected(&self) -> usize {
        fs::read_to_string(&self.trace).unwrap().matches("(INJECTED)").count()
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        let id = self.strace.id();
        let served =
            fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        for id in served.split_whitespace().filter_map(|id| id.parse().ok()) {
            if let Some(id) = rustix::process::Pid::from_raw(id) {
                let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
            }
        }
        let _ = self.strace.wait();
        let _ = fs::remove_file(&self.trace);
    }
}

fn survives(fault: &str) {
    for runtime in ["std", "smol"] {
        let server = Traced::start(runtime, &format!("error={fault}:when=1..3"));
        server.echo();
        server.echo();
        assert!(server.injected() >= 3, "{runtime} {fault}: {} injected", server.injected());
    }
}

/// RUSTSEC-2024-0376: a server that ended when a peer was gone before it was accepted.
#[test]
fn a_connection_that_is_aborted_before_it_is_accepted() {
    survives("ECONNABORTED");
}

#[test]
fn an_accept_that_is_interrupted() {
    survives("EINTR");
}

#[test]
fn descriptors_that_run_out() {
    survives("EMFILE");
    survives("ENFILE");
    survives("ENOBUFS");
}
