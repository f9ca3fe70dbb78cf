//! What is shown on a terminal while pings go on, and rubbed out again.

use std::collections::VecDeque;
use std::env;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use drywire::ping::PingStatistics;
use rustix::termios::tcgetwinsize;

use super::news::Heard;
use super::plot::{SAMPLES_PER_CELL, plot};
use super::target::Target;
use super::{Watched, lines};

/// Round trips that are kept for the plot: those of a wide terminal.
const SAMPLES_MAX: usize = 2 * 512;

/// Rows of the plot of one target; several have one each.
const ROWS: usize = 4;

/// How often it is drawn at most.
const PERIOD: Duration = Duration::from_millis(50);

/// What there is to be drawn of a target.
#[derive(Debug, Default)]
pub(super) struct Samples(VecDeque<Option<Duration>>);

impl Samples {
    pub(super) fn push(&mut self, heard: &Heard) {
        match heard {
            Heard::Reply { round_trip, .. } => self.0.push_back(Some(*round_trip)),
            Heard::TimedOut { .. } | Heard::Failed { .. } => self.0.push_back(None),
            Heard::Duplicate { .. } | Heard::Late { .. } => return,
        }
        if self.0.len() > SAMPLES_MAX {
            self.0.pop_front();
        }
    }
}

/// The lines at the bottom of a terminal.
#[derive(Debug)]
pub(super) struct Screen {
    has_plot: bool,
    /// Lines that are there now.
    drawn: usize,
    drawn_at: Option<Instant>,
}

impl Screen {
    /// `None` if standard error is no terminal that can be drawn on.
    pub(super) fn new(has_plot: bool) -> Option<Self> {
        let is_capable = env::var_os("TERM").is_some_and(|term| term != "dumb");
        let screen = Self { has_plot, drawn: 0, drawn_at: None };
        (is_capable && io::stderr().is_terminal()).then_some(screen)
    }

    /// When it may be drawn again.
    pub(super) fn wait(&self) -> Duration {
        self.drawn_at.map_or(Duration::ZERO, |at| PERIOD.saturating_sub(at.elapsed()))
    }

    /// Rubs out what is there.
    pub(super) fn clear(&mut self) {
        if self.drawn > 0 {
            // Up, and everything below is gone.
            let _ = write!(io::stderr().lock(), "\x1b[{}F\x1b[J", self.drawn);
            self.drawn = 0;
        }
    }

    pub(super) fn draw(&mut self, watched: &[Watched]) {
        let width = width();
        let mut lines = Vec::new();
        let begun = watched.iter().filter(|watched| watched.at.is_some()).count();
        for watched in watched {
            let Some(at) = watched.at else { continue };
            let rows = if begun == 1 { ROWS } else { 1 };
            lines.extend(self.lines(
                &watched.target,
                at,
                &watched.statistics,
                &watched.samples,
                width,
                rows,
            ));
        }
        self.clear();
        self.drawn = lines.len();
        self.drawn_at = Some(Instant::now());
        let mut text = lines.join("\n");
        if self.drawn > 0 {
            text.push('\n');
        }
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    fn lines(
        &self,
        target: &Target,
        at: SocketAddr,
        statistics: &PingStatistics,
        samples: &Samples,
        width: usize,
        rows: usize,
    ) -> Vec<String> {
        // A line that is longer would be two.
        let live = lines::live(target, at, statistics).chars().take(width).collect();
        let mut lines = vec![live];
        if self.has_plot {
            let samples: Vec<_> = samples.0.iter().copied().collect();
            let shown = samples.len().saturating_sub(width * SAMPLES_PER_CELL);
            let max = samples[shown..].iter().flatten().max().copied().unwrap_or_default();
            lines.extend(plot(&samples, max, width, rows));
        }
        lines
    }
}

/// Columns that may be written to.
fn width() -> usize {
    let columns = tcgetwinsize(io::stderr()).map_or(0, |size| usize::from(size.ws_col));
    // The last one makes some terminals begin a line.
    if columns == 0 { 79 } else { columns.saturating_sub(1).max(1) }
}
