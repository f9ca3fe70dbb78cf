//! What a check says of a law that was broken.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::{Case, Maker};
use crate::script::Script;
use crate::testkit::Law;

/// Longest line of a step, in characters.
const STEP_LEN_MAX: usize = 200;

/// Most steps that are shown.
const STEPS_MAX: usize = 60;

/// Longest script that is shown, in bytes.
const SCRIPT_LEN_MAX: usize = 8 * 1024;

/// Longest input that is shown, in bytes.
const INPUT_LEN_MAX: usize = 1024;

/// A law that was broken, and the smallest case that was found to break it.
///
/// Displays as a report with the bytes, how they were cut, the steps, and the line that replays
/// it in a test.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failure {
    /// The law.
    pub law: Law,
    /// What the law found.
    pub message: String,
    /// What makes the check that replays the case.
    pub maker: Maker,
    /// The bytes that arrive.
    pub input: Vec<u8>,
    /// The steps that this comes to, a line each.
    pub steps: Vec<String>,
    /// The case. [`Case::to_bytes`] is what a fuzz target or a `replay` reads.
    pub case: Box<Case>,
    /// What the law did with connections, one after the other. [`script::replay_with`] runs it
    /// with your protocol, and the command `drywire replay` shows it.
    ///
    /// [`script::replay_with`]: crate::script::replay_with
    pub script: Script,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "a law is broken: {}", self.law)?;
        writeln!(f, "  {}", self.law.sentence())?;
        writeln!(f, "what was found:")?;
        for line in self.message.lines() {
            writeln!(f, "  {line}")?;
        }
        let (len, shown) = (self.input.len(), self.input.len().min(INPUT_LEN_MAX));
        let rest = if shown < len { " and more" } else { "" };
        let bytes = &self.input[..shown];
        writeln!(f, "input of {len} bytes: b\"{}\"{rest}", bytes.escape_ascii())?;
        if !self.case.frames.is_empty() {
            writeln!(f, "which begins with the frames made of: {:?}", self.case.frames)?;
        }
        writeln!(f, "read in lengths of: {:?}", self.case.cuts)?;
        writeln!(f, "written in lengths of: {:?}", self.case.portions)?;
        writeln!(f, "what comes of this input where nothing disturbs it:")?;
        for step in self.steps.iter().take(STEPS_MAX) {
            let end = step.char_indices().nth(STEP_LEN_MAX).map_or(step.len(), |(at, _)| at);
            writeln!(f, "  {}{}", &step[..end], if end < step.len() { "..." } else { "" })?;
        }
        if self.steps.len() > STEPS_MAX {
            writeln!(f, "  and {} more", self.steps.len() - STEPS_MAX)?;
        }
        let script = self.script.to_string();
        if script.len() <= SCRIPT_LEN_MAX {
            writeln!(f, "script:")?;
            script.lines().try_for_each(|line| writeln!(f, "  {line}"))?;
        } else {
            writeln!(f, "the script has {} bytes", script.len())?;
        }
        writeln!(f, "to see it again:")?;
        let maker = match self.maker {
            Maker::Framing => "framing",
            Maker::Protocol => "protocol",
            Maker::Subject => "subject",
            Maker::Pair => "pair",
        };
        write!(f, "  Check::{maker}(…).replay(b\"{}\")", self.case.to_bytes().escape_ascii())
    }
}

impl core::error::Error for Failure {}
