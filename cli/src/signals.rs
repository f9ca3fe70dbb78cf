//! Signals, as calls in a thread of their own.

use std::io;
use std::process;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::exit::Exit;

/// What signals do.
pub(crate) struct Commands {
    /// SIGHUP.
    pub(crate) reload: Box<dyn Fn() + Send>,
    /// The first SIGINT or SIGTERM.
    pub(crate) drain: Box<dyn Fn() + Send>,
    /// The second.
    pub(crate) stop: Box<dyn Fn() + Send>,
}

/// Keeps signals from ending the process, from now on; those that come wait for [`watch`].
pub(crate) fn hold() -> io::Result<Signals> {
    Signals::new([SIGHUP, SIGINT, SIGTERM])
}

/// Does what signals ask for, in a new thread. The third signal to end ends the process there and
/// then, whatever keeps it.
pub(crate) fn watch(mut signals: Signals, commands: Commands) -> io::Result<()> {
    let watch = move || {
        let mut ends = 0;
        for signal in signals.forever() {
            if signal == SIGHUP {
                (commands.reload)();
                continue;
            }
            ends += 1;
            match ends {
                1 => (commands.drain)(),
                2 => (commands.stop)(),
                _ => process::exit(Exit::Failed as i32),
            }
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(watch).map(drop)
}
