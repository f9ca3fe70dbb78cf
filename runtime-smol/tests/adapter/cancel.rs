//! Futures that are dropped at any await point: nothing is lost and nothing comes twice.

use std::future::Future;
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::task::{Context, Poll, Wake};
use std::thread;
use std::time::{Duration, Instant};

use drywire::framing::LengthPrefix;
use drywire::{CloseReason, Limits};
use drywire_smol::{Framed, Stream};

use crate::calls::now;
use crate::certificate::Certificate;
use crate::peer::PATIENCE;

/// Frames that go each way.
const COUNT: usize = 40;
/// Polls after which a future is dropped, in turn: a prime number of them, so that each call meets
/// each.
const POLLS: [usize; 7] = [0, 1, 2, 0, 3, 1, 2];

struct Woken(SyncSender<()>);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        let _ = self.0.try_send(());
    }
}

/// Polls `future` up to `count` times, then drops it. Between polls it waits a little to be woken;
/// a poll without is legal too.
fn poll_times<T>(future: impl Future<Output = T>, count: usize) -> Option<T> {
    let (sender, woken) = sync_channel(1);
    let waker = Arc::new(Woken(sender)).into();
    let mut future = pin!(future);
    for at in 0..count {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
        if at + 1 < count {
            let _ = woken.recv_timeout(Duration::from_millis(1));
        }
    }
    None
}

/// Small buffers, so that there is much to wait for.
fn limits() -> Limits {
    let mut limits = Limits::new();
    limits.transmit_high_water = 3000;
    limits.transmit_low_water = 1000;
    limits.receive_backlog_max = 2000;
    limits
}

fn streams() -> [Stream; 2] {
    let (one, other) = UnixStream::pair().unwrap();
    [one, other].map(|stream| {
        let socket = socket2::SockRef::from(&stream);
        socket.set_send_buffer_size(4096).unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        Stream::try_from(stream).unwrap()
    })
}

fn plain() -> [Framed<LengthPrefix>; 2] {
    streams().map(|stream| now(Framed::plain(stream, LengthPrefix::u16be(), limits())).unwrap())
}

fn within_tls() -> [Framed<LengthPrefix>; 2] {
    let certificate = Certificate::new();
    let [one, other] = streams();
    let tls = certificate.server();
    let framing = LengthPrefix::u16be();
    let serving = {
        let framing = framing.clone();
        thread::spawn(move || now(Framed::server(other, &tls, framing, limits())).unwrap())
    };
    let name = "localhost".try_into().unwrap();
    let one = now(Framed::client(one, &certificate.client(), name, framing, limits())).unwrap();
    [one, serving.join().unwrap()]
}

/// A frame that says which it is.
fn frame(side: usize, at: usize) -> Vec<u8> {
    vec![u8::try_from(side * COUNT + at).unwrap(); 1 + (at * at * 7) % 5000]
}

/// Sends and receives on both sides at once, by futures that are dropped again and again.
fn expect_everything_once(mut both: [Framed<LengthPrefix>; 2]) {
    let (mut sent, mut received) = ([0; 2], [0; 2]);
    let mut polls = POLLS.iter().copied().cycle();
    let mut next = || polls.next().unwrap();
    let begun = Instant::now();
    while received != [COUNT; 2] {
        assert!(begun.elapsed() < PATIENCE, "{sent:?} {received:?}");
        for (side, framed) in both.iter_mut().enumerate() {
            if sent[side] < COUNT {
                let frame = frame(side, sent[side]);
                if let Some(outcome) = poll_times(framed.send(&frame), next()) {
                    outcome.unwrap();
                    sent[side] += 1;
                }
            }
            if let Some(outcome) = poll_times(framed.flush(), next()) {
                outcome.unwrap();
            }
            if let Some(outcome) = poll_times(framed.recv(), next()) {
                let expected = frame(1 - side, received[side]);
                assert!(outcome.unwrap().unwrap() == expected, "{side} {}", received[side]);
                received[side] += 1;
            }
        }
    }
    assert_eq!(sent, [COUNT; 2]);
    // The end is asked for once and comes once.
    let [mut one, mut other] = both;
    let _ = poll_times(one.finish(), 1);
    while poll_times(one.flush(), next()).is_none() {}
    now(one.finish()).unwrap();
    while poll_times(other.recv(), next()).map(Result::unwrap).is_none() {}
    assert_eq!(now(other.recv()).unwrap(), None);
    let closing = thread::spawn(|| now(other.close()).unwrap());
    assert_eq!(now(one.recv()).unwrap(), None);
    assert_eq!(now(one.close()).unwrap(), CloseReason::Finished);
    assert_eq!(closing.join().unwrap(), CloseReason::Finished);
}

#[test]
fn plain_streams_lose_nothing() {
    expect_everything_once(plain());
}

#[test]
fn tls_streams_lose_nothing() {
    expect_everything_once(within_tls());
}

/// Every number of polls: of a future that receives what comes byte by byte.
#[test]
fn a_frame_survives_every_await_point_of_recv() {
    use std::io::Write;
    for polls in 0..6 {
        let (ours, mut peer) = UnixStream::pair().unwrap();
        let stream = Stream::try_from(ours).unwrap();
        let mut framed = now(Framed::plain(stream, LengthPrefix::u8(), Limits::new())).unwrap();
        let mut frames = Vec::new();
        for byte in b"\x05first\x00\x06second" {
            peer.write_all(&[*byte]).unwrap();
            if let Some(frame) = poll_times(framed.recv(), polls) {
                frames.push(frame.unwrap().unwrap().to_vec());
            }
        }
        while frames.len() < 3 {
            frames.push(now(framed.recv()).unwrap().unwrap().to_vec());
        }
        assert_eq!(frames, [&b"first"[..], b"", b"second"], "{polls} polls");
        drop(peer);
        assert_eq!(now(framed.recv()).unwrap(), None);
    }
}

/// The halves of one stream, each dropped again and again while the other waits.
#[test]
fn halves_lose_nothing() {
    let [one, mut other] = plain();
    let (mut sender, mut receiver) = one.split();
    let echoing = thread::spawn(move || {
        now(async {
            while let Some(frame) = other.recv().await.unwrap().map(<[u8]>::to_vec) {
                other.send(&frame).await.unwrap();
            }
            other.close().await.unwrap()
        })
    });
    let receiving = thread::spawn(move || {
        let begun = Instant::now();
        let mut polls = POLLS.iter().copied().cycle();
        for at in 0..COUNT {
            let frame = loop {
                assert!(begun.elapsed() < PATIENCE);
                let polls = polls.next().unwrap();
                if let Some(frame) = poll_times(receiver.recv(), polls) {
                    break frame.unwrap().unwrap();
                }
            };
            assert!(frame == self::frame(0, at), "{at}");
        }
        assert_eq!(now(receiver.recv()).unwrap(), None);
    });
    let begun = Instant::now();
    let mut polls = POLLS.iter().copied().cycle();
    for at in 0..COUNT {
        let frame = frame(0, at);
        while poll_times(sender.send(&frame), polls.next().unwrap()).map(Result::unwrap).is_none() {
            assert!(begun.elapsed() < PATIENCE);
        }
        let _ = poll_times(sender.flush(), polls.next().unwrap());
    }
    now(sender.finish()).unwrap();
    receiving.join().unwrap();
    assert_eq!(echoing.join().unwrap(), CloseReason::Finished);
}
