//! `drywire frames`.

use crate::process::{Folder, run};

#[test]
fn frames_have_their_places_and_nothing_that_moves_a_cursor() {
    let finished = run(["frames", "--framing", "lines"], "a\r\n\n\x1b[2J\n");
    finished.assert(0, "");
    let expected =
        "         0        1  a\n         3        0  \n         4        4  \\u{1b}[2J\n";
    assert_eq!(finished.text(), expected);
}

#[test]
fn frames_are_read_from_a_file() {
    let folder = Folder::new();
    let file = folder.write("frames", b"\0\x05hello\0\0");
    for framing in ["u16be", "delimiter:00"] {
        run(["frames", "--framing", framing, &file], "not this").assert(0, "");
    }
    let finished = run(["frames", "--framing", "u16be", &file], "not this");
    let text = "         0        5  hello\n         7        0  \n";
    assert_eq!(finished.text(), text);
    assert_eq!(run(["frames", "--framing", "u16be", "-"], b"\0\x05hello\0\0").text(), text);
}

#[test]
fn an_error_has_its_offset_and_comes_after_the_frames_before_it() {
    let finished = run(["frames", "--framing", "netstring", "--json"], "1:a,2:bc;");
    finished.assert(6, "");
    assert_eq!(finished.records().len(), 1);
    let error = finished.error();
    assert_eq!((&error["offset"], &error["exit"]), (&8.into(), &6.into()));

    let finished = run(["frames", "--framing", "u8"], "\u{1}a\u{2}b");
    finished.assert(6, "frame 1, which begins at byte 2: the stream ended 2 bytes into a frame");
    let finished = run(["frames", "--framing", "u8", "--max-frame", "4"], "\u{4}abcd\u{5}");
    finished.assert(6, "a frame of 5 bytes or more exceeds the limit of 4");
    assert_eq!(finished.text().lines().count(), 1);
}

#[test]
fn a_long_input_is_decoded_to_its_end() {
    let input = "0123456789abcde\n".repeat(1 << 19);
    let finished = run(["frames", "--framing", "lines"], input);
    finished.assert(0, "");
    assert_eq!(finished.text().lines().count(), 1 << 19);
    assert!(finished.text().ends_with("   8388592       15  0123456789abcde\n"));
}

#[test]
fn a_full_disk_is_8() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = crate::process::drywire(["frames", "/etc/hostname"]);
    let process =
        crate::process::Process::spawn(command.stdout(full).stderr(std::process::Stdio::piped()));
    process.finish().assert(8, "cannot write to standard output: no space left on device");
}
