//! tokio, on its runtime of one thread, which is its faster one where there is one core.
//!
//! - By hand, best form: a task for each connection with a buffer that is read into and written from
//!   in place, so that nothing is copied and a batch of frames is one write; TLS by tokio-rustls.
//! - Idiomatic: `Framed` of tokio-util with its `LengthDelimitedCodec`, `next` and `send`.

use std::future::poll_fn;
use std::io;
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::Arc;

use futures_lite::StreamExt;
use futures_sink::Sink;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::bytes::Bytes;
use tokio_util::codec::{Framed, LengthDelimitedCodec};

use crate::frames::{FRAME_LEN_MAX, Inbox};
use crate::options::Framing;

/// Whether to use the codec of tokio-util.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    ByHand,
    Framed,
}

pub(crate) fn serve(
    listener: TcpListener,
    framing: Framing,
    tls: Option<&Arc<ServerConfig>>,
    form: Form,
) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    let acceptor = tls.map(|config| TlsAcceptor::from(Arc::clone(config)));
    runtime.block_on(async {
        listener.set_nonblocking(true).expect("it can be set");
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            tokio::spawn(converse(stream, framing, acceptor.clone(), form));
        }
    });
}

async fn converse(
    mut stream: TcpStream,
    framing: Framing,
    acceptor: Option<TlsAcceptor>,
    form: Form,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    match (acceptor, form) {
        (None, Form::ByHand) => echo(&mut stream, framing).await,
        (None, Form::Framed) => echo_framed(&mut stream).await,
        (Some(acceptor), Form::ByHand) => echo(&mut acceptor.accept(stream).await?, framing).await,
        (Some(acceptor), Form::Framed) => echo_framed(&mut acceptor.accept(stream).await?).await,
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
            return stream.shutdown().await;
        }
        inbox.received(len);
        let whole = inbox.whole(framing)?;
        let len = whole.len();
        stream.write_all(whole).await?;
        // Nothing for TCP; tokio-rustls may have kept some of it.
        stream.flush().await?;
        inbox.consume(len);
    }
}

async fn echo_framed<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> io::Result<()> {
    let codec = LengthDelimitedCodec::builder().max_frame_length(FRAME_LEN_MAX).new_codec();
    let mut framed = Framed::new(stream, codec);
    while let Some(frame) = framed.next().await {
        send(&mut framed, frame?.freeze()).await?;
    }
    framed.get_mut().shutdown().await
}

/// `SinkExt::send`, which is in futures-util: room, the frame, then a flush.
async fn send<S: AsyncWrite + Unpin>(
    framed: &mut Framed<S, LengthDelimitedCodec>,
    frame: Bytes,
) -> io::Result<()> {
    poll_fn(|context| Sink::<Bytes>::poll_ready(Pin::new(&mut *framed), context)).await?;
    Sink::start_send(Pin::new(&mut *framed), frame)?;
    poll_fn(|context| Sink::<Bytes>::poll_flush(Pin::new(&mut *framed), context)).await
}
