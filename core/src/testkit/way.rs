//! One direction of a stream, and a round of work on one of its ends: what [`Pair`](super::Pair)
//! and the [simulator](super::sim) have in common.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::buffer::Pool;
use crate::connection::Connection;
use crate::framing::Framing;
use crate::protocol::{Protocol, pump};
use crate::time::Instant;

/// Names what is under way for whoever draws it; [`UNTAGGED`] when nobody does.
pub(super) type Tag = u32;

/// Nobody draws it.
pub(super) const UNTAGGED: Tag = Tag::MAX;

/// What is under way from a writer to a reader, in order.
#[derive(Debug, Default)]
pub(super) struct Way {
    chunks: VecDeque<Chunk>,
    len: usize,
    end: End,
}

#[derive(Debug)]
struct Chunk {
    at: Instant,
    bytes: Vec<u8>,
    /// Bytes from the front that were read: `taken < bytes.len()`.
    taken: usize,
    tag: Tag,
}

/// How the end of the stream stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum End {
    #[default]
    Open,
    /// It arrives then, behind all chunks.
    UnderWay(Instant, Tag),
    Arrived,
}

/// What a write or a read moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    Nothing,
    Bytes(usize),
    End,
}

impl Way {
    /// Bytes that were not read yet.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Bytes of memory behind this value.
    pub(super) fn memory_len(&self) -> usize {
        let chunks = self.chunks.iter().map(|chunk| chunk.bytes.capacity()).sum::<usize>();
        chunks + self.chunks.capacity() * size_of::<Chunk>()
    }

    /// Lets `bytes` arrive at `at`, behind what was pushed before.
    pub(super) fn push(&mut self, at: Instant, bytes: Vec<u8>, tag: Tag) {
        if !bytes.is_empty() {
            self.len += bytes.len();
            self.chunks.push_back(Chunk { at, bytes, taken: 0, tag });
        }
    }

    /// Ends the stream behind what is under way, unless it was ended before.
    pub(super) fn end(&mut self, at: Instant, tag: Tag) {
        if self.end == End::Open {
            self.end = End::UnderWay(at, tag);
        }
    }

    /// Takes what is under way; the end stays.
    pub(super) fn take(&mut self) -> Vec<u8> {
        self.len = 0;
        self.chunks.drain(..).flat_map(|chunk| chunk.bytes.into_iter().skip(chunk.taken)).collect()
    }

    /// Takes away all that is under way, the end too, and tells `lost` of each. Returns how many
    /// bytes that were.
    pub(super) fn lose(&mut self, mut lost: impl FnMut(Tag)) -> usize {
        self.chunks.drain(..).for_each(|chunk| lost(chunk.tag));
        if let End::UnderWay(_, tag) = self.end {
            lost(tag);
            self.end = End::Open;
        }
        core::mem::take(&mut self.len)
    }

    /// Takes the end of the stream, if it has arrived and nothing is before it.
    pub(super) fn take_end(&mut self, now: Instant) -> Option<Tag> {
        match self.end {
            End::UnderWay(at, tag) if at <= now && self.chunks.is_empty() => {
                self.end = End::Arrived;
                Some(tag)
            }
            End::Open | End::UnderWay(..) | End::Arrived => None,
        }
    }

    /// When the first of what is under way arrives, or has.
    pub(super) fn next_at(&self) -> Option<Instant> {
        match (self.chunks.front(), self.end) {
            (Some(chunk), _) => Some(chunk.at),
            (None, End::UnderWay(at, _)) => Some(at),
            (None, End::Open | End::Arrived) => None,
        }
    }

    /// Whether there are bytes that have arrived.
    pub(super) fn has_arrived(&self, now: Instant) -> bool {
        self.chunks.front().is_some_and(|chunk| chunk.at <= now)
    }

    /// Gives the reader what has arrived: at most `len_max` bytes, of one chunk unless they are
    /// coalesced. Tells `taken` of every chunk that it begins, and of the end.
    pub(super) fn read<F: Framing>(
        &mut self,
        to: &mut Connection<F>,
        now: Instant,
        len_max: impl FnOnce() -> usize,
        is_coalescing: bool,
        mut taken: impl FnMut(Tag),
    ) -> Moved {
        let wants = to.interest().read;
        if self.next_at().is_none_or(|at| at > now) {
            return Moved::Nothing;
        }
        let room = to.receive_buffer();
        assert_eq!(wants, !room.is_empty(), "the interest in reading and the room for it");
        if room.is_empty() {
            return Moved::Nothing;
        }
        if let Some(tag) = self.take_end(now) {
            taken(tag);
            to.received_eof(now).expect("the first end");
            return Moved::End;
        }
        let room_len = room.len().min(len_max());
        let mut len = 0;
        while let Some(chunk) = self.chunks.front_mut().filter(|chunk| chunk.at <= now) {
            if chunk.taken == 0 {
                taken(chunk.tag);
            }
            let rest = &chunk.bytes[chunk.taken..];
            let part = rest.len().min(room_len - len);
            room[len..len + part].copy_from_slice(&rest[..part]);
            len += part;
            chunk.taken += part;
            if chunk.taken == chunk.bytes.len() {
                self.chunks.pop_front();
            }
            if len == room_len || !is_coalescing {
                break;
            }
        }
        if self.chunks.is_empty() {
            // What is idle holds nothing.
            self.chunks = VecDeque::new();
        }
        self.len -= len;
        to.received(len, now).expect("no more than was lent");
        Moved::Bytes(len)
    }
}

/// Takes what the writer has: at most `room` bytes, and of those what `len_max` says, which `carry`
/// brings on their way; or the end of its side.
pub(super) fn write<F: Framing>(
    from: &mut Connection<F>,
    now: Instant,
    room: usize,
    len_max: impl FnOnce() -> usize,
    carry: impl FnOnce(&[u8]),
) -> Moved {
    let wants = from.interest().write;
    let bytes = from.transmit();
    assert_eq!(wants, !bytes.is_empty(), "the interest in writing and what there is to write");
    if !bytes.is_empty() && room > 0 {
        let len = bytes.len().min(room).min(len_max());
        carry(&bytes[..len]);
        from.transmitted(len, now).expect("no more than was offered");
        return Moved::Bytes(len);
    }
    if from.interest().shutdown {
        from.shut_down(now).expect("it was asked for");
        return Moved::End;
    }
    Moved::Nothing
}

/// What a connection is driven over.
pub(super) trait Transport {
    /// Takes what the connection has to write, once. Returns whether anything moved.
    fn write<F: Framing>(&mut self, from: &mut Connection<F>, now: Instant) -> bool;

    /// Gives the connection what has arrived, once. Returns whether anything moved.
    fn read<F: Framing>(&mut self, to: &mut Connection<F>, now: Instant) -> bool;
}

/// Takes all steps, writes and reads once each, and takes all steps again: a turn, if there is a
/// pool. Returns whether anything moved.
///
/// # Panics
/// When the connection contradicts itself.
pub(super) fn round<P: Protocol>(
    connection: &mut Connection<P::Framing>,
    protocol: &mut P,
    mut pool: Option<&mut Pool>,
    transport: &mut impl Transport,
    now: Instant,
) -> bool {
    if let Some(pool) = pool.as_deref_mut() {
        connection.lease(pool);
    }
    let mut moved = pump_all(connection, protocol);
    moved |= transport.write(connection, now);
    moved |= transport.read(connection, now);
    moved |= pump_all(connection, protocol);
    if let Some(pool) = pool {
        connection.settle(pool);
        check(connection);
    }
    moved | connection.interest().again
}

/// Takes all steps. Returns whether there were any.
///
/// # Panics
/// When the connection contradicts itself.
pub(super) fn pump_all<P: Protocol>(
    connection: &mut Connection<P::Framing>,
    protocol: &mut P,
) -> bool {
    let moved = connection.has_step();
    if moved {
        pump(connection, protocol);
    }
    check(connection);
    moved
}

/// Acts on the deadline if it is due. Returns whether it was.
///
/// # Panics
/// When the next one is not later.
pub(super) fn pass_time<F: Framing>(connection: &mut Connection<F>, now: Instant) -> bool {
    let is_due = connection.deadline().is_some_and(|deadline| deadline.at <= now);
    if is_due {
        connection.handle_timeout(now);
        let later = connection.deadline().is_none_or(|deadline| deadline.at > now);
        assert!(later, "{:?} is not later than {now}", connection.deadline());
    }
    is_due
}

/// Checks what must hold whenever all steps are taken.
fn check<F: Framing>(connection: &Connection<F>) {
    let (len, max) = (connection.memory_len(), connection.memory_len_max());
    assert!(len <= max, "{len} bytes of memory, at most {max} were said: {connection:?}");
    let interest = connection.interest();
    assert!(!(interest.shutdown && interest.write), "shutdown before all is written");
    if connection.is_closed() {
        let none = !interest.read && !interest.write && !interest.shutdown;
        assert!(none && interest.deadline.is_none(), "closed and wants {interest:?}");
    }
}
