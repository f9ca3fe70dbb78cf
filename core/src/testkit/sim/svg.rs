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
/// Between two lifelines, at least and, however much is said, at most.
const LANE_WIDTHS: (usize, usize) = (330, 520);
/// From a lifeline to what is said beside it.
const BESIDE: usize = 10;
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
line,.bad{fill:none;stroke-width:1.4}\
@media(prefers-color-scheme:dark){.page{fill:#14181f}.ink{fill:#dde3ec}.soft{fill:#8f9aab}\
.life{stroke:#4a5364}.head{fill:#1e242e;stroke:#4a5364}.bytes{stroke:#6ea8ff}\
.bytes-ink{fill:#8cbaff}.end{stroke:#8f9aab}.end-ink{fill:#a5afbf}.bad{stroke:#ff7b72}\
.bad-ink{fill:#ff938b}.datagram{stroke:#4cc9a0}.datagram-ink{fill:#63d6b0}\
.due-ink{fill:#e3b04b}}";

impl Timeline {
    /// Draws a sequence diagram: a lifeline for each node, an arrow for each thing sent, slanted by
    /// the time that it took, crosses where something was lost.
    ///
    /// Rows are in the order of time and not to its scale, and what is said stands in its row, at
    /// the side of the lifeline where the arrows are not, so that nothing covers anything; the times
    /// stand at the left. The drawing follows the viewer's preference for light or dark, has
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
    /// Whether what each node says stands at the left of its lifeline: where its arrows are not.
    is_left: Vec<bool>,
    /// What is said in each row, and its class.
    said: Vec<Option<(&'static str, String)>>,
    /// Where the first lifeline is, and how far it is to the next.
    first_x: usize,
    lane_width: usize,
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
        let fates = Fates::of(timeline);
        let said: Vec<_> =
            timeline.entries.iter().map(|entry| said(timeline, &fates, entry)).collect();
        let widest = |of: &dyn Fn(usize) -> bool| {
            let texts = timeline.entries.iter().zip(&said).filter(|(entry, _)| of(entry.node));
            let texts = texts.filter_map(|(_, said)| said.as_ref());
            texts.map(|(_, text)| width(text)).max().unwrap_or(0) + 2 * BESIDE
        };
        let is_first_left = is_left.first() == Some(&true);
        let beside = if is_first_left { widest(&|node| node == 0) } else { 0 };
        let (least, most) = LANE_WIDTHS;
        Self {
            timeline,
            bottom: rows.last().map_or(HEAD, |row| *row) + ROW,
            rows,
            first_x: GUTTER + beside.max(68),
            lane_width: widest(&|node| node > 0 || !is_first_left).clamp(least, most),
            is_left,
            said,
            svg: String::new(),
        }
    }

    fn draw(mut self) -> String {
        let Timeline { lanes, left_out, .. } = self.timeline;
        let width = self.x(lanes.len().saturating_sub(1)) + self.lane_width;
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
        self.draw_arrows();
        self.draw_words();
        if *left_out > 0 {
            let (x, y) = (self.first_x, self.bottom + ROW);
            self.text("soft", "middle", x, y, &format!("… and {left_out} more"));
        }
        self.svg.push_str("</svg>\n");
        self.svg
    }

    const fn x(&self, node: usize) -> usize {
        self.first_x + node * self.lane_width
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
    fn draw_arrows(&mut self) {
        let mut spans = vec![(None, None, None); self.timeline.arrows.len()];
        for (entry, y) in self.timeline.entries.iter().zip(&self.rows) {
            match entry.mark {
                Mark::Sent(number) => spans[number].0 = Some(*y),
                Mark::Received(number) => spans[number].1 = spans[number].1.or(Some(*y)),
                Mark::Lost(number) => spans[number].2 = Some(*y),
                Mark::Step(_) | Mark::Due(_) | Mark::Fault(_) => {}
            }
        }
        for (arrow, span) in self.timeline.arrows.iter().zip(spans) {
            let (Some(top), received, lost) = span else { continue };
            let (from, to) = (self.x(arrow.from), self.x(arrow.to));
            let class = class(arrow.freight);
            if let Some(bottom) = received {
                self.line(class, (from, top), (to, bottom), &format!("url(#head-{class})"));
                continue;
            }
            // Lost, or still under way when the time-line ends: half of an arrow.
            let end_x = usize::midpoint(from, to);
            let end_y = lost.unwrap_or(top + ROW).clamp(top + ROW / 2, top + 2 * ROW);
            self.line(class, (from, top), (end_x, end_y), "");
            if lost.is_some() {
                self.cross(end_x, end_y);
            }
        }
    }

    /// What is said, above the lines: those that pass there go on behind it.
    fn draw_words(&mut self) {
        for (place, entry) in self.timeline.entries.iter().enumerate() {
            let Some((class, said)) = self.said[place].take() else { continue };
            let (x, y) = (self.x(entry.node), self.rows[place]);
            if !matches!(entry.mark, Mark::Sent(_)) {
                let _ =
                    writeln!(self.svg, "<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"3\"/>");
            }
            let width = width(&said);
            let (x, left, anchor) = if self.is_left[entry.node] {
                (x - BESIDE, (x - BESIDE).saturating_sub(width), "end")
            } else {
                (x + BESIDE, x + BESIDE, "start")
            };
            let _ = writeln!(
                self.svg,
                "<rect class=\"page\" x=\"{left}\" y=\"{}\" width=\"{width}\" height=\"{}\"/>",
                y - ROW / 2 + 2,
                ROW - 4
            );
            self.text(class, anchor, x, y + 4, &said);
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

/// How wide a text is, about.
fn width(text: &str) -> usize {
    text.chars().count() * CHARACTER
}

/// What lines and words of a freight are drawn as.
const fn class(freight: Freight) -> &'static str {
    match freight {
        Freight::Bytes => "bytes",
        Freight::End => "end",
        Freight::Reset => "bad",
        Freight::Datagram => "datagram",
    }
}

/// Which arrows arrived, and which were lost.
struct Fates {
    received: Vec<bool>,
    lost: Vec<bool>,
}

impl Fates {
    fn of(timeline: &Timeline) -> Self {
        let none = vec![false; timeline.arrows.len()];
        let mut fates = Self { received: none.clone(), lost: none };
        for entry in &timeline.entries {
            match entry.mark {
                Mark::Received(number) => fates.received[number] = true,
                Mark::Lost(number) => fates.lost[number] = true,
                _ => {}
            }
        }
        fates
    }
}

/// What is written beside a lifeline for an entry, if anything is, and its class.
fn said(timeline: &Timeline, fates: &Fates, entry: &Entry) -> Option<(&'static str, String)> {
    let class = match entry.mark {
        Mark::Sent(number) => {
            let arrow = timeline.arrow(number)?;
            let mut label = arrow.label.clone();
            if arrow.resends > 0 {
                let _ = write!(label, " · lost ×{}", arrow.resends);
            }
            return Some(match (fates.received[number], fates.lost[number]) {
                (true, _) => (ink(arrow.freight), label),
                (false, true) => ("bad-ink", label + " · lost"),
                (false, false) => (ink(arrow.freight), label + " · under way"),
            });
        }
        Mark::Step(_) => "ink",
        Mark::Due(_) => "due-ink",
        Mark::Fault(_) => "bad-ink",
        Mark::Received(_) | Mark::Lost(_) => return None,
    };
    let said = timeline.text(entry);
    Some((class, said.strip_prefix("• ").unwrap_or(&said).into()))
}

/// What words of a freight are drawn as.
const fn ink(freight: Freight) -> &'static str {
    match freight {
        Freight::Bytes => "bytes-ink",
        Freight::End => "end-ink",
        Freight::Reset => "bad-ink",
        Freight::Datagram => "datagram-ink",
    }
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
    use crate::framing::Lines;
    use crate::protocol::Echo;
    use crate::testkit::sim::{Party, Sim};
    use crate::testkit::{Talker, Then};

    /// The numbers of an element's attributes.
    fn numbers<const N: usize>(element: &str, names: [&str; N]) -> [f64; N] {
        names.map(|name| {
            let at = element.find(&format!(" {name}=\"")).expect("the attribute") + name.len() + 3;
            let end = element[at..].find('"').expect("its end");
            element[at..at + end].parse().expect("a number")
        })
    }

    /// However many things are sent at once, none of their lines goes through any words, and no
    /// words stand upon others.
    #[test]
    fn lines_and_words_keep_out_of_each_others_way() {
        let mut sim = Sim::new(1).with_timeline(1_000);
        let frames = (0..30).map(|number| format!("frame number {number}").into_bytes());
        let talker = Talker::new(Lines::new(), frames.collect(), Then::Finish);
        let echo = Party::plain("server", Echo::new(Lines::new()));
        sim.connect(Party::plain("client", talker), echo);
        sim.run().expect("an end");
        let svg = sim.timeline().expect("one is kept").svg();
        let is_word = |line: &&str| line.starts_with("<rect class=\"page\" x=");
        let boxes: Vec<_> = svg.lines().filter(is_word).collect();
        let boxes: Vec<_> =
            boxes.iter().map(|word| numbers(word, ["x", "y", "width", "height"])).collect();
        let lines: Vec<_> =
            svg.lines().filter(|line| line.starts_with("<line class=\"bytes")).collect();
        assert!(boxes.len() > 60 && lines.len() >= 2, "{} and {}", boxes.len(), lines.len());
        for (at, [x, y, width, height]) in boxes.iter().enumerate() {
            for line in &lines {
                let [x1, x2] = numbers(line, ["x1", "x2"]);
                let (left, right) = (x1.min(x2), x1.max(x2));
                assert!(right <= *x || x + width <= left, "{line} and the words at {x}, {y}");
            }
            for [other_x, other_y, other_width, _] in &boxes[at + 1..] {
                let is_beside = x + width <= *other_x || other_x + other_width <= *x;
                assert!(is_beside || other_y - y >= *height, "words at {y} and {other_y}");
            }
        }
    }

    #[test]
    fn what_means_something_in_xml_is_replaced() {
        assert_eq!(
            escaped("<a href=\"&\">\0\u{1b}é"),
            "&lt;a href=&quot;&amp;&quot;&gt;\u{fffd}\u{fffd}é"
        );
    }
}
