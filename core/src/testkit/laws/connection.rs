//! Laws of a whole connection and of two that are joined.
//!
//! What makes the connections is given as a function, because each law needs fresh ones, so that
//! the same law holds for any framing and protocol, plain and within TLS.

use alloc::vec::Vec;
use core::time::Duration;

use crate::connection::{Connection, Step};
use crate::framing::ByteFraming;
use crate::protocol::Protocol;
use crate::testkit::laws::framing::joined;
use crate::testkit::{End, Event, OwnedFrames, Pair, Path};

/// Frames after which a queue is full, whatever its high water.
const SENDS_MAX: usize = 1_000_000;

/// Law: cutting the input and writing the output in portions changes neither the steps nor what is
/// written, provided that no send is refused by a full queue.
///
/// `input` is what a plain connection reads before the end of its stream; `cuts` are lengths, used
/// in turn.
///
/// # Panics
/// When the law is broken.
pub fn split_invariant<P: Protocol>(make: impl Fn() -> End<P>, input: &[u8], cuts: &[usize])
where
    P::Framing: OwnedFrames,
{
    let run = |cuts: &[usize], portions: &[usize]| {
        let mut end = make();
        let written = end.converse(input, cuts, portions);
        (end.trace().without_writable(), written)
    };
    let expected = run(&[], &[]);
    for (cuts, portions) in [(cuts, &[][..]), (&[], cuts), (&[1], &[1]), (cuts, &[1])] {
        let found = run(cuts, portions);
        assert!(
            found == expected,
            "read in {cuts:?}, written in {portions:?}: {:?} instead of {:?}, {} bytes written \
             instead of {}",
            found.0,
            expected.0,
            found.1.len(),
            expected.1.len()
        );
    }
}

/// Law: [`split_invariant`] for two joined connections, by what both are told: with TLS the bytes
/// between them differ from run to run. Lag changes nothing either.
///
/// # Panics
/// When the law is broken.
pub fn pair_invariant<P: Protocol, Q: Protocol>(make: impl Fn() -> Pair<P, Q>, cuts: &[usize])
where
    P::Framing: OwnedFrames,
    Q::Framing: OwnedFrames,
{
    let run = |cuts: &[usize], portions: &[usize], lag| {
        let mut pair = make();
        for path in [&mut pair.there, &mut pair.back] {
            path.cuts = cuts.to_vec();
            path.portions = portions.to_vec();
            path.lag = lag;
        }
        pair.run();
        (pair.left.trace().without_writable(), pair.right.trace().without_writable())
    };
    let expected = run(&[], &[], Duration::ZERO);
    let lag = Duration::from_millis(1);
    for (cuts, portions, lag) in [
        (cuts, &[][..], Duration::ZERO),
        (&[], cuts, lag),
        (&[1], &[1], Duration::ZERO),
        (cuts, &[1], lag),
    ] {
        let found = run(cuts, portions, lag);
        assert_eq!(found, expected, "read in {cuts:?}, written in {portions:?}, lag {lag:?}");
    }
}

/// Law: what the one end has sent, the other has been told of once, in order, behind `Open` and
/// before `Finished`; the other way likewise. For pairs whose ends finish.
///
/// # Panics
/// When the law is broken.
pub fn conserves<P: Protocol, Q: Protocol>(
    mut pair: Pair<P, Q>,
    there: &[<P::Framing as OwnedFrames>::Owned],
    back: &[<P::Framing as OwnedFrames>::Owned],
) -> Pair<P, Q>
where
    P::Framing: OwnedFrames,
    Q::Framing: OwnedFrames<Owned = <P::Framing as OwnedFrames>::Owned>,
{
    pair.run();
    told_all(&pair.right, there);
    told_all(&pair.left, back);
    pair
}

/// One end was told of all these frames, and of nothing else but the beginning and the end.
fn told_all<P: Protocol>(end: &End<P>, sent: &[<P::Framing as OwnedFrames>::Owned])
where
    P::Framing: OwnedFrames,
{
    let trace = end.trace();
    let sent = joined(end.connection.framing(), sent.to_vec());
    let events = trace.without_writable();
    let is_all = trace.shown().eq(&sent);
    assert!(is_all, "{} of {} frames came, or others", trace.shown().count(), sent.len());
    assert_eq!(events.first(), Some(&Event::Open), "{trace:?}");
    let finished = events.iter().position(|event| *event == Event::Finished);
    assert_eq!(finished, Some(events.len() - 2), "finished behind the frames");
    assert!(trace.closed().is_some_and(|reason| reason.is_clean()), "{trace:?}");
}

/// Law: with TLS as without: both ends are told the same. Returns the pair within TLS.
///
/// # Panics
/// When the law is broken.
pub fn transparent<P: Protocol, Q: Protocol>(
    mut plain: Pair<P, Q>,
    mut tls: Pair<P, Q>,
) -> Pair<P, Q>
where
    P::Framing: OwnedFrames,
    Q::Framing: OwnedFrames,
{
    plain.run();
    tls.run();
    let told = |pair: &Pair<P, Q>| {
        (pair.left.trace().without_writable(), pair.right.trace().without_writable())
    };
    assert_eq!(told(&tls), told(&plain), "with TLS and without");
    tls
}

/// Law: a peer that writes `input` again and again and never reads makes the connection hold
/// `queued_len_max` bytes to send and [`memory_len_max`](Connection::memory_len_max) in all at
/// most, and makes it stop reading. Returns how much was read.
///
/// # Panics
/// When the law is broken.
pub fn bounded_when_unread<P: Protocol>(
    end: &mut End<P>,
    input: &[u8],
    queued_len_max: usize,
) -> usize
where
    P::Framing: OwnedFrames,
{
    let now = end.connection.now();
    let mut inp = Path::default();
    let mut out = Path::default();
    out.capacity = 0;
    let mut read_len = 0;
    for _ in 0..1_000_000 {
        inp.inject(input, now);
        end.work(&mut out, &mut inp, now);
        let (queued, memory) = (end.connection.queued_len(), end.connection.memory_len());
        assert!(queued <= queued_len_max, "{queued} bytes queued, at most {queued_len_max}");
        assert!(memory <= end.connection.memory_len_max(), "{memory} bytes of memory");
        if !end.connection.interest().read {
            return read_len;
        }
        read_len += input.len();
    }
    panic!("{read_len} bytes were read and it goes on");
}

/// Law: an error is final. Once a connection that is fed with `input` has failed, whatever comes
/// yields nothing but `Closed`, and what was queued for the peer is still transmitted: returned.
///
/// # Panics
/// When the law is broken or `input` makes nothing fail.
pub fn sticky<P: Protocol>(end: &mut End<P>, input: &[u8]) -> Vec<u8>
where
    P::Framing: OwnedFrames,
{
    let now = end.connection.now();
    let (mut out, mut inp) = (Path::default(), Path::default());
    out.capacity = 0;
    inp.inject(input, now);
    while end.work(&mut out, &mut inp, now) {}
    let failed = end.trace().failed().expect("the input makes it fail").clone();
    let events = end.trace().events().len();
    for _ in 0..3 {
        inp.inject(input, now);
        end.work(&mut out, &mut inp, now);
        assert_eq!(end.trace().events().len(), events, "something new after a failure");
    }
    out.capacity = usize::MAX;
    out.keeping();
    inp.end(now);
    while end.work(&mut out, &mut inp, now) {}
    assert_eq!(end.trace().closed(), Some(&failed), "the end has another reason than the failure");
    assert_eq!(end.trace().events().len(), events + 1, "something new after a failure");
    out.written.unwrap_or_default()
}

/// Law: a refusal by a full queue leaves everything as it was, and the frame whose reply was
/// refused comes again when there is room. `connection` must have a frame to show next, and
/// nothing queued.
///
/// # Panics
/// When the law is broken.
pub fn full_changes_nothing<F: ByteFraming>(connection: &mut Connection<F>, item: &[u8]) {
    let now = connection.now();
    let shown = loop {
        match connection.next().expect("there is a frame") {
            Step::Frame(frame, mut handle) => {
                let sent = (0..SENDS_MAX).take_while(|_| handle.send(item).is_ok()).count();
                assert!(sent < SENDS_MAX, "{sent} frames were sent and it is not full");
                handle.retain();
                break frame.to_vec();
            }
            _ => continue,
        }
    };
    let queued = connection.transmit().to_vec();
    assert!(connection.send(item).is_err(), "full and takes another");
    assert!(connection.transmit() == queued, "a refusal changed what is queued");
    assert!(connection.next().is_none(), "a frame while the queue is full");
    while !connection.transmit().is_empty() {
        connection.transmitted(1, now).expect("there is one");
        let Some(step) = connection.next() else { continue };
        assert!(matches!(step, Step::Writable(_)), "first of all that there is room");
        match connection.next() {
            Some(Step::Frame(frame, _)) => assert_eq!(frame, shown, "the frame that was retained"),
            _ => panic!("the frame that was retained does not come again"),
        }
        return;
    }
    panic!("the queue is empty and nobody was told that there is room");
}
