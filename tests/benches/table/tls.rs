//! TLS for all servers and for the load: one configuration, and rustls' unbuffered API by hand.

use std::io;
use std::sync::Arc;

use drywire::tls::pem::{Identity, Verification, client_config, server_config};
use rcgen::{CertificateParams, KeyPair};
use rustls::client::{ClientConnectionData, Resumption, UnbufferedClientConnection};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, UnbufferedStatus};
use rustls::{ClientConfig, ServerConfig};

/// TLS 1.3 with AES-256-GCM over X25519, which is what all of them do.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        cipher_suites: vec![aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384],
        kx_groups: vec![aws_lc_rs::kx_group::X25519],
        ..aws_lc_rs::default_provider()
    })
}

/// A server with a certificate of P-256 that it makes itself.
pub(crate) fn server() -> Arc<ServerConfig> {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    let certificate = params.self_signed(&key).expect("a certificate").pem();
    let key = key.serialize_pem();
    let identity = Identity { certificates: certificate.as_bytes(), key: key.as_bytes() };
    Arc::new(server_config(identity, None, &[], &provider()).expect("a configuration"))
}

/// A client that takes any certificate and begins each session with a full handshake.
pub(crate) fn client() -> Arc<ClientConfig> {
    let mut config =
        client_config(Verification::Nothing, None, &[], &provider()).expect("a configuration");
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

/// Both sides of rustls' unbuffered API.
pub(crate) trait Unbuffered {
    type Data;

    fn process<'c, 'i>(
        &'c mut self,
        incoming: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, Self::Data>;
}

impl Unbuffered for UnbufferedServerConnection {
    type Data = ServerConnectionData;

    fn process<'c, 'i>(
        &'c mut self,
        incoming: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(incoming)
    }
}

impl Unbuffered for UnbufferedClientConnection {
    type Data = ClientConnectionData;

    fn process<'c, 'i>(
        &'c mut self,
        incoming: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(incoming)
    }
}

/// Records that go out. As rustls wants initialised room, the bytes behind `len` stay.
#[derive(Debug, Default)]
pub(crate) struct Sealed {
    bytes: Vec<u8>,
    len: usize,
}

impl Sealed {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    /// Room for so much plaintext and what is around it.
    fn room(&mut self, len: usize) -> &mut [u8] {
        let needed = self.len + len + len / 512 + 128;
        if self.bytes.len() < needed {
            self.bytes.resize(needed, 0);
        }
        &mut self.bytes[self.len..]
    }
}

/// How a session stands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    /// How many of the incoming bytes are done with.
    pub(crate) consumed: usize,
    /// The peer has sent its close_notify, which has been answered.
    pub(crate) is_closed: bool,
}

/// Opens the records in `incoming` to the end of `plaintext`, lets `answer` say what to send, and
/// seals that: in one walk over the states, which is as little as there can be.
pub(crate) fn advance<C: Unbuffered>(
    tls: &mut C,
    incoming: &mut [u8],
    plaintext: &mut Vec<u8>,
    sealed: &mut Sealed,
    mut answer: impl FnMut(&mut Vec<u8>, &mut dyn FnMut(&[u8])),
) -> io::Result<Progress> {
    let mut progress = Progress::default();
    loop {
        let UnbufferedStatus { mut discard, state, .. } =
            tls.process(&mut incoming[progress.consumed..]);
        match state.map_err(io::Error::other)? {
            ConnectionState::ReadTraffic(mut traffic) => {
                while let Some(record) = traffic.next_record() {
                    let record = record.map_err(io::Error::other)?;
                    discard += record.discard;
                    plaintext.extend_from_slice(record.payload);
                }
            }
            ConnectionState::EncodeTlsData(mut message) => {
                let len = message.encode(sealed.room(1 << 14)).map_err(io::Error::other)?;
                sealed.len += len;
            }
            // What is encoded goes out with the rest.
            ConnectionState::TransmitTlsData(transmit) => transmit.done(),
            ConnectionState::PeerClosed => progress.is_closed = true,
            ConnectionState::WriteTraffic(mut traffic) => {
                let mut outcome = Ok(());
                answer(plaintext, &mut |bytes| {
                    if bytes.is_empty() {
                        return;
                    }
                    match traffic.encrypt(bytes, sealed.room(bytes.len())) {
                        Ok(len) => sealed.len += len,
                        Err(error) => outcome = Err(io::Error::other(error)),
                    }
                });
                outcome?;
                if progress.is_closed {
                    let len =
                        traffic.queue_close_notify(sealed.room(0)).map_err(io::Error::other)?;
                    sealed.len += len;
                }
                progress.consumed += discard;
                return Ok(progress);
            }
            ConnectionState::BlockedHandshake | ConnectionState::Closed => {
                progress.consumed += discard;
                return Ok(progress);
            }
            state => return Err(io::Error::other(format!("{state:?}"))),
        }
        progress.consumed += discard;
    }
}

/// Seals a close_notify.
pub(crate) fn close<C: Unbuffered>(
    tls: &mut C,
    held: &mut [u8],
    sealed: &mut Sealed,
) -> io::Result<()> {
    if let ConnectionState::WriteTraffic(mut traffic) =
        tls.process(held).state.map_err(io::Error::other)?
    {
        let len = traffic.queue_close_notify(sealed.room(0)).map_err(io::Error::other)?;
        sealed.len += len;
    }
    Ok(())
}
