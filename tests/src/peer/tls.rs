use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};

use super::{Place, Raw};

/// A side of a TLS session over a stream, by rustls' buffered API.
#[derive(Debug)]
pub struct TlsPeer {
    session: Connection,
    raw: Raw,
}

/// What was left in a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    /// The plaintext.
    pub bytes: Vec<u8>,
    /// Whether a close_notify came behind it.
    pub is_closed: bool,
}

impl TlsPeer {
    /// Connects to a server and does the handshake, for the name `localhost`.
    ///
    /// # Panics
    /// If that fails.
    #[must_use]
    pub fn connect(place: &Place, config: &Arc<ClientConfig>) -> Self {
        Self::client(Raw::connect(place), config)
    }

    /// The client's side over a stream, with the handshake done.
    ///
    /// # Panics
    /// If that fails.
    #[must_use]
    pub fn client(raw: Raw, config: &Arc<ClientConfig>) -> Self {
        let mut peer = Self::before_hello(raw, config);
        peer.handshake().expect("the handshake succeeds");
        peer
    }

    /// The client's side before it has sent anything.
    ///
    /// # Panics
    /// If the configuration cannot be used.
    #[must_use]
    pub fn before_hello(raw: Raw, config: &Arc<ClientConfig>) -> Self {
        let name = ServerName::try_from("localhost").expect("a name");
        let session = ClientConnection::new(Arc::clone(config), name).expect("a session");
        Self { session: session.into(), raw }
    }

    /// The server's side, with the handshake done.
    ///
    /// # Panics
    /// If that fails.
    #[must_use]
    pub fn server(raw: Raw, config: &Arc<ServerConfig>) -> Self {
        let mut peer = Self::before_greeting(raw, config);
        peer.handshake().expect("the handshake succeeds");
        peer
    }

    /// The server's side before it has read anything.
    ///
    /// # Panics
    /// If the configuration cannot be used.
    #[must_use]
    pub fn before_greeting(raw: Raw, config: &Arc<ServerConfig>) -> Self {
        let session = ServerConnection::new(Arc::clone(config)).expect("a session");
        Self { session: session.into(), raw }
    }

    /// Does the handshake, and flushes what belongs to it.
    ///
    /// # Errors
    /// Whatever goes wrong; an alert is then sent.
    pub fn handshake(&mut self) -> io::Result<()> {
        while self.session.is_handshaking() {
            let outcome = self.session.complete_io(&mut self.raw);
            // An alert may be left behind an error.
            self.transmit()?;
            outcome?;
        }
        Ok(())
    }

    /// The records that are due before anything is received.
    ///
    /// # Panics
    /// Never: they go to memory.
    #[must_use]
    pub fn records(&mut self) -> Vec<u8> {
        let mut records = Vec::new();
        while self.session.wants_write() {
            self.session.write_tls(&mut records).expect("memory takes it");
        }
        records
    }

    /// The records that carry `plaintext`. To be sent, by [`raw`](Self::raw), in this order.
    ///
    /// # Panics
    /// If the session is over.
    #[must_use]
    pub fn seal(&mut self, plaintext: &[u8]) -> Vec<u8> {
        self.session.writer().write_all(plaintext).expect("the session is open");
        self.records()
    }

    /// The records of a close_notify.
    #[must_use]
    pub fn seal_close(&mut self) -> Vec<u8> {
        self.session.send_close_notify();
        self.records()
    }

    /// Sends `plaintext`.
    ///
    /// # Panics
    /// If it is not taken.
    pub fn send(&mut self, plaintext: &[u8]) {
        for part in plaintext.chunks(16 * 1024) {
            let records = self.seal(part);
            self.raw.send(&records);
        }
    }

    /// Sends close_notify, and FIN behind it.
    ///
    /// # Panics
    /// If they are not taken.
    pub fn finish(&mut self) {
        let records = self.seal_close();
        self.raw.send(&records);
        self.raw.finish();
    }

    /// Changes the keys, and asks the other side to do so.
    ///
    /// # Panics
    /// If the version has no such thing.
    pub fn refresh_keys(&mut self) {
        match &mut self.session {
            Connection::Client(session) => session.refresh_traffic_keys(),
            Connection::Server(session) => session.refresh_traffic_keys(),
        }
        .expect("TLS 1.3");
        self.transmit().expect("the records are taken");
    }

    /// The stream.
    #[must_use]
    pub const fn raw(&mut self) -> &mut Raw {
        &mut self.raw
    }

    /// The session.
    #[must_use]
    pub const fn session(&self) -> &Connection {
        &self.session
    }

    /// The stream without the session.
    #[must_use]
    pub fn into_raw(self) -> Raw {
        self.raw
    }

    /// Reads as much plaintext as `expected` has, and compares.
    ///
    /// # Panics
    /// If it is another, or does not come.
    pub fn expect(&mut self, expected: &[u8]) {
        let mut bytes = vec![0; expected.len()];
        let mut len = 0;
        while len < bytes.len() {
            match self.read_some(&mut bytes[len..]) {
                Ok(0) => panic!("close_notify after {len} bytes"),
                Ok(more) => len += more,
                Err(error) => panic!("after {len} bytes: {error}"),
            }
        }
        assert_eq!(bytes.escape_ascii().to_string(), expected.escape_ascii().to_string());
    }

    /// Reads to the end of the session and of the stream.
    ///
    /// # Errors
    /// That of the session or the stream, for example an alert.
    ///
    /// # Panics
    /// If the stream does not end.
    pub fn read_to_end(&mut self) -> io::Result<Rest> {
        let mut bytes = Vec::new();
        let mut part = [0; 4096];
        loop {
            match self.read_some(&mut part) {
                Ok(0) => {
                    self.raw.expect_end();
                    return Ok(Rest { bytes, is_closed: true });
                }
                Ok(len) => bytes.extend_from_slice(&part[..len]),
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    return Ok(Rest { bytes, is_closed: false });
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Expects that a close_notify and the end of the stream come, and nothing before.
    ///
    /// # Panics
    /// If something else does.
    pub fn expect_end(&mut self) {
        let rest = self.read_to_end().expect("the session ends in order");
        assert_eq!(rest, Rest { bytes: Vec::new(), is_closed: true });
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.session.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
            self.session.read_tls(&mut self.raw)?;
            let outcome = self.session.process_new_packets();
            // An alert, an answer to a change of keys.
            self.transmit()?;
            outcome.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        }
    }

    fn transmit(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            self.session.write_tls(&mut self.raw)?;
        }
        Ok(())
    }
}
