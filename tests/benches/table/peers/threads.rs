//! A thread for each connection, blocking reads and writes; TLS by rustls' own `StreamOwned`.
//!
//! Best form: a buffer that is read into and written from in place, so that nothing is copied and a
//! batch of frames is one write. No timeouts, no limits but that of a frame: a timeout of its reads
//! alone would cost it 2 to 3 %, and 5 % with TLS.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::frames::Inbox;
use crate::options::Framing;

pub(crate) fn serve(listener: &TcpListener, framing: Framing, tls: Option<&Arc<ServerConfig>>) {
    loop {
        let Ok((stream, _)) = listener.accept() else { continue };
        let tls = tls.map(Arc::clone);
        let work = move || drop(converse(stream, framing, tls));
        thread::Builder::new().spawn(work).expect("a thread");
    }
}

fn converse(stream: TcpStream, framing: Framing, tls: Option<Arc<ServerConfig>>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    match tls {
        None => {
            echo(&stream, framing)?;
            stream.shutdown(Shutdown::Write)
        }
        Some(config) => {
            let session = ServerConnection::new(config).map_err(io::Error::other)?;
            let mut stream = StreamOwned::new(session, stream);
            echo(&mut stream, framing)?;
            stream.conn.send_close_notify();
            stream.flush()
        }
    }
}

fn echo(mut stream: impl Read + Write, framing: Framing) -> io::Result<()> {
    let mut inbox = Inbox::new();
    loop {
        let len = stream.read(inbox.room())?;
        if len == 0 {
            return Ok(());
        }
        inbox.received(len);
        let whole = inbox.whole(framing)?;
        let len = whole.len();
        stream.write_all(whole)?;
        inbox.consume(len);
    }
}
