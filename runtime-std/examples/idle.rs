//! What an idle connection costs: memory that is resident in a server, for each.
//!
//! ```text
//! cargo run --release -p drywire-std --example idle -- evented plain 10000
//! cargo run --release -p drywire-std --example idle -- evented tls 4000
//! cargo run --release -p drywire-std --example idle -- threads plain 1000
//! ```
//!
//! The server is a process of its own, this program again. Some connections come first, are echoed to
//! and stay, so that code and buffers are there; then the others come, are echoed to once and stay.
//! What the server has grown by meanwhile is divided by their number. Memory of the system, for the
//! sockets, is not in it.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::{env, fs, thread};

use drywire::admission::AdmissionLimits;
use drywire::framing::Lines;
use drywire::protocol::Echo;
use drywire::tls::pem::{Identity, Verification, client_config, server_config};
use drywire::tls::{ClientTls, Negotiated, ServerTls};
use drywire::{Handle, Limits, Peer, Protocol};
use drywire_std::evented::{Clients, Target};
use drywire_std::{Client, Listener, evented, threads, tls};

/// Connections that are there before memory is looked at.
const FIRST: usize = 100;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", model, kind] => serve(model, kind == "tls"),
        [model, kind, count] => measure(model, kind, count.parse()?),
        _ => Err("usage: idle threads|evented plain|tls COUNT".into()),
    }
}

/// The server. Its standard input is a certificate with its key, and ends when it shall.
fn serve(model: &str, is_tls: bool) -> Result<(), Box<dyn Error>> {
    let mut listener = Listener::bind(&"tcp://127.0.0.1:0".parse()?)?;
    let mut pem = Vec::new();
    io::stdin().lock().read_until(0, &mut pem)?;
    pem.pop();
    if is_tls {
        let identity = Identity { certificates: &pem, key: &pem };
        let config = server_config(identity, None, &[], &tls::provider())?;
        listener = listener.with_tls(ServerTls::new(config)?);
    }
    println!("{}", listener.address());
    let mut limits = AdmissionLimits::new();
    limits.connections_max = usize::MAX;
    let echo = |_: &Peer| Echo::new(Lines::new());
    let handle = match model {
        "threads" => {
            let server = threads::Server::new(echo).admission(limits).listen(listener);
            let handle = server.handle();
            thread::spawn(move || server.run());
            handle
        }
        "evented" => {
            let server = evented::Server::new(echo).admission(limits).listen(listener);
            let handle = server.handle();
            thread::spawn(move || server.run());
            handle
        }
        model => return Err(format!("there is no model {model}").into()),
    };
    // Each connection is silent when it has been told of.
    let mut line = String::new();
    while io::stdin().read_line(&mut line)? > 0 {
        println!("{}", handle.statistics().active);
        line.clear();
    }
    Ok(())
}

fn measure(model: &str, kind: &str, count: usize) -> Result<(), Box<dyn Error>> {
    let certified = rcgen::generate_simple_self_signed(["localhost".into()])?;
    let mut server = Command::new(env::current_exe()?)
        .args(["serve", model, kind])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut orders = server.stdin.take().ok_or("no standard input")?;
    let mut answers = BufReader::new(server.stdout.take().ok_or("no standard output")?);
    let pem = certified.cert.pem();
    write!(orders, "{pem}{}\0", certified.signing_key.serialize_pem())?;
    let mut line = String::new();
    answers.read_line(&mut line)?;
    let address = line.trim().parse()?;

    let trust = Verification::Authorities(pem.as_bytes());
    let config = client_config(trust, None, &[], &tls::provider())?;
    let mut limits = Limits::new();
    limits.idle_timeout = std::time::Duration::MAX;
    let client = Client::new()
        .limits(limits)
        .tls(ClientTls::new(config))
        .server_name("localhost".try_into()?);
    let target = Target::resolve(&client, &address)?;
    let mut clients = Clients::new(&client)?;
    settle(&mut clients, &target, FIRST)?;
    let before = resident(&server)?;
    settle(&mut clients, &target, count)?;
    let after = resident(&server)?;

    writeln!(orders)?;
    line.clear();
    answers.read_line(&mut line)?;
    let active: usize = line.trim().parse()?;
    assert_eq!(active, FIRST + count, "connections were lost");
    println!("{model}, {kind}, {count} idle connections: {} B each", (after - before) / count);
    drop(orders);
    server.wait()?;
    Ok(())
}

/// Lets `count` connections more come and be echoed to.
fn settle(clients: &mut Clients<Ask>, target: &Target, count: usize) -> Result<(), Box<dyn Error>> {
    let mut left = count;
    while left > 0 {
        // The server's queue has room for so many.
        let some = left.min(500);
        (0..some).for_each(|_| {
            clients.connect(target, Ask { is_answered: false });
        });
        left -= some;
        let mut waiting = true;
        while waiting {
            let soon = clients.clock().now() + std::time::Duration::from_millis(5);
            if let evented::News::Ended(ended) = clients.next_until(soon)? {
                return Err(format!("a connection has ended: {:?}", ended.outcome).into());
            }
            let mut answered = 0;
            clients.each(|_, ask, _| answered += usize::from(ask.is_answered));
            waiting = answered < clients.len();
        }
    }
    Ok(())
}

/// Asks once, and is silent.
struct Ask {
    is_answered: bool,
}

impl Protocol for Ask {
    type Framing = Lines;

    fn framing(&self) -> Lines {
        Lines::new()
    }

    fn on_open(&mut self, _: Option<&Negotiated>, handle: &mut Handle<'_, Lines>) {
        let _ = handle.send(b"hello");
    }

    fn on_frame(&mut self, _: &[u8], _: &mut Handle<'_, Lines>) {
        self.is_answered = true;
    }
}

/// Bytes that are resident in the process.
fn resident(server: &Child) -> Result<usize, Box<dyn Error>> {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<usize>()? * 1024)
}
