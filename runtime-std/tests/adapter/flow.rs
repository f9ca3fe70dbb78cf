//! Much data, both ways, and peers that do not read.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::adapter::{Client, Error, Framed, Server, Stream};
use drywire::connection::Timer;
use drywire::framing::{LengthPrefix, Lines};
use drywire::protocol::Echo;
use drywire::{CloseReason, Limits, Peer};

use crate::calls::{now, split};
use crate::certificate::Certificate;
use crate::peer::{PATIENCE, dial, reset};
use crate::serving::{loopback, run};

const MIB: usize = 1024 * 1024;

/// Both ends of a TCP stream.
fn pair() -> [Stream; 2] {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let one = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let other = listener.accept().unwrap().0;
    [one, other].map(|stream| Stream::try_from(stream).unwrap())
}

/// Sends 64 MiB and then reads as much.
fn send_then_receive(mut framed: Framed<LengthPrefix>) -> Result<(), Error> {
    for count in 0..64 {
        now(framed.send(&vec![count; MIB]))?;
    }
    now(framed.flush())?;
    for count in 0..64 {
        let frame = now(framed.recv())?.unwrap();
        assert!(frame.len() == MIB && frame.iter().all(|byte| *byte == count));
    }
    now(framed.finish())?;
    assert_eq!(now(framed.recv())?, None);
    assert_eq!(now(framed.close())?, CloseReason::Finished);
    Ok(())
}

fn both_send_first(limits: &Limits) -> [Result<(), Error>; 2] {
    let both = pair().map(|stream| {
        let framed = now(Framed::plain(stream, LengthPrefix::u32be(), limits.clone())).unwrap();
        thread::spawn(|| send_then_receive(framed))
    });
    both.map(|thread| thread.join().unwrap())
}

#[test]
fn two_that_send_first_get_on_with_buffers_that_are_large_enough() {
    let mut limits = Limits::new();
    limits.receive_backlog_max = 65 * MIB;
    for outcome in both_send_first(&limits) {
        outcome.unwrap();
    }
}

#[test]
fn two_that_send_first_are_told_that_it_stalls() {
    let mut limits = Limits::new();
    limits.stall_timeout = Duration::from_millis(100);
    let outcomes = both_send_first(&limits);
    let mut stalled = 0;
    for outcome in outcomes {
        match outcome.unwrap_err() {
            Error::Closed(CloseReason::TimedOut(Timer::Stall)) => stalled += 1,
            // The other gave up first.
            Error::Closed(CloseReason::Reset) => {}
            error => panic!("{error:?}"),
        }
    }
    assert!(stalled > 0);
}

#[test]
fn a_peer_that_never_reads_is_read_from_no_more_and_given_up() {
    let mut limits = Limits::new();
    limits.stall_timeout = Duration::from_millis(100);
    let bound = (limits.transmit_high_water + 2 * limits.receive_backlog_max + 65 * 1024) as u64;
    let server = Server::new(|_: &Peer| Echo::new(Lines::new())).limits(limits);
    let server = run(server, vec![loopback()]);
    let mut peer = dial(server.at());
    let lines = b"a line of some length that is sent again and again\n".repeat(1000);
    let error = loop {
        if let Err(error) = peer.write_all(&lines) {
            break error;
        }
    };
    assert!([ErrorKind::ConnectionReset, ErrorKind::BrokenPipe].contains(&error.kind()));
    assert_eq!(server.closed(), CloseReason::TimedOut(Timer::Stall));
    let statistics = server.stop().statistics;
    assert!(statistics.transmitted_len > 0);
    let held = statistics.received_len - statistics.transmitted_len;
    assert!((1..=bound).contains(&held), "{held} of {bound}");
}

/// A thread sends while another receives, and neither waits for the other.
fn full_duplex(framed: Framed<LengthPrefix>, count: u8) {
    let (mut sender, mut receiver) = split(framed);
    let sending = thread::spawn(move || {
        for count in 0..count {
            now(sender.send(&vec![count; MIB / 2])).unwrap();
        }
        now(sender.finish()).unwrap();
        sender
    });
    for count in 0..count {
        let frame = now(receiver.recv()).unwrap().unwrap();
        assert!(frame.len() == MIB / 2 && frame.iter().all(|byte| *byte == count));
    }
    assert_eq!(now(receiver.recv()).unwrap(), None);
    assert_eq!(receiver.close_reason(), Some(CloseReason::Finished));
    assert_eq!(sending.join().unwrap().close_reason(), Some(CloseReason::Finished));
}

#[test]
fn the_halves_of_a_stream_are_full_duplex() {
    let certificate = Certificate::new();
    let listeners = vec![loopback(), loopback().with_tls(certificate.server())];
    let server = run(Server::new(|_: &Peer| Echo::new(LengthPrefix::u32be())), listeners);
    let client = Client::new().tls(certificate.client());
    for (address, count) in server.addresses.iter().zip([100, 20]) {
        full_duplex(now(client.connect(address, LengthPrefix::u32be())).unwrap(), count);
        assert_eq!(server.closed(), CloseReason::Finished);
    }
    server.stop();
}

#[test]
fn a_half_that_waits_is_told_what_the_other_learns() {
    let [one, other] = pair();
    let (mut sender, mut receiver) =
        split(now(Framed::plain(one, LengthPrefix::u32be(), Limits::new())).unwrap());
    let receiving = thread::spawn(move || now(receiver.recv_with(|_| ())));
    let sending = thread::spawn(move || {
        loop {
            if let Err(error) = now(sender.send(&[0; MIB])) {
                return error;
            }
        }
    });
    // The sender is stuck, the receiver waits, and both learn of the end. Dropped with nothing
    // unread it would look as if the peer had finished.
    let Stream::Tcp(mut peer) = other else { unreachable!() };
    peer.set_nonblocking(false).unwrap();
    peer.read_exact(&mut [0; 1000]).unwrap();
    reset(peer);
    let error = receiving.join().unwrap().unwrap_err();
    assert!(matches!(error, Error::Closed(CloseReason::Reset)), "{error:?}");
    let error = sending.join().unwrap();
    assert!(matches!(error, Error::Closed(CloseReason::Reset)), "{error:?}");
}

#[test]
fn a_half_that_waits_is_shown_what_the_other_has_read() {
    let [one, other] = pair();
    let (mut sender, mut receiver) =
        split(now(Framed::plain(one, LengthPrefix::u32be(), Limits::new())).unwrap());
    // The peer does not read before the end, so that the sender waits and reads as well: whichever
    // half is first has the frame.
    let sending = thread::spawn(move || while now(sender.send(&[0; MIB])).is_ok() {});
    let (tell, told) = mpsc::channel();
    let receiving = thread::spawn(move || {
        while let Ok(Some(())) = now(receiver.recv_with(|_| ())) {
            tell.send(()).unwrap();
        }
    });
    let Stream::Tcp(mut peer) = other else { unreachable!() };
    for _ in 0..2000 {
        peer.write_all(b"\0\0\0\x01a").unwrap();
        told.recv_timeout(PATIENCE).unwrap();
    }
    drop(peer);
    sending.join().unwrap();
    receiving.join().unwrap();
}
