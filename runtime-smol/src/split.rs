//! The two halves of a framed stream, for two tasks.
//!
//! Both drive the whole connection, each while it waits. The reactor wakes both, for it is the
//! connection that waits and not the half; the one that comes first does the work, then wakes the
//! other, which may find what it waits for.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker, ready};

use drywire::CloseReason;
use drywire::framing::{ByteFraming, Framing};
use drywire_std::Error;

use crate::channel::Channel;

/// The half of a [`Framed`](crate::Framed) stream that sends.
///
/// Dropping it changes nothing for the other half; [`finish`](Self::finish) tells the peer.
#[derive(Debug)]
pub struct Sender<F: Framing> {
    half: Half<F>,
}

/// The half of a [`Framed`](crate::Framed) stream that receives.
///
/// Dropping it changes nothing for the other half. While it waits it may write what the other half
/// has queued.
#[derive(Debug)]
pub struct Receiver<F: Framing> {
    half: Half<F>,
}

pub(crate) fn split<F: Framing>(channel: Channel<F>) -> (Sender<F>, Receiver<F>) {
    let wakers = Arc::new(Wakers::default());
    let waker = Waker::from(Arc::clone(&wakers));
    let whole = Arc::new(Whole { channel: Mutex::new(channel), wakers, waker });
    let half = |side| Half { whole: Arc::clone(&whole), side };
    (Sender { half: half(Side::Sender) }, Receiver { half: half(Side::Receiver) })
}

impl<F: Framing> Sender<F> {
    /// Queues a frame; see [`Framed::send`](crate::Framed::send).
    ///
    /// # Errors
    /// [`Error`]; the frame is then not queued.
    /// # Cancel safety
    /// Dropped before it is ready, the frame is not queued. Ready, it is queued whole.
    pub async fn send(&mut self, item: F::Item<'_>) -> Result<(), Error> {
        poll_fn(|cx| self.poll_room(cx)).await;
        self.queue(item)
    }

    /// Writes everything that is queued.
    ///
    /// # Errors
    /// [`Error`].
    /// # Cancel safety
    /// Dropped, what is not written stays queued.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// Writes what is queued and finishes our side. The peer may go on sending.
    ///
    /// # Errors
    /// [`Error`].
    /// # Cancel safety
    /// Once polled our side is finished; dropped, the other calls see to what is left.
    pub async fn finish(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_finish(cx)).await
    }

    /// Why the connection is over or about to be, once it is.
    #[must_use]
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.half.whole.channel().conversation.close_reason().cloned()
    }

    pub(crate) fn queue(&self, item: F::Item<'_>) -> Result<(), Error> {
        self.half.whole.channel().conversation.send(item)
    }

    pub(crate) fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        self.half.poll(cx, Channel::poll_room)
    }

    pub(crate) fn poll_flush(&self, cx: &Context<'_>) -> Poll<Result<(), Error>> {
        self.half.poll(cx, Channel::poll_flush)
    }

    pub(crate) fn poll_finish(&self, cx: &Context<'_>) -> Poll<Result<(), Error>> {
        self.half.poll(cx, Channel::poll_finish)
    }
}

impl<F: Framing> Receiver<F> {
    /// Waits for a frame and shows it to `view`; `None` when the peer has finished.
    ///
    /// The other half waits while `view` runs.
    ///
    /// # Errors
    /// [`Error::Closed`] when there can be no more frames for another reason.
    /// # Cancel safety
    /// Dropped before it is ready, no frame is lost: the next call shows it.
    pub async fn recv_with<T>(
        &mut self,
        view: impl FnOnce(F::Frame<'_>) -> T,
    ) -> Result<Option<T>, Error> {
        let mut view = Some(view);
        poll_fn(|cx| self.poll_frame_with(cx, &mut view)).await
    }

    /// Why the connection is over or about to be, once it is.
    #[must_use]
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.half.whole.channel().conversation.close_reason().cloned()
    }

    fn poll_frame_with<T>(
        &self,
        cx: &Context<'_>,
        view: &mut Option<impl FnOnce(F::Frame<'_>) -> T>,
    ) -> Poll<Result<Option<T>, Error>> {
        self.half.poll(cx, |channel, cx| {
            ready!(channel.poll_frame(cx))?;
            let frame = channel.conversation.take_frame();
            Poll::Ready(Ok(frame.and_then(|frame| view.take().map(|view| view(frame)))))
        })
    }
}

impl<F: ByteFraming> Receiver<F> {
    /// Waits for a frame and returns a copy of it; `None` when the peer has finished.
    ///
    /// # Errors
    /// [`Error::Closed`] when there can be no more frames for another reason.
    /// # Cancel safety
    /// Dropped before it is ready, no frame is lost: the next call returns it.
    pub async fn recv(&mut self) -> Result<Option<Vec<u8>>, Error> {
        self.recv_with(|frame: &[u8]| frame.to_vec()).await
    }

    pub(crate) fn poll_item(&self, cx: &Context<'_>) -> Poll<Option<Result<Vec<u8>, Error>>> {
        self.half.poll(cx, Channel::poll_item)
    }
}

#[derive(Debug)]
struct Half<F: Framing> {
    whole: Arc<Whole<F>>,
    side: Side,
}

#[derive(Debug)]
struct Whole<F: Framing> {
    /// Locked within single polls only.
    channel: Mutex<Channel<F>>,
    wakers: Arc<Wakers>,
    /// Wakes both.
    waker: Waker,
}

#[derive(Clone, Copy, Debug)]
enum Side {
    Sender,
    Receiver,
}

impl Side {
    const fn other(self) -> Self {
        match self {
            Self::Sender => Self::Receiver,
            Self::Receiver => Self::Sender,
        }
    }
}

impl<F: Framing> Half<F> {
    fn poll<T>(
        &self,
        cx: &Context<'_>,
        poll: impl FnOnce(&mut Channel<F>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.whole.wakers.register(self.side, cx.waker());
        let mut channel = self.whole.channel();
        let news = channel.news;
        let outcome = poll(&mut channel, &mut Context::from_waker(&self.whole.waker));
        let has_news = channel.news != news;
        drop(channel);
        if has_news {
            self.whole.wakers.wake_one(self.side.other());
        }
        outcome
    }
}

impl<F: Framing> Whole<F> {
    /// No state is left half-changed by a panic: each call to the connection is whole.
    fn channel(&self) -> MutexGuard<'_, Channel<F>> {
        self.channel.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who waits.
#[derive(Debug, Default)]
struct Wakers {
    sender: Mutex<Option<Waker>>,
    receiver: Mutex<Option<Waker>>,
}

impl Wakers {
    fn of(&self, side: Side) -> MutexGuard<'_, Option<Waker>> {
        let waker = match side {
            Side::Sender => &self.sender,
            Side::Receiver => &self.receiver,
        };
        waker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn register(&self, side: Side, waker: &Waker) {
        let mut slot = self.of(side);
        match &mut *slot {
            Some(old) => old.clone_from(waker),
            None => *slot = Some(waker.clone()),
        }
    }

    /// A half that is woken registers again when it is polled, so that one which no longer waits
    /// is woken once at most.
    fn wake_one(&self, side: Side) {
        let waker = self.of(side).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_one(Side::Sender);
        self.wake_one(Side::Receiver);
    }
}
