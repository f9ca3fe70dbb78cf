//! An echo server over IPv4, IPv6, a Unix socket and TLS, all at once.
//!
//! ```text
//! cargo run -p drywire-std --example blocking_server -- tcp://127.0.0.1:7007 unix:/tmp/echo.sock
//! ```
//!
//! Every address of the command line is served; without any, a free port of `[::1]`. An address
//! with TLS, such as `tls://localhost:7443`, needs a certificate and its key in PEM, named by the
//! variables `CERTIFICATE` and `KEY`. Lines go back to where they came from. The server ends in
//! order when its standard input does: Ctrl-D at a terminal.

use std::error::Error;
use std::io::{self, Read};
use std::{env, fs, thread};

use drywire::framing::Lines;
use drywire::protocol::Echo;
use drywire::tls::ServerTls;
use drywire::tls::pem::{Identity, server_config};
use drywire_std::{Listener, Server, tls};

fn main() -> Result<(), Box<dyn Error>> {
    let mut addresses: Vec<String> = env::args().skip(1).collect();
    if addresses.is_empty() {
        addresses.push("tcp://[::1]:0".into());
    }

    // What is made for each connection, and who is told how it ended.
    let mut server = Server::new(|_peer: &_| Echo::new(Lines::new()))
        .on_close(|peer, reason| eprintln!("{peer}: {reason}"));

    for address in addresses {
        let mut listener = Listener::bind(&address.parse()?)?;
        if listener.address().is_tls() {
            listener = listener.with_tls(server_tls()?);
        }
        println!("listening on {}", listener.address());
        server = server.listen(listener);
    }

    // Whatever ends a server, a signal say, does it through a handle.
    let handle = server.handle();
    thread::spawn(move || {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        handle.drain();
    });

    let summary = server.run()?;
    let statistics = summary.statistics;
    println!(
        "served {} connections, {} bytes in, {} bytes out",
        statistics.accepted, statistics.received_len, statistics.transmitted_len
    );
    Ok(())
}

/// The certificate and key that the environment names.
fn server_tls() -> Result<ServerTls, Box<dyn Error>> {
    let certificates = fs::read(env::var("CERTIFICATE").map_err(|_| "CERTIFICATE is not set")?)?;
    let key = fs::read(env::var("KEY").map_err(|_| "KEY is not set")?)?;
    let identity = Identity { certificates: &certificates, key: &key };
    let config = server_config(identity, None, &[], &tls::provider())?;
    Ok(ServerTls::new(config)?)
}
