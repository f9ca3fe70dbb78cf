//! What passes between a supervisor and a worker, over a stream socket that is the worker's
//! standard input.
//!
//! ```text
//! supervisor to worker              worker to supervisor
//!   socket ADDRESS    with a descriptor
//!   payload LEN       and LEN bytes
//!   begin SLOT
//!                                     ready
//!   report
//!                                     datagrams NUMBER ... if it has listeners for them
//!                                     report NUMBER ...
//!   drain
//!   stop
//!                                     datagrams NUMBER ... and
//!                                     report NUMBER ...    the last ones
//! ```
//!
//! Each is a line. Either side takes the end of the stream for the other's end. Everything up to
//! `begin` is written before the worker is started, so that neither waits for the other.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use drywire::address::Address;
use drywire::datagram::DatagramStatistics;
use drywire::statistics::Statistics;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

pub(super) const READY: &str = "ready";
pub(super) const DRAIN: &str = "drain";
pub(super) const STOP: &str = "stop";
pub(super) const REPORT: &str = "report";
const DATAGRAMS: &str = "datagrams";

const SOCKET: &str = "socket ";
const PAYLOAD: &str = "payload ";
const BEGIN: &str = "begin ";

/// More than any line is long.
pub(super) const LINE_LEN_MAX: usize = 4096;

/// What a worker needs to begin.
#[derive(Debug, Default)]
pub(super) struct Handover {
    pub(super) slot: usize,
    pub(super) sockets: Vec<(Address, OwnedFd)>,
    pub(super) payload: Vec<u8>,
    /// The beginning of the first orders, if they are there already.
    pub(super) orders: Vec<u8>,
}

/// Writes all that a worker needs to begin.
///
/// # Errors
/// [`WouldBlock`](io::ErrorKind::WouldBlock) if it is more than the socket holds.
pub(super) fn send<'a>(
    to: &UnixStream,
    slot: usize,
    sockets: impl Iterator<Item = (&'a Address, BorrowedFd<'a>)>,
    payload: &[u8],
) -> io::Result<()> {
    to.set_nonblocking(true)?;
    for (address, socket) in sockets {
        send_with(to, format!("{SOCKET}{address}\n").as_bytes(), socket)?;
    }
    (&*to).write_all(format!("{PAYLOAD}{}\n", payload.len()).as_bytes())?;
    (&*to).write_all(payload)?;
    (&*to).write_all(format!("{BEGIN}{slot}\n").as_bytes())
}

/// Writes `bytes` and passes `fd` on with the first of them.
fn send_with(to: &UnixStream, bytes: &[u8], fd: BorrowedFd<'_>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let fds = [fd];
    if !ancillary.push(SendAncillaryMessage::ScmRights(&fds)) {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    let sent_len = sendmsg(to, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::empty())?;
    (&*to).write_all(bytes.get(sent_len..).unwrap_or_default())
}

/// Reads all that a worker needs to begin.
///
/// # Errors
/// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the supervisor is gone,
/// [`InvalidData`](io::ErrorKind::InvalidData) if it is none.
pub(super) fn receive(from: &UnixStream) -> io::Result<Handover> {
    from.set_nonblocking(false)?;
    let mut reader = Reader::new(from);
    let mut handover = Handover::default();
    loop {
        let line = reader.line()?;
        if let Some(address) = line.strip_prefix(SOCKET) {
            let address = address.parse().map_err(|_| invalid())?;
            let socket = reader.fds.pop_front().ok_or_else(invalid)?;
            handover.sockets.push((address, socket));
        } else if let Some(len) = line.strip_prefix(PAYLOAD) {
            handover.payload = reader.take(len.parse().map_err(|_| invalid())?)?;
        } else if let Some(slot) = line.strip_prefix(BEGIN) {
            handover.slot = slot.parse().map_err(|_| invalid())?;
            handover.orders = reader.bytes.into();
            return Ok(handover);
        } else {
            return Err(invalid());
        }
    }
}

/// The line that reports `statistics`.
pub(super) fn report(statistics: &Statistics) -> String {
    line_of(REPORT, statistics.to_numbers())
}

/// What a line reports, if it does.
pub(super) fn reported(line: &str) -> Option<Statistics> {
    Statistics::from_numbers(numbers_of(REPORT, line)?)
}

/// The line that reports what became of datagrams.
pub(super) fn datagram_report(statistics: &DatagramStatistics) -> String {
    line_of(DATAGRAMS, statistics.to_numbers())
}

/// What a line reports of datagrams, if it does.
pub(super) fn datagrams_reported(line: &str) -> Option<DatagramStatistics> {
    DatagramStatistics::from_numbers(numbers_of(DATAGRAMS, line)?)
}

fn line_of(word: &str, numbers: Vec<u64>) -> String {
    let mut line = String::from(word);
    for number in numbers {
        line.push(' ');
        line.push_str(&number.to_string());
    }
    line.push('\n');
    line
}

fn numbers_of(word: &str, line: &str) -> Option<Vec<u64>> {
    let numbers = line.strip_prefix(word)?.split_whitespace().map(str::parse);
    numbers.collect::<Result<_, _>>().ok()
}

fn invalid() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

/// Reads lines and descriptors.
struct Reader<'a> {
    from: &'a UnixStream,
    bytes: VecDeque<u8>,
    fds: VecDeque<OwnedFd>,
}

impl<'a> Reader<'a> {
    const fn new(from: &'a UnixStream) -> Self {
        Self { from, bytes: VecDeque::new(), fds: VecDeque::new() }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        loop {
            match self.byte()? {
                b'\n' => return String::from_utf8(line).map_err(|_| invalid()),
                byte if line.len() < LINE_LEN_MAX => line.push(byte),
                _ => return Err(invalid()),
            }
        }
    }

    fn take(&mut self, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while bytes.len() < len {
            bytes.push(self.byte()?);
        }
        Ok(bytes)
    }

    fn byte(&mut self) -> io::Result<u8> {
        loop {
            if let Some(byte) = self.bytes.pop_front() {
                return Ok(byte);
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut bytes = [0; 512];
        let mut parts = [IoSliceMut::new(&mut bytes)];
        let message = match recvmsg(self.from, &mut parts, &mut ancillary, receive_flags()) {
            Ok(message) => message,
            Err(rustix::io::Errno::INTR) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        if message.bytes == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(fds) = message {
                self.fds.extend(fds);
            }
        }
        // Where the flag is missing: those that are not passed on end with this process' exec.
        for fd in &self.fds {
            rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::CLOEXEC)?;
        }
        self.bytes.extend(bytes.get(..message.bytes).unwrap_or_default());
        Ok(())
    }
}

const fn receive_flags() -> RecvFlags {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return RecvFlags::CMSG_CLOEXEC;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    return RecvFlags::empty();
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket};
    use std::os::fd::AsFd;
    use std::os::unix::net::{UnixDatagram, UnixListener};

    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn sockets_of_every_kind_and_a_payload_arrive_in_order() {
        let (supervisor, worker) = UnixStream::pair().unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let (gram, _other) = UnixDatagram::pair().unwrap();
        let addresses = ["tls://127.0.0.1:1", "udp://127.0.0.1:2", "unixgram:@x"].map(address);
        let sockets = [tcp.as_fd(), udp.as_fd(), gram.as_fd()];
        // More than is read at once.
        let payload: Vec<u8> = (0..5000).map(|number| (number % 251) as u8).collect();
        send(&supervisor, 7, addresses.iter().zip(sockets), &payload).unwrap();

        let handover = receive(&worker).unwrap();
        assert_eq!((handover.slot, handover.payload), (7, payload));
        let mut received = handover.sockets.into_iter();
        let mut next = || {
            let (address, socket) = received.next().unwrap();
            (address.to_string(), socket)
        };
        let (text, socket) = next();
        assert_eq!(text, "tls://127.0.0.1:1");
        assert_eq!(TcpListener::from(socket).local_addr().unwrap(), tcp.local_addr().unwrap());
        let (text, socket) = next();
        assert_eq!(text, "udp://127.0.0.1:2");
        assert_eq!(UdpSocket::from(socket).local_addr().unwrap(), udp.local_addr().unwrap());
        let (text, socket) = next();
        assert_eq!(text, "unixgram:@x");
        let flags = rustix::io::fcntl_getfd(&socket).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
        assert_eq!(received.len(), 0);
    }

    #[test]
    fn reports_fit_a_line_and_arrive() {
        let len = Statistics::new().to_numbers().len();
        let statistics = Statistics::from_numbers(std::iter::repeat_n(u64::MAX, len)).unwrap();
        let line = report(&statistics);
        assert!(line.len() <= LINE_LEN_MAX);
        assert_eq!(reported(line.trim_end()), Some(statistics));
        for line in ["report", "report 1", "report x", "ready", ""] {
            assert_eq!(reported(line), None, "{line}");
        }
        let len = DatagramStatistics::new().to_numbers().len();
        let numbers = std::iter::repeat_n(u64::MAX, len);
        let statistics = DatagramStatistics::from_numbers(numbers).unwrap();
        let line = datagram_report(&statistics);
        assert!(line.len() <= LINE_LEN_MAX);
        assert_eq!(datagrams_reported(line.trim_end()), Some(statistics));
        for line in ["datagrams", "datagrams 1", "datagrams x", "report", ""] {
            assert_eq!(datagrams_reported(line), None, "{line}");
        }
    }

    #[test]
    fn orders_that_come_early_are_kept() {
        let (mut supervisor, worker) = UnixStream::pair().unwrap();
        send(&supervisor, 0, std::iter::empty(), b"").unwrap();
        supervisor.write_all(b"drain\nst").unwrap();
        assert_eq!(receive(&worker).unwrap().orders, b"drain\nst");
    }

    #[test]
    fn many_sockets_are_handed_over_before_anybody_reads() {
        let (supervisor, worker) = UnixStream::pair().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = address("tcp://127.0.0.1:1");
        let sockets = std::iter::repeat_n((&address, listener.as_fd()), 64);
        send(&supervisor, 0, sockets, &[0; 64 * 1024]).unwrap();
        assert_eq!(receive(&worker).unwrap().sockets.len(), 64);
    }

    #[test]
    fn too_much_is_an_error_and_no_wait() {
        let (supervisor, _worker) = UnixStream::pair().unwrap();
        let error = send(&supervisor, 0, std::iter::empty(), &vec![0; 8 << 20]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn what_no_supervisor_says_is_an_error() {
        let long = [&[b'x'; LINE_LEN_MAX + 1][..], b"\n"].concat();
        for (bytes, kind) in [
            (&b""[..], io::ErrorKind::UnexpectedEof),
            (b"payload 5\nabc", io::ErrorKind::UnexpectedEof),
            (b"hello\n", io::ErrorKind::InvalidData),
            (b"\xff\n", io::ErrorKind::InvalidData),
            (b"socket tcp://127.0.0.1:1\nbegin 0\n", io::ErrorKind::InvalidData),
            (b"socket nowhere\nbegin 0\n", io::ErrorKind::InvalidData),
            (b"payload x\nbegin 0\n", io::ErrorKind::InvalidData),
            (b"begin x\n", io::ErrorKind::InvalidData),
            (&long, io::ErrorKind::InvalidData),
        ] {
            let (mut supervisor, worker) = UnixStream::pair().unwrap();
            supervisor.write_all(bytes).unwrap();
            drop(supervisor);
            let error = receive(&worker).unwrap_err();
            assert_eq!(error.kind(), kind, "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn the_listener_is_the_same_one() {
        let folder = std::env::temp_dir().join(format!("drywire-handover-{}", std::process::id()));
        let (supervisor, worker) = UnixStream::pair().unwrap();
        let listener = UnixListener::bind(&folder).unwrap();
        let address = address("unix:@x");
        send(&supervisor, 0, [(&address, listener.as_fd())].into_iter(), b"").unwrap();
        drop(listener);
        // The client is in the queue of a listener that only the message holds.
        let _client = UnixStream::connect(&folder).unwrap();
        std::fs::remove_file(&folder).unwrap();
        let (_, socket) = receive(&worker).unwrap().sockets.remove(0);
        UnixListener::from(socket).accept().unwrap();
    }
}
