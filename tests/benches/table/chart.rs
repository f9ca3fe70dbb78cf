//! The ratios as a picture, for light and dark pages.

use std::fmt::Write;

use crate::measure::median;
use crate::options::ServerKind;
use crate::report::Report;

const LEFT: f64 = 250.0;
const WIDTH: f64 = 560.0;
const TOP: f64 = 84.0;
const ROW: f64 = 40.0;
/// Where the axis begins and ends; what is beyond stands at the edge with its figure.
const LEAST: f64 = 0.85;
const MOST: f64 = 4.0;
const MARKS: [f64; 7] = [0.9, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0];

const STYLE: &str = "
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .small { font-size: 11px; fill: #59636e }
  .grid { stroke: #d1d9e0; stroke-width: 1 }
  .base { stroke: #1f2328; stroke-width: 1.5 }
  .range { stroke-width: 2; opacity: .35 }
  .c0 { color: #0969da } .c1 { color: #1a7f37 } .c2 { color: #2da44e } .c3 { color: #8250df }
  .p0 { color: #d1242f } .p1 { color: #9a6700 } .p2 { color: #bc4c00 }
  .p3 { color: #bf3989 } .p4 { color: #59636e }
  .mark { fill: currentColor; stroke: currentColor } .open { fill: none; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .small { fill: #9198a1 }
    .grid { stroke: #3d444d } .base { stroke: #f0f6fc }
    .c0 { color: #4493f8 } .c1 { color: #3fb950 } .c2 { color: #7ee787 } .c3 { color: #ab7df8 }
    .p0 { color: #f85149 } .p1 { color: #d29922 } .p2 { color: #db6d28 }
    .p3 { color: #db61a2 } .p4 { color: #9198a1 }
  }
";

/// An SVG of the whole table.
pub(crate) fn draw(report: &Report) -> String {
    let height = TOP + ROW * report.rows.len() as f64 + 44.0;
    let width = LEFT + WIDTH + 60.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
         <title>Server CPU for a request, relative to an epoll echo by hand</title>\n\
         <style>{STYLE}</style>\n"
    );
    legend(&mut svg, report);
    let bottom = TOP + ROW * report.rows.len() as f64;
    for mark in MARKS {
        let (x, class) = (place(mark), if mark == 1.0 { "base" } else { "grid" });
        let _ = writeln!(
            svg,
            "<line class=\"{class}\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>\n\
             <text class=\"small\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{mark}</text>",
            bottom + 16.0
        );
    }
    let _ = writeln!(
        svg,
        "<text class=\"small\" x=\"16\" y=\"{:.1}\">Server CPU for a request; epoll by hand is 1, \
         less is better. A line spans all rounds. The axis is logarithmic.</text>",
        bottom + 34.0
    );
    for (at, (row, cells)) in report.rows.iter().enumerate() {
        let y = TOP + ROW * (at as f64 + 0.5);
        let x = LEFT - 12.0;
        let _ = writeln!(
            svg,
            "<text x=\"{x}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            y + 4.5,
            row.title
        );
        // Ours last, so that they lie on top.
        let mut order: Vec<_> = report.servers.iter().zip(cells).skip(1).collect();
        order.sort_by_key(|(server, _)| server.is_ours());
        let mut beyond = Vec::new();
        for (server, cell) in order {
            let Some(cell) = cell else { continue };
            let middle = median(cell.ratios.iter().copied());
            if middle > MOST {
                beyond.push((*server, middle));
                continue;
            }
            range(&mut svg, *server, &cell.ratios, y);
            mark(&mut svg, *server, place(middle), y);
        }
        for (at, (server, middle)) in beyond.into_iter().enumerate() {
            let (x, y) = (place(MOST) + 8.0, y - 6.0 + 15.0 * at as f64);
            mark(&mut svg, server, x, y);
            let (x, y) = (x + 9.0, y + 4.0);
            let _ =
                writeln!(svg, "<text class=\"small\" x=\"{x:.1}\" y=\"{y:.1}\">{middle:.1}</text>");
        }
    }
    svg.push_str("</svg>\n");
    svg
}

fn legend(svg: &mut String, report: &Report) {
    for (at, server) in report.servers.iter().skip(1).enumerate() {
        let (x, y) = (16.0 + 210.0 * (at % 4) as f64, 20.0 + 22.0 * (at / 4) as f64);
        mark(svg, *server, x, y);
        let title = server.title().replace("**", "");
        let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"{:.1}\">{title}</text>", x + 12.0, y + 4.5);
    }
}

fn place(ratio: f64) -> f64 {
    let part = (ratio.clamp(LEAST, MOST) / LEAST).ln() / (MOST / LEAST).ln();
    LEFT + WIDTH * part
}

fn range(svg: &mut String, server: ServerKind, ratios: &[f64], y: f64) {
    let least = place(ratios.iter().copied().fold(f64::INFINITY, f64::min));
    let most = place(ratios.iter().copied().fold(0.0, f64::max));
    let class = class(server);
    let _ = writeln!(
        svg,
        "<line class=\"range {class}\" stroke=\"currentColor\" x1=\"{least:.1}\" y1=\"{y:.1}\" \
         x2=\"{most:.1}\" y2=\"{y:.1}\"/>"
    );
}

/// Ours are filled, the others are not, each with a shape of its own.
fn mark(svg: &mut String, server: ServerKind, x: f64, y: f64) {
    let class = class(server);
    let fill = if server.is_ours() { "mark" } else { "mark open" };
    let shape = match position(server) % 5 {
        0 => format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5.5\""),
        1 => {
            let (x, y) = (x - 5.0, y - 5.0);
            format!("<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"10\" height=\"10\"")
        }
        2 => format!("<path d=\"M{x:.1} {:.1}l6 6l-6 6l-6 -6z\"", y - 6.0),
        3 => format!("<path d=\"M{x:.1} {:.1}l6 10h-12z\"", y - 6.0),
        _ => format!("<path d=\"M{x:.1} {:.1}l6 -10h-12z\"", y + 6.0),
    };
    let _ = writeln!(svg, "{shape} class=\"{fill} {class}\"/>");
}

fn class(server: ServerKind) -> String {
    format!("{}{}", if server.is_ours() { 'c' } else { 'p' }, position(server))
}

/// Among ours, or among the others.
fn position(server: ServerKind) -> usize {
    let mut same =
        ServerKind::ALL.iter().skip(1).filter(|other| other.is_ours() == server.is_ours());
    same.position(|other| *other == server).unwrap_or(0)
}
