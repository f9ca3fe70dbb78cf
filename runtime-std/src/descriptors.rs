use std::fs;

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

#[cfg(test)]
mod tests {
    use super::*;

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
