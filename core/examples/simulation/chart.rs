//! Three curves over virtual time, as SVG.

use std::fmt::Write;

use crate::crowd::Sample;
use drywire::Instant;

const WIDTH: f64 = 860.0;
const PANEL: f64 = 170.0;
const LEFT: f64 = 90.0;
const TOP: f64 = 56.0;

const STYLE: &str = "svg{color-scheme:light dark;font:13px system-ui,'DejaVu Sans',sans-serif}\
    .page{fill:#fff}.ink{fill:#1c2430}.soft{fill:#667080}.grid{stroke:#e1e5ec}\
    .one{fill:#2563c9}.two{fill:#0b7a5b}.three{fill:#b4540a}.area{fill-opacity:.16}\
    .curve{fill:none;stroke-width:1.8}.curve.one{stroke:#2563c9}.curve.two{stroke:#0b7a5b}\
    .curve.three{stroke:#b4540a}\
    @media(prefers-color-scheme:dark){.page{fill:#14181f}.ink{fill:#dde3ec}.soft{fill:#8f9aab}\
    .grid{stroke:#2a313d}.one{fill:#6ea8ff}.two{fill:#4cc9a0}.three{fill:#f0975a}\
    .curve.one{stroke:#6ea8ff}.curve.two{stroke:#4cc9a0}.curve.three{stroke:#f0975a}}\
    .curve.one,.curve.two,.curve.three{fill:none}";

/// Draws who was there, what buffers held and what happened, over time.
pub(crate) fn draw(samples: &[Sample], connections: usize) -> String {
    let end = samples.last().map_or(1.0, |sample| seconds(sample.at)).max(1.0);
    let height = TOP + 3.0 * (PANEL + 46.0) + 20.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\"><title>{connections} simulated \
         connections over virtual time</title><style>{STYLE}</style>\
         <rect class=\"page\" width=\"{WIDTH}\" height=\"{height}\"/>\
         <text class=\"ink\" font-size=\"17\" x=\"{LEFT}\" y=\"30\">{connections} simulated \
         connections over virtual time</text>\n"
    );
    let active: Vec<_> = samples.iter().map(|sample| sample.active as f64).collect();
    let buffers: Vec<_> = samples.iter().map(|sample| sample.memory.buffers_len as f64).collect();
    let events: Vec<_> = samples.iter().map(|sample| sample.events_per_second).collect();
    for (place, (class, title, values)) in [
        ("one", "open connections", active),
        ("two", "bytes of buffers that all connections hold", buffers),
        ("three", "events in a second", events),
    ]
    .into_iter()
    .enumerate()
    {
        let top = TOP + place as f64 * (PANEL + 46.0);
        let times = samples.iter().map(|sample| seconds(sample.at));
        panel(&mut svg, class, title, top, end, &times.zip(values).collect::<Vec<_>>());
    }
    svg.push_str("</svg>\n");
    svg
}

fn seconds(at: Instant) -> f64 {
    at.saturating_duration_since(Instant::ZERO).as_secs_f64()
}

fn panel(svg: &mut String, class: &str, title: &str, top: f64, end: f64, points: &[(f64, f64)]) {
    let greatest = points.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let scale = round_up(greatest);
    let (bottom, right) = (top + PANEL, WIDTH - 24.0);
    let x = |time: f64| LEFT + (right - LEFT) * time / end;
    let y = |value: f64| bottom - (PANEL - 26.0) * value / scale;
    let _ =
        writeln!(svg, "<text class=\"{class}\" x=\"{LEFT}\" y=\"{}\">{title}</text>", top + 12.0);
    for part in 0..=4 {
        let value = scale * f64::from(part) / 4.0;
        let (at, text_at) = (y(value), y(value) + 4.0);
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{right}\" y2=\"{at:.1}\"/>\
             <text class=\"soft\" text-anchor=\"end\" x=\"{}\" y=\"{text_at:.1}\">{}</text>",
            LEFT - 8.0,
            short(value)
        );
    }
    let step = round_up(end / 8.0);
    for part in 0..=8 {
        let time = step * f64::from(part);
        if time <= end {
            let _ = writeln!(
                svg,
                "<text class=\"soft\" text-anchor=\"middle\" x=\"{:.1}\" y=\"{}\">{} s</text>",
                x(time),
                bottom + 18.0,
                short(time)
            );
        }
    }
    let mut path = format!("M{:.1} {bottom:.1}", x(0.0));
    for (time, value) in points {
        let _ = write!(path, "L{:.1} {:.1}", x(*time), y(*value));
    }
    let last = points.last().map_or(0.0, |(time, _)| *time);
    let _ = writeln!(
        svg,
        "<path class=\"area {class}\" d=\"{path}L{:.1} {bottom:.1}z\"/>\
         <path class=\"curve {class}\" d=\"{path}\"/>",
        x(last)
    );
}

/// The least of 1, 2, 2.5 and 5 times a power of ten that is not below `value`.
fn round_up(value: f64) -> f64 {
    let mut power = 1.0;
    while power * 10.0 < value {
        power *= 10.0;
    }
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0];
    steps.into_iter().map(|step| step * power).find(|step| *step >= value).unwrap_or(power)
}

fn short(value: f64) -> String {
    if value >= 1e9 {
        format!("{} G", value / 1e9)
    } else if value >= 1e6 {
        format!("{} M", value / 1e6)
    } else if value >= 10_000.0 {
        format!("{} k", value / 1e3)
    } else {
        format!("{value}")
    }
}
