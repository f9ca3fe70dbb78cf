//! What the servers under test do with a connection, and the trace of it.

use std::collections::BTreeSet;
use std::mem::take;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use drywire::framing::AnyFraming;
use drywire::protocol::{Echo, Protocol};
use drywire::tls::Negotiated;
use drywire::{CloseReason, Handle};
use nix::sys::pthread::{Pthread, pthread_self};

/// What a server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Behaviour {
    /// Aborts when a frame comes.
    Abort,
    /// Sends a frame back and closes.
    Close,
    /// Throws frames away.
    Discard,
    /// Sends frames back.
    Echo,
    /// Sends a frame back and fails with this code.
    Fail(u32),
    /// Answers when the peer has finished: sends the number of frames, then finishes too.
    Count,
    /// Finishes at once, before anything has come, and goes on reading.
    FinishFirst,
    /// Sends nothing, and does not finish when the peer has.
    Hold,
    /// Sends so many bytes in frames of 1,000, as soon as the connection is open, and finishes.
    /// What comes meanwhile is taken and thrown away.
    Pour(usize),
    /// Sends so many frames by itself, each [`TICK`] after the one before, and finishes.
    Tick(usize),
}

/// How long [`Behaviour::Tick`] waits for each of its frames.
pub const TICK: Duration = Duration::from_millis(10);

/// What a server saw of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as the steps of a connection")]
#[non_exhaustive]
pub enum Event {
    Open(Option<Box<Negotiated>>),
    Frame(Vec<u8>),
    Finished,
    Failed(CloseReason),
    Closed(CloseReason),
}

/// What scripts show of the process that they run in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traces {
    /// The thread that opened a connection first.
    pub(crate) thread: Arc<OnceLock<Pthread>>,
    /// Where in memory frames began.
    places: Arc<Mutex<BTreeSet<usize>>>,
}

impl Traces {
    /// At how many places in memory frames have begun since this was asked last.
    pub(crate) fn take_places_count(&self) -> usize {
        take(&mut *self.places.lock().unwrap_or_else(PoisonError::into_inner)).len()
    }

    fn take_place(&self, frame: &[u8]) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.insert(frame.as_ptr().addr());
    }
}

/// Behaves as told, and tells what happens.
#[derive(Debug)]
pub struct Script {
    pub(crate) framing: AnyFraming,
    pub(crate) behaviour: Behaviour,
    pub(crate) events: Sender<Event>,
    pub(crate) traces: Traces,
    pub(crate) frames: usize,
    pub(crate) sent: usize,
}

/// Makes a [`Script`] for each connection of a server.
#[derive(Clone, Debug)]
pub struct Scripts {
    pub(crate) framing: AnyFraming,
    pub(crate) behaviour: Behaviour,
    pub(crate) events: Sender<Event>,
    pub(crate) traces: Traces,
}

impl Scripts {
    pub(crate) fn new(framing: AnyFraming, behaviour: Behaviour, events: Sender<Event>) -> Self {
        Self { framing, behaviour, events, traces: Traces::default() }
    }

    /// The protocol of a new connection.
    #[must_use]
    pub fn script(&self) -> Script {
        let Self { framing, behaviour, events, traces } = self.clone();
        Script { framing, behaviour, events, traces, frames: 0, sent: 0 }
    }
}

impl Script {
    /// Takes note of the thread that drives the connection.
    pub(crate) fn open_here(&self) {
        let _ = self.traces.thread.set(pthread_self());
    }

    pub(crate) fn tell(&self, event: Event) {
        // Whoever does not look any more does not want to know.
        let _ = self.events.send(event);
    }

    fn pour(&mut self, handle: &mut Handle<'_, AnyFraming>) {
        let Behaviour::Pour(total) = self.behaviour else { return };
        while self.sent < total {
            let len = (total - self.sent).min(POURED.len());
            match handle.send(&POURED[..len]) {
                Ok(()) => self.sent += len,
                Err(_) => return,
            }
        }
        handle.finish();
    }

    fn wait_for_tick(&self, handle: &mut Handle<'_, AnyFraming>) {
        let Behaviour::Tick(count) = self.behaviour else { return };
        if self.sent < count {
            handle.set_timer(Some(handle.now() + TICK));
        } else {
            handle.finish();
        }
    }
}

/// The frame that is poured.
pub const POURED: [u8; 1000] = [b'p'; 1000];

impl Protocol for Script {
    type Framing = AnyFraming;

    fn framing(&self) -> AnyFraming {
        self.framing.clone()
    }

    fn on_open(&mut self, negotiated: Option<&Negotiated>, handle: &mut Handle<'_, AnyFraming>) {
        self.open_here();
        self.tell(Event::Open(negotiated.map(|negotiated| Box::new(negotiated.clone()))));
        match self.behaviour {
            Behaviour::FinishFirst => handle.finish(),
            Behaviour::Pour(_) => {
                handle.decouple();
                self.pour(handle);
            }
            Behaviour::Tick(_) => self.wait_for_tick(handle),
            _ => {}
        }
    }

    fn on_frame(&mut self, frame: &[u8], handle: &mut Handle<'_, AnyFraming>) {
        self.frames += 1;
        self.traces.take_place(frame);
        self.tell(Event::Frame(frame.to_vec()));
        match self.behaviour {
            Behaviour::Abort => handle.abort(),
            Behaviour::Close => {
                echo(&self.framing, frame, handle);
                handle.close();
            }
            Behaviour::Echo => echo(&self.framing, frame, handle),
            Behaviour::Fail(code) => {
                echo(&self.framing, frame, handle);
                handle.fail(code);
            }
            Behaviour::Count | Behaviour::Discard => {}
            Behaviour::FinishFirst | Behaviour::Hold => {}
            Behaviour::Pour(_) | Behaviour::Tick(_) => {}
        }
    }

    fn on_writable(&mut self, handle: &mut Handle<'_, AnyFraming>) {
        self.pour(handle);
    }

    fn on_timer(&mut self, handle: &mut Handle<'_, AnyFraming>) {
        self.sent += 1;
        let _ = handle.send(b"tick");
        self.wait_for_tick(handle);
    }

    fn on_finished(&mut self, handle: &mut Handle<'_, AnyFraming>) {
        self.tell(Event::Finished);
        match self.behaviour {
            Behaviour::Count => drop(handle.send(self.frames.to_string().as_bytes())),
            Behaviour::Hold => return,
            // What is still to be sent ends it.
            Behaviour::Pour(_) | Behaviour::Tick(_) => return,
            _ => {}
        }
        handle.finish();
    }

    fn on_failed(&mut self, reason: &CloseReason, _: &mut Handle<'_, AnyFraming>) {
        self.tell(Event::Failed(reason.clone()));
    }

    fn on_closed(&mut self, reason: &CloseReason) {
        self.tell(Event::Closed(reason.clone()));
    }
}

fn echo(framing: &AnyFraming, frame: &[u8], handle: &mut Handle<'_, AnyFraming>) {
    Echo::new(framing.clone()).on_frame(frame, handle);
}
