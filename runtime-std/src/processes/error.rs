use std::{error, fmt, io};

/// Why a process cannot be the worker that its environment says it is.
#[derive(Debug)]
#[non_exhaustive]
pub enum WorkerError {
    /// The supervisor that started it is gone, or was that of another process, of which this one
    /// inherited the environment.
    SupervisorGone,
    /// Standard input is not what a supervisor hands over.
    Handover(io::Error),
    /// The system refused.
    Io(io::Error),
}

impl fmt::Display for WorkerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SupervisorGone => f.write_str("the supervisor of this worker is gone"),
            Self::Handover(error) => {
                write!(f, "standard input is not that of a supervisor's worker: {error}")
            }
            Self::Io(error) => write!(f, "cannot be a worker: {error}"),
        }
    }
}

impl error::Error for WorkerError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::SupervisorGone => None,
            Self::Handover(error) | Self::Io(error) => Some(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_they_are() {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        for (error, expected) in [
            (WorkerError::SupervisorGone, "the supervisor of this worker is gone"),
            (
                WorkerError::Handover(refused()),
                "standard input is not that of a supervisor's worker: connection refused",
            ),
            (WorkerError::Io(refused()), "cannot be a worker: connection refused"),
        ] {
            assert_eq!(error.to_string(), expected);
        }
    }
}
