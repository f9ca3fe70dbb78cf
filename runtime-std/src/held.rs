//! A stream in the hands of a thread of its own.

use std::io::{self, Read, Write};
use std::time::Duration;

use crate::stream::Stream;

/// How long a read waits. What the thread cannot hear meanwhile it hears that much later at most.
///
/// On Linux the timer of such a read costs 2 to 5 % of a small request over loopback, and as much
/// however long it is. Without it nothing but the peer could end the wait: neither a deadline nor
/// the server's end. To wait in poll, even for the stream alone, costs no less.
pub(crate) const PATIENCE: Duration = Duration::from_millis(10);

/// A stream whose reads can be made to wait.
///
/// To wait in the read saves the call that waits before it. But only the stream ends such a wait,
/// or its [`PATIENCE`]: it is for streams that have just had something, and when there is nothing
/// else to wait for.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    stream: &'a Stream,
    /// Reads of which something came.
    reads: u32,
    mode: Mode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// As every [`Stream`] is.
    NeverWaits,
    /// The system has been told to wait, and is told not to with each call that must not.
    Waits,
}

impl<'a> Held<'a> {
    pub(crate) const fn new(stream: &'a Stream) -> Self {
        Self { stream, reads: 0, mode: Mode::NeverWaits }
    }

    /// Takes note that a read brought something, and says whether the next one can wait. The first
    /// time is too early to tell the system: many a connection only has one request.
    pub(crate) fn can_wait(&mut self) -> bool {
        self.reads = self.reads.saturating_add(1);
        if self.reads == 2 && sys::wait(self.stream, PATIENCE).is_ok() {
            self.mode = Mode::Waits;
        }
        self.mode == Mode::Waits
    }

    /// Reads, and waits for something to read, if [`can_wait`](Self::can_wait) has said so.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when patience is over, or a signal ended the wait: to
    /// begin it again might never end; else as any read.
    pub(crate) fn read_patiently(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut stream = self.stream;
        // In the other mode it does not wait.
        stream.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => io::ErrorKind::WouldBlock.into(),
            _ => error,
        })
    }
}

/// Never waits.
impl Read for &Held<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut stream = self.stream;
        match self.mode {
            Mode::NeverWaits => stream.read(buffer),
            Mode::Waits => sys::read(stream, buffer),
        }
    }
}

/// Never waits.
impl Write for &Held<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut stream = self.stream;
        match self.mode {
            Mode::NeverWaits => stream.write(bytes),
            Mode::Waits => sys::write(stream, bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod sys {
    use std::io;
    use std::time::Duration;

    use rustix::io::ioctl_fionbio;
    use rustix::net::sockopt::{Timeout, set_socket_timeout};
    use rustix::net::{RecvFlags, SendFlags, recv, send};

    use crate::stream::Stream;

    pub(super) fn wait(stream: &Stream, at_most: Duration) -> io::Result<()> {
        set_socket_timeout(stream, Timeout::Recv, Some(at_most))?;
        Ok(ioctl_fionbio(stream, false)?)
    }

    pub(super) fn read(stream: &Stream, buffer: &mut [u8]) -> io::Result<usize> {
        let (len, _) = recv(stream, buffer, RecvFlags::DONTWAIT)?;
        Ok(len)
    }

    pub(super) fn write(stream: &Stream, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(stream, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?)
    }
}

/// Not every system keeps single calls from waiting.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod sys {
    use std::io::{self, Read, Write};
    use std::time::Duration;

    use crate::stream::Stream;

    pub(super) fn wait(_: &Stream, _: Duration) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn read(mut stream: &Stream, buffer: &mut [u8]) -> io::Result<usize> {
        stream.read(buffer)
    }

    pub(super) fn write(mut stream: &Stream, bytes: &[u8]) -> io::Result<usize> {
        stream.write(bytes)
    }
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use std::io::ErrorKind;
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixStream;
    use std::thread;
    use std::time::Instant;

    use super::*;

    #[test]
    fn only_patient_reads_wait_and_not_for_ever() {
        let (unix, mut unix_peer) = UnixStream::pair().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut tcp_peer, _) = listener.accept().unwrap();
        check(&unix.try_into().unwrap(), &mut unix_peer);
        check(&tcp.try_into().unwrap(), &mut tcp_peer);
    }

    fn check(stream: &Stream, peer: &mut (impl Write + Send)) {
        let mut held = Held::new(stream);
        assert!(!held.can_wait());
        assert!(held.can_wait() && held.can_wait());
        let (begun, room) = (Instant::now(), &mut [0; 4]);
        assert_eq!((&held).read(room).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(held.read_patiently(room).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(begun.elapsed() >= PATIENCE);

        thread::scope(|scope| {
            scope.spawn(|| peer.write_all(b"late").unwrap());
            let outcome = loop {
                match held.read_patiently(room) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    outcome => break outcome,
                }
            };
            assert_eq!(outcome.unwrap(), 4);
        });
        // Until nothing more fits, and no longer.
        let bytes = [0; 64 * 1024];
        let full = loop {
            if let Err(error) = (&held).write(&bytes) {
                break error;
            }
        };
        assert_eq!(full.kind(), ErrorKind::WouldBlock);
    }
}
