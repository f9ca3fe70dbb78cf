//! Operations from bytes.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::{Answer, Operation};
use crate::error::Fault;
use crate::framing::AnyFraming;

/// Longest list.
const OPERATIONS_MAX: usize = 256;

/// Reads choices from bytes; zeros when there are none left.
#[derive(Clone, Copy, Debug)]
pub struct Choices<'a> {
    bytes: &'a [u8],
}

impl<'a> Choices<'a> {
    /// Reads from `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Whether none are left.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.bytes.split_first() else {
            return 0;
        };
        self.bytes = rest;
        *first
    }

    /// One of `options`.
    pub fn pick<T: Clone>(&mut self, options: &[T]) -> T {
        options[usize::from(self.byte()) % options.len()].clone()
    }

    /// At most `len` bytes.
    pub fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.bytes.split_at(len.min(self.bytes.len()));
        self.bytes = rest;
        taken
    }

    /// A length, mostly small, sometimes beyond every buffer.
    pub fn len(&mut self) -> usize {
        self.pick(&[1, 2, 3, 0, 5, 16, 17, 100, 255, 256, 1000, 5000, 20_000, 70_000, 300_000])
    }

    fn duration(&mut self) -> Duration {
        let nanos = self.pick(&[0, 1, 2, 1_000_000, 999_999_999, 1_000_000_000, 4_999_999_999]);
        Duration::from_nanos(nanos) * self.pick::<u32>(&[1, 0, 2, 6, 70])
    }

    /// A framing, with a limit that the lengths above are around.
    pub fn framing(&mut self) -> AnyFraming {
        let names =
            ["raw", "u8", "u32be", "lines", "netstring", "varint", "fixed:5", "delimiter:00"];
        let framing: AnyFraming = self.pick(&names).parse().expect("a name");
        framing.with_frame_len_max(self.pick(&[255, 1000, 20_000, 100_000]))
    }

    fn answer(&mut self) -> Answer {
        match self.byte() % 16 {
            0..6 => Answer::Nothing,
            6..10 => Answer::Send(self.len()),
            10 => Answer::Retain,
            11 => Answer::Finish,
            12 => Answer::Close,
            13 => self.pick(&[Answer::Nothing, Answer::Decouple, Answer::Abort, Answer::Fail]),
            14 => Answer::SetTimer(self.pick(&[true, false]).then(|| self.duration())),
            _ => Answer::Upgrade(self.framing()),
        }
    }

    fn operation(&mut self) -> Operation {
        match self.byte() % 40 {
            0..4 => Operation::PeerSends(self.len()),
            4..10 => Operation::Deliver(self.len()),
            10..15 => Operation::Transmit(self.len()),
            15..18 => Operation::NextAll(self.answer()),
            18..20 => Operation::Next(self.answer()),
            20..22 => Operation::Call(self.answer()),
            22 => Operation::HasStep,
            23 => Operation::PeerFinishes,
            24 => Operation::PeerRefreshes,
            25 => {
                let len = usize::from(self.byte() % 32);
                Operation::Inject(self.take(len).to_vec())
            }
            26 => Operation::Damage(self.len()),
            27 => Operation::DeliverTooMuch,
            28 => {
                let between = match self.byte() % 8 {
                    0 => Operation::NextAll(self.answer()),
                    1 => Operation::HasStep,
                    2 => Operation::Transmit(self.len()),
                    3 => Operation::Settle,
                    4 => Operation::Lease,
                    5 => Operation::RefreshKeys,
                    6 => Operation::Call(self.answer()),
                    _ => Operation::End,
                };
                Operation::LendThen(Box::new(between), self.len())
            }
            29 => Operation::End,
            30 => self.pick(&[Operation::TransmitTooMuch, Operation::ShutDown]),
            31 => Operation::ShutDown,
            32 => Operation::Pass(self.duration()),
            33 => Operation::Timeout(self.pick(&[false, false, true])),
            34 => Operation::Deadline,
            35 => Operation::RefreshKeys,
            36 => Operation::Lease,
            37 => Operation::Settle,
            38 => self.pick(&[
                Operation::Drain,
                Operation::HasStep,
                Operation::Stop,
                Operation::Fault(Fault::Reset),
                Operation::Fault(Fault::Other),
                Operation::TransmitFault(Fault::Reset),
            ]),
            _ => Operation::Upgrade(self.framing()),
        }
    }

    /// A list of operations.
    pub fn operations(&mut self) -> Vec<Operation> {
        let mut operations = vec![];
        while !self.is_empty() && operations.len() < OPERATIONS_MAX {
            operations.push(self.operation());
        }
        operations
    }
}
