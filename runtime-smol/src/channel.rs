//! What a framed stream can be asked to wait for, as polls: the async methods, the halves and the
//! `Stream` and `Sink` sides all are these.
//!
//! Every poll leaves all state in the conversation, so that a future which is dropped between two
//! of them loses nothing.

use std::task::{Context, Poll, ready};

use drywire::CloseReason;
use drywire::framing::{ByteFraming, Framing};
use drywire_std::{Conversation, Error, Ready};

use crate::driver::Driver;

/// Turns after which a poll lets other tasks run.
const TURNS_MAX: usize = 16;

/// A conversation together with its driver.
#[derive(Debug)]
pub(crate) struct Channel<F: Framing> {
    pub(crate) conversation: Conversation<F>,
    driver: Driver,
    /// An error has ended the stream of items.
    is_over: bool,
    /// Turns of which something has come that the other half may wait for.
    pub(crate) news: u64,
}

impl<F: Framing> Channel<F> {
    pub(crate) const fn new(conversation: Conversation<F>, driver: Driver) -> Self {
        Self { conversation, driver, is_over: false, news: 0 }
    }

    /// Waits until the connection is open. One that fails is seen to its end, so that the peer
    /// learns why.
    pub(crate) fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CloseReason>> {
        ready!(self.poll_until(cx, |conversation| {
            conversation.has_frame();
            conversation.is_open() || conversation.connection().is_closed()
        }));
        Poll::Ready(match self.conversation.close_reason() {
            Some(reason) => Err(reason.clone()),
            None => Ok(()),
        })
    }

    /// Waits until there is a frame to be taken (true), or there will be none (false).
    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        ready!(self.poll_until(cx, |conversation| {
            conversation.has_frame() || !matches!(conversation.is_ended(), Ok(false))
        }));
        if self.conversation.has_frame() {
            return Poll::Ready(Ok(true));
        }
        let is_ended = self.conversation.is_ended();
        if is_ended.is_err() {
            // What the peer is still to be told of it, as far as there is room.
            self.driver.turn(&mut self.conversation);
        }
        Poll::Ready(is_ended.map(|_| false))
    }

    /// The next frame as an item of a stream, which ends after an error.
    pub(crate) fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Vec<u8>, Error>>>
    where
        F: ByteFraming,
    {
        if self.is_over {
            return Poll::Ready(None);
        }
        Poll::Ready(match ready!(self.poll_frame(cx)) {
            Ok(_) => self.conversation.take_frame().map(|frame| Ok(frame.to_vec())),
            Err(error) => {
                self.is_over = true;
                Some(Err(error))
            }
        })
    }

    /// Waits until a frame can be queued, or can never be.
    pub(crate) fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_until(cx, |conversation| {
            conversation.connection().is_writable() || conversation.close_reason().is_some()
        })
    }

    /// Takes a turn, then waits until a frame can be taken or queued, or can never be.
    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Ready> {
        if self.conversation.ready() != Some(Ready::Receive) {
            self.driver.look();
            if self.driver.turn(&mut self.conversation) {
                self.news = self.news.wrapping_add(1);
            }
        }
        ready!(self.poll_until(cx, |conversation| conversation.ready().is_some()));
        Poll::Ready(self.conversation.ready().unwrap_or(Ready::Receive))
    }

    /// Waits until nothing is queued.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(self.poll_until(cx, |conversation| {
            !conversation.connection().wants_write() || conversation.close_reason().is_some()
        }));
        Poll::Ready(self.conversation.is_ended().map(|_| ()))
    }

    /// Finishes our side and waits until that is done.
    pub(crate) fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.conversation.connection_mut().finish();
        ready!(self.poll_until(cx, |conversation| {
            let interest = conversation.connection().interest();
            !interest.write && !interest.shutdown || conversation.close_reason().is_some()
        }));
        Poll::Ready(self.conversation.is_ended().map(|_| ()))
    }

    /// Closes and waits until the connection is over.
    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<CloseReason> {
        self.conversation.connection_mut().close();
        ready!(self.poll_until(cx, |conversation| {
            // Frames that are left are dropped with the rest of the input.
            conversation.has_frame();
            conversation.connection().is_closed()
        }));
        // A connection that is closed has its reason.
        let reason = self.conversation.close_reason().cloned();
        Poll::Ready(reason.unwrap_or(CloseReason::Aborted))
    }

    /// Turns and waits, until `done`.
    fn poll_until(
        &mut self,
        cx: &mut Context<'_>,
        mut done: impl FnMut(&mut Conversation<F>) -> bool,
    ) -> Poll<()> {
        for _ in 0..TURNS_MAX {
            if done(&mut self.conversation) {
                return Poll::Ready(());
            }
            ready!(self.driver.poll_busy(self.conversation.connection(), cx));
            if self.driver.turn(&mut self.conversation) {
                self.news = self.news.wrapping_add(1);
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
