//! Signals, as calls in a thread of their own.

use std::io;
use std::process;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use drywire::shutdown::Request;

use crate::exit::Exit;

/// What signals do.
pub(crate) struct Commands {
    /// SIGHUP.
    pub(crate) reload: Box<dyn Fn() + Send>,
    /// SIGTERM and SIGINT.
    pub(crate) request: Box<dyn Fn(Request) + Send>,
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
            if ends > 2 {
                process::exit(Exit::Failed as i32);
            }
            (commands.request)(if signal == SIGTERM {
                Request::Terminate
            } else {
                Request::Interrupt
            });
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(watch).map(drop)
}
