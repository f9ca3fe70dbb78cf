//! Drawing a time-line: a sequence diagram as SVG.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt::Write;

use super::timeline::{Entry, Freight, Mark, Timeline};
use crate::time::Instant;

/// What the times take at the left.
const GUTTER: usize = 120;
/// The width of a character, about.
const CHARACTER: usize = 8;
/// Between two lifelines.
const LANE_WIDTH: usize = 330;
/// Above the first entry: the names.
const HEAD: usize = 64;
/// From one entry to the next, when no time passes between.
const ROW: usize = 20;
/// More than that, when time passes.
const PAUSE: usize = 14;

/// Colours by class, for pages of either kind: the viewer's preference decides.
const STYLE: &str = "\
svg{color-scheme:light dark;font:12px ui-monospace,'DejaVu Sans Mono',monospace}\
.page{fill:#fff}.ink{fill:#1c2430}.soft{fill:#667080}.life{stroke:#b4bcc8;stroke-dasharray:3 4}\
.head{fill:#eef1f6;stroke:#b4bcc8}.bytes{stroke:#2563c9}.bytes-ink{fill:#2563c9}\
.end{stroke:#667080}.end-ink{fill:#667080}.bad{stroke:#c62f2f}.bad-ink{fill:#c62f2f}\
.datagram{stroke:#0b7a5b}.datagram-ink{fill:#0b7a5b}.due-ink{fill:#96600a}\
.halo{stroke:#fff;stroke-width:4;stroke-linejoin:round;paint-order:stroke}\
line,.bad{fill:none;stroke-width:1.4}\
@media(prefers-color-scheme:dark){.page{fill:#14181f}.ink{fill:#dde3ec}.soft{fill:#8f9aab}\
.life{stroke:#4a5364}.head{fill:#1e242e;stroke:#4a5364}.bytes{stroke:#6ea8ff}\
.bytes-ink{fill:#8cbaff}.end{stroke:#8f9aab}.end-ink{fill:#a5afbf}.bad{stroke:#ff7b72}\
.bad-ink{fill:#ff938b}.datagram{stroke:#4cc9a0}.datagram-ink{fill:#63d6b0}\
.due-ink{fill:#e3b04b}.halo{stroke:#14181f}}";

impl Timeline {
    /// Draws a sequence diagram: a lifeline for each node, an arrow for each thing sent, slanted by
    /// the time that it took, crosses where something was lost.
    ///
    /// Rows are in the order of time and not to its scale, so that nothing covers anything; the
    /// times stand at the left. The drawing follows the viewer's preference for light or dark, has
    /// no script and refers to nothing outside.
    ///
    /// # Examples
    /// ```
    /// use drywire::framing::Lines;
    /// use drywire::protocol::Echo;
    /// use drywire::testkit::{Talker, Then};
    /// use drywire::testkit::sim::{Party, Sim};
    ///
    /// let mut sim = Sim::new(1).with_timeline(1_000);
    /// let talker = Talker::new(Lines::new(), vec![b"<b>".to_vec()], Then::Finish);
    /// sim.connect(Party::plain("client", talker), Party::plain("server", Echo::new(Lines::new())));
    /// sim.run()?;
    /// let svg = sim.timeline().ok_or("none was kept")?.svg();
    /// assert!(svg.starts_with("<svg ") && svg.contains("&lt;b&gt;"));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn svg(&self) -> String {
        Drawing::new(self).draw()
    }
}

/// A time-line and where its parts are drawn.
struct Drawing<'a> {
    timeline: &'a Timeline,
    /// How far down each entry is.
    rows: Vec<usize>,
    /// Whether the notes of each node stand at the left of its lifeline: where its arrows are not.
    is_left: Vec<bool>,
    /// Where the first lifeline is.
    first_x: usize,
    bottom: usize,
    svg: String,
}

impl<'a> Drawing<'a> {
    fn new(timeline: &'a Timeline) -> Self {
        let (mut y, mut last) = (HEAD, Instant::ZERO);
        let row = |entry: &Entry| {
            y += ROW + if entry.at > last { PAUSE } else { 0 };
            last = entry.at;
            y
        };
        let rows: Vec<_> = timeline.entries.iter().map(row).collect();
        let mut is_left = vec![false; timeline.lanes.len()];
        for arrow in timeline.arrows.iter().rev() {
            is_left[arrow.from] = arrow.to > arrow.from;
            is_left[arrow.to] = arrow.from > arrow.to;
        }
        let firsts = timeline.entries.iter().filter(|entry| entry.node == 0);
        let notes = firsts.filter_map(|entry| note(timeline, entry).map(|(_, said)| said));
        let widest = notes.map(|said| said.chars().count() * CHARACTER).max().unwrap_or(0);
        let beside = if is_left.first() == Some(&true) { widest + 16 } else { 0 };
        Self {
            timeline,
            bottom: rows.last().map_or(HEAD, |row| *row) + ROW,
            rows,
            is_left,
            first_x: GUTTER + beside.max(68),
            svg: String::new(),
        }
    }

    fn draw(mut self) -> String {
        let Timeline { lanes, left_out, .. } = self.timeline;
        let width = self.x(lanes.len().saturating_sub(1)) + LANE_WIDTH;
        let height = self.bottom + ROW + if *left_out > 0 { ROW } else { 0 };
        let _ = writeln!(
            self.svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" height=\"{height}\" role=\"img\">\
             <title>What happened between {}</title><style>{STYLE}</style>",
            escaped(&lanes.join(", "))
        );
        self.define_heads();
        let _ = writeln!(self.svg, "<rect class=\"page\" width=\"{width}\" height=\"{height}\"/>");
        self.draw_lanes();
        self.draw_times();
        // Words stand above lines.
        for (class, anchor, x, y, said) in self.draw_arrows() {
            self.text(&format!("{class}-ink halo"), anchor, x, y, &said);
        }
        self.draw_notes();
        if *left_out > 0 {
            let (x, y) = (self.first_x, self.bottom + ROW);
            self.text("soft", "middle", x, y, &format!("… and {left_out} more"));
        }
        self.svg.push_str("</svg>\n");
        self.svg
    }

    const fn x(&self, node: usize) -> usize {
        self.first_x + node * LANE_WIDTH
    }

    fn define_heads(&mut self) {
        self.svg.push_str("<defs>");
        for class in ["bytes", "end", "bad", "datagram"] {
            let _ = write!(
                self.svg,
                "<marker id=\"head-{class}\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" \
                 markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">\
                 <path class=\"{class}-ink\" d=\"M0 1L9 5L0 9z\"/></marker>"
            );
        }
        self.svg.push_str("</defs>\n");
    }

    fn draw_lanes(&mut self) {
        for (node, name) in self.timeline.lanes.iter().enumerate() {
            let x = self.x(node);
            self.line("life", (x, HEAD - 16), (x, self.bottom), "");
            let half = (name.chars().count() * CHARACTER / 2 + 12).max(44);
            let (left, top, width) = (x - half.min(x), HEAD - 44, 2 * half);
            let _ = writeln!(
                self.svg,
                "<rect class=\"head\" x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"28\" \
                 rx=\"5\"/>"
            );
            self.text("ink", "middle", x, HEAD - 26, name);
        }
    }

    fn draw_times(&mut self) {
        let mut last = None;
        for (place, entry) in self.timeline.entries.iter().enumerate() {
            if last != Some(entry.at) {
                self.text("soft", "end", GUTTER - 12, self.rows[place] + 4, &entry.at.to_string());
            }
            last = Some(entry.at);
        }
    }

    /// Draws each arrow from the row where it was sent to the one where it was received or lost.
    /// Returns what is to be written beside them.
    fn draw_arrows(&mut self) -> Vec<(&'static str, &'static str, usize, usize, String)> {
        let mut spans = vec![(None, None, None); self.timeline.arrows.len()];
        for (entry, y) in self.timeline.entries.iter().zip(&self.rows) {
            match entry.mark {
                Mark::Sent(number) => spans[number].0 = Some(*y),
                Mark::Received(number) => spans[number].1 = spans[number].1.or(Some(*y)),
                Mark::Lost(number) => spans[number].2 = Some(*y),
                Mark::Step(_) | Mark::Due(_) | Mark::Fault(_) => {}
            }
        }
        let mut labels = Vec::new();
        for (arrow, span) in self.timeline.arrows.iter().zip(spans) {
            let (Some(top), received, lost) = span else { continue };
            let (from, to) = (self.x(arrow.from), self.x(arrow.to));
            let class = match arrow.freight {
                Freight::Bytes => "bytes",
                Freight::End => "end",
                Freight::Reset => "bad",
                Freight::Datagram => "datagram",
            };
            let (x, anchor) = if to >= from { (from + 12, "start") } else { (from - 12, "end") };
            let mut label = arrow.label.clone();
            if arrow.resends > 0 {
                let _ = write!(label, " · lost ×{}", arrow.resends);
            }
            let mut ink = class;
            if let Some(bottom) = received {
                self.line(class, (from, top), (to, bottom), &format!("url(#head-{class})"));
            } else {
                // Lost, or still under way when the time-line ends: half of an arrow.
                let end_x = usize::midpoint(from, to);
                let end_y = lost.unwrap_or(top + ROW).clamp(top + ROW / 2, top + 2 * ROW);
                self.line(class, (from, top), (end_x, end_y), "");
                if lost.is_some() {
                    self.cross(end_x, end_y);
                    ink = "bad";
                }
                label.push_str(if lost.is_some() { " · lost" } else { " · under way" });
            }
            labels.push((ink, anchor, x, top - 3, label));
        }
        labels
    }

    fn draw_notes(&mut self) {
        for (place, entry) in self.timeline.entries.iter().enumerate() {
            let Some((class, said)) = note(self.timeline, entry) else { continue };
            let (x, y) = (self.x(entry.node), self.rows[place]);
            let _ = writeln!(self.svg, "<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"3\"/>");
            let is_left = self.is_left[entry.node];
            let (x, anchor) = if is_left { (x - 10, "end") } else { (x + 10, "start") };
            self.text(&format!("{class} halo"), anchor, x, y + 4, &said);
        }
    }

    fn line(&mut self, class: &str, from: (usize, usize), to: (usize, usize), head: &str) {
        let ((x1, y1), (x2, y2)) = (from, to);
        let head = if head.is_empty() { String::new() } else { format!(" marker-end=\"{head}\"") };
        let _ = writeln!(
            self.svg,
            "<line class=\"{class}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"{head}/>"
        );
    }

    fn cross(&mut self, x: usize, y: usize) {
        let (left, right, top, bottom) = (x - 5, x + 5, y - 5, y + 5);
        let _ = writeln!(
            self.svg,
            "<path class=\"bad\" d=\"M{left} {top}L{right} {bottom}M{left} {bottom}L{right} {top}\"/>"
        );
    }

    fn text(&mut self, class: &str, anchor: &str, x: usize, y: usize, said: &str) {
        let said = escaped(said);
        let _ = writeln!(
            self.svg,
            "<text class=\"{class}\" text-anchor=\"{anchor}\" x=\"{x}\" y=\"{y}\">{said}</text>"
        );
    }
}

/// What is written beside a lifeline, if an entry is more than an arrow, and its class.
fn note(timeline: &Timeline, entry: &Entry) -> Option<(&'static str, String)> {
    let class = match entry.mark {
        Mark::Step(_) => "ink",
        Mark::Due(_) => "due-ink",
        Mark::Fault(_) => "bad-ink",
        Mark::Sent(_) | Mark::Received(_) | Mark::Lost(_) => return None,
    };
    let said = timeline.text(entry);
    Some((class, said.strip_prefix("• ").unwrap_or(&said).into()))
}

/// The text as XML: what means something there is replaced, what may not stand there is a mark.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            control if control.is_control() => escaped.push('\u{fffd}'),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_in_xml_is_replaced() {
        assert_eq!(
            escaped("<a href=\"&\">\0\u{1b}é"),
            "&lt;a href=&quot;&amp;&quot;&gt;\u{fffd}\u{fffd}é"
        );
    }
}
