//! Making a script smaller that still shows something.

mod change;
mod pieces;

use alloc::vec::Vec;

use self::change::Change;
use self::pieces::{Kind, Pieces};
use super::{Call, Payload, Script};

/// What an entry counts for beside its bytes.
const ENTRY_LEN: u64 = 64;

/// How much [`minimise()`] may do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Effort {
    /// Scripts that are tried. Default 20,000.
    pub tries_max: usize,
    /// Bytes of all scripts that are tried: those that they receive and send, and 64 for each entry.
    /// Default 1 GiB: a script of 100,000 entries is then tried 160 times, one of 100 as often as
    /// `tries_max` says.
    pub len_max: u64,
}

impl Effort {
    /// The defaults that the fields name.
    #[must_use]
    pub const fn new() -> Self {
        Self { tries_max: 20_000, len_max: 1024 * 1024 * 1024 }
    }
}

impl Default for Effort {
    fn default() -> Self {
        Self::new()
    }
}

/// A script that was made smaller.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Minimised {
    /// The smallest that was found.
    pub script: Script,
    /// How many scripts were tried.
    pub tried: usize,
    /// How long they were together, as [`Effort::len_max`] counts.
    pub tried_len: u64,
    /// Whether no single thing can be left out of it any more: no entry, no cut between received
    /// bytes, no byte, no pause. Otherwise the effort did not suffice.
    pub is_minimal: bool,
}

/// Makes `script` smaller as long as `shows` says that it still shows what it is about: leaves out
/// connections and entries, joins what was received in pieces, shortens bytes and takes pauses out.
/// `None` if `script` itself does not show it, or is longer than may be tried.
///
/// All of a kind are left out first, then halves, quarters and so on of every kind, then single
/// things. So what a few entries show is found in a number of tries that grows with the logarithm of
/// the script's length; only where nearly everything is needed it grows with the length itself, and
/// the effort ends it. What is found is smaller in any case.
///
/// The result is the same for the same script and the same answers.
///
/// # Bounds
/// Those of `effort`. A try takes time proportional to the script's length, and what `shows` takes.
/// Beside that, memory is taken for the script once more, and for those of its bytes that a try
/// changes.
///
/// # Examples
/// ```
/// use drywire::script::{self, Effort, Script};
///
/// let script: Script = "\
/// drywire-script 1
/// 1 +0 begin server framing=u8 protocol=echo frame_len_max=3
/// 1 +5 received 0x0161
/// 1 +5 received 0x05
/// 1 +5 received \"hello\"
/// 1 +5 transmitted 2
/// ".parse()?;
/// let is_refused = |script: &Script| {
///     let replay = script::replay(script);
///     replay.is_ok_and(|replay| replay.reason(1).is_some())
/// };
/// let small = script::minimise(&script, is_refused, &Effort::new()).unwrap();
/// assert!(small.is_minimal);
/// assert_eq!(small.script.to_string(), "\
/// drywire-script 1
/// 1 +0 begin server framing=u8 protocol=echo frame_len_max=3
/// 1 +0 received \"a\"
/// ");
/// # Ok::<(), script::ParseScriptError>(())
/// ```
pub fn minimise(
    script: &Script,
    shows: impl FnMut(&Script) -> bool,
    effort: &Effort,
) -> Option<Minimised> {
    let mut search = Search { shows, effort, tried: 0, tried_len: 0, is_spent: false };
    if !search.try_out(script) {
        return None;
    }
    let mut script = script.clone();
    search.drop_steps(&mut script);
    search.drop_parts(&mut script);
    search.drop_singles(&mut script);
    let Search { tried, tried_len, is_spent, .. } = search;
    Some(Minimised { script, tried, tried_len, is_minimal: !is_spent })
}

struct Search<'a, S> {
    shows: S,
    effort: &'a Effort,
    tried: usize,
    tried_len: u64,
    /// A try was refused for want of effort.
    is_spent: bool,
}

impl<S: FnMut(&Script) -> bool> Search<'_, S> {
    fn try_out(&mut self, script: &Script) -> bool {
        let tried_len = self.tried_len.saturating_add(len(script));
        self.is_spent |= self.tried >= self.effort.tries_max || tried_len > self.effort.len_max;
        if self.is_spent {
            return false;
        }
        self.tried += 1;
        self.tried_len = tried_len;
        (self.shows)(script)
    }

    /// Makes a change, unless `script` then shows it no more.
    fn attempt(&mut self, script: &mut Script, mut change: Change) -> bool {
        change.make(script);
        let shows = self.try_out(script);
        if !shows {
            change.undo(script);
        }
        shows
    }

    /// All steps and turns at once: a script without them takes every step when there is one.
    fn drop_steps(&mut self, script: &mut Script) {
        let is_step = |call: &Call<'_>| {
            matches!(call, Call::Look | Call::Step(_) | Call::Lease | Call::Settle)
        };
        let entries = script.entries.iter().enumerate();
        let places: Vec<_> =
            entries.filter(|(_, entry)| is_step(&entry.call)).map(|(at, _)| at).collect();
        if !places.is_empty() {
            self.attempt(script, Change::removing(places));
        }
    }

    /// Ever smaller parts of every kind, down to two things at once.
    fn drop_parts(&mut self, script: &mut Script) {
        let mut parts = 1;
        let mut has_several = true;
        while has_several && !self.is_spent {
            has_several = false;
            for kind in Kind::ALL {
                let pieces = Pieces::of(kind, script);
                let run = pieces.len().div_ceil(parts);
                if run > 1 {
                    has_several = true;
                    self.drop_runs(script, &pieces, run);
                }
            }
            parts *= 2;
        }
    }

    /// Single things, until of no kind any can be left out.
    fn drop_singles(&mut self, script: &mut Script) {
        let mut firm = 0;
        for kind in Kind::ALL.into_iter().cycle() {
            let pieces = Pieces::of(kind, script);
            firm = if self.drop_runs(script, &pieces, 1) { 0 } else { firm + 1 };
            if firm == Kind::ALL.len() || self.is_spent {
                return;
            }
        }
    }

    /// Leaves out runs of so many pieces, each once. Returns whether any could be.
    fn drop_runs(&mut self, script: &mut Script, pieces: &Pieces, run: usize) -> bool {
        let mut has_dropped = false;
        let mut end = pieces.len();
        // From the end: what comes later is more often needless than what it follows on, and where
        // the earlier pieces are stays the same.
        while end > 0 && !self.is_spent {
            let start = end.saturating_sub(run);
            has_dropped |= self.attempt(script, pieces.without(script, start..end));
            end = start;
        }
        has_dropped
    }
}

/// What a script counts for.
fn len(script: &Script) -> u64 {
    let payload = |call: &Call<'_>| call.payload().map_or(0, Payload::len) as u64;
    script.entries.iter().map(|entry| ENTRY_LEN.saturating_add(payload(&entry.call))).sum()
}
