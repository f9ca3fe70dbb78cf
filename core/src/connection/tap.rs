//! Where a recording listens to a connection: one pointer, or nothing without the feature `record`.

/// Tells the tap of `$link` of a call, a variant of [`Call`](crate::script::Call). Nothing without
/// the feature `record`.
macro_rules! record {
    ($link:expr, $($call:tt)+) => {
        #[cfg(feature = "record")]
        {
            if $link.tap.is_open() {
                let at = $link.timers.now;
                $link.tap.record(at, $crate::script::Call::$($call)+);
            }
        }
    };
}
pub(super) use record;

#[cfg(feature = "record")]
pub(super) use listening::Tap;

/// What is noted only where a connection can be recorded.
#[cfg(not(feature = "record"))]
mod deaf {
    use super::super::Connection;
    use crate::framing::Framing;

    #[expect(clippy::unused_self, reason = "with the feature they do something")]
    impl<F: Framing> Connection<F> {
        #[inline]
        pub(in super::super) const fn record_received(&self, _waiting_len: usize, _len: usize) {}

        #[inline]
        pub(in super::super) const fn record_end(&self, _was_open: bool) {}

        #[inline]
        pub(in super::super) const fn record_sealed(
            &self,
            _waiting_len: usize,
            _staged_len: usize,
        ) {
        }

        #[inline]
        pub(in super::super) const fn record_transmitted(&self, _len: usize) {}
    }
}

#[cfg(feature = "record")]
mod listening {
    use alloc::boxed::Box;
    use alloc::sync::Arc;
    use alloc::vec::Vec;
    use core::ops::ControlFlow;

    use super::super::wire::{Inflow, Wire};
    use super::super::{Connection, Front};
    use crate::framing::Framing;
    use crate::script::{Begin, Call, Entry, Payload, Recorder, StepKind};
    use crate::time::Instant;

    /// Passes calls on to a recorder, if there is one.
    #[derive(Default)]
    pub(in super::super) struct Tap(Option<Box<Open>>);

    /// Where calls go.
    enum Sink {
        Recorder(Arc<dyn Recorder>),
        /// For a replay, which looks what each call came to.
        Kept(Vec<Entry<'static>>),
    }

    struct Open {
        sink: Sink,
        connection: u64,
        /// Bytes are not to be written down.
        withholds: bool,
        /// The handshake is done.
        is_opened: bool,
        /// Somebody has looked for a step and done nothing since. A step that is then taken says so
        /// itself.
        has_looked: bool,
        /// The recorder wants to hear no more.
        has_broken_off: bool,
        /// The time of the last call.
        latest: Instant,
        /// Plaintext that was sealed and of which the end is not transmitted.
        sealed_len: usize,
    }

    impl Tap {
        /// Whether somebody listens.
        #[inline]
        pub(in super::super) const fn is_open(&self) -> bool {
            self.0.is_some()
        }

        /// Passes a call on.
        #[cold]
        pub(in super::super) fn record(&mut self, at: Instant, call: Call<'_>) {
            let Some(open) = &mut self.0 else { return };
            if open.record(at, call).is_break() {
                open.has_broken_off = true;
                self.0 = None;
            }
        }
    }

    impl Tap {
        /// Takes note that `len` bytes of plaintext were sealed.
        #[inline]
        pub(in super::super) fn sealed(&mut self, len: usize) {
            if let Some(open) = &mut self.0 {
                open.sealed_len += len;
            }
        }
    }

    impl Open {
        fn record(&mut self, at: Instant, call: Call<'_>) -> ControlFlow<()> {
            self.latest = at;
            let had_looked = self.has_looked;
            self.has_looked = matches!(call, Call::Look);
            if self.has_looked {
                return ControlFlow::Continue(());
            }
            if had_looked && !matches!(call, Call::Step(_)) {
                self.pass(at, Call::Look)?;
            }
            let call = match call {
                Call::Received(payload) if self.withholds => {
                    Call::Received(Payload::Withheld(payload.len()))
                }
                Call::Sent(payload) if self.withholds => {
                    Call::Sent(Payload::Withheld(payload.len()))
                }
                call => call,
            };
            self.pass(at, call)
        }

        fn pass(&mut self, at: Instant, call: Call<'_>) -> ControlFlow<()> {
            let connection = self.connection;
            match &mut self.sink {
                Sink::Recorder(recorder) => recorder.record(Entry { connection, at, call }),
                Sink::Kept(entries) => {
                    entries.push(Entry { connection, at, call: call.into_owned() });
                    ControlFlow::Continue(())
                }
            }
        }
    }

    impl Drop for Open {
        fn drop(&mut self) {
            if self.has_broken_off {
                return;
            }
            if self.has_looked && self.pass(self.latest, Call::Look).is_break() {
                return;
            }
            let _ = self.pass(self.latest, Call::Dropped);
        }
    }

    /// Recording.
    impl<F: Framing> Connection<F> {
        /// Tells `recorder` of every call from now on, as those of the connection `number`. Before
        /// anything else is called: a replay begins with a new connection.
        ///
        /// `begin` says what the recorder is told of framing, protocol and addresses; limits, TLS
        /// and role are added. Within TLS the recorder is told of the plaintext, and only of its
        /// length unless it [keeps secrets](Recorder::keeps_secrets); a handshake, keys and
        /// certificates never.
        pub fn record(&mut self, recorder: Arc<dyn Recorder>, number: u64, mut begin: Begin) {
            begin.is_tls = !matches!(self.link.wire, Wire::Plain);
            begin.limits = (*self.link.limits).clone();
            let withholds = begin.is_tls && !recorder.keeps_secrets();
            self.open_tap(Sink::Recorder(recorder), number, withholds);
            self.link.tap.record(self.link.timers.now, Call::Begin(Box::new(begin)));
        }

        /// Keeps every call from now on, for [`take_kept`](Self::take_kept).
        pub(crate) fn keep(&mut self, number: u64) {
            self.open_tap(Sink::Kept(Vec::new()), number, false);
        }

        /// The calls since the last time.
        pub(crate) fn take_kept(&mut self) -> Vec<Entry<'static>> {
            match &mut self.link.tap.0 {
                Some(open) => match &mut open.sink {
                    Sink::Kept(entries) => core::mem::take(entries),
                    Sink::Recorder(_) => Vec::new(),
                },
                None => Vec::new(),
            }
        }

        fn open_tap(&mut self, sink: Sink, connection: u64, withholds: bool) {
            self.link.tap = Tap(Some(Box::new(Open {
                sink,
                connection,
                withholds,
                is_opened: matches!(self.link.wire, Wire::Plain),
                has_looked: false,
                has_broken_off: false,
                latest: self.link.timers.now,
                sealed_len: 0,
            })));
        }

        /// Bytes were received, behind `waiting_len` that had been, as `len` of the transport.
        pub(in super::super) fn record_received(&mut self, waiting_len: usize, len: usize) {
            let Some(open) = &mut self.link.tap.0 else { return };
            let at = self.link.timers.now;
            if !open.is_opened && self.link.wire.is_ready() {
                open.is_opened = true;
                self.link.tap.record(at, Call::Opened);
            }
            let is_plain = matches!(self.link.wire, Wire::Plain);
            let is_discarded = self.link.state.is_discarding();
            let bytes = match (is_plain, is_discarded) {
                (true, true) => self.receive.spare_mut().get(..len),
                // What a peer says within TLS is not opened any more.
                (false, true) => None,
                (_, false) => self.receive.filled().get(waiting_len..),
            };
            let payload = Payload::from(bytes.unwrap_or_default());
            // That something came, if not of what, tells the time.
            self.link.tap.record(at, Call::Received(payload));
            self.record_finish_of_session();
        }

        /// Within TLS the peer's close_notify is the end, and not that of the transport's stream.
        fn record_finish_of_session(&mut self) {
            let is_end = self.inflow == Inflow::Finished && !self.link.ended;
            if is_end && !self.link.state.is_discarding() {
                self.link.tap.record(self.link.timers.now, Call::Eof);
            }
        }

        /// The transport's stream has ended; `was_open` says whether the peer's had not before.
        pub(in super::super) fn record_end(&mut self, was_open: bool) {
            let call = match self.inflow {
                Inflow::Finished if was_open => Call::Eof,
                Inflow::Cut if was_open => Call::Cut,
                // What it means was told before.
                _ => Call::Received(Payload::from(b"")),
            };
            self.link.tap.record(self.link.timers.now, call);
        }

        /// What was staged was sealed, and the session may have opened what it had held.
        pub(in super::super) fn record_sealed(&mut self, waiting_len: usize, staged_len: usize) {
            self.link.tap.sealed(staged_len.saturating_sub(self.link.staged.len()));
            if self.receive.len() > waiting_len {
                self.record_received(waiting_len, 0);
            }
        }

        /// Of what the transport was offered `len` bytes were transmitted: within TLS of records,
        /// which are longer than what they hold.
        pub(in super::super) fn record_transmitted(&mut self, len: usize) {
            let Some(open) = &mut self.link.tap.0 else { return };
            let len = if matches!(self.link.wire, Wire::Plain) {
                len
            } else {
                let is_all = self.link.wire.offer(&self.link.staged).is_empty();
                let len = if is_all { open.sealed_len } else { len.min(open.sealed_len) };
                open.sealed_len -= len;
                len
            };
            self.link.tap.record(self.link.timers.now, Call::Transmitted(len));
        }
    }

    impl StepKind {
        pub(in super::super) fn of<F: Framing>(
            connection: &Connection<F>,
            pending: super::super::steps::Pending,
        ) -> Self {
            use super::super::steps::Pending;
            let reason = connection.link.reason();
            // A connection that fails or is closed has its reason.
            let kind = reason.map_or(crate::CloseKind::Aborted, crate::CloseReason::kind);
            match pending {
                Pending::Open => Self::Open,
                Pending::Frame => {
                    let Front::Found(whole) = connection.front else {
                        return Self::Frame { len: 0 };
                    };
                    Self::Frame { len: whole.len }
                }
                Pending::Timer => Self::Timer,
                Pending::Writable => Self::Writable,
                Pending::Finished => Self::Finished,
                Pending::Failed => Self::Failed(kind),
                Pending::Closed => Self::Closed(kind),
            }
        }
    }
}
