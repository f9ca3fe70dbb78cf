//! What is shown on a terminal while pings go on, and rubbed out again.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use drywire::ping::PingStatistics;

use super::news::Heard;
use super::plot::{SAMPLES_PER_CELL, plot};
use super::target::Target;
use super::{Watched, lines};
use crate::canvas::Canvas;

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
    canvas: Canvas,
    drawn_at: Option<Instant>,
}

impl Screen {
    /// `None` if standard error is no terminal that can be drawn on.
    pub(super) fn new(has_plot: bool) -> Option<Self> {
        Some(Self { has_plot, canvas: Canvas::new()?, drawn_at: None })
    }

    /// When it may be drawn again.
    pub(super) fn wait(&self) -> Duration {
        self.drawn_at.map_or(Duration::ZERO, |at| PERIOD.saturating_sub(at.elapsed()))
    }

    /// Rubs out what is there.
    pub(super) fn clear(&mut self) {
        self.canvas.clear();
    }

    pub(super) fn draw(&mut self, watched: &[Watched]) {
        let (width, _) = Canvas::size();
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
        self.canvas.draw(&lines);
        self.drawn_at = Some(Instant::now());
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
        let mut lines = vec![lines::live(target, at, statistics)];
        if self.has_plot {
            let samples: Vec<_> = samples.0.iter().copied().collect();
            let shown = samples.len().saturating_sub(width * SAMPLES_PER_CELL);
            let max = samples[shown..].iter().flatten().max().copied().unwrap_or_default();
            lines.extend(plot(&samples, max, width, rows));
        }
        lines
    }
}
