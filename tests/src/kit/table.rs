//! The report's text, line by line, so that a run can write each when it is known.

use super::report::{Outcome, Report};
use super::variant::Variant;
use super::verdict::Verdict;

/// Columns of a case's name.
const NAME_LEN: usize = 44;

/// A table of which some lines are written.
#[derive(Default)]
pub(super) struct Table {
    /// The heading that cases stand under.
    group: &'static str,
    /// Why something does not apply: each is said once, at the end, by its number.
    reasons: Vec<&'static str>,
}

impl Table {
    /// The names of the columns.
    pub(super) fn head(runtime: &str) -> String {
        let mut text = format!("{runtime:NAME_LEN$}server                      client\n");
        text += &" ".repeat(NAME_LEN);
        for variant in Variant::ALL {
            text += &cell(*variant, variant.stream());
        }
        text + "    ms\n"
    }

    /// The beginning of a case's line, behind that of its group if it is the first of it.
    pub(super) fn begin(&mut self, group: &'static str, name: &str) -> String {
        let heading = if self.group == group { String::new() } else { format!("{group}\n") };
        self.group = group;
        format!("{heading}  {name:0$}", NAME_LEN - 2)
    }

    /// The rest of the line, and below it what has failed.
    pub(super) fn end(&mut self, outcome: &Outcome) -> String {
        let mut text = String::new();
        let mut failures = String::new();
        for (variant, verdict) in outcome.verdicts() {
            match verdict {
                Verdict::Passed => text += &cell(variant, "ok"),
                Verdict::Failed(failure) => {
                    text += &cell(variant, "FAIL");
                    failures += &format!("    {variant}: {failure}\n");
                }
                Verdict::NotApplicable(reason) => {
                    text += &cell(variant, &format!("- ({})", self.number(reason)));
                }
            }
        }
        format!("{text}{:6}\n{failures}", outcome.elapsed.as_millis())
    }

    /// What stands below the table.
    pub(super) fn foot(&self, report: &Report) -> String {
        let mut text = String::from("\n");
        for (at, reason) in self.reasons.iter().enumerate() {
            text += &format!("({}) does not apply: {reason}\n", at + 1);
        }
        let counts = report.counts();
        let seconds = report.elapsed().as_secs_f64();
        text + &format!(
            "{}: {} passed, {} failed, {} not applicable, {seconds:.1} s",
            report.runtime(),
            counts.passed,
            counts.failed,
            counts.not_applicable,
        )
    }

    fn number(&mut self, reason: &'static str) -> usize {
        let known = self.reasons.iter().position(|known| *known == reason);
        1 + known.unwrap_or_else(|| {
            self.reasons.push(reason);
            self.reasons.len() - 1
        })
    }
}

/// The last column of a side is wider.
fn cell(variant: Variant, text: &str) -> String {
    let len = if variant.is_unix && variant.is_tls { 10 } else { 6 };
    format!("{text:len$}")
}
