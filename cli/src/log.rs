//! The log: what the libraries tell of themselves, on standard error.

use std::io;

use tracing::level_filters::LevelFilter;

use crate::args::{LogArguments, LogFormat, LogLevel};

/// Begins to log as `arguments` say. Without them nothing is.
pub(crate) fn begin(arguments: &LogArguments, is_json: bool) {
    let Some(level) = arguments.level() else { return };
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_target(false)
        .with_writer(io::stderr);
    // There is no other log to be in the way.
    match arguments.format(is_json) {
        LogFormat::Human => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}
