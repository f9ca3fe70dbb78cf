//! TLS in memory: the server's side alone against rustls' two ways to do it, and an echo over both
//! sides; all against the AEAD over the same bytes.
//!
//! `cargo bench -p drywire --features tls --bench tls`

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/filter.rs"]
mod filter;
mod session;

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use common::pair;
use drywire::buffer::Pool;
use drywire::framing::{Framing, Raw};
use drywire::protocol::Echo;
use drywire::tls::{ClientTls, ServerTls, TlsSession, pem};
use drywire::{Connection, Instant, Limits, Step, pump};
use filter::is_wanted;
use rustls::{ClientConfig, ServerConfig};

const NOW: Instant = Instant::ZERO;
/// Bytes that every round sends and gets back.
const ROUND_LEN: usize = 256 * 1024;

fn main() {
    let (server, client) = configurations();
    let lens = [64, 1024, 16 * 1024].into_iter().filter(|len| is_wanted(&format!("{len} B")));
    for len in lens.clone() {
        session::compare(len, &server, &client);
    }
    for len in lens {
        let mut echo = TlsEcho::new(&server, &client);
        let message: Vec<u8> = (0..=250).cycle().take(len).collect();
        let mut back = Vec::new();
        echo.exchange(&message, |bytes| back.extend_from_slice(bytes));
        assert!(back == message, "the echo of {len} bytes");

        let rounds = ROUND_LEN / len;
        let ours = || {
            let mut received = 0;
            for _ in 0..rounds {
                echo.exchange(&message, |bytes| received += bytes.len());
            }
            assert_eq!(received, rounds * len);
            received
        };
        // What both sides must do: seal and open twice, once each way.
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32]).expect("32 bytes"));
        let mut record = message.clone();
        let limit = || {
            for _ in 0..2 * rounds {
                let nonce = || Nonce::assume_unique_for_key([1; 12]);
                record.truncate(len);
                key.seal_in_place_append_tag(nonce(), Aad::empty(), &mut record).expect("sealed");
                key.open_in_place(nonce(), Aad::empty(), &mut record).expect("opened");
            }
            record.len()
        };
        pair(&format!("tls echo, {len} B records"), ROUND_LEN, rounds, ours, "AES-256-GCM", limit);
    }
}

/// A server's configuration, and one of a client that trusts it.
fn configurations() -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let identity = pem::Identity { certificates: certificate.as_bytes(), key: key.as_bytes() };
    let server = pem::server_config(identity, None, &[], &provider).expect("usable");
    let verification = pem::Verification::Authorities(certificate.as_bytes());
    let client = pem::client_config(verification, None, &[], &provider).expect("usable");
    (Arc::new(server), Arc::new(client))
}

/// A client and an echo server joined in memory, after the handshake.
struct TlsEcho {
    client: Connection<Raw>,
    server: Connection<Raw>,
    echo: Echo<Raw>,
    pool: Pool,
}

impl TlsEcho {
    fn new(server: &Arc<ServerConfig>, client: &Arc<ClientConfig>) -> Self {
        let name = "localhost".try_into().expect("a name");
        let client = TlsSession::client(&ClientTls::new(Arc::clone(client)), name).expect("usable");
        let server =
            TlsSession::server(&ServerTls::new(Arc::clone(server)).expect("no early data"));
        let limits = Arc::new(Limits::new());
        let mut joined = Self {
            client: Connection::tls(client, Raw::new(), Arc::clone(&limits), NOW),
            server: Connection::tls(server, Raw::new(), limits, NOW),
            echo: Echo::new(Raw::new()),
            pool: Pool::default(),
        };
        joined.run(&mut |_| {});
        joined
    }

    /// Sends `message` and takes what comes back.
    fn exchange(&mut self, message: &[u8], mut sink: impl FnMut(&[u8])) {
        self.client.send(message).expect("room");
        self.run(&mut sink);
    }

    fn run(&mut self, sink: &mut impl FnMut(&[u8])) {
        loop {
            self.client.lease(&mut self.pool);
            self.server.lease(&mut self.pool);
            let mut moved = carry(&mut self.client, &mut self.server);
            pump(&mut self.server, &mut self.echo);
            moved |= carry(&mut self.server, &mut self.client);
            while let Some(step) = self.client.next() {
                if let Step::Frame(frame, _) = step {
                    sink(frame);
                }
            }
            self.server.settle(&mut self.pool);
            self.client.settle(&mut self.pool);
            if !moved {
                return;
            }
        }
    }
}

fn carry<A: Framing, B: Framing>(from: &mut Connection<A>, to: &mut Connection<B>) -> bool {
    let bytes = from.transmit();
    let room = to.receive_buffer();
    let len = bytes.len().min(room.len());
    room[..len].copy_from_slice(&bytes[..len]);
    to.received(len, NOW).expect("lent");
    from.transmitted(len, NOW).expect("shown");
    len > 0
}
