use std::process;
use std::thread;

use crate::args::Seconds;
use crate::exit::{Exit, Stop, cause};
use crate::output::Output;

/// Ends the process once `max` has passed from now. The system's resolver, standard input and
/// standard output may keep the command for as long as they like, so nothing less ends all of it.
pub(super) fn watch(max: Seconds, output: Output) -> Result<(), Stop> {
    let end = move || {
        thread::sleep(max.0);
        let sentence = format_args!("it was not done in {max} seconds; --max-time allows more");
        output.stop(&Stop::new(Exit::Timeout, sentence));
        process::exit(Exit::Timeout as i32);
    };
    let started = thread::Builder::new().name("max-time".to_owned()).spawn(end);
    started.map(drop).map_err(|error| {
        Stop::new(Exit::Local, format_args!("cannot start a thread: {}", cause(&error)))
    })
}
