//! Frames as a `Stream` and a `Sink`.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::pin::Pin;

use drywire::connection::Truncation;
use drywire::framing::Netstring;
use drywire::{CloseReason, Limits};
use drywire_smol::{Error, Framed, Stream};
use futures_sink::Sink;
use smol::future::poll_fn;
use smol::stream::StreamExt;

use crate::calls::now;
use crate::peer::{Raw, expect, expect_end};

fn with_peer() -> (Framed<Netstring>, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let stream = Stream::try_from(ours).unwrap();
    (now(Framed::plain(stream, Netstring::new(), Limits::new())).unwrap(), theirs)
}

/// Sends `items`, flushes and closes.
fn pour<S: Sink<Vec<u8>, Error = Error> + Unpin>(sink: &mut S, items: &[&[u8]]) {
    now(async {
        for item in items {
            poll_fn(|cx| Pin::new(&mut *sink).poll_ready(cx)).await?;
            Pin::new(&mut *sink).start_send(item.to_vec())?;
        }
        poll_fn(|cx| Pin::new(&mut *sink).poll_flush(cx)).await?;
        poll_fn(|cx| Pin::new(&mut *sink).poll_close(cx)).await
    })
    .unwrap();
}

fn collect<S: smol::stream::Stream<Item = Result<Vec<u8>, Error>>>(
    stream: S,
) -> Vec<Result<Vec<u8>, Error>> {
    now(stream.collect())
}

#[test]
fn items_go_and_come_until_the_end() {
    let (mut framed, mut peer) = with_peer();
    pour(&mut framed, &[b"a", b"", b"bc"]);
    expect(&mut peer, b"1:a,0:,2:bc,");
    expect_end(&mut peer);
    peer.write_all(b"1:x,2:yz,").unwrap();
    peer.finish();
    let items: Vec<_> = collect(&mut framed).into_iter().map(Result::unwrap).collect();
    assert_eq!(items, [&b"x"[..], b"yz"]);
    assert!(now(framed.next()).is_none());
}

#[test]
fn halves_are_a_sink_and_a_stream() {
    let (framed, mut peer) = with_peer();
    let (mut sender, mut receiver) = framed.split();
    pour(&mut sender, &[b"a"]);
    expect(&mut peer, b"1:a,");
    expect_end(&mut peer);
    peer.write_all(b"1:x,").unwrap();
    peer.finish();
    let items: Vec<_> = collect(&mut receiver).into_iter().map(Result::unwrap).collect();
    assert_eq!(items, [b"x"]);
}

#[test]
fn a_stream_ends_after_an_error() {
    let truncated = CloseReason::Truncated(Truncation::Frame { len: 2 });
    for is_split in [false, true] {
        let (framed, mut peer) = with_peer();
        peer.write_all(b"1:x,2:").unwrap();
        peer.finish();
        let items = if is_split { collect(framed.split().1) } else { collect(framed) };
        assert!(matches!(&items[..], [Ok(frame), Err(Error::Closed(reason))]
            if frame == b"x" && *reason == truncated));
    }
}
