//! The clients, the servers and what is counted.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use drywire::connection::CloseReason;
use drywire::framing::LengthPrefix;
use drywire::protocol::Echo;
use drywire::testkit::sim::{Link, Memory, Overrun, Party, Random, Sim};
use drywire::tls::Negotiated;
use drywire::{Handle, Instant, Protocol};

/// How long it takes until all clients have come.
const ARRIVALS: Duration = Duration::from_secs(20);

/// What all clients have done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) asked: u64,
    pub(crate) asked_len: u64,
    pub(crate) answered: u64,
    pub(crate) opened: u64,
    pub(crate) closed_cleanly: u64,
    pub(crate) closed_otherwise: u64,
}

/// A client that thinks, asks and waits for the answer.
struct Client {
    random: Random,
    left: u32,
    /// The length of the question that was asked last.
    len: usize,
    counts: Rc<Cell<Counts>>,
}

impl Client {
    fn count(&self, change: impl FnOnce(&mut Counts)) {
        let mut counts = self.counts.get();
        change(&mut counts);
        self.counts.set(counts);
    }

    fn think(&mut self, handle: &mut Handle<'_, LengthPrefix>) {
        let mean = if self.random.chance(0.1) { 60 } else { 4 };
        let time = self.random.exponential(Duration::from_secs(mean));
        // Nobody is forgotten: the idle deadline is at 5 minutes.
        handle.set_timer(Some(handle.now() + time.min(Duration::from_secs(240))));
    }
}

impl Protocol for Client {
    type Framing = LengthPrefix;

    fn framing(&self) -> LengthPrefix {
        LengthPrefix::u32be()
    }

    fn on_open(&mut self, _: Option<&Negotiated>, handle: &mut Handle<'_, LengthPrefix>) {
        self.count(|counts| counts.opened += 1);
        self.think(handle);
    }

    fn on_timer(&mut self, handle: &mut Handle<'_, LengthPrefix>) {
        let question = [b'?'; 512];
        self.len = self.random.within(16..=512);
        handle.send(&question[..self.len]).expect("one question at a time fits");
        let len = self.len as u64;
        self.count(|counts| {
            counts.asked += 1;
            counts.asked_len += len;
        });
    }

    fn on_frame(&mut self, frame: &[u8], handle: &mut Handle<'_, LengthPrefix>) {
        assert_eq!(frame.len(), self.len, "an answer to something else");
        self.count(|counts| counts.answered += 1);
        self.left -= 1;
        match self.left {
            0 => handle.finish(),
            _ => self.think(handle),
        }
    }

    fn on_closed(&mut self, reason: &CloseReason) {
        self.count(|counts| match reason.is_clean() {
            true => counts.closed_cleanly += 1,
            false => counts.closed_otherwise += 1,
        });
    }
}

/// How it stood at one time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) at: Instant,
    pub(crate) active: u64,
    pub(crate) events_per_second: f64,
    pub(crate) memory: Memory,
}

/// A simulation of many clients, each with a connection of its own.
pub(crate) struct Crowd {
    pub(crate) sim: Sim,
    pub(crate) connections: usize,
    pub(crate) seed: u64,
    counts: Rc<Cell<Counts>>,
}

impl Crowd {
    pub(crate) fn new(connections: usize, seed: u64) -> Self {
        let ms = Duration::from_millis;
        let link = Link::new().latency(ms(25)).jitter(ms(10)).bandwidth(1_000_000).loss(0.002);
        let link = link.segments(100..=300);
        let mut sim = Sim::new(seed).link(link);
        let counts = Rc::new(Cell::new(Counts::default()));
        for number in 0..connections {
            let mut random = sim.random(number as u64);
            let at = Instant::from_elapsed(random.up_to(ARRIVALS));
            // Five questions, and then as many as it likes: geometrically distributed.
            let more = (0..55).take_while(|_| random.chance(0.8)).count();
            let left = 5 + u32::try_from(more).expect("at most 55");
            let client = Client { random, left, len: 0, counts: Rc::clone(&counts) };
            let echo = Echo::new(LengthPrefix::u32be());
            sim.connect_at(at, Party::plain("client", client), Party::plain("server", echo));
        }
        Self { sim, connections, seed, counts }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts.get()
    }

    /// Runs to the end. Returns how it stood every `interval`.
    pub(crate) fn run(&mut self, interval: Duration) -> Result<Vec<Sample>, Overrun> {
        let mut samples = Vec::new();
        while self.sim.next_at().is_some() {
            let before = self.sim.totals().events;
            self.sim.pass(interval)?;
            let counts = self.counts();
            let events = (self.sim.totals().events - before) as f64;
            samples.push(Sample {
                at: self.sim.now(),
                active: counts.opened - counts.closed_cleanly - counts.closed_otherwise,
                events_per_second: events / interval.as_secs_f64(),
                memory: self.sim.memory(),
            });
        }
        Ok(samples)
    }
}
