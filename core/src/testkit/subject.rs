//! What the laws of a connection drive.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{End, Event, OwnedFrames};
use crate::buffer::Pool;
use crate::connection::{CloseReason, Interest};
use crate::error::{Fault, MisuseError};
use crate::framing::Framing;
use crate::protocol::Protocol;
use crate::script::{Begin, Recorder, Role};
use crate::time::Instant;

/// A connection with the protocol that runs on it, as a driver sees them.
///
/// [`End`] is the one that counts. The trait exists so that a connection that is wrong on purpose
/// can be put to the same laws: wrap an `End` and change one answer.
#[expect(missing_docs, reason = "they are the calls of `Connection`")]
pub trait Subject {
    /// A frame as it is kept.
    type Owned: Clone + core::fmt::Debug + PartialEq;

    /// Writes down what is done from now on, as connection `number`; by default nothing.
    fn record(&mut self, recorder: Arc<dyn Recorder>, number: u64) {
        let _ = (recorder, number);
    }

    /// Takes all steps. Returns whether there were any.
    fn pump(&mut self) -> bool;
    /// The steps so far.
    fn events(&self) -> &[Event<Self::Owned>];
    /// The most that one frame takes on the wire.
    fn wire_len_max(&self) -> usize;

    fn receive_buffer(&mut self) -> &mut [u8];
    fn received(&mut self, len: usize, now: Instant) -> Result<(), MisuseError>;
    fn received_eof(&mut self, now: Instant) -> Result<(), MisuseError>;
    fn transmit(&mut self) -> &[u8];
    fn transmitted(&mut self, len: usize, now: Instant) -> Result<(), MisuseError>;
    fn shut_down(&mut self, now: Instant) -> Result<(), MisuseError>;
    fn transport_failed(&mut self, fault: Fault, now: Instant);
    fn transmit_failed(&mut self, fault: Fault, now: Instant);
    fn handle_timeout(&mut self, now: Instant);
    fn lease(&mut self, pool: &mut Pool);
    fn settle(&mut self, pool: &mut Pool);
    fn drain(&mut self, now: Instant);
    fn stop(&mut self);
    fn finish(&mut self);
    fn close(&mut self);
    fn abort(&mut self);
    fn fail(&mut self, code: u32);
    fn set_timer(&mut self, at: Option<Instant>);
    fn interest(&self) -> Interest;
    fn queued_len(&self) -> usize;
    fn memory_len(&self) -> usize;
    fn memory_len_max(&self) -> usize;
    fn close_reason(&self) -> Option<&CloseReason>;
    fn is_closed(&self) -> bool;
    fn now(&self) -> Instant;
}

/// What a driver can see of a subject without a call that changes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    interest: Interest,
    queued_len: usize,
    memory_len: usize,
    transmit: Vec<u8>,
    is_over: bool,
}

pub(super) fn seen<S: Subject>(subject: &mut S) -> Seen {
    let transmit = subject.transmit().to_vec();
    Seen {
        interest: subject.interest(),
        queued_len: subject.queued_len(),
        memory_len: subject.memory_len(),
        transmit,
        is_over: subject.close_reason().is_some(),
    }
}

impl<P: Protocol> Subject for End<P>
where
    P::Framing: OwnedFrames,
{
    type Owned = <P::Framing as OwnedFrames>::Owned;

    fn record(&mut self, recorder: Arc<dyn Recorder>, number: u64) {
        self.connection.record(recorder, number, Begin::new(Role::Server));
    }

    fn pump(&mut self) -> bool {
        let before = self.recorder.steps;
        crate::protocol::pump(&mut self.connection, &mut self.recorder);
        self.recorder.steps > before
    }

    fn events(&self) -> &[Event<Self::Owned>] {
        self.trace().events()
    }

    fn wire_len_max(&self) -> usize {
        self.connection.framing().wire_len_max()
    }

    fn receive_buffer(&mut self) -> &mut [u8] {
        self.connection.receive_buffer()
    }

    fn received(&mut self, len: usize, now: Instant) -> Result<(), MisuseError> {
        self.connection.received(len, now)
    }

    fn received_eof(&mut self, now: Instant) -> Result<(), MisuseError> {
        self.connection.received_eof(now)
    }

    fn transmit(&mut self) -> &[u8] {
        self.connection.transmit()
    }

    fn transmitted(&mut self, len: usize, now: Instant) -> Result<(), MisuseError> {
        self.connection.transmitted(len, now)
    }

    fn shut_down(&mut self, now: Instant) -> Result<(), MisuseError> {
        self.connection.shut_down(now)
    }

    fn transport_failed(&mut self, fault: Fault, now: Instant) {
        self.connection.transport_failed(fault, now);
    }

    fn transmit_failed(&mut self, fault: Fault, now: Instant) {
        self.connection.transmit_failed(fault, now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.connection.handle_timeout(now);
    }

    fn lease(&mut self, pool: &mut Pool) {
        self.connection.lease(pool);
    }

    fn settle(&mut self, pool: &mut Pool) {
        self.connection.settle(pool);
    }

    fn drain(&mut self, now: Instant) {
        self.connection.drain(now);
    }

    fn stop(&mut self) {
        self.connection.stop();
    }

    fn finish(&mut self) {
        self.connection.finish();
    }

    fn close(&mut self) {
        self.connection.close();
    }

    fn abort(&mut self) {
        self.connection.abort();
    }

    fn fail(&mut self, code: u32) {
        self.connection.fail(code);
    }

    fn set_timer(&mut self, at: Option<Instant>) {
        self.connection.set_timer(at);
    }

    fn interest(&self) -> Interest {
        self.connection.interest()
    }

    fn queued_len(&self) -> usize {
        self.connection.queued_len()
    }

    fn memory_len(&self) -> usize {
        self.connection.memory_len()
    }

    fn memory_len_max(&self) -> usize {
        self.connection.memory_len_max()
    }

    fn close_reason(&self) -> Option<&CloseReason> {
        self.connection.close_reason()
    }

    fn is_closed(&self) -> bool {
        self.connection.is_closed()
    }

    fn now(&self) -> Instant {
        self.connection.now()
    }
}
