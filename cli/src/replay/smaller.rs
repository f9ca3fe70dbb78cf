//! `--minimise`.

use std::collections::BTreeMap;
use std::path::Path;

use drywire::CloseKind;
use drywire::script::{self, Call, Difference, Effort, Replay, Script};
use serde_json::json;

use super::{not_replayed, put};
use crate::exit::{Exit, Stop};
use crate::output::Output;

/// What a script shows, and a smaller one is to show too.
enum Finding {
    /// A connection differs from what was recorded.
    Difference(Difference),
    /// A connection ends in another way than in order.
    End(u64, CloseKind),
}

impl Finding {
    fn of(script: &Script, replay: &Replay) -> Option<Self> {
        if let Some(difference) = replay.differences().first() {
            return Some(Self::Difference(difference.clone()));
        }
        // In one pass: of many connections most end in order.
        let mut kinds = BTreeMap::new();
        for played in replay.played() {
            if let Some(reason) = &played.reason {
                kinds.entry(played.entry.connection).or_insert(reason);
            }
        }
        script.connections().find_map(|(number, _)| {
            let reason = kinds.get(&number).filter(|reason| !reason.is_clean())?;
            Some(Self::End(number, reason.kind()))
        })
    }

    fn is_in(&self, replay: &Replay) -> bool {
        match self {
            Self::End(number, kind) => {
                replay.reason(*number).is_some_and(|reason| reason.kind() == *kind)
            }
            Self::Difference(difference) => replay.differences().iter().any(|other| {
                other.connection == difference.connection
                    && is_alike(&other.recorded, &difference.recorded)
                    && is_alike(&other.replayed, &difference.replayed)
            }),
        }
    }
}

/// Whether two calls are of one kind, however many bytes they are about.
fn is_alike(one: &Option<Call<'_>>, other: &Option<Call<'_>>) -> bool {
    match (one, other) {
        (Some(Call::Step(one)), Some(Call::Step(other))) => {
            std::mem::discriminant(one) == std::mem::discriminant(other)
        }
        (Some(one), Some(other)) => std::mem::discriminant(one) == std::mem::discriminant(other),
        (one, other) => one.is_none() == other.is_none(),
    }
}

/// Writes a smaller script that shows the same as `script`.
pub(super) fn write(
    script: &Script,
    name: &str,
    out: Option<&Path>,
    output: Output,
) -> Result<Exit, Stop> {
    let replay = script::replay(script).map_err(|error| not_replayed(&error, name))?;
    let nothing = || {
        Stop::usage(format_args!(
            "{name}: nothing differs from what was recorded and no connection fails, so that there \
             is nothing to look for"
        ))
    };
    let finding = Finding::of(script, &replay).ok_or_else(nothing)?;
    let shows = |script: &Script| script::replay(script).is_ok_and(|replay| finding.is_in(&replay));
    let small = script::minimise(script, shows, &Effort::new()).ok_or_else(nothing)?;
    let (before, after) = (script.entries.len(), small.script.entries.len());
    let text = small.script.to_string();
    if output.is_json() {
        let value = json!({
            "event": "minimised",
            "script": out.is_none().then_some(&text),
            "entries": after,
            "tried": small.tried,
            "is_minimal": small.is_minimal,
        });
        output.record("", &value)?;
    }
    if out.is_some() || !output.is_json() {
        put(&text, out)?;
    }
    let rest = if small.is_minimal { "" } else { "; the search ended before it was sure" };
    output.note(format_args!("{after} entries of {before} are left, {} tried{rest}", small.tried));
    Ok(Exit::Ok)
}
