//! Two sides that differ.

use alloc::vec::Vec;

use super::decode::{encode, joined, scan, view};
use crate::framing::Scan;
use crate::testkit::OwnedFrames;

/// Law: what one side sends, the other reads back, pieces joined, however it is cut: for framings
/// whose two sides differ. `turns` are sent by the left side where they begin with true, else by
/// the right one. Those that encode refuses are left out, and leave nothing behind. Returns which
/// were sent.
///
/// A side that [is over](crate::framing::Framing::is_over) ends its stream and reads no more.
///
/// # Panics
/// When the law is broken.
pub fn conversation<F, G>(
    left: &F,
    right: &G,
    turns: &[(bool, F::Owned)],
    cuts: &[usize],
) -> Vec<bool>
where
    F: OwnedFrames + Clone,
    G: OwnedFrames<Owned = F::Owned> + Clone,
{
    let run = |cuts: &[usize]| {
        let (mut left, mut right) = (Side::new(left.clone()), Side::new(right.clone()));
        let mut sent = Vec::new();
        for (is_left, frame) in turns {
            sent.push(if *is_left {
                left.say(frame, &mut right, cuts)
            } else {
                right.say(frame, &mut left, cuts)
            });
        }
        left.check(&right);
        right.check(&left);
        sent
    };
    let sent = run(&[]);
    for cuts in [cuts, &[1]] {
        assert_eq!(run(cuts), sent, "cut in {cuts:?}, other frames were sent");
    }
    sent
}

/// One side of a conversation.
struct Side<F: OwnedFrames> {
    framing: F,
    said: Vec<F::Owned>,
    heard: Vec<F::Owned>,
    arrived: Vec<u8>,
    /// It would not be shown more, whatever arrived.
    is_held: bool,
    has_ended: bool,
}

impl<F: OwnedFrames> Side<F> {
    fn new(framing: F) -> Self {
        let (said, heard) = (Vec::new(), Vec::new());
        Self { framing, said, heard, arrived: Vec::new(), is_held: false, has_ended: false }
    }

    /// Sends a frame, which arrives in pieces of these lengths in turn. Returns whether it was.
    fn say<G>(&mut self, frame: &F::Owned, other: &mut Side<G>, cuts: &[usize]) -> bool
    where
        G: OwnedFrames<Owned = F::Owned>,
    {
        if self.framing.is_over() {
            return false;
        }
        let Ok(wire) = encode(&mut self.framing, frame) else { return false };
        self.said.push(frame.clone());
        let mut rest = &wire[..];
        for len in cuts.iter().copied().cycle() {
            if rest.len() <= len {
                break;
            }
            other.hear(&rest[..len]);
            rest = &rest[len..];
        }
        other.hear(rest);
        if self.framing.is_over() {
            other.has_ended = true;
            other.hear(&[]);
        }
        // What was held back may now be shown.
        self.hear(&[]);
        true
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.arrived.extend_from_slice(bytes);
        while !self.framing.is_over() {
            let arrived = &self.arrived;
            self.is_held = false;
            let whole = match scan(&mut self.framing, arrived, arrived) {
                Err(error) => panic!("{error}: {}, which was sent", arrived.escape_ascii()),
                Ok(Scan::Found(whole)) => whole,
                Ok(Scan::Need(_)) if self.has_ended => match self.framing.scan_end(arrived) {
                    Ok(Some(whole)) => view(&self.framing, whole, arrived),
                    Ok(None) | Err(_) => return,
                },
                Ok(Scan::Need(_)) => return,
                Ok(Scan::Hold) => {
                    self.is_held = true;
                    return;
                }
            };
            self.arrived.drain(..whole.len);
            self.heard.push(whole.found);
        }
    }

    /// Checks that everything was heard, or the beginning of it if this side listens no more.
    fn check<G: OwnedFrames<Owned = F::Owned>>(&self, other: &Side<G>) {
        let said = joined(&self.framing, other.said.clone());
        let mut heard = joined(&self.framing, self.heard.clone());
        if self.framing.is_over() && heard.len() < said.len() {
            // The last may be a piece.
            heard.pop();
        } else if other.framing.is_over() && heard.len() == said.len() + 1 {
            // An event without bytes, which the other side cannot say any more.
            heard.pop();
        } else if !self.is_held {
            assert_eq!(heard.len(), said.len(), "heard {heard:?} of {said:?}");
        }
        assert!(heard.len() <= said.len(), "heard {heard:?} of {said:?}");
        for (heard, said) in heard.iter().zip(&said) {
            assert!(F::is_heard_as(said, heard), "{said:?} was heard as {heard:?}");
        }
    }
}
