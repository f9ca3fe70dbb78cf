//! What the servers under test do with a connection, and the trace of it.

use std::sync::mpsc::Sender;

use drywire::framing::AnyFraming;
use drywire::protocol::{Echo, Protocol};
use drywire::tls::Negotiated;
use drywire::{CloseReason, Handle};

/// What a server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// Sends so many bytes in frames of 1,000, as soon as the connection is open, and finishes.
    Pour(usize),
}

/// What a server saw of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as the steps of a connection")]
pub enum Event {
    Open(Option<Box<Negotiated>>),
    Frame(Vec<u8>),
    Finished,
    Failed(CloseReason),
    Closed(CloseReason),
}

/// Behaves as told, and tells what happens.
#[derive(Debug)]
pub struct Script {
    pub(crate) framing: AnyFraming,
    pub(crate) behaviour: Behaviour,
    pub(crate) events: Sender<Event>,
    pub(crate) frames: usize,
    pub(crate) poured: usize,
}

impl Script {
    fn tell(&self, event: Event) {
        // Whoever does not look any more does not want to know.
        let _ = self.events.send(event);
    }

    fn pour(&mut self, handle: &mut Handle<'_, AnyFraming>) {
        let Behaviour::Pour(total) = self.behaviour else { return };
        while self.poured < total {
            let len = (total - self.poured).min(POURED.len());
            match handle.send(&POURED[..len]) {
                Ok(()) => self.poured += len,
                Err(_) => return,
            }
        }
        handle.finish();
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
        self.tell(Event::Open(negotiated.map(|negotiated| Box::new(negotiated.clone()))));
        self.pour(handle);
        if self.behaviour == Behaviour::FinishFirst {
            handle.finish();
        }
    }

    fn on_frame(&mut self, frame: &[u8], handle: &mut Handle<'_, AnyFraming>) {
        self.frames += 1;
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
            Behaviour::FinishFirst | Behaviour::Pour(_) => {}
        }
    }

    fn on_writable(&mut self, handle: &mut Handle<'_, AnyFraming>) {
        self.pour(handle);
    }

    fn on_finished(&mut self, handle: &mut Handle<'_, AnyFraming>) {
        self.tell(Event::Finished);
        if self.behaviour == Behaviour::Count {
            let _ = handle.send(self.frames.to_string().as_bytes());
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
