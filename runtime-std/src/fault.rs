use std::io;

use drywire::Fault;
use rustix::io::Errno;

/// What an error of the transport means to a connection.
#[must_use]
pub fn fault(error: &io::Error) -> Fault {
    if is_out_of_resources(error) { Fault::OutOfResources } else { error.kind().into() }
}

/// Whether the system has no descriptor, memory or buffer left, for which std has no kind.
fn is_out_of_resources(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_that_broke_is_a_reset() {
        assert_eq!(fault(&Errno::PIPE.into()), Fault::Reset);
        assert_eq!(fault(&Errno::CONNRESET.into()), Fault::Reset);
        assert_eq!(fault(&Errno::NOTCONN.into()), Fault::Reset);
        assert_eq!(fault(&Errno::TIMEDOUT.into()), Fault::TimedOut);
        assert_eq!(fault(&Errno::IO.into()), Fault::Other);
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM] {
            assert_eq!(fault(&errno.into()), Fault::OutOfResources);
        }
    }
}
