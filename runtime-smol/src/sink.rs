//! Frames as a `Stream` and a `Sink` of byte vectors, for framings whose frames are byte slices.

use std::pin::Pin;
use std::task::{Context, Poll};

use drywire::framing::ByteFraming;
use drywire_std::Error;
use futures_lite::Stream;
use futures_sink::Sink;

use crate::framed::Framed;
use crate::split::{Receiver, Sender};

/// Ends when the peer has finished, or after an error.
impl<F: ByteFraming> Stream for Framed<F> {
    type Item = Result<Vec<u8>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.channel.poll_item(cx)
    }
}

/// Closing it finishes our side.
impl<F: ByteFraming> Sink<Vec<u8>> for Framed<F> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.channel.poll_room(cx).map(Ok)
    }

    fn start_send(mut self: Pin<&mut Self>, item: Vec<u8>) -> Result<(), Error> {
        self.channel.conversation.send(&item)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.channel.poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.channel.poll_finish(cx)
    }
}

/// Ends when the peer has finished, or after an error.
impl<F: ByteFraming> Stream for Receiver<F> {
    type Item = Result<Vec<u8>, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_item(cx)
    }
}

/// Closing it finishes our side.
impl<F: ByteFraming> Sink<Vec<u8>> for Sender<F> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_room(cx).map(Ok)
    }

    fn start_send(self: Pin<&mut Self>, item: Vec<u8>) -> Result<(), Error> {
        self.queue(&item)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Self::poll_flush(&self, cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_finish(cx)
    }
}
