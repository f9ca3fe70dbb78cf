//! The peer, and the bytes between it and the connection.

use alloc::vec::Vec;

use super::Operation;
use super::bench::Bench;
use crate::connection::Step;
use crate::framing::AnyFraming;

impl Bench {
    pub(super) fn item(framing: &AnyFraming, len: usize, seed: usize) -> Vec<u8> {
        let len = match framing {
            AnyFraming::Fixed(_) if len % 2 == 0 => 5,
            _ => len,
        };
        // Neither a line feed nor a NUL.
        (0..len).map(|at| b'a' + ((at + seed) % 26) as u8).collect()
    }

    pub(super) fn peer_sends(&mut self, len: usize) {
        let item = Self::item(self.peer.framing(), len, self.peer_sent.len());
        if self.peer.send(&item).is_ok() {
            self.peer_sent.push(item);
        }
    }

    /// Takes what the peer has to say and its steps.
    pub(super) fn peer_works(&mut self) {
        loop {
            while let Some(step) = self.peer.next() {
                if let Step::Frame(frame, _) = step {
                    self.peer_received.push(frame.to_vec());
                }
            }
            let bytes = self.peer.transmit();
            if bytes.is_empty() {
                return;
            }
            self.arriving.extend(bytes);
            let len = bytes.len();
            self.peer.transmitted(len, self.now).expect("no more than was offered");
        }
    }

    pub(super) fn deliver(&mut self, len: usize) {
        self.peer_works();
        let now = self.now;
        let wants = self.connection().interest().read;
        let connection = self.connection.as_mut().expect("only taken to be upgraded");
        let room = connection.receive_buffer();
        assert_eq!(wants, !room.is_empty(), "the interest in reading and the room for it");
        let len = len.min(room.len()).min(self.arriving.len());
        for (to, byte) in room.iter_mut().zip(self.arriving.drain(..len)) {
            *to = byte;
        }
        connection.received(len, now).expect("no more than was lent");
    }

    pub(super) fn lend_then(&mut self, between: &Operation, len: usize) {
        self.peer_works();
        let connection = self.connection.as_mut().expect("only taken to be upgraded");
        let room = connection.receive_buffer();
        let len = len.min(room.len()).min(self.arriving.len());
        for (to, byte) in room.iter_mut().zip(&self.arriving) {
            *to = *byte;
        }
        self.operate(between);
        let now = self.now;
        // Refused if the loan no longer holds: then the bytes have not arrived.
        if self.connection().received(len, now).is_ok() {
            self.arriving.drain(..len);
        }
    }

    pub(super) fn transmit(&mut self, len: usize) {
        let now = self.now;
        let wants = self.connection().interest().write;
        let connection = self.connection.as_mut().expect("only taken to be upgraded");
        let bytes = connection.transmit();
        assert_eq!(wants, !bytes.is_empty(), "the interest in writing and what there is to write");
        let bytes = bytes[..len.min(bytes.len())].to_vec();
        connection.transmitted(bytes.len(), now).expect("no more than was offered");
        // So that it has room in its queue, and reads.
        self.peer_works();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let room = self.peer.receive_buffer();
            if room.is_empty() {
                self.is_faithful = false;
                break;
            }
            let len = room.len().min(rest.len());
            room[..len].copy_from_slice(&rest[..len]);
            rest = &rest[len..];
            self.peer.received(len, now).expect("no more than was lent");
            self.peer_works();
        }
    }

    pub(super) fn shut_down(&mut self) {
        let now = self.now;
        let before = self.seen();
        let result = self.connection().shut_down(now);
        assert_eq!(result.is_ok(), before.1.shutdown, "the interest and its fulfilment");
        if result.is_err() {
            assert_eq!(self.seen(), before, "a refused call changed something");
        } else {
            let _ = self.peer.received_eof(now);
            assert!(!self.connection().interest().shutdown, "shut down once");
            assert!(!self.connection().interest().write, "nothing can be written after the end");
        }
    }
}
