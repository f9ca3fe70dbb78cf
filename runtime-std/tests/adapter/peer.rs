//! The other side, made by hand on blocking sockets of the standard library: it knows nothing of
//! the adapter under test. Every wait has an end, which fails the test.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use socket2::SockRef;

/// Longer than anything takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A stream that a test can be rude with.
pub(crate) trait Raw: Read + Write {
    fn finish(&self);
}

impl Raw for TcpStream {
    fn finish(&self) {
        self.shutdown(Shutdown::Write).unwrap();
    }
}

impl Raw for UnixStream {
    fn finish(&self) {
        self.shutdown(Shutdown::Write).unwrap();
    }
}

pub(crate) fn dial(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

pub(crate) fn dial_unix(path: &Path) -> UnixStream {
    let stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Ends the stream by a reset.
pub(crate) fn reset(stream: TcpStream) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
}

/// A TLS session over a stream that stays reachable, to be cut.
pub(crate) fn handshake<S: Read + Write>(
    mut stream: S,
    config: &Arc<ClientConfig>,
) -> StreamOwned<ClientConnection, S> {
    let name = ServerName::try_from("localhost").unwrap();
    let mut session = ClientConnection::new(Arc::clone(config), name).unwrap();
    while session.is_handshaking() {
        session.complete_io(&mut stream).unwrap();
    }
    StreamOwned::new(session, stream)
}

/// Sends close_notify and finishes.
pub(crate) fn finish_tls<S: Raw>(stream: &mut StreamOwned<ClientConnection, S>) {
    stream.conn.send_close_notify();
    stream.flush().unwrap();
    stream.sock.finish();
}

/// The next bytes are these.
#[track_caller]
pub(crate) fn expect(stream: &mut impl Read, expected: &[u8]) {
    let mut bytes = vec![0; expected.len()];
    stream.read_exact(&mut bytes).unwrap();
    assert_eq!(bytes.escape_ascii().to_string(), expected.escape_ascii().to_string());
}

/// Nothing but the end follows.
#[track_caller]
pub(crate) fn expect_end(stream: &mut impl Read) {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!(rest.escape_ascii().to_string(), "");
}

/// The stream ends, in whichever way, without a further byte.
#[track_caller]
pub(crate) fn expect_gone(stream: &mut impl Read) {
    match stream.read(&mut [0]) {
        Ok(0) => {}
        Ok(_) => panic!("a byte came"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
}

/// All ask at once and finish, and have their answers in the end.
#[track_caller]
pub(crate) fn expect_echoes(mut crowd: Vec<Box<dyn Raw>>) {
    for peer in &mut crowd {
        peer.write_all(b"echo\n").unwrap();
        peer.finish();
    }
    for peer in &mut crowd {
        expect(peer, b"echo\n");
        expect_end(peer);
    }
}

/// A line goes there and back.
#[track_caller]
pub(crate) fn expect_echo(stream: &mut (impl Read + Write)) {
    stream.write_all(b"echo\n").unwrap();
    stream.flush().unwrap();
    expect(stream, b"echo\n");
}
