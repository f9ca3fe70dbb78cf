//! One connection of a replay.

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::frame::Frame;
use super::log::Log;
use super::replay::Obstacle;
use super::{Begin, Call, Entry, StepKind};
use crate::buffer::Pool;
use crate::connection::{CloseReason, Connection, Handle, Step};
use crate::framing::AnyFraming;
use crate::limits::Limits;
use crate::protocol::Protocol;

/// A connection of a replay, whatever its protocol.
pub(super) trait Play {
    /// Does what `entry`, which is the script's `index`th, says, and appends what came of it. Buffers
    /// are of `pool`, and given back behind each entry.
    fn play(
        &mut self,
        index: usize,
        entry: &Entry<'_>,
        pool: &mut Pool,
        log: &mut Log,
    ) -> Result<(), Obstacle>;

    /// Bytes that it takes.
    fn memory_len(&self) -> usize;
}

/// Takes part in nothing: the script says what is wanted.
pub(super) struct Scripted(pub(super) AnyFraming);

impl Protocol for Scripted {
    type Framing = AnyFraming;

    fn framing(&self) -> AnyFraming {
        self.0.clone()
    }

    fn on_frame(&mut self, _: &[u8], _: &mut Handle<'_, AnyFraming>) {}

    fn on_finished(&mut self, _: &mut Handle<'_, AnyFraming>) {}
}

pub(super) struct Player<P: Protocol> {
    connection: Connection<P::Framing>,
    connection_number: u64,
    protocol: P,
    /// The script says what is wanted, not the protocol.
    is_scripted: bool,
    /// The script says when steps are taken; else all are after each call.
    takes_steps_as_scripted: bool,
    /// Within TLS, the handshake is done.
    is_opened: bool,
    /// What the log knows that it takes.
    counted_len: usize,
}

impl<P: Protocol> Player<P> {
    pub(super) fn new(
        protocol: P,
        begin: &Begin,
        entry: &Entry<'_>,
        is_scripted: bool,
        takes_steps_as_scripted: bool,
    ) -> Self {
        let limits = Arc::new(begin.limits.clone());
        let mut connection = Connection::plain(protocol.framing(), limits, entry.at);
        connection.keep(entry.connection);
        Self {
            connection,
            connection_number: entry.connection,
            protocol,
            is_scripted,
            takes_steps_as_scripted,
            is_opened: !begin.is_tls,
            counted_len: 0,
        }
    }

    /// What happened outside.
    fn happen(&mut self, entry: &Entry<'_>, pool: &mut Pool) -> Result<(), Obstacle> {
        let (connection, now) = (&mut self.connection, entry.at);
        let is_shaking_hands = !self.is_opened && connection.is_opening();
        // What no longer fits, because something was changed before it, does nothing.
        match &entry.call {
            Call::Received(payload) => {
                let bytes = payload.bytes().ok_or(Obstacle::Withheld)?;
                connection.play_received(bytes, now);
            }
            Call::Cut | Call::TlsFailed if is_shaking_hands => {
                connection.play_handshake_failed(matches!(entry.call, Call::Cut), now);
            }
            Call::Timeout if is_shaking_hands => connection.play_handshake_timeout(now),
            Call::Opened => self.is_opened = true,
            Call::Eof => {
                let _ = connection.received_eof(now);
            }
            Call::Cut => connection.play_cut(now),
            Call::TlsFailed => connection.play_tls_failed(now),
            Call::Transmitted(len) => {
                let len = connection.transmit().len().min(*len);
                let _ = connection.transmitted(len, now);
            }
            Call::ShutDown => {
                let _ = connection.shut_down(now);
            }
            Call::TransportFailed(fault) => connection.transport_failed(*fault, now),
            Call::TransmitFailed(fault) => connection.transmit_failed(*fault, now),
            Call::Timeout => connection.handle_timeout(now),
            Call::Drain => connection.drain(now),
            Call::Stop => connection.stop(),
            Call::Lease => connection.lease(pool),
            Call::Settle => connection.settle(pool),
            _ => {}
        }
        Ok(())
    }

    /// What the application wanted.
    fn want(&mut self, call: &Call<'_>) -> Result<(), Obstacle> {
        let connection = &mut self.connection;
        match call {
            Call::Sent(payload) => {
                let bytes = payload.bytes().ok_or(Obstacle::Withheld)?;
                // A refusal shows: what was sent is missing.
                let _ = connection.play_sent(bytes);
            }
            Call::Finish => connection.finish(),
            Call::Close => connection.close(),
            Call::Abort => connection.abort(),
            Call::Fail(code) => connection.fail(*code),
            Call::SetTimer(after) => {
                let now = connection.now();
                connection.set_timer(after.map(|after| now + after));
            }
            Call::Retain => connection.handle().retain(),
            Call::Decouple => connection.decouple(),
            Call::Upgrade => return Err(Obstacle::Upgrade),
            _ => {}
        }
        Ok(())
    }

    /// Takes a step, if there is one, and appends it and what the protocol made of it. Returns
    /// whether there was one.
    fn step(&mut self, index: usize, log: &mut Log) -> bool {
        // Without the handshake that it waits for, a plain connection would open.
        if !self.is_opened && self.connection.is_opening() {
            return false;
        }
        let has_step = self.connection.has_step();
        let number = self.connection_number;
        let frame = self.connection.upcoming_frame().map(|frame| log.show(number, frame));
        let mut closing = None;
        if has_step {
            closing = dispatch(&mut self.connection, &mut self.protocol);
        }
        self.collect(index, frame, closing, log);
        has_step
    }

    /// Appends what the connection was told since the last time.
    fn collect(
        &mut self,
        index: usize,
        mut frame: Option<Frame>,
        mut reason: Option<CloseReason>,
        log: &mut Log,
    ) {
        for entry in self.connection.take_kept() {
            let (mut of_frame, mut of_reason) = (None, None);
            match &entry.call {
                Call::Step(StepKind::Frame { .. }) => of_frame = frame.take(),
                Call::Step(StepKind::Failed(_) | StepKind::Closed(_)) => of_reason = reason.take(),
                _ => {}
            }
            log.push(index, entry, of_frame, of_reason);
        }
        self.count(log);
    }

    /// Tells the log what the connection takes.
    fn count(&mut self, log: &mut Log) {
        let len = self.memory_len();
        log.resized(self.counted_len, len);
        self.counted_len = len;
    }
}

/// Gives the next step to the protocol; returns the reason that it carries.
fn dispatch<P: Protocol>(
    connection: &mut Connection<P::Framing>,
    protocol: &mut P,
) -> Option<CloseReason> {
    match connection.next()? {
        Step::Frame(frame, mut handle) => protocol.on_frame(frame, &mut handle),
        Step::Open(negotiated, mut handle) => {
            protocol.on_open(negotiated.as_deref(), &mut handle);
        }
        Step::Timer(mut handle) => protocol.on_timer(&mut handle),
        Step::Writable(mut handle) => protocol.on_writable(&mut handle),
        Step::Finished(mut handle) => protocol.on_finished(&mut handle),
        Step::Failed(reason, mut handle) => {
            protocol.on_failed(&reason, &mut handle);
            return Some(reason);
        }
        Step::Closed(reason) => {
            protocol.on_closed(&reason);
            return Some(reason);
        }
    }
    None
}

impl<P: Protocol> Play for Player<P> {
    fn play(
        &mut self,
        index: usize,
        entry: &Entry<'_>,
        pool: &mut Pool,
        log: &mut Log,
    ) -> Result<(), Obstacle> {
        match &entry.call {
            Call::Look | Call::Step(_) if !self.takes_steps_as_scripted => return Ok(()),
            Call::Look => {
                if self.is_opened || !self.connection.is_opening() {
                    let _ = self.connection.has_step();
                }
            }
            Call::Step(_) => {
                self.step(index, log);
            }
            call => {
                self.happen(entry, pool)?;
                if self.is_scripted {
                    self.want(call)?;
                }
            }
        }
        self.collect(index, None, None, log);
        if !self.takes_steps_as_scripted {
            while !log.is_too_large() && self.step(index, log) {}
        }
        self.connection.play_settle(pool);
        self.count(log);
        Ok(())
    }

    fn memory_len(&self) -> usize {
        size_of::<Self>() + size_of::<Limits>() + self.connection.memory_len()
    }
}

/// Players of different protocols, in one script.
pub(super) type AnyPlayer = Box<dyn Play>;
