//! smol, on an executor of one thread.
//!
//! - By hand, best form: a task for each connection with a buffer that is read into and written from
//!   in place, so that nothing is copied and a batch of frames is one write; TLS by futures-rustls.
//! - asynchronous-codec, best form: frames are answered as long as there are any, then flushed.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use asynchronous_codec::{Bytes, BytesMut, Decoder, Encoder, Framed};
use futures_lite::Stream;
use futures_lite::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use futures_rustls::TlsAcceptor;
use futures_sink::Sink;
use rustls::ServerConfig;
use smol::{Async, LocalExecutor};

use crate::frames::{FRAME_LEN_MAX, Inbox};
use crate::options::Framing;

/// Whether to use asynchronous-codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    ByHand,
    Codec,
}

pub(crate) fn serve(
    listener: TcpListener,
    framing: Framing,
    tls: Option<&Arc<ServerConfig>>,
    form: Form,
) {
    let acceptor = tls.map(|config| TlsAcceptor::from(Arc::clone(config)));
    let executor = Rc::new(LocalExecutor::new());
    smol::block_on(executor.run(async {
        let listener = Async::new(listener).expect("a listener");
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            executor.spawn(converse(stream, framing, acceptor.clone(), form)).detach();
        }
    }));
}

async fn converse(
    mut stream: Async<TcpStream>,
    framing: Framing,
    acceptor: Option<TlsAcceptor>,
    form: Form,
) -> io::Result<()> {
    stream.get_ref().set_nodelay(true)?;
    match (acceptor, form) {
        (None, Form::ByHand) => echo(&mut stream, framing).await,
        (None, Form::Codec) => echo_frames(&mut stream).await,
        (Some(acceptor), Form::ByHand) => echo(&mut acceptor.accept(stream).await?, framing).await,
        (Some(acceptor), Form::Codec) => echo_frames(&mut acceptor.accept(stream).await?).await,
    }
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    framing: Framing,
) -> io::Result<()> {
    let mut inbox = Inbox::new();
    loop {
        let len = stream.read(inbox.room()).await?;
        if len == 0 {
            return stream.close().await;
        }
        inbox.received(len);
        let whole = inbox.whole(framing)?;
        let len = whole.len();
        stream.write_all(whole).await?;
        // Nothing for TCP; futures-rustls may have kept some of it.
        stream.flush().await?;
        inbox.consume(len);
    }
}

async fn echo_frames<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> io::Result<()> {
    let mut framed = Framed::new(stream, U32be);
    std::future::poll_fn(|context| forward(&mut framed, context)).await?;
    framed.close().await
}

/// Answers until there is nothing to read, then flushes; `Ready` at the end of the stream.
fn forward<S: AsyncRead + AsyncWrite + Unpin>(
    framed: &mut Framed<S, U32be>,
    context: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    loop {
        // First room, so that no frame is taken that cannot be answered.
        ready!(Sink::<Bytes>::poll_ready(Pin::new(framed), context))?;
        match Pin::new(&mut *framed).poll_next(context) {
            Poll::Ready(Some(frame)) => Pin::new(&mut *framed).start_send(frame?)?,
            Poll::Ready(None) => return Sink::<Bytes>::poll_flush(Pin::new(framed), context),
            Poll::Pending => {
                ready!(Sink::<Bytes>::poll_flush(Pin::new(framed), context))?;
                return Poll::Pending;
            }
        }
    }
}

/// asynchronous-codec has a length of eight bytes only.
struct U32be;

impl Decoder for U32be {
    type Item = Bytes;
    type Error = io::Error;

    fn decode(&mut self, source: &mut BytesMut) -> io::Result<Option<Bytes>> {
        let Some(header) = source.first_chunk::<4>() else { return Ok(None) };
        let len = u32::from_be_bytes(*header) as usize;
        if len > FRAME_LEN_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if source.len() < 4 + len {
            return Ok(None);
        }
        let mut frame = source.split_to(4 + len);
        Ok(Some(frame.split_off(4).freeze()))
    }
}

impl Encoder for U32be {
    type Item<'a> = Bytes;
    type Error = io::Error;

    fn encode(&mut self, frame: Bytes, destination: &mut BytesMut) -> io::Result<()> {
        let len = u32::try_from(frame.len()).map_err(io::Error::other)?;
        destination.reserve(4 + frame.len());
        destination.extend_from_slice(&len.to_be_bytes());
        destination.extend_from_slice(&frame);
        Ok(())
    }
}
