//! A client that sends lines and prints those that come back.
//!
//! ```text
//! echo hello | cargo run -p drywire-std --example blocking_client -- tcp://127.0.0.1:7007
//! ```
//!
//! An address with TLS is verified as the system does, or by the certificate in PEM that the
//! variable `AUTHORITY` names. One thread sends what comes from standard input while another
//! receives, so that the server may answer whenever and however much it likes.

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::{env, fs, thread};

use drywire::framing::Lines;
use drywire::tls::ClientTls;
use drywire::tls::pem::{Verification, client_config};
use drywire_std::{Client, tls};

fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).ok_or("expected an address, such as tcp://127.0.0.1:7007")?;
    let address: drywire::address::Address = address.parse()?;

    let mut client = Client::new();
    if address.is_tls() {
        client = client.tls(client_tls()?);
    }
    let framed = client.connect(&address, Lines::new())?;
    if let Some(negotiated) = framed.negotiated() {
        eprintln!("{}, {}", negotiated.version, negotiated.suite_name);
    }

    let (mut sender, mut receiver) = framed.split()?;
    let sending = thread::spawn(move || -> Result<(), drywire_std::Error> {
        for line in io::stdin().lock().lines() {
            let line = line.map_err(drywire_std::Error::Io)?;
            sender.send(line.as_bytes())?;
            sender.flush()?;
        }
        sender.finish()
    });

    // Until the server has finished too.
    let mut stdout = io::stdout().lock();
    while let Some(line) = receiver.recv()? {
        stdout.write_all(line)?;
        stdout.write_all(b"\n")?;
    }
    // A server that finishes first leaves the other thread waiting for standard input.
    if sending.is_finished() {
        sending.join().map_err(|_| "the sending thread panicked")??;
    }
    Ok(())
}

/// Whom to trust.
fn client_tls() -> Result<ClientTls, Box<dyn Error>> {
    let provider = tls::provider();
    let config = match env::var("AUTHORITY") {
        Ok(path) => {
            let authority = fs::read(path)?;
            client_config(Verification::Authorities(&authority), None, &[], &provider)?
        }
        Err(_) => {
            let verifier = tls::platform_verifier(provider.clone())?;
            client_config(Verification::Verifier(verifier), None, &[], &provider)?
        }
    };
    Ok(ClientTls::new(config))
}
