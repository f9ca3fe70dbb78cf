//! What an echo of datagrams of 64 bytes costs a server, in its own processor time: both adapters
//! against a loop of recvmmsg and sendmmsg written by hand. Each server is a process of its own,
//! and the runs are paired: `cargo bench --package drywire-conformance --bench udp_echo`.
//!
//! Without `--bench`, as the tests run it, each server is asked a few datagrams only.

use std::env;
use std::io::{IoSlice, IoSliceMut, Read};
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use drywire::datagram::{DatagramEcho, DatagramLimits};
use drywire::framing::Raw;
use drywire::protocol::Discard;
use drywire_std::datagram::DatagramListener;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg};
use nix::sys::time::TimeValLike;

const BATCH: usize = 32;
const PAYLOAD: [u8; 64] = [7; 64];
const SERVERS: [&str; 3] = ["hand", "std", "smol"];

fn main() {
    let arguments: Vec<_> = env::args().collect();
    if let [_, role, server] = &arguments[..] {
        if role == "serve" {
            return serve(server);
        }
    }
    let is_bench = arguments.iter().any(|argument| argument == "--bench");
    let (rounds, datagrams) = if is_bench { (7, 600_000) } else { (1, 2_000) };
    let mut ratios = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        let [hand, std, smol] = SERVERS.map(|server| measure(server, datagrams));
        println!("ns of processor time for a datagram: hand {hand}, std {std}, smol {smol}");
        ratios[0].push(std as f64 / hand as f64);
        ratios[1].push(smol as f64 / hand as f64);
    }
    for (ratios, name) in ratios.iter_mut().zip(["std", "smol"]) {
        ratios.sort_by(f64::total_cmp);
        println!("{name}: {:.2} of the loop by hand, median of {rounds}", ratios[rounds / 2]);
    }
}

/// Nanoseconds of the server's processor time for each of so many datagrams.
fn measure(server: &str, datagrams: usize) -> u64 {
    let mut child = Command::new(env::current_exe().expect("a path"))
        .args(["serve", server])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    let port = read_number(&mut child);
    let client = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    client.connect(("127.0.0.1", u16::try_from(port).expect("a port"))).expect("a way");
    let answered = ask(&client, datagrams);
    // The end of its input is its end.
    drop(child.stdin.take());
    let nanos = read_number(&mut child);
    assert!(child.wait().expect("an end").success());
    nanos / answered
}

/// Keeps two batches under way until so many were answered. Returns how many were.
fn ask(client: &UdpSocket, datagrams: usize) -> u64 {
    client.set_read_timeout(Some(Duration::from_millis(100))).expect("it can be set");
    let fd = client.as_raw_fd();
    let mut buffers = Box::new([[0; 2048]; BATCH]);
    let mut to_send = MultiHeaders::<SockaddrStorage>::preallocate(BATCH, None);
    let mut to_receive = MultiHeaders::<SockaddrStorage>::preallocate(BATCH, None);
    let mut send = |count: usize| {
        let slices = [[IoSlice::new(&PAYLOAD)]; BATCH];
        let nowhere = [None; BATCH];
        let count = count.min(BATCH);
        sendmmsg(fd, &mut to_send, &slices[..count], &nowhere[..count], [], MsgFlags::empty())
            .expect("room");
    };
    send(BATCH);
    send(BATCH);
    let mut answered = 0;
    while answered < datagrams {
        let mut slices = buffers.each_mut().map(|buffer| [IoSliceMut::new(buffer)]);
        let flags = MsgFlags::MSG_WAITFORONE;
        let received = match recvmmsg(fd, &mut to_receive, &mut slices, flags, None) {
            Ok(messages) => messages.map(|message| assert_eq!(message.bytes, 64)).count(),
            // All that was under way is lost.
            Err(_) => {
                send(BATCH);
                0
            }
        };
        assert!(buffers.iter().take(received).all(|buffer| buffer[..64] == PAYLOAD));
        answered += received;
        send(received);
    }
    answered as u64
}

fn read_number(child: &mut Child) -> u64 {
    let output = child.stdout.as_mut().expect("piped");
    let mut line = Vec::new();
    let mut byte = [0];
    while output.read(&mut byte).expect("a line") == 1 && byte != *b"\n" {
        line.push(byte[0]);
    }
    String::from_utf8(line).expect("digits").parse().expect("a number")
}

/// Serves until the input has ended, then prints the processor time of this process.
fn serve(server: &str) {
    match server {
        "hand" => {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
            println!("{}", socket.local_addr().expect("an address").port());
            thread::spawn(move || echo_by_hand(&socket));
            wait();
        }
        "std" => {
            let server = drywire_std::Server::new(|_: &_| Discard::<Raw>::default())
                .datagram_limits(limits())
                .listen_datagrams(listen(), DatagramEcho);
            thread::spawn(|| server.run());
            wait();
        }
        _ => {
            let server = drywire_smol::Server::new(|_: &_| Discard::<Raw>::default())
                .threads(std::num::NonZeroUsize::MIN)
                .datagram_limits(limits())
                .listen_datagrams(listen(), DatagramEcho);
            thread::spawn(|| smol::block_on(server.run()));
            wait();
        }
    }
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("counts");
    println!("{}", (usage.user_time() + usage.system_time()).num_nanoseconds());
}

fn wait() {
    let mut rest = Vec::new();
    std::io::stdin().read_to_end(&mut rest).expect("an end");
}

fn limits() -> DatagramLimits {
    let mut limits = DatagramLimits::new();
    limits.source_rate = None;
    limits
}

fn listen() -> DatagramListener {
    let address = "udp://127.0.0.1:0".parse().expect("an address");
    let listener = DatagramListener::bind(&address).expect("it is free");
    println!("{}", listener.address().to_string().rsplit(':').next().expect("a port"));
    listener
}

/// As little as an echo can be.
fn echo_by_hand(socket: &UdpSocket) {
    let fd = socket.as_raw_fd();
    let mut buffers = Box::new([[0; 2048]; BATCH]);
    let mut to_send = MultiHeaders::<SockaddrStorage>::preallocate(BATCH, None);
    let mut to_receive = MultiHeaders::<SockaddrStorage>::preallocate(BATCH, None);
    let mut lengths = [0; BATCH];
    let mut senders: [Option<SockaddrStorage>; BATCH] = [None; BATCH];
    loop {
        let mut slices = buffers.each_mut().map(|buffer| [IoSliceMut::new(buffer)]);
        let flags = MsgFlags::MSG_WAITFORONE;
        let mut count = 0;
        for message in recvmmsg(fd, &mut to_receive, &mut slices, flags, None).expect("datagrams") {
            lengths[count] = message.bytes;
            senders[count] = message.address;
            count += 1;
        }
        let mut at = 0..BATCH;
        let slices = buffers.each_ref().map(|buffer| {
            let at = at.next().unwrap_or_default();
            [IoSlice::new(&buffer[..lengths[at]])]
        });
        sendmmsg(fd, &mut to_send, &slices[..count], &senders[..count], [], MsgFlags::empty())
            .expect("room");
    }
}
