//! System calls that fail, by faults that strace injects, which must be installed.
//! `cargo test -p drywire-cli --features interop --test faults`

#[allow(dead_code, reason = "the tests of the command need more of it")]
#[path = "cli/process.rs"]
mod process;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use process::Folder;

/// What serves, and the calls by which it waits.
const SERVERS: [(&[&str], &str); 3] = [
    (&["--model", "evented"], "epoll_wait"),
    (&["--model", "threads"], "ppoll"),
    (&["--runtime", "smol"], "epoll_pwait"),
];

/// strace with what it does to the command that follows.
fn strace(trace: &str, calls: &str, fault: &str) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-s", "0", "-e", &format!("trace={calls}")]);
    strace.args(["-e", &format!("inject={calls}:{fault}"), "-o"]).arg(trace);
    strace.arg(env!("CARGO_BIN_EXE_drywire"));
    strace
}

/// How often one of these calls was made to fail.
fn injected(trace: &str, call: &str) -> usize {
    let trace = fs::read_to_string(trace).unwrap();
    let names = [format!(" {call}("), format!(" {call} resumed>")];
    let is_of = |line: &&str| names.iter().any(|name| line.contains(name));
    trace.lines().filter(is_of).filter(|line| line.contains("(INJECTED)")).count()
}

/// `drywire serve` under strace, killed when dropped: the fault may hit what a handler of signals
/// sends.
struct Traced {
    strace: Child,
    /// With its scheme.
    address: String,
    folder: Folder,
}

impl Traced {
    fn start(scheme: &str, arguments: &[&str], calls: &str, fault: &str) -> Self {
        let folder = Folder::new();
        let mut command = strace(&folder.file("trace"), calls, fault);
        command.arg("serve").args(arguments);
        command.args(["--listen", &format!("{scheme}://127.0.0.1:0")]);
        if scheme == "tls" {
            command.arg("--dev-cert").arg(folder.file("dev.pem"));
        }
        let mut strace = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("strace is installed");
        let mut line = String::new();
        let stdout = strace.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening ").expect("it listens").to_owned();
        Self { strace, address, folder }
    }

    /// Sends and gets back.
    fn echo(&self) {
        let place = self.address.strip_prefix("tcp://").unwrap();
        let mut stream = TcpStream::connect(place).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(b"still there?").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "still there?");
    }

    fn injected(&self, call: &str) -> usize {
        injected(&self.folder.file("trace"), call)
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        let id = self.strace.id();
        let served =
            fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        for id in served.split_whitespace().filter_map(|id| id.parse().ok()) {
            if let Some(id) = rustix::process::Pid::from_raw(id) {
                let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
            }
        }
        let _ = self.strace.wait();
    }
}

fn survives(fault: &str) {
    for (arguments, _) in SERVERS {
        let fault = format!("error={fault}:when=1..3");
        let server = Traced::start("tcp", arguments, "accept4", &fault);
        server.echo();
        server.echo();
        let count = server.injected("accept4");
        assert!(count >= 3, "{arguments:?} {fault}: {count} injected");
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

/// Every second call of each kind that accepts, reads, writes or waits is interrupted, at both
/// ends, and what was sent comes back as if nothing had been.
#[test]
fn calls_that_are_interrupted_all_the_time() {
    let sent = (0..300_000_u32).map(|at| (at % 251) as u8).collect::<Vec<_>>();
    for scheme in ["tcp", "tls"] {
        for (arguments, waits) in SERVERS {
            let name = format!("{scheme} {arguments:?}");
            let io = "recvfrom,recvmsg,readv,sendto,sendmsg,writev";
            let every_second = "error=EINTR:when=1+2";
            let calls = format!("accept4,{io},{waits}");
            let server = Traced::start(scheme, arguments, &calls, every_second);

            let input = server.folder.write("sent", &sent);
            let trace = server.folder.file("trace of the client");
            let calls = format!("{io},epoll_wait,poll,ppoll");
            let mut client = strace(&trace, &calls, every_second);
            client.args(["send", "--timeout", "20"]);
            if scheme == "tls" {
                client.arg("--ca").arg(server.folder.file("dev.pem"));
            }
            client.arg(&server.address).stdin(fs::File::open(input).unwrap());
            let output = client.output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{name}: {} {said}", output.status);
            assert!(output.stdout == sent, "{name}: {} bytes came back", output.stdout.len());

            for call in ["accept4", "recvfrom", "sendto", waits] {
                assert!(server.injected(call) > 0, "{name}: {call} was not interrupted");
            }
            for call in ["recvfrom", "sendto"] {
                let count = injected(&trace, call);
                assert!(count > 0, "{name}: {call} of the client was not interrupted");
            }
        }
    }
}
