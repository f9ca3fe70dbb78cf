//! Steps that are taken and answered, and calls outside of them.

use alloc::vec::Vec;

use super::Answer;
use super::bench::Bench;
use crate::connection::{Handle, Step};
use crate::error::SendError;
use crate::framing::{AnyFraming, Framing};
use crate::testkit::trace::Event;

/// Steps that one call to report something may come to at most: more is a spin.
const STEPS_MAX: usize = 200_000;

/// Steps that are answered when all are taken: a long frame for each of many would only take time.
const ANSWERED_MAX: usize = 100;

impl Bench {
    pub(super) fn next_all(&mut self, answer: &Answer) {
        for step in 0..STEPS_MAX {
            let answer = if step < ANSWERED_MAX { answer } else { &Answer::Nothing };
            if !self.next(answer) {
                return;
            }
        }
        panic!("{STEPS_MAX} steps and no end");
    }

    pub(super) fn next(&mut self, answer: &Answer) -> bool {
        self.is_shown = false;
        let connection = self.connection.as_mut().expect("only taken to be upgraded");
        let is_full = connection.queued_len() >= self.high_water && !self.is_decoupled;
        let joins = !connection.framing().has_whole_frames();
        let (event, handle) = match connection.next() {
            None => return false,
            Some(Step::Closed(reason)) => (Event::Closed(reason), None),
            Some(Step::Open(_, handle)) => (Event::Open, Some(handle)),
            Some(Step::Frame(frame, handle)) => {
                assert!(!is_full, "a frame while the queue is at high water");
                (Event::Frame(frame.to_vec()), Some(handle))
            }
            Some(Step::Timer(handle)) => (Event::Timer, Some(handle)),
            Some(Step::Writable(handle)) => {
                assert!(handle.is_writable(), "writable and is not");
                (Event::Writable, Some(handle))
            }
            Some(Step::Finished(handle)) => (Event::Finished, Some(handle)),
            Some(Step::Failed(reason, handle)) => (Event::Failed(reason), Some(handle)),
        };
        let has_handle = handle.is_some();
        let mut is_retained = false;
        if let Some(mut handle) = handle {
            if let Some(item) = Self::answer(&mut handle, answer, self.sent.len()) {
                self.sent.push(item);
            }
            is_retained = handle.is_retained();
        }
        if let Event::Frame(frame) = &event {
            if let Some(retained) = self.retained.take() {
                assert!(frame.starts_with(&retained), "a retained frame came again as another");
            }
            self.is_shown = !is_retained;
            if is_retained {
                self.retained = Some(frame.clone());
            } else {
                self.received.push(frame.clone());
            }
        }
        if !(is_retained && matches!(event, Event::Frame(_))) {
            self.trace.push(event, |last, next| {
                match last {
                    Some(last) if joins => last.extend_from_slice(next),
                    _ => return false,
                }
                true
            });
        }
        match answer {
            Answer::Upgrade(framing) if has_handle => self.upgrading(framing),
            Answer::Decouple if has_handle => self.is_decoupled = true,
            _ => {}
        }
        true
    }

    pub(super) fn call(&mut self, answer: &Answer) {
        let before = self.seen();
        let count = self.sent.len();
        let mut handle = self.connection().handle();
        if let Some(item) = Self::answer(&mut handle, answer, count) {
            self.sent.push(item);
        } else if matches!(answer, Answer::Send(_)) {
            let after = self.seen();
            assert_eq!((after.0, after.2), (before.0, before.2), "a refused send queued something");
        }
        match answer {
            Answer::Upgrade(framing) => self.upgrading(framing),
            Answer::Decouple => self.is_decoupled = true,
            // It is not too late to retain the frame.
            Answer::Retain if self.is_shown => {
                self.is_shown = false;
                self.retained = self.received.pop();
            }
            _ => {}
        }
    }

    /// Answers, and returns the frame if one was sent.
    pub(super) fn answer(
        handle: &mut Handle<'_, AnyFraming>,
        answer: &Answer,
        seed: usize,
    ) -> Option<Vec<u8>> {
        match answer {
            Answer::Nothing => {}
            Answer::Send(len) => {
                let writable = handle.is_writable();
                let len = if writable { *len } else { 1 };
                let item = Self::item(&AnyFraming::Raw(Default::default()), len, seed);
                match handle.send(&item) {
                    Ok(()) => {
                        assert!(writable, "a send that was not refused by a full queue");
                        return Some(item);
                    }
                    Err(SendError::Full) => assert!(!writable, "full and writable"),
                    Err(_) => {}
                }
            }
            Answer::Retain => handle.retain(),
            Answer::Finish => handle.finish(),
            Answer::Close => handle.close(),
            Answer::Abort => handle.abort(),
            Answer::Fail => handle.fail(7),
            Answer::SetTimer(after) => {
                let now = handle.now();
                handle.set_timer(after.map(|after| now + after));
            }
            Answer::Upgrade(framing) => handle.upgrade(framing.clone()),
            Answer::Decouple => handle.decouple(),
        }
        None
    }
}
