//! Files that connections are recorded into.
#![cfg(feature = "record")]

use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{self, Command, Stdio};
use std::{env, fs, io};

use drywire_std::{Recording, RecordingOptions};

#[test]
fn only_the_owner_may_read_a_recording_in_place_of_another_file() {
    let path = env::temp_dir().join(format!("drywire-{}-mode.script", process::id()));
    fs::write(&path, "what was there before, and is longer than a header\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let recording = Recording::create(&path, RecordingOptions::new()).unwrap();
    // At once: nothing has been recorded yet.
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    recording.finish().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "drywire-script 1\n");
    fs::remove_file(&path).unwrap();
}

#[test]
fn a_pipe_is_recorded_into_and_keeps_its_mode() {
    let cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let path = format!("/dev/fd/{}", cat.stdin.as_ref().unwrap().as_raw_fd());
    let before = fs::metadata(&path).unwrap().mode();
    let recording = Recording::create(path.as_ref(), RecordingOptions::new()).unwrap();
    recording.finish().unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode(), before);
    assert_eq!(cat.wait_with_output().unwrap().stdout, b"drywire-script 1\n");
}

#[test]
fn a_device_that_is_full_says_so() {
    let recording = Recording::create("/dev/full".as_ref(), RecordingOptions::new()).unwrap();
    assert_eq!(recording.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
}
