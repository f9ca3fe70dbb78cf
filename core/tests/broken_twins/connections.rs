//! Connections with one fault: a sound one, with one answer changed.

use std::sync::Arc;

use drywire::buffer::Pool;
use drywire::connection::CloseReason;
use drywire::error::MisuseError;
use drywire::framing::Netstring;
use drywire::protocol::Echo;
use drywire::testkit::check::{Check, Failure, Report};
use drywire::testkit::{End, Event, Law, Subject};
use drywire::{Connection, Fault as TransportFault, Instant, Interest};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    ActsOnMisuse,
    DropsFramesAtTheEnd,
    DropsItsQueueWhenItFails,
    DropsItsQueueWithItsTurn,
    DropsWhatWasNotTaken,
    ForgetsWhyItFailed,
    WaitsWithoutATransport,
}

struct Toy {
    end: End<Echo<Netstring>>,
    fault: Option<Fault>,
    events: Vec<Event>,
    /// Bytes arrived since all steps were taken.
    is_untold: bool,
    cannot_transmit: bool,
    has_failed: bool,
}

impl Toy {
    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }
}

impl Subject for Toy {
    type Owned = Vec<u8>;

    fn pump(&mut self) -> bool {
        self.is_untold = false;
        let moved = self.end.pump();
        self.events = Subject::events(&self.end).to_vec();
        let has_failed = self.events.iter().any(|event| matches!(event, Event::Failed(_)));
        if has_failed && !self.has_failed && self.has(Fault::DropsItsQueueWhenItFails) {
            let len = self.end.transmit().len();
            self.end.transmitted(len, self.end.now()).unwrap();
        }
        self.has_failed = has_failed;
        if let (true, Some(Event::Closed(reason))) =
            (self.has(Fault::ForgetsWhyItFailed), self.events.last_mut())
        {
            *reason = CloseReason::Finished;
        }
        moved
    }

    fn events(&self) -> &[Event] {
        &self.events
    }

    fn received(&mut self, len: usize, now: Instant) -> Result<(), MisuseError> {
        self.is_untold |= len > 0;
        self.end.received(len, now)
    }

    fn received_eof(&mut self, now: Instant) -> Result<(), MisuseError> {
        if self.has(Fault::WaitsWithoutATransport) && self.cannot_transmit {
            return Ok(());
        }
        if self.has(Fault::DropsFramesAtTheEnd) && self.is_untold {
            self.end.abort();
        }
        self.end.received_eof(now)
    }

    fn transmitted(&mut self, len: usize, now: Instant) -> Result<(), MisuseError> {
        let queued = self.end.transmit().len();
        let all = (self.has(Fault::DropsWhatWasNotTaken) && len > 0 && len <= queued)
            || (self.has(Fault::ActsOnMisuse) && len > queued);
        if all {
            self.end.transmitted(queued, now)?;
        }
        match len.cmp(&queued) {
            std::cmp::Ordering::Greater => Err(MisuseError::TransmittedTooMuch { len, queued }),
            _ if all => Ok(()),
            _ => self.end.transmitted(len, now),
        }
    }

    fn transmit_failed(&mut self, fault: TransportFault, now: Instant) {
        self.cannot_transmit = true;
        self.end.transmit_failed(fault, now);
    }

    fn interest(&self) -> Interest {
        self.end.interest()
    }

    fn wire_len_max(&self) -> usize {
        self.end.wire_len_max()
    }

    fn receive_buffer(&mut self) -> &mut [u8] {
        self.end.receive_buffer()
    }

    fn transmit(&mut self) -> &[u8] {
        self.end.transmit()
    }

    fn shut_down(&mut self, now: Instant) -> Result<(), MisuseError> {
        self.end.shut_down(now)
    }

    fn transport_failed(&mut self, fault: TransportFault, now: Instant) {
        self.end.transport_failed(fault, now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.end.handle_timeout(now);
    }

    fn lease(&mut self, pool: &mut Pool) {
        self.end.lease(pool);
    }

    fn settle(&mut self, pool: &mut Pool) {
        if self.has(Fault::DropsItsQueueWithItsTurn) {
            let len = self.end.transmit().len();
            self.end.transmitted(len, self.end.now()).unwrap();
        }
        self.end.settle(pool);
    }

    fn drain(&mut self, now: Instant) {
        self.end.drain(now);
    }

    fn stop(&mut self) {
        self.end.stop();
    }

    fn finish(&mut self) {
        self.end.finish();
    }

    fn close(&mut self) {
        self.end.close();
    }

    fn abort(&mut self) {
        self.end.abort();
    }

    fn fail(&mut self, code: u32) {
        self.end.fail(code);
    }

    fn set_timer(&mut self, at: Option<Instant>) {
        self.end.set_timer(at);
    }

    fn queued_len(&self) -> usize {
        self.end.queued_len()
    }

    fn memory_len(&self) -> usize {
        self.end.memory_len()
    }

    fn memory_len_max(&self) -> usize {
        self.end.memory_len_max()
    }

    fn close_reason(&self) -> Option<&CloseReason> {
        self.end.close_reason()
    }

    fn is_closed(&self) -> bool {
        self.end.is_closed()
    }

    fn now(&self) -> Instant {
        self.end.now()
    }
}

fn check(fault: Fault, law: Law, is_broken: bool) -> Result<Report, Failure> {
    let framing = Netstring::new().with_frame_len_max(100);
    let peer = framing.clone();
    let make = move |limits: Arc<_>| {
        let connection = Connection::plain(framing.clone(), limits, Instant::ZERO);
        let end = End::new(connection, Echo::new(framing.clone()));
        Toy {
            end,
            fault: is_broken.then_some(fault),
            events: vec![],
            is_untold: false,
            cannot_transmit: false,
            has_failed: false,
        }
    };
    Check::subject(peer, make).only(&[law]).try_run()
}

pub(crate) fn acts_on_misuse(law: Law, is_broken: bool) -> Result<Report, Failure> {
    check(Fault::ActsOnMisuse, law, is_broken)
}

pub(crate) fn drops_frames_at_the_end(law: Law, is_broken: bool) -> Result<Report, Failure> {
    check(Fault::DropsFramesAtTheEnd, law, is_broken)
}

pub(crate) fn drops_its_queue_when_it_fails(law: Law, is_broken: bool) -> Result<Report, Failure> {
    check(Fault::DropsItsQueueWhenItFails, law, is_broken)
}

pub(crate) fn drops_what_was_not_taken(law: Law, is_broken: bool) -> Result<Report, Failure> {
    check(Fault::DropsWhatWasNotTaken, law, is_broken)
}

pub(crate) fn drops_its_queue_with_its_turn(law: Law, is_broken: bool) -> Result<Report, Failure> {
    check(Fault::DropsItsQueueWithItsTurn, law, is_broken)
}

pub(crate) fn forgets_why_it_failed(law: Law, is_broken: bool) -> Result<Report, Failure> {
    check(Fault::ForgetsWhyItFailed, law, is_broken)
}

pub(crate) fn waits_without_a_transport(law: Law, is_broken: bool) -> Result<Report, Failure> {
    check(Fault::WaitsWithoutATransport, law, is_broken)
}
