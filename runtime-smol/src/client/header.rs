//! The PROXY header that a client's stream begins with.

use std::io::{self, ErrorKind, Write};
use std::time::Duration;

use async_io::{Async, Timer};
use drywire::proxy::Introduction;
use drywire_std::Stream;
use futures_lite::future::or;

/// Sends the header, which a new stream takes at once unless it is very long.
pub(super) async fn send(
    stream: Stream,
    introduction: &Introduction,
    timeout: Duration,
) -> io::Result<Stream> {
    let bytes = introduction.header(stream.peer()?.ends()).to_bytes();
    let stream = Async::new_nonblocking(stream)?;
    let timed_out = async {
        Timer::after(timeout).await;
        Err(ErrorKind::TimedOut.into())
    };
    or(send_all(&stream, &bytes), timed_out).await?;
    stream.into_inner()
}

async fn send_all(stream: &Async<Stream>, mut left: &[u8]) -> io::Result<()> {
    while !left.is_empty() {
        match stream.get_ref().write(left) {
            Ok(len) => left = left.get(len..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => stream.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
