//! `drywire serve` under a service manager: sockets handed over, readiness told.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::certificates::Authority;
use crate::process::{Folder, Lines, PATIENCE, Process, Server, drywire, run};

const MODELS: [&[&str]; 5] = [
    &["--runtime", "std"],
    &["--model", "threads"],
    &["--runtime", "smol"],
    &["--runtime", "std", "--model", "processes", "--workers", "2"],
    &["--runtime", "smol", "--model", "processes", "--workers", "2"],
];

/// `drywire serve` with `sockets`, which are one or two, from descriptor 3 on, as a service manager
/// hands them over. A shell does it: it moves its standard input, and the error output to which
/// nothing is written then.
fn activated(sockets: Vec<OwnedFd>, arguments: &[&str]) -> Process {
    let moves = if sockets.len() == 2 { "3<&0 4<&2 2>/dev/null" } else { "3<&0" };
    let script = format!(
        "exec {moves} </dev/null; export LISTEN_FDS={} LISTEN_PID=$$; exec \"$@\"",
        sockets.len()
    );
    let program = drywire(["serve"]);
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).arg("sh").arg(program.get_program()).args(program.get_args());
    command.args(arguments);
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut sockets = sockets.into_iter();
    command.stdin(sockets.next().unwrap()).stdout(Stdio::piped());
    command.stderr(sockets.next().map_or_else(Stdio::piped, Stdio::from));
    Process::spawn(&mut command)
}

fn echo(stream: &mut (impl Read + Write)) {
    stream.write_all(b"x").unwrap();
    let mut echo = [0];
    stream.read_exact(&mut echo).unwrap();
    assert_eq!(&echo, b"x");
}

#[test]
fn sockets_that_are_handed_over_are_served() {
    for model in MODELS {
        let folder = Folder::new();
        let path = folder.file("s");
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let unix = UnixListener::bind(&path).unwrap();
        let address = tcp.local_addr().unwrap();
        // In the queue before anybody serves.
        let mut early = TcpStream::connect(address).unwrap();
        early.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut process = activated(vec![tcp.into(), unix.into()], model);
        let stdout = Lines::of(process.stdout.take().unwrap());
        assert_eq!(stdout.next(), format!("listening tcp://{address}"));
        assert_eq!(stdout.next(), format!("listening unix:{path}"));
        echo(&mut early);
        echo(&mut UnixStream::connect(&path).unwrap());
        drop(early);
        process.signal(Signal::TERM);
        process.finish().assert(0, "");
        // The file is the manager's.
        assert!(std::fs::exists(&path).unwrap());
    }
}

#[test]
fn datagram_sockets_that_are_handed_over_are_served() {
    for (model, has_names) in MODELS.iter().flat_map(|model| [(model, false), (model, true)]) {
        let folder = Folder::new();
        let path = folder.file("s");
        let (udp, unix) = (UdpSocket::bind("127.0.0.1:0"), UnixDatagram::bind(&path));
        let (udp, unix) = (udp.unwrap(), unix.unwrap());
        let address = udp.local_addr().unwrap();
        let names = ["--listen", "udp://0.0.0.0:7", "--listen", "unixgram:/x"];
        let names = if has_names { &names[..] } else { &[] };
        let mut process = activated(vec![udp.into(), unix.into()], &[*model, names].concat());
        let stdout = Lines::of(process.stdout.take().unwrap());
        let (udp, unix) = (format!("udp://{address}"), format!("unixgram:{path}"));
        for address in [&udp, &unix] {
            assert_eq!(stdout.next(), format!("listening {address}"));
            let sent = run(["send", address, "hello"], "");
            sent.assert(0, "");
            assert_eq!(sent.text(), "hello");
        }
        process.signal(Signal::TERM);
        process.finish().assert(0, "");
        assert!(std::fs::exists(&path).unwrap());
    }
}

#[test]
fn the_command_line_says_what_runs_on_a_socket() {
    for model in MODELS {
        let folder = Folder::new();
        let authority = Authority::new("own");
        let ca = folder.write("ca.pem", authority.pem());
        let (cert, key) = folder.write_identity(authority.issue(&["127.0.0.1"]));
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("tls://{}", tcp.local_addr().unwrap());
        let tls = ["--listen", "tls://0.0.0.0:443", "--cert", &cert, "--key", &key];
        let mut process = activated(vec![tcp.into()], &[model, &tls].concat());
        let stdout = Lines::of(process.stdout.take().unwrap());
        assert_eq!(stdout.next(), format!("listening {address}"));
        run(["send", "--ca", &ca, &address, "hello"], "").assert(0, "");
        process.signal(Signal::TERM);
        process.finish().assert(0, "");
    }
}

#[test]
fn sockets_that_do_not_fit_are_refused() {
    let tcp = || TcpListener::bind("127.0.0.1:0").unwrap().into();
    let listen = ["--listen", "unix:/x"];
    let udp = || UdpSocket::bind("127.0.0.1:0").unwrap().into();
    for (socket, arguments, expected) in [
        (tcp(), &listen[..], "--listen unix:/x stands where LISTEN_FDS has tcp://127.0.0.1:"),
        (
            tcp(),
            &["--listen", "tcp://:1", "--listen", "tcp://:2"],
            "there are 1 sockets in LISTEN_FDS and 2 times --listen",
        ),
        (
            udp(),
            &["--listen", "tcp://:1"],
            "--listen tcp://[::]:1 stands where LISTEN_FDS has udp://127.0.0.1:",
        ),
        (
            std::fs::File::open("/dev/null").unwrap().into(),
            &[],
            "socket 1 of LISTEN_FDS is not one of TCP, UDP or Unix with a name",
        ),
        (UnixDatagram::unbound().unwrap().into(), &[], "socket 1 of LISTEN_FDS is not one"),
    ] {
        activated(vec![socket], arguments).finish().assert(2, expected);
    }
    let connected: OwnedFd = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        TcpStream::connect(listener.local_addr().unwrap()).unwrap().into()
    };
    activated(vec![connected], &[]).finish().assert(4, "does not listen there");
}

#[test]
fn more_sockets_than_there_are_is_an_error() {
    for (count, expected) in [
        ("1024", "socket 1 of LISTEN_FDS is not one of TCP, UDP"),
        ("1025", "LISTEN_FDS names more than 1024 sockets"),
        ("4294967295", "LISTEN_FDS names more than 1024 sockets"),
    ] {
        let mut command = drywire(["serve", "--listen", "tcp://127.0.0.1:0"]);
        let process = Process::start(command.env("LISTEN_FDS", count));
        process.finish().assert(2, expected);
    }
    // What is no number hands nothing over.
    let mut command = drywire(["serve", "--listen", "tcp://127.0.0.1:0"]);
    let mut process = Process::start(command.env("LISTEN_FDS", "x"));
    let stdout = Lines::of(process.stdout.take().unwrap());
    assert!(stdout.next().starts_with("listening tcp://127.0.0.1:"));
    process.signal(Signal::TERM);
    process.finish().assert(0, "");
}

#[test]
fn sockets_for_another_process_are_left_alone() {
    let mut command = drywire(["serve", "--listen", "tcp://127.0.0.1:0"]);
    let mut process = Process::start(command.env("LISTEN_FDS", "3").env("LISTEN_PID", "1"));
    let stdout = Lines::of(process.stdout.take().unwrap());
    assert!(stdout.next().starts_with("listening tcp://127.0.0.1:"));
    process.signal(Signal::TERM);
    process.finish().assert(0, "");
}

/// A service manager that listens.
struct Manager {
    socket: UnixDatagram,
    path: String,
    _folder: Folder,
}

impl Manager {
    fn new() -> Self {
        let folder = Folder::new();
        let path = folder.file("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, path, _folder: folder }
    }

    fn next(&self) -> String {
        let mut bytes = [0; 4096];
        let len = self.socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..len].to_vec()).unwrap()
    }
}

#[test]
fn the_service_manager_is_told() {
    for model in MODELS {
        let folder = Folder::new();
        let (cert, key) = folder.write_identity(Authority::new("own").issue(&["127.0.0.1"]));
        let manager = Manager::new();
        let mut command = drywire(["serve", "--listen", "tls://127.0.0.1:0"]);
        command.args(["--cert", &cert, "--key", &key, "--drain-pause", "none"]);
        command.args(model).env("NOTIFY_SOCKET", &manager.path);
        let process = Process::start(&mut command);
        assert_eq!(manager.next(), "READY=1\n");
        // A good reload, and one that fails.
        for is_good in [true, false] {
            if !is_good {
                std::fs::remove_file(&key).unwrap();
            }
            process.signal(Signal::HUP);
            let told = manager.next();
            let time = told.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
            assert!(time.trim_end().parse::<u64>().unwrap() > 0, "{told}");
            assert_eq!(manager.next(), "READY=1\n");
        }
        process.signal(Signal::TERM);
        assert_eq!(manager.next(), "STOPPING=1\n");
        // It pauses for ever.
        process.signal(Signal::TERM);
        process.finish();
    }
}

#[test]
fn a_service_manager_that_is_gone_is_no_reason_not_to_serve() {
    let mut command = drywire(["serve", "--listen", "tcp://127.0.0.1:0"]);
    let mut process = Process::start(command.env("NOTIFY_SOCKET", "/nowhere/to/be/found"));
    let stderr = Lines::of(process.stderr.take().unwrap());
    stderr.find("the service manager cannot be told: no such file or directory");
    process.signal(Signal::TERM);
    process.finish().assert(0, "");
}

#[test]
fn a_server_that_pauses_is_served_on() {
    for runtime in ["std", "smol"] {
        let server = Server::start(
            &["tcp://127.0.0.1:0"],
            ["--runtime", runtime, "--drain-pause", "none", "--drain-timeout", "none"],
        );
        server.process.signal(Signal::TERM);
        server.stderr.find("serving on for a pause");
        echo(&mut TcpStream::connect(server.place()).unwrap());
        let mut stream = TcpStream::connect(server.place()).unwrap();
        echo(&mut stream);
        // A second signal does not wait for it.
        server.process.signal(Signal::INT);
        server.stderr.find("not drained: 2 accepted");
        server.process.finish().assert(1, "");

        let options = ["--runtime", runtime, "--drain-pause", "0.01"];
        let server = Server::start(&["tcp://127.0.0.1:0"], options);
        server.process.signal(Signal::TERM);
        server.stderr.find("drained: 0 accepted");
        server.process.finish().assert(0, "");
    }
}
