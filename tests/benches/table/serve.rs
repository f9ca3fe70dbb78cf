//! A process that serves: `serve SERVER FRAMING plain|tls [CORE]`.
//!
//! It prints its port. For each line on standard input it prints what it has used so far; at the end
//! of the input it ends.

use std::io::{self, BufRead, Write};
use std::net::TcpListener;
use std::thread;

use rustix::time::{ClockId, clock_gettime};
use socket2::{Domain, Socket, Type};

use crate::options::{Framing, ServerKind};
use crate::peers::{epoll, smol, threads, tokio};
use crate::{allocations, cores};
use crate::{ours, tls};

pub(crate) fn run(arguments: &[String]) {
    let [server, framing, security, rest @ ..] = arguments else {
        panic!("serve SERVER FRAMING plain|tls [CORE] [PORT]");
    };
    let server: ServerKind = server.parse().expect("a server");
    let framing: Framing = framing.parse().expect("a framing");
    let config = (security == "tls").then(tls::server);
    cores::raise_descriptors();
    if let Some(core) = rest.first().and_then(|core| core.parse().ok()) {
        cores::pin(core);
    }
    let port = rest.get(1).and_then(|port| port.parse().ok()).unwrap_or(0);
    let listener = listen(port).expect("a port");
    println!("{}", listener.local_addr().expect("an address").port());
    thread::spawn(answer);
    let config = config.as_ref();
    match server {
        ServerKind::Epoll => epoll::serve(listener, framing, config),
        ServerKind::Tokio => tokio::serve(listener, framing, config, tokio::Form::ByHand),
        ServerKind::TokioFramed => tokio::serve(listener, framing, config, tokio::Form::Framed),
        ServerKind::Smol => smol::serve(listener, framing, config, smol::Form::ByHand),
        ServerKind::SmolCodec => smol::serve(listener, framing, config, smol::Form::Codec),
        ServerKind::Threads => threads::serve(&listener, framing, config),
        _ => ours::serve(server, listener, framing, config),
    }
}

/// With the same queue of connections for all.
fn listen(port: u16) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], port)).into())?;
    socket.listen(4096)?;
    Ok(socket.into())
}

/// Nanoseconds of processor time of all threads, those that have ended too, and allocations.
fn answer() {
    let mut lines = io::stdin().lock().lines();
    while let Some(Ok(_)) = lines.next() {
        let used = clock_gettime(ClockId::ProcessCPUTime);
        let mut output = io::stdout();
        let nanos = used.tv_sec * 1_000_000_000 + used.tv_nsec;
        let _ = writeln!(output, "{nanos} {}", allocations::count());
        let _ = output.flush();
    }
    std::process::exit(0);
}
