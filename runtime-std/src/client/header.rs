//! The PROXY header that a client's stream begins with.

use std::io::{self, ErrorKind, Write};
use std::time::Duration;

use drywire::proxy::Introduction;
use rustix::event::{PollFd, PollFlags};

use crate::clock::Clock;
use crate::stream::Stream;
use crate::wait::wait;

/// Sends the header, which a new stream takes at once unless it is very long.
pub(crate) fn send(
    mut stream: &Stream,
    introduction: &Introduction,
    timeout: Duration,
) -> io::Result<()> {
    let bytes = introduction.header(stream.peer()?.ends()).to_bytes();
    let clock = Clock::new();
    let due = clock.now() + timeout;
    let mut left = bytes.as_slice();
    while !left.is_empty() {
        match stream.write(left) {
            Ok(len) => left = left.get(len..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if clock.now() >= due {
                    return Err(ErrorKind::TimedOut.into());
                }
                let mut fds = [PollFd::new(stream, PollFlags::OUT)];
                wait(&mut fds, clock.until(due))?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
