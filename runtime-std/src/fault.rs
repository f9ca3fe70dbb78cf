use std::io;

use drywire::Fault;
use drywire::admission::AcceptFault;
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

/// What an error of accept means to an admission.
///
/// # Specification
/// POSIX, accept. Linux also reports there what has happened to the new connection already.
#[must_use]
pub fn accept_fault(error: &io::Error) -> AcceptFault {
    if is_out_of_resources(error) {
        return AcceptFault::OutOfResources;
    }
    match Errno::from_io_error(error) {
        Some(
            Errno::CONNABORTED
            | Errno::CONNRESET
            | Errno::INTR
            | Errno::NETDOWN
            | Errno::NETUNREACH
            | Errno::HOSTDOWN
            | Errno::HOSTUNREACH
            | Errno::NOPROTOOPT
            | Errno::PERM
            | Errno::PROTO,
        ) => AcceptFault::Aborted,
        Some(_) => AcceptFault::Other,
        None => match error.kind() {
            io::ErrorKind::ConnectionAborted => AcceptFault::Aborted,
            _ => AcceptFault::Other,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_of_accept_has_its_meaning() {
        for (errno, expected) in [
            (Errno::MFILE, AcceptFault::OutOfResources),
            (Errno::NFILE, AcceptFault::OutOfResources),
            (Errno::NOBUFS, AcceptFault::OutOfResources),
            (Errno::NOMEM, AcceptFault::OutOfResources),
            (Errno::CONNABORTED, AcceptFault::Aborted),
            (Errno::INTR, AcceptFault::Aborted),
            (Errno::PROTO, AcceptFault::Aborted),
            (Errno::INVAL, AcceptFault::Other),
            (Errno::BADF, AcceptFault::Other),
        ] {
            assert_eq!(accept_fault(&errno.into()), expected, "{errno:?}");
        }
        let aborted = io::Error::from(io::ErrorKind::ConnectionAborted);
        assert_eq!(accept_fault(&aborted), AcceptFault::Aborted);
    }

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
