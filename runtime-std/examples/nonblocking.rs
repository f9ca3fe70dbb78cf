//! The core over one non-blocking socket, in a loop of one's own: no runtime at all.
//!
//! ```text
//! cargo run -p drywire-std --example nonblocking
//! ```
//!
//! Two threads of this process talk over a socket pair. Each has one non-blocking socket and one
//! [`Connection`], and does what any program does that owns its loop: read if the connection wants
//! to, hand out what happened, write what there is, wait. Neither end can block the other, because
//! a socket that is not ready answers [`WouldBlock`](ErrorKind::WouldBlock) and the loop goes on
//! with what else there is. A program that has its own poller waits there instead of in [`rest`].

use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use drywire::framing::LengthPrefix;
use drywire::protocol::Echo;
use drywire::{CloseReason, Connection, Fault, Limits, Step, pump};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

fn main() -> Result<(), Box<dyn Error>> {
    let (client, server) = UnixStream::pair()?;
    // What makes everything else possible.
    client.set_nonblocking(true)?;
    server.set_nonblocking(true)?;

    // One side hands its steps to a protocol ...
    let serving = thread::spawn(move || {
        let mut echo = Echo::new(LengthPrefix::u32be());
        converse(&server, |connection| pump(connection, &mut echo))
    });
    // ... and the other takes them itself.
    let mut echoed = 0;
    let reason = converse(&client, |connection| {
        while let Some(step) = connection.next() {
            match step {
                Step::Open(_, mut handle) => {
                    for text in ["no", "runtime", "needed"] {
                        handle.send(text.as_bytes()).expect("room for three short frames");
                    }
                }
                Step::Frame(frame, mut handle) => {
                    println!("{}", frame.escape_ascii());
                    echoed += 1;
                    if echoed == 3 {
                        handle.close();
                    }
                }
                _ => {}
            }
        }
    })?;
    println!("client: {reason}");
    println!("server: {}", serving.join().expect("the server does not panic")?);
    Ok(())
}

/// Runs one connection over `socket` until it is over; `take_steps` gets it whenever something may
/// have happened.
fn converse(
    mut socket: &UnixStream,
    mut take_steps: impl FnMut(&mut Connection<LengthPrefix>),
) -> io::Result<CloseReason> {
    // The core has no clock: time is what this function says it is.
    let epoch = Instant::now();
    let now = || drywire::Instant::from_elapsed(epoch.elapsed());
    let limits = Arc::new(Limits::new());
    let mut connection = Connection::plain(LengthPrefix::u32be(), limits, now());

    loop {
        // 1. Read, once. An end and a failure have calls of their own; not ready is nothing.
        if connection.interest().read {
            match socket.read(connection.receive_buffer()) {
                Ok(0) => connection.received_eof(now()).expect("reported once"),
                Ok(len) => connection.received(len, now()).expect("what was lent"),
                Err(error) if is_transient(&error) => {}
                Err(error) => connection.transport_failed(fault(&error), now()),
            }
        }
        // 2. Time passes as well.
        connection.handle_timeout(now());
        // 3. What happened, and what the application makes of it.
        take_steps(&mut connection);
        // 4. Write until the socket has had enough.
        while connection.interest().write {
            match socket.write(connection.transmit()) {
                Ok(len) => connection.transmitted(len, now()).expect("what was offered"),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => connection.transmit_failed(fault(&error), now()),
            }
        }
        // 5. Finish our side when the connection says so, not before.
        if connection.interest().shutdown {
            match socket.shutdown(std::net::Shutdown::Write) {
                Ok(()) => connection.shut_down(now()).expect("it asked for it"),
                Err(error) => connection.transmit_failed(fault(&error), now()),
            }
        }
        take_steps(&mut connection);
        if let (true, Some(reason)) = (connection.is_closed(), connection.close_reason()) {
            return Ok(reason.clone());
        }
        // 6. Wait for whichever comes first.
        rest(socket, &connection, now())?;
    }
}

/// Waits until the socket is ready for what the connection wants, or its deadline has come.
fn rest(
    socket: &UnixStream,
    connection: &Connection<LengthPrefix>,
    now: drywire::Instant,
) -> io::Result<()> {
    let interest = connection.interest();
    let mut events = PollFlags::empty();
    events.set(PollFlags::IN, interest.read);
    events.set(PollFlags::OUT, interest.write);
    let at = if interest.shutdown { Some(now) } else { interest.deadline.map(|next| next.at) };
    let timeout = at.map_or(Duration::MAX, |at| at.saturating_duration_since(now));
    let timeout = Timespec::try_from(timeout).ok();
    match poll(&mut [PollFd::new(socket, events)], timeout.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Not an error: try again, or later.
fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

fn fault(error: &io::Error) -> Fault {
    Fault::from(error.kind())
}
