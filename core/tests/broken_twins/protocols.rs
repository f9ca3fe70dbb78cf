//! Protocols with one fault.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use drywire::framing::Netstring;
use drywire::testkit::check::{Check, Failure, Report};
use drywire::testkit::{End, Law, Pair, Talker, Then};
use drywire::tls::Negotiated;
use drywire::{CloseReason, Connection, Handle, Instant, Protocol, SendError};

use crate::support::{self, Version};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    AnswersWithTheTime,
    CountsOverConnections,
    ExpectsToBeOpen,
    GreetsWithinTls,
    IgnoresFull,
    RetainsForEver,
    Spins,
}

/// Says each frame twice, has a timer, a count and a fault.
struct Toy {
    fault: Option<Fault>,
    is_open: bool,
    is_finished: bool,
    /// What was refused by a full queue.
    pending: Option<Vec<u8>>,
    count: Rc<Cell<u64>>,
}

impl Toy {
    fn new(fault: Fault, is_broken: bool, count: &Rc<Cell<u64>>) -> Self {
        Self {
            fault: is_broken.then_some(fault),
            count: Rc::clone(count),
            is_open: false,
            is_finished: false,
            pending: None,
        }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }
}

impl Protocol for Toy {
    type Framing = Netstring;

    fn framing(&self) -> Netstring {
        Netstring::new().with_frame_len_max(100)
    }

    fn on_open(&mut self, negotiated: Option<&Negotiated>, handle: &mut Handle<'_, Netstring>) {
        self.is_open = true;
        handle.set_timer(Some(handle.now() + Duration::from_secs(1)));
        if self.has(Fault::GreetsWithinTls) && negotiated.is_some() {
            handle.send(b"hello").unwrap();
        }
    }

    fn on_frame(&mut self, frame: &[u8], handle: &mut Handle<'_, Netstring>) {
        self.count.set(self.count.get() + 1);
        let answer = match self.fault {
            Some(Fault::CountsOverConnections) => self.count.get().to_string().into_bytes(),
            Some(Fault::AnswersWithTheTime) => handle.now().to_string().into_bytes(),
            _ => frame.to_vec(),
        };
        let sent = handle.send(&answer);
        if sent == Err(SendError::Full) || (sent.is_err() && self.has(Fault::RetainsForEver)) {
            handle.retain();
        } else if handle.send(&answer) == Err(SendError::Full) && !self.has(Fault::IgnoresFull) {
            self.pending = Some(answer);
        }
    }

    fn on_writable(&mut self, handle: &mut Handle<'_, Netstring>) {
        if let Some(answer) = self.pending.take() {
            // Too late if somebody has finished our side.
            let _ = handle.send(&answer);
        }
        if self.is_finished {
            handle.finish();
        }
    }

    fn on_finished(&mut self, handle: &mut Handle<'_, Netstring>) {
        self.is_finished = true;
        if self.pending.is_none() {
            handle.finish();
        }
    }

    fn on_timer(&mut self, handle: &mut Handle<'_, Netstring>) {
        let after = if self.has(Fault::Spins) { 0 } else { 1 };
        handle.set_timer(Some(handle.now() + Duration::from_secs(after)));
    }

    fn on_closed(&mut self, _: &CloseReason) {
        assert!(self.is_open || !self.has(Fault::ExpectsToBeOpen), "closed before it was open");
    }
}

fn check(fault: Fault, law: Law, is_broken: bool) -> Result<Report, Failure> {
    let count = Rc::default();
    Check::protocol(move || Toy::new(fault, is_broken, &count)).only(&[law]).try_run()
}

pub(crate) fn counts_over_connections(law: Law, is_broken: bool) -> Result<Report, Failure> {
    check(Fault::CountsOverConnections, law, is_broken)
}

pub(crate) fn ignores_full(law: Law, is_broken: bool) -> Result<Report, Failure> {
    check(Fault::IgnoresFull, law, is_broken)
}

pub(crate) fn spins(law: Law, is_broken: bool) -> Result<Report, Failure> {
    check(Fault::Spins, law, is_broken)
}

pub(crate) fn expects_to_be_open(law: Law, is_broken: bool) -> Result<Report, Failure> {
    check(Fault::ExpectsToBeOpen, law, is_broken)
}

pub(crate) fn answers_with_the_time(law: Law, is_broken: bool) -> Result<Report, Failure> {
    let pair = move || {
        let toy = Toy::new(Fault::AnswersWithTheTime, is_broken, &Rc::default());
        Pair::plain(Talker::new(toy.framing(), vec![b"when?".to_vec(); 3], Then::Finish), toy)
    };
    Check::pairs(pair).only(&[law]).try_run()
}

pub(crate) fn greets_within_tls(law: Law, is_broken: bool) -> Result<Report, Failure> {
    let toy = move || Toy::new(Fault::GreetsWithinTls, is_broken, &Rc::default());
    let talker = move || Talker::new(toy().framing(), vec![b"hi".to_vec(); 3], Then::Finish);
    let over_tls = move || {
        let (client, server) = support::sessions(Version::Tls13);
        let end =
            |session| Connection::tls(session, toy().framing(), Default::default(), Instant::ZERO);
        Pair::new(End::new(end(client), talker()), End::new(end(server), toy()))
    };
    Check::protocol(toy)
        .tls(|| support::sessions(Version::Tls13))
        .only(&[law])
        .cases(16)
        .try_run()
        .and_then(|_| Check::pair(talker, toy).tls(over_tls).only(&[law]).cases(1).try_run())
}

/// Takes every refusal for one by a full queue, so that its frame comes again and again.
pub(crate) fn retains_for_ever(law: Law, is_broken: bool) -> Result<Report, Failure> {
    check(Fault::RetainsForEver, law, is_broken)
}
