//! The calls that a line can name.

use alloc::boxed::Box;
use core::time::Duration;

use super::error::Flaw;
use super::words::{Words, number};
use crate::script::call::{Begin, Call, Ending, Role, StepKind};
use crate::script::names;

pub(super) fn call(words: &mut Words<'_>) -> Result<Call<'static>, Flaw> {
    Ok(match words.next() {
        b"begin" => Call::Begin(Box::new(begin(words)?)),
        b"ended" => Call::Ended(match words.next() {
            b"limit" => Ending::Limit { max: words.number()? },
            b"overrun" => Ending::Overrun,
            _ => return Err(Flaw::Argument),
        }),
        b"dropped" => Call::Dropped,
        b"opened" => Call::Opened,
        b"received" => Call::Received(words.payload()?),
        b"eof" => Call::Eof,
        b"cut" => Call::Cut,
        b"tls_failed" => Call::TlsFailed,
        b"transmitted" => Call::Transmitted(words.number()?),
        b"shut_down" => Call::ShutDown,
        b"transport_failed" => Call::TransportFailed(words.name(names::fault)?),
        b"transmit_failed" => Call::TransmitFailed(words.name(names::fault)?),
        b"timeout" => Call::Timeout,
        b"sent" => Call::Sent(words.payload()?),
        b"finish" => Call::Finish,
        b"close" => Call::Close,
        b"abort" => Call::Abort,
        b"fail" => Call::Fail(words.number()?),
        b"timer" => Call::SetTimer(match words.next() {
            b"none" => None,
            nanos => Some(Duration::from_nanos(number(nanos)?)),
        }),
        b"retain" => Call::Retain,
        b"decouple" => Call::Decouple,
        b"upgrade" => Call::Upgrade,
        b"drain" => Call::Drain,
        b"stop" => Call::Stop,
        b"lease" => Call::Lease,
        b"settle" => Call::Settle,
        b"look" => Call::Look,
        b"step" => Call::Step(step(words)?),
        _ => return Err(Flaw::UnknownCall),
    })
}

fn step(words: &mut Words<'_>) -> Result<StepKind, Flaw> {
    Ok(match words.next() {
        b"open" => StepKind::Open,
        b"frame" => StepKind::Frame { len: words.number()? },
        b"timer" => StepKind::Timer,
        b"writable" => StepKind::Writable,
        b"finished" => StepKind::Finished,
        b"failed" => StepKind::Failed(words.name(names::close_kind)?),
        b"closed" => StepKind::Closed(words.name(names::close_kind)?),
        _ => return Err(Flaw::Argument),
    })
}

fn begin(words: &mut Words<'_>) -> Result<Begin, Flaw> {
    let mut begin = Begin::new(match words.next() {
        b"client" => Role::Client,
        b"server" => Role::Server,
        _ => return Err(Flaw::Argument),
    });
    begin.is_tls = words.takes(b"tls");
    while !words.is_over() {
        words.pair(|key, words| value(&mut begin, key, words))?;
    }
    Ok(begin)
}

fn value(begin: &mut Begin, key: &[u8], words: &mut Words<'_>) -> Result<(), Flaw> {
    match key {
        b"framing" => begin.framing = Some(words.text()?),
        b"protocol" => begin.protocol = Some(words.text()?),
        b"frame_len_max" => begin.frame_len_max = Some(words.number()?),
        b"peer" => begin.peer = Some(words.text()?),
        b"local" => begin.local = Some(words.text()?),
        b"begun" => begin.begun = Some(Duration::from_nanos(words.number()?)),
        key => {
            let mut limits = names::limits(&mut begin.limits);
            let limit = limits.iter_mut().find(|(name, _)| name.as_bytes() == key);
            let (_, limit) = limit.ok_or(Flaw::UnknownKey)?;
            let number = match (words.next(), &limit) {
                (b"none", names::Limit::Time(_)) => names::NEVER,
                (digits, _) => number(digits)?,
            };
            limit.set(number).ok_or(Flaw::TooLarge)?;
        }
    }
    Ok(())
}
