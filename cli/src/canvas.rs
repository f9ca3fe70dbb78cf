//! Lines at the bottom of a terminal, drawn anew and rubbed out again.

use std::env;
use std::io::{self, IsTerminal, Write};

use rustix::termios::tcgetwinsize;

/// Those on standard error.
#[derive(Debug)]
pub(crate) struct Canvas {
    /// Lines that are there now.
    drawn: usize,
}

impl Canvas {
    /// `None` if standard error is no terminal that can be drawn on.
    pub(crate) fn new() -> Option<Self> {
        let is_capable = env::var_os("TERM").is_some_and(|term| term != "dumb");
        (is_capable && io::stderr().is_terminal()).then_some(Self { drawn: 0 })
    }

    /// Columns and rows that lines may have.
    pub(crate) fn size() -> (usize, usize) {
        let size = tcgetwinsize(io::stderr());
        let (columns, rows) = size.map_or((0, 0), |size| (size.ws_col.into(), size.ws_row.into()));
        let or = |len: usize, usual| if len == 0 { usual } else { len };
        // The last column makes some terminals begin a line; in the last row is the cursor.
        (or(columns, 80).saturating_sub(1).max(1), or(rows, 24).saturating_sub(1).max(1))
    }

    /// Rubs out what is there.
    pub(crate) fn clear(&mut self) {
        self.draw(&[]);
    }

    /// Draws these instead, as far as they fit.
    pub(crate) fn draw(&mut self, lines: &[String]) {
        let (width, height) = Self::size();
        let mut text = String::new();
        if self.drawn > 0 {
            // Up, and everything below is gone.
            text.push_str(&format!("\x1b[{}F\x1b[J", self.drawn));
        }
        self.drawn = lines.len().min(height);
        // A line that is longer would be two.
        for line in lines.iter().take(height) {
            text.extend(line.chars().take(width));
            text.push('\n');
        }
        // In one piece, so that nothing flickers. If that fails there is nobody to see it.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}
