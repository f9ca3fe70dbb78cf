//! Scripts: what was done with connections, call by call, as text that is written down, read and
//! replayed.
//!
//! A script is made by [recording](crate::Connection::record) real connections, by a test that
//! failed, or by hand. [`replay()`] runs it over connections without sockets or clocks; the same
//! script leads to the same steps and the same bytes, always. [`minimise()`] makes a script smaller
//! that shows something.
//!
//! ```
//! use drywire::script::{self, Script};
//!
//! let text = "\
//! drywire-script 1
//! 1 +0 begin server framing=lines protocol=echo
//! 1 +0 step open
//! 1 +1500 received \"hello\\r\\n\"
//! 1 +0 step frame 7
//! 1 +0 sent \"hello\\n\"
//! 1 +900 transmitted 6
//! ";
//! let script: Script = text.parse()?;
//! assert_eq!(script.to_string(), text);
//!
//! let replay = script::replay(&script)?;
//! assert_eq!(replay.sent(1), b"hello\n");
//! assert!(replay.differences().is_empty());
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # The format
//!
//! Text of lines that end in LF. The first names the version. An entry is a line: the number of the
//! connection, the time since the entry before *of the same connection* (of its first: since the
//! epoch), in nanoseconds, and the call. So the connections of several threads can share a file
//! without losing the order in each. Empty lines and lines that begin with `#` mean nothing.
//!
//! ```text
//! script  = "drywire-script 1" LF *( line LF )
//! line    = [ comment / entry ]
//! comment = "#" *CHAR
//! entry   = number SP "+" number SP call
//! call    = "begin" SP ( "client" / "server" ) [ SP "tls" ] *( SP key "=" ( token / string ) )
//!         / "opened" / "received" SP bytes / "eof" / "cut" / "tls_failed"
//!         / "transmitted" SP number / "shut_down" / "timeout"
//!         / "transport_failed" SP fault / "transmit_failed" SP fault
//!         / "sent" SP bytes / "finish" / "close" / "abort" / "fail" SP number
//!         / "timer" SP ( number / "none" ) / "retain" / "decouple" / "upgrade"
//!         / "drain" / "stop" / "lease" / "settle" / "look" / "step" SP step
//!         / "dropped" / "ended" SP ( "limit" SP number / "overrun" )
//! step    = "open" / "frame" SP number / "timer" / "writable" / "finished"
//!         / ( "failed" / "closed" ) SP kind           ; as CloseKind names them
//! fault   = "reset" / "refused" / "unreachable" / "timed_out" / "out_of_resources" / "other"
//! bytes   = string / "0x" *( 2HEXDIG ) / "*" number   ; as text, in hexadecimal, withheld
//! string  = DQUOTE *( %x20-21 / %x23-5B / %x5D-7E / escape ) DQUOTE
//! escape  = "\" ( "n" / "r" / "t" / "\" / DQUOTE / "x" 2HEXDIG )
//! token   = 1*( ALPHA / DIGIT / "-" / "." / "_" / ":" / "/" / "[" / "]" / "%" / "@" / "+" )
//! ```
//!
//! The keys are `framing`, `protocol`, `frame_len_max`, `peer`, `local`, `begun` and the names of the
//! [`Limits`](crate::Limits), of which only those are written that differ from the defaults; times
//! in nanoseconds, `none` for one that never passes. `begun` is the time of day at which the
//! connection began, since the beginning of 1970, which nothing depends on. Bytes are printed as text or in hexadecimal, whichever is shorter. What is
//! printed is canonical: a script that is parsed and printed again is the same text.
//!
//! # Bounds
//! Those of [`Bounds`], which the parser keeps whatever it is given.

// In the order of reading: `call` is what a script says, `print` and `parse` are its text, `recorder`
// is told what to write down, and `replay` runs one, with a `player` for each connection and a `log`
// of what came of it.
mod bounds;
mod call;
mod difference;
mod frame;
mod log;
mod minimise;
mod names;
mod parse;
mod player;
mod print;
mod recorder;
mod replay;

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::time::Instant;

pub use bounds::Bounds;
pub use call::{Begin, Call, Ending, Payload, Role, StepKind};
pub use difference::Difference;
pub use frame::Frame;
pub use minimise::{Effort, Minimised, minimise};
pub use parse::{Flaw, ParseScriptError, Word};
pub use print::Lines;
pub use recorder::Recorder;
pub use replay::{Obstacle, Played, Replay, ReplayError, replay, replay_with, replay_within};

/// The version of the format that is written, and the only one that is read.
pub const VERSION: u32 = 1;

/// Entries in the order in which they happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Script {
    /// The entries.
    pub entries: Vec<Entry<'static>>,
}

/// One call on one connection, with its time. [`Lines`] prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry<'a> {
    /// The number of the connection.
    pub connection: u64,
    /// When; never earlier than the connection's entry before.
    pub at: Instant,
    /// The call.
    pub call: Call<'a>,
}

impl<'a> Entry<'a> {
    /// `call` on `connection` at `at`.
    #[must_use]
    pub const fn new(connection: u64, at: Instant, call: Call<'a>) -> Self {
        Self { connection, at, call }
    }
}

impl Script {
    /// A script without entries.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// A script of one connection, number 1, that begins as `begin` says at the epoch.
    #[must_use]
    pub fn beginning(begin: Begin) -> Self {
        let mut script = Self::new();
        script.push(1, Instant::ZERO, Call::Begin(alloc::boxed::Box::new(begin)));
        script
    }

    /// Appends an entry.
    pub fn push(&mut self, connection: u64, at: Instant, call: Call<'_>) {
        self.entries.push(Entry { connection, at, call: call.into_owned() });
    }

    /// The entries of one connection.
    pub fn of(&self, connection: u64) -> impl Iterator<Item = &Entry<'static>> {
        self.entries.iter().filter(move |entry| entry.connection == connection)
    }

    /// The connections, in the order in which they begin.
    pub fn connections(&self) -> impl Iterator<Item = (u64, &Begin)> {
        self.entries.iter().filter_map(|entry| match &entry.call {
            Call::Begin(begin) => Some((entry.connection, &**begin)),
            _ => None,
        })
    }

    /// The connections of which bytes were [withheld](Payload::Withheld), which cannot be replayed; in
    /// the order of their numbers.
    pub fn withheld(&self) -> impl Iterator<Item = u64> {
        let withheld = self
            .entries
            .iter()
            .filter(|entry| matches!(entry.call.payload(), Some(Payload::Withheld(_))));
        withheld.map(|entry| entry.connection).collect::<BTreeSet<_>>().into_iter()
    }

    /// Leaves out the connections for which `keep` is false.
    pub fn retain(&mut self, mut keep: impl FnMut(u64) -> bool) {
        self.entries.retain(|entry| matches!(entry.call, Call::Ended(_)) || keep(entry.connection));
    }

    /// Why the recording ended before what it records, if it did.
    #[must_use]
    pub fn ending(&self) -> Option<Ending> {
        match self.entries.last()?.call {
            Call::Ended(ending) => Some(ending),
            _ => None,
        }
    }
}
