//! Running a script over connections without sockets and clocks.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;

use super::difference::{self, Difference};
use super::frame::Frame;
use super::log::Log;
use super::player::{AnyPlayer, Player, Scripted};
use super::{Begin, Bounds, Call, Entry, Script, StepKind};
use crate::buffer::Pool;
use crate::connection::CloseReason;
use crate::framing::AnyFraming;
use crate::protocol::{Discard, Echo, Protocol};

/// Why a script cannot be replayed, and the entry at which that shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplayError {
    /// The number of the connection.
    pub connection: u64,
    /// The entry, counted from 0.
    pub index: usize,
    /// What keeps it from being replayed.
    pub obstacle: Obstacle,
}

/// What keeps a script from being replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstacle {
    /// Bytes were withheld: it was recorded within TLS, without secrets.
    Withheld,
    /// It does not say which framing the connection has, or names none that is known here.
    UnknownFraming,
    /// It names a protocol that is not known here.
    UnknownProtocol,
    /// The framing was exchanged, and no protocol is known that does it again.
    Upgrade,
    /// The connection has not begun, or has been dropped.
    NotBegun,
    /// The connection has begun before.
    BegunTwice,
    /// The connections and what came of them take more memory than they may: here they begin to.
    TooLarge {
        /// The limit, in bytes.
        max: usize,
    },
}

/// What came of a script: the same for the same script, always.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    played: Vec<Played>,
    differences: Vec<Difference>,
    memory_len: usize,
}

/// Something that happened in a replay.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Played {
    /// The entry of the script that led to it, counted from 0.
    pub index: usize,
    /// What happened.
    pub entry: Entry<'static>,
    /// If a frame was shown: its bytes as they were received.
    pub frame: Option<Frame>,
    /// If the connection failed or closed: why. Of a TLS session that failed a script does not say
    /// how, so that the error then only says that it did.
    pub reason: Option<CloseReason>,
}

/// Runs `script` with the framings and protocols in the box that it names: a framing as
/// [`AnyFraming`] prints it, with `echo`, `discard` or no protocol, or the framing `http1` with
/// `http_echo`. Without a protocol the script itself says what the application wanted.
///
/// A connection takes its steps when the script says so; if the script says nothing of that, all of
/// them after each call. So a recording is replayed as it was, and a script that is written by hand
/// need not care.
///
/// What was within TLS runs without, on the plaintext: the same frames, bytes and end. The figures
/// of the queue differ by what TLS adds, and with them when a send is refused because it is full,
/// and a frame that was late because its record was is not.
///
/// # Errors
/// [`ReplayError`].
///
/// # Bounds
/// [`Bounds::replay_len_max`], by default.
pub fn replay(script: &Script) -> Result<Replay, ReplayError> {
    replay_within(script, &Bounds::new())
}

/// As [`replay()`], within `bounds`, of which only [`Bounds::replay_len_max`] counts here.
///
/// # Errors
/// [`ReplayError`].
pub fn replay_within(script: &Script, bounds: &Bounds) -> Result<Replay, ReplayError> {
    run(script, bounds, boxed)
}

/// Runs `script` with protocols of your own: `protocol` makes the one for each connection.
///
/// Otherwise as [`replay()`]. What the protocols themselves keep is not counted.
///
/// # Errors
/// [`ReplayError`].
pub fn replay_with<P: Protocol + 'static>(
    script: &Script,
    mut protocol: impl FnMut(u64, &Begin) -> P,
) -> Result<Replay, ReplayError> {
    run(script, &Bounds::new(), |begin, entry, as_scripted| {
        let protocol = protocol(entry.connection, begin);
        Ok(Box::new(Player::new(protocol, begin, entry, false, as_scripted)))
    })
}

fn boxed(begin: &Begin, entry: &Entry<'_>, as_scripted: bool) -> Result<AnyPlayer, Obstacle> {
    let framing = || {
        let name = begin.framing.as_deref().ok_or(Obstacle::UnknownFraming)?;
        let framing: AnyFraming = name.parse().map_err(|_| Obstacle::UnknownFraming)?;
        Ok(match begin.frame_len_max {
            Some(max) => framing.with_frame_len_max(max),
            None => framing,
        })
    };
    Ok(match begin.protocol.as_deref() {
        None => Box::new(Player::new(Scripted(framing()?), begin, entry, true, as_scripted)),
        Some("echo") => {
            Box::new(Player::new(Echo::new(framing()?), begin, entry, false, as_scripted))
        }
        Some("discard") => {
            Box::new(Player::new(Discard::new(framing()?), begin, entry, false, as_scripted))
        }
        #[cfg(feature = "http1")]
        Some("http_echo") => {
            let protocol = crate::protocol::HttpEcho::new();
            Box::new(Player::new(protocol, begin, entry, false, as_scripted))
        }
        Some(_) => return Err(Obstacle::UnknownProtocol),
    })
}

fn run(
    script: &Script,
    bounds: &Bounds,
    mut player: impl FnMut(&Begin, &Entry<'_>, bool) -> Result<AnyPlayer, Obstacle>,
) -> Result<Replay, ReplayError> {
    let mut has_steps = BTreeMap::new();
    for entry in &script.entries {
        if matches!(entry.call, Call::Look | Call::Step(_)) {
            has_steps.insert(entry.connection, ());
        }
    }
    let mut players: BTreeMap<u64, Option<AnyPlayer>> = BTreeMap::new();
    let (mut log, mut pool) = (Log::new(bounds.replay_len_max), Pool::default());
    for (index, entry) in script.entries.iter().enumerate() {
        let connection = entry.connection;
        let stopped = |obstacle| ReplayError { connection, index, obstacle };
        match (&entry.call, players.get_mut(&connection)) {
            (Call::Begin(begin), None) => {
                let as_scripted = has_steps.contains_key(&connection);
                let mut player = player(begin, entry, as_scripted).map_err(stopped)?;
                log.push(index, entry.clone(), None, None);
                player.play(index, entry, &mut pool, &mut log).map_err(stopped)?;
                players.insert(connection, Some(player));
            }
            (Call::Begin(_), Some(_)) => return Err(stopped(Obstacle::BegunTwice)),
            (Call::Ended(_), _) => {}
            (Call::Dropped, Some(slot @ Some(_))) => {
                log.resized(slot.take().map_or(0, |player| player.memory_len()), 0);
                log.push(index, entry.clone(), None, None);
            }
            (_, Some(Some(player))) => {
                player.play(index, entry, &mut pool, &mut log).map_err(stopped)?;
            }
            (_, Some(None) | None) => return Err(stopped(Obstacle::NotBegun)),
        }
        if log.is_too_large() {
            return Err(stopped(Obstacle::TooLarge { max: bounds.replay_len_max }));
        }
    }
    let memory_len = log.len_peak();
    let played = log.finish();
    let differences = difference::all(script, &played);
    Ok(Replay { played, differences, memory_len })
}

impl Replay {
    /// All that happened, in the order of the script.
    #[must_use]
    pub fn played(&self) -> &[Played] {
        &self.played
    }

    /// Where the replay differs from what was recorded: for each connection the first place. None
    /// for a connection of which no steps were recorded.
    ///
    /// What is compared are the steps, the bytes that were sent and the other wants; not when a
    /// full queue had been emptied, nor times.
    #[must_use]
    pub fn differences(&self) -> &[Difference] {
        &self.differences
    }

    /// The most bytes that the connections and what came of them took, as
    /// [`Bounds::replay_len_max`] counts them.
    #[must_use]
    pub const fn memory_len(&self) -> usize {
        self.memory_len
    }

    fn of(&self, connection: u64) -> impl Iterator<Item = &Played> {
        self.played.iter().filter(move |played| played.entry.connection == connection)
    }

    /// The steps of a connection.
    pub fn steps(&self, connection: u64) -> impl Iterator<Item = StepKind> {
        self.of(connection).filter_map(|played| match played.entry.call {
            Call::Step(step) => Some(step),
            _ => None,
        })
    }

    /// The frames that a connection showed, as they were received; one that was retained comes as
    /// often as it was shown.
    pub fn frames(&self, connection: u64) -> impl Iterator<Item = &[u8]> {
        self.of(connection).filter_map(|played| played.frame.as_deref())
    }

    /// What a connection sent, as its framing encoded it.
    #[must_use]
    pub fn sent(&self, connection: u64) -> Vec<u8> {
        let mut sent = Vec::new();
        for played in self.of(connection) {
            if let Call::Sent(payload) = &played.entry.call {
                sent.extend_from_slice(payload.bytes().unwrap_or_default());
            }
        }
        sent
    }

    /// Why a connection failed or closed, in its first step that says so.
    #[must_use]
    pub fn reason(&self, connection: u64) -> Option<&CloseReason> {
        self.of(connection).find_map(|played| played.reason.as_ref())
    }
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connection, index, obstacle } = self;
        write!(f, "connection {connection}, entry {index}: {obstacle}")
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Withheld => "bytes were withheld: it was recorded without secrets",
            Self::UnknownFraming => "no framing is named that is known here",
            Self::UnknownProtocol => "the protocol is not known here",
            Self::Upgrade => "the framing was exchanged, which needs the protocol",
            Self::NotBegun => "the connection has not begun or was dropped",
            Self::BegunTwice => "the connection has begun before",
            Self::TooLarge { max } => {
                return write!(f, "the replay takes more than the limit of {max} bytes");
            }
        })
    }
}

impl core::error::Error for ReplayError {}
