//! What holds after every call.

use super::bench::Bench;
use crate::framing::Framing;

impl Bench {
    pub(super) fn check_deadline(&mut self) {
        let connection = self.connection();
        let (now, deadline) = (connection.now(), connection.deadline());
        assert!(deadline.is_none_or(|deadline| deadline.at > now), "{deadline:?} at {now}");
    }

    /// What holds after every call.
    pub(super) fn check(&mut self) {
        let (high_water, wire_len_max) = (self.high_water, self.wire_len_max);
        let known_max = self.memory_len_max;
        let is_tls = self.is_tls;
        let connection = self.connection();
        let max = known_max.max(connection.memory_len_max());
        let len = connection.memory_len();
        assert!(len <= max, "{len} bytes of memory, at most {max} were said: {connection:?}");
        let queued = connection.queued_len();
        // Headers and tags of all records, and what the handshake and key updates add.
        let overhead = if is_tls { 64 * 1024 } else { 0 };
        assert!(queued < high_water + wire_len_max + overhead, "{queued} bytes are queued");
        let interest = connection.interest();
        assert!(!(interest.shutdown && interest.write), "shutdown before all is written");
        assert_eq!(interest.deadline, connection.deadline());
        if connection.close_reason().is_some() {
            let none = !interest.read && !interest.write && !interest.shutdown;
            assert!(none && interest.deadline.is_none(), "over and wants {interest:?}");
            assert_eq!(queued, 0, "over and has something queued");
        }
        let (is_closed, reason) = (connection.is_closed(), connection.close_reason().cloned());
        if is_closed {
            assert_eq!(self.trace.closed(), reason.as_ref(), "the reason that was told");
        }
        self.memory_len_max = max;
        self.check_frames();
    }

    /// What arrives is what was sent, in order.
    pub(super) fn check_frames(&self) {
        if !self.is_faithful {
            return;
        }
        let joins = !self.peer.framing().has_whole_frames();
        for (received, sent) in
            [(&self.received, &self.peer_sent), (&self.peer_received, &self.sent)]
        {
            if joins {
                let (received, sent) = (received.concat(), sent.concat());
                assert!(sent.starts_with(&received), "bytes were lost, doubled or moved");
            } else {
                assert!(sent.starts_with(received), "{received:?} is not the start of {sent:?}");
            }
        }
    }
}
