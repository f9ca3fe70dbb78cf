//! A client that sends lines and prints those that come back.
//!
//! ```text
//! echo hello | cargo run -p drywire-smol --example async_client -- tcp://127.0.0.1:7007
//! ```
//!
//! An address with TLS is verified as the system does, or by the certificate in PEM that the
//! variable `AUTHORITY` names. One task sends what comes from standard input while another
//! receives, so that the server may answer whenever and however much it likes.

use std::error::Error;
use std::io::{self, Write};
use std::{env, fs};

use drywire_smol::drywire::address::Address;
use drywire_smol::drywire::framing::Lines;
use drywire_smol::drywire::tls::ClientTls;
use drywire_smol::drywire::tls::pem::{Verification, client_config};
use drywire_smol::{Client, tls};
use smol::io::{AsyncBufReadExt, BufReader};
use smol::stream::StreamExt;
use smol::{Unblock, spawn};

fn main() -> Result<(), Box<dyn Error>> {
    smol::block_on(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).ok_or("expected an address, such as tcp://127.0.0.1:7007")?;
    let address: Address = address.parse()?;

    let mut client = Client::new();
    if address.is_tls() {
        client = client.tls(client_tls()?);
    }
    let framed = client.connect(&address, Lines::new()).await?;
    if let Some(negotiated) = framed.negotiated() {
        eprintln!("{}, {}", negotiated.version, negotiated.suite_name);
    }

    let (mut sender, mut receiver) = framed.split();
    let sending = spawn(async move {
        // Standard input blocks, so that another thread reads it.
        let mut lines = BufReader::new(Unblock::new(io::stdin())).lines();
        while let Some(line) = lines.next().await {
            sender.send(line.map_err(drywire_smol::Error::Io)?.as_bytes()).await?;
            sender.flush().await?;
        }
        sender.finish().await
    });

    // Until the server has finished too.
    while let Some(line) = receiver.recv().await? {
        let mut stdout = io::stdout().lock();
        stdout.write_all(&line)?;
        stdout.write_all(b"\n")?;
    }
    // A server that finishes first leaves the other task waiting for standard input.
    if sending.is_finished() {
        sending.await?;
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
