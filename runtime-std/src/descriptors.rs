use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How many file descriptors the process has open. None where the system does not list them.
///
/// Lists a folder of the system, which may block for as long as a file can.
#[must_use]
pub fn descriptors() -> Option<u64> {
    let folder = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
    let count = fs::read_dir(folder).ok()?.count();
    // Without the one that lists them.
    u64::try_from(count).ok()?.checked_sub(1)
}

/// Lets the process have as many file descriptors open as it may, and returns how many: it raises the
/// soft limit (`ulimit -Sn`) to the hard one (`ulimit -Hn`). None is no limit.
///
/// A descriptor beyond 1023 is more than select(2) can wait for: this is for the program to decide, and
/// no other part of this crate calls it. Where the system refuses, the limit stays as it was.
#[must_use]
pub fn raise_descriptor_limit() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum
        || setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_err()
    {
        return current;
    }
    maximum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_as_far_as_it_may() {
        let before = getrlimit(Resource::Nofile);
        let limit = raise_descriptor_limit();
        assert_eq!(limit, getrlimit(Resource::Nofile).current);
        assert!(limit.is_none_or(|limit| before.current.is_some_and(|before| before <= limit)));
        assert_eq!(getrlimit(Resource::Nofile).maximum, before.maximum);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn those_that_are_open_are_counted() {
        // Other tests open and close theirs at the same time.
        let files: Vec<_> = (0..200).map(|_| fs::File::open("/dev/null").unwrap()).collect();
        assert!(descriptors().unwrap() >= 203);
        drop(files);
        assert!(descriptors().is_some());
    }
}
