use clap::{ArgAction, Args, ValueEnum};

/// What is logged, and how.
#[derive(Args, Debug)]
#[command(next_help_heading = "Logging, to standard error")]
pub(crate) struct LogArguments {
    /// Log more: once warnings and the like, twice each connection, three times everything
    #[arg(short, long, action = ArgAction::Count, conflicts_with = "log_level")]
    verbose: u8,

    /// What to log; nothing by default
    #[arg(long, value_enum, value_name = "LEVEL")]
    log_level: Option<LogLevel>,

    /// How to log [default: human; json with --json]
    #[arg(long, value_enum, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    /// What cannot go on
    Error,
    /// What went wrong and may be noticed, for example accepting without descriptors
    Warn,
    /// What happens now and then
    Info,
    /// Each connection that is closed or refused
    Debug,
    /// Everything
    Trace,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// A line to read
    Human,
    /// A JSON object: `timestamp`, `level`, `message`, `target` and what the event is about
    Json,
}

impl LogArguments {
    /// What is logged, if anything is.
    pub(crate) fn level(&self) -> Option<LogLevel> {
        self.log_level.or(match self.verbose {
            0 => None,
            1 => Some(LogLevel::Info),
            2 => Some(LogLevel::Debug),
            _ => Some(LogLevel::Trace),
        })
    }

    pub(crate) fn format(&self, is_json: bool) -> LogFormat {
        self.log_format.unwrap_or(if is_json { LogFormat::Json } else { LogFormat::Human })
    }
}
