//! What takes part: ends of streams, of any protocol.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::RefCell;
use core::fmt;
use core::marker::PhantomData;

use super::lane::Lane;
use super::link::Link;
use super::log::Log;
use super::station::Station;
use super::timeline::Mark;
use crate::buffer::Pool;
use crate::connection::{CloseReason, Connection, Handle};
use crate::error::Fault;
use crate::framing::Framing;
use crate::limits::Limits;
use crate::protocol::Protocol;
use crate::script::{Begin, Recorder};
use crate::testkit::OwnedFrames;
use crate::testkit::way::{self, Transport};
use crate::time::Instant;
use crate::tls::Negotiated;

/// Names a part of one simulation, and knows what it is: `sim[id]` is that part.
pub struct Id<T> {
    pub(super) number: u32,
    what: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    pub(super) const fn new(number: u32) -> Self {
        Self { number, what: PhantomData }
    }

    /// The number of the node, in the order in which they were made.
    #[must_use]
    pub const fn number(self) -> usize {
        self.number as usize
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Id<T> {}

impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Id").field(&self.number).finish()
    }
}

/// One side of a stream that is to be [connected](super::Sim::connect).
pub struct Party<P: Protocol> {
    pub(super) name: &'static str,
    pub(super) protocol: P,
    limits: Option<Arc<Limits>>,
    recorder: Option<(Arc<dyn Recorder>, Begin)>,
    #[cfg(feature = "tls")]
    session: Option<crate::tls::TlsSession>,
}

impl<P: Protocol> Party<P> {
    /// A side without TLS. Its name is for reading.
    #[must_use]
    pub const fn plain(name: &'static str, protocol: P) -> Self {
        Self {
            name,
            protocol,
            limits: None,
            recorder: None,
            #[cfg(feature = "tls")]
            session: None,
        }
    }

    /// A side within a TLS session.
    #[cfg(feature = "tls")]
    #[must_use]
    pub const fn tls(name: &'static str, session: crate::tls::TlsSession, protocol: P) -> Self {
        Self { name, protocol, limits: None, recorder: None, session: Some(session) }
    }

    /// Sets the limits, which are the default ones otherwise.
    #[must_use]
    pub fn within(self, limits: impl Into<Arc<Limits>>) -> Self {
        Self { limits: Some(limits.into()), ..self }
    }

    /// Records this side as a [script](crate::script), which replays it alone: as the connection
    /// with the [number](Id::number) of the node. What `begin` leaves out is added; see
    /// [`Connection::record`].
    ///
    /// # Examples
    /// ```
    /// use std::sync::{Arc, Mutex};
    /// use drywire::framing::Lines;
    /// use drywire::protocol::Echo;
    /// use drywire::script::{self, Begin, Role, Script};
    /// use drywire::testkit::sim::{Party, Sim};
    /// use drywire::testkit::{Talker, Then};
    ///
    /// let script = Arc::new(Mutex::new(Script::new()));
    /// let mut begin = Begin::new(Role::Server);
    /// begin.framing = Some("lines".to_owned());
    /// begin.protocol = Some("echo".to_owned());
    ///
    /// let mut sim = Sim::new(1);
    /// let talker = Talker::new(Lines::new(), vec![b"hello".to_vec()], Then::Finish);
    /// let echo = Party::plain("server", Echo::new(Lines::new())).recorded(script.clone(), begin);
    /// let (_, server) = sim.connect(Party::plain("client", talker), echo);
    /// sim.run()?;
    ///
    /// let script = script.lock().map_err(|_| "nobody panicked")?;
    /// let replay = script::replay(&script)?;
    /// assert_eq!(replay.sent(server.number() as u64), b"hello\n");
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn recorded(self, recorder: Arc<dyn Recorder>, begin: Begin) -> Self {
        Self { recorder: Some((recorder, begin)), ..self }
    }

    #[cfg(feature = "tls")]
    pub(super) const fn is_tls(&self) -> bool {
        self.session.is_some()
    }

    #[cfg(not(feature = "tls"))]
    pub(super) const fn is_tls(&self) -> bool {
        let _ = self;
        false
    }

    pub(super) fn open(self, number: u32, limits: &Arc<Limits>, now: Instant) -> Node<P> {
        let framing = self.protocol.framing();
        let limits = self.limits.unwrap_or_else(|| Arc::clone(limits));
        #[cfg(feature = "tls")]
        let mut connection = match self.session {
            Some(session) => Connection::tls(session, framing, limits, now),
            None => Connection::plain(framing, limits, now),
        };
        #[cfg(not(feature = "tls"))]
        let mut connection = Connection::plain(framing, limits, now);
        if let Some((recorder, begin)) = self.recorder {
            connection.record(recorder, number.into(), begin);
        }
        Node { connection, protocol: self.protocol }
    }
}

impl<P: Protocol> fmt::Debug for Party<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Party").field("name", &self.name).finish_non_exhaustive()
    }
}

/// One end of a stream: a connection and the protocol that runs on it.
///
/// Whoever changes it through the simulation, as with `sim[id].connection.send(…)`, changes it at
/// the time at which the simulation stands.
#[non_exhaustive]
pub struct Node<P: Protocol> {
    /// The connection.
    pub connection: Connection<P::Framing>,
    /// The protocol.
    pub protocol: P,
}

impl<P: Protocol> fmt::Debug for Node<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("connection", &self.connection).finish_non_exhaustive()
    }
}

/// What a node takes, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NodeMemory {
    pub(super) state_len: usize,
    pub(super) buffers_len: usize,
    pub(super) protocol_len: usize,
}

/// One end of a stream, whatever it runs.
pub(super) trait StreamNode {
    fn round(&mut self, ends: &mut Ends<'_>, pool: &mut Pool, now: Instant) -> bool;
    fn reset(&mut self, now: Instant);
    fn next_deadline(&self) -> Option<Instant>;
    fn is_closed(&self) -> bool;
    fn close_reason(&self) -> Option<&CloseReason>;
    fn memory(&self) -> NodeMemory;
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

/// The two directions of a stream as one of its ends sees them.
pub(super) struct Ends<'a> {
    pub(super) out: &'a mut Lane,
    pub(super) out_link: &'a Link,
    pub(super) inp: &'a mut Lane,
    pub(super) inp_link: &'a Link,
    pub(super) log: &'a mut Log,
}

impl Transport for Ends<'_> {
    fn write<F: Framing>(&mut self, from: &mut Connection<F>, now: Instant) -> bool {
        self.out.write(from, now, self.out_link, self.log)
    }

    fn read<F: Framing>(&mut self, to: &mut Connection<F>, now: Instant) -> bool {
        self.inp.read(to, now, self.inp_link, self.log)
    }
}

impl<P: Protocol + 'static> StreamNode for Node<P>
where
    P::Framing: OwnedFrames + 'static,
{
    fn round(&mut self, ends: &mut Ends<'_>, pool: &mut Pool, now: Instant) -> bool {
        let due = self.connection.deadline().filter(|deadline| deadline.at <= now);
        if let Some(deadline) = due {
            ends.log.note(Mark::Due(deadline));
        }
        let has_timeline = ends.log.has_timeline();
        let moved = way::pass_time(&mut self.connection, now);
        let Self { connection, protocol } = self;
        if has_timeline {
            let said = RefCell::new(Vec::new());
            let mut noted = Noted { protocol, said: &said };
            let mut told = Told { ends, said: &said };
            let moved = moved | way::round(connection, &mut noted, Some(pool), &mut told, now);
            told.tell();
            moved
        } else {
            moved | way::round(connection, protocol, Some(pool), ends, now)
        }
    }

    fn reset(&mut self, now: Instant) {
        self.connection.transport_failed(Fault::Reset, now);
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.connection.deadline().map(|deadline| deadline.at)
    }

    fn is_closed(&self) -> bool {
        self.connection.is_closed()
    }

    fn close_reason(&self) -> Option<&CloseReason> {
        self.connection.close_reason()
    }

    fn memory(&self) -> NodeMemory {
        NodeMemory {
            state_len: size_of::<Connection<P::Framing>>(),
            buffers_len: self.connection.memory_len(),
            protocol_len: size_of::<P>(),
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

/// A protocol whose steps are put into words.
struct Noted<'a, P> {
    protocol: &'a mut P,
    said: &'a RefCell<Vec<String>>,
}

/// The ends, and what was said since something was last written or read: it comes first.
struct Told<'a, 'b> {
    ends: &'a mut Ends<'b>,
    said: &'a RefCell<Vec<String>>,
}

impl Told<'_, '_> {
    fn tell(&mut self) {
        self.said.take().into_iter().for_each(|said| self.ends.log.step(|| said));
    }
}

impl Transport for Told<'_, '_> {
    fn write<F: Framing>(&mut self, from: &mut Connection<F>, now: Instant) -> bool {
        self.tell();
        self.ends.write(from, now)
    }

    fn read<F: Framing>(&mut self, to: &mut Connection<F>, now: Instant) -> bool {
        self.tell();
        self.ends.read(to, now)
    }
}

/// Longest text of a frame.
const FRAME_TEXT_LEN: usize = 40;

fn shortened(text: String) -> String {
    match text.char_indices().nth(FRAME_TEXT_LEN) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

impl<P> Noted<'_, P> {
    fn say(&self, said: String) {
        self.said.borrow_mut().push(said);
    }
}

impl<P: Protocol> Protocol for Noted<'_, P>
where
    P::Framing: OwnedFrames,
{
    type Framing = P::Framing;

    fn framing(&self) -> P::Framing {
        self.protocol.framing()
    }

    fn on_open(&mut self, negotiated: Option<&Negotiated>, handle: &mut Handle<'_, P::Framing>) {
        self.say("open".into());
        self.protocol.on_open(negotiated, handle);
    }

    fn on_frame(
        &mut self,
        frame: <P::Framing as Framing>::Frame<'_>,
        handle: &mut Handle<'_, P::Framing>,
    ) {
        let said = P::Framing::describe(&P::Framing::own(&frame));
        self.protocol.on_frame(frame, handle);
        let retained = if handle.is_retained() { " (retained)" } else { "" };
        self.say(format!("frame {}{retained}", shortened(said)));
    }

    fn on_writable(&mut self, handle: &mut Handle<'_, P::Framing>) {
        self.say("writable".into());
        self.protocol.on_writable(handle);
    }

    fn on_timer(&mut self, handle: &mut Handle<'_, P::Framing>) {
        self.say("timer".into());
        self.protocol.on_timer(handle);
    }

    fn on_finished(&mut self, handle: &mut Handle<'_, P::Framing>) {
        self.say("peer finished".into());
        self.protocol.on_finished(handle);
    }

    fn on_failed(&mut self, reason: &CloseReason, handle: &mut Handle<'_, P::Framing>) {
        self.say(format!("failed: {reason}"));
        self.protocol.on_failed(reason, handle);
    }

    fn on_closed(&mut self, reason: &CloseReason) {
        self.say(format!("closed: {reason}"));
        self.protocol.on_closed(reason);
    }
}

/// What takes part, by what it is joined to.
pub(super) enum Part {
    End { end: Box<dyn StreamNode>, stream: u32, side: usize },
    Endpoint(Box<Station>),
}
