//! `--record` and `drywire replay`.

use std::fs;
use std::time::Duration;

use pcap_file::pcapng::{Block, PcapNgReader};

use crate::process::{Folder, Server, run};

/// A conversation that is as it was recorded.
const SCRIPT: &str = "\
drywire-script 1
1 +5 begin server framing=lines protocol=echo
1 +0 step open
1 +1500 received \"hello\\n\"
1 +0 step frame 6
1 +0 sent \"hello\\n\"
1 +0 look
1 +2000000000 transmitted 6
1 +0 look
";

#[test]
fn what_is_served_is_recorded_and_replayed() {
    for runtime in ["std", "smol"] {
        let folder = Folder::new();
        let (served, sent) = (folder.file("served"), folder.file("sent"));
        let server = Server::start(
            &["tcp://127.0.0.1:0", "http://127.0.0.1:0"],
            ["--runtime", runtime, "--framing", "lines", "--record", &served],
        );
        let to = |index: usize| server.addresses[index].clone();
        let options = ["--runtime", runtime, "--framing", "lines"];
        let conversation = run(
            ["send"].iter().chain(&options).chain(&["--record", &sent, &to(0), "one", "two"]),
            "",
        );
        assert_eq!(conversation.text(), "one\ntwo\n");
        run(["get", &to(1)], "").assert(0, "");
        run(["send", &to(0)], "not a li").assert(0, "");
        let ended = server.end();
        ended.assert(0, "");
        for (file, parts) in [
            (
                &served,
                &["< received", "= frame           4  one\\n", "http_echo", "HTTP/1.1 200"][..],
            ),
            (&sent, &["begin client", "> sent            4  two\\n", "closed finished"]),
        ] {
            let replay = run(["replay", file], "");
            replay.assert(0, "");
            assert!(replay.stderr.is_empty(), "{replay:?}");
            for part in parts {
                assert!(replay.text().contains(part), "{part} in {}", replay.text());
            }
            assert_eq!(run(["replay", file], "").stdout, replay.stdout, "twice is not the same");
            let mode =
                std::os::unix::fs::PermissionsExt::mode(&fs::metadata(file).unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
        // The line that was not whole is what there is to look for.
        let small = run(["replay", "--minimise", &served], "");
        small.assert(0, "tried");
        assert_eq!(small.text().lines().count(), 4, "{}", small.text());
        let again = run(["replay", "-"], small.stdout.clone());
        assert!(again.text().contains("= failed truncated"), "{again:?}");
    }
}

#[test]
fn what_tls_keeps_secret_is_recorded_only_if_that_is_asked_for() {
    let folder = Folder::new();
    let (ca, file) = (folder.file("ca"), folder.file("script"));
    for has_secrets in [false, true] {
        let mut options = vec!["--framing", "lines", "--dev-cert", &ca, "--record", &file];
        options.extend(has_secrets.then_some("--record-secrets"));
        let server = Server::start(&["tls://127.0.0.1:0"], options);
        let arguments = ["send", "--framing", "lines", "--ca", &ca, server.address(), "password"];
        assert_eq!(run(arguments, "").text(), "password\n");
        server.end().assert(0, "");
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(text.contains("password"), has_secrets, "{text}");
        let replay = run(["replay", &file], "");
        if has_secrets {
            replay.assert(0, "");
            assert!(replay.text().contains("= frame           9  password\\n"), "{replay:?}");
        } else {
            replay.assert(6, "bytes were withheld: it was recorded without secrets");
            assert!(replay.text().contains("received        9  (withheld)"), "{replay:?}");
        }
    }
}

/// A conversation of which a replay needs to know what was withheld.
const WITHHELD: &str = "\
2 +0 begin server tls framing=lines protocol=echo
2 +0 opened
2 +10 received *6
";

#[test]
fn connections_that_were_withheld_do_not_spoil_the_others() {
    let folder = Folder::new();
    let (mixed, capture) = (format!("{SCRIPT}{WITHHELD}"), folder.file("capture"));
    let replay = run(["replay", "--pcapng", &capture, "-"], mixed.as_str());
    replay.assert(0, "1 connections are left out");
    replay.assert(0, "--record-secrets");
    assert_eq!(replay.stdout, run(["replay", "-"], SCRIPT).stdout);
    let metadata = fs::metadata(&capture).unwrap();
    assert!(metadata.len() > 0);
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777, 0o600);

    let one = run(["replay", "--connection", "1", "-"], mixed.as_str());
    one.assert(0, "");
    assert!(one.stderr.is_empty(), "{one:?}");
    run(["replay", "--connection", "2", "-"], mixed.as_str()).assert(6, "--record-secrets");
    run(["replay", "--connection", "3", "-"], mixed.as_str()).assert(2, "no such connection");
    let other = mixed.replace("sent \"hello", "sent \"jello");
    run(["replay", "--minimise", "-"], other.as_str()).assert(0, "entries of 8 are left");
}

#[test]
fn a_line_that_was_not_written_whole_is_left_out() {
    let whole = run(["replay", "-"], SCRIPT);
    for part in ["1 +0 transmi", "1 +", "1"] {
        let replay = run(["replay", "-"], format!("{SCRIPT}{part}"));
        replay.assert(0, "standard input ends within line 10, which is left out");
        assert_eq!(replay.stdout, whole.stdout);
    }
    // It is the last line that may be so, and no other.
    run(["replay", "-"], format!("{SCRIPT}1 +0 transmi\n")).assert(6, "line 10");
    run(["replay", "-"], "drywire-scri").assert(6, "line 1");
}

#[test]
fn a_recording_keeps_its_limit() {
    let folder = Folder::new();
    let file = folder.file("script");
    let server =
        Server::start(&["tcp://127.0.0.1:0"], ["--record", &file, "--record-limit", "5000"]);
    let sent = run(["send", server.address()], "x".repeat(100_000));
    assert_eq!(sent.stdout.len(), 100_000);
    server.end().assert(0, "");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.len() <= 5000, "{} bytes", text.len());
    assert!(text.ends_with("ended limit 5000\n"), "{text}");
    run(["replay", &file], "")
        .assert(0, "the recording ends here: size limit of 5000 bytes reached");
}

#[test]
fn steps_are_shown_with_their_times() {
    let replay = run(["replay", "-"], SCRIPT);
    replay.assert(0, "");
    let expected = "   0.000000000      1   begin server framing=lines protocol=echo\n   \
                    0.000000000      1 = open\n   \
                    0.000001500      1 < received        6  hello\\n\n   \
                    0.000001500      1 = frame           6  hello\\n\n   \
                    0.000001500      1 > sent            6  hello\\n\n   \
                    2.000001500      1 > transmitted     6\n";
    assert_eq!(replay.text(), expected);

    let replay = run(["replay", "--json", "-"], SCRIPT);
    replay.assert(0, "");
    let records = replay.records();
    let frame = records.iter().find(|record| record["arguments"] == "frame 6").unwrap();
    let expected = serde_json::json!({
        "event": "replayed", "time": 0.000_001_5, "connection": 1, "index": 3, "call": "step",
        "arguments": "frame 6", "len": 6, "base64": "aGVsbG8K", "text": "hello\n",
    });
    assert_eq!(*frame, expected);
}

/// The times of the packets of a capture.
fn times(file: &str) -> Vec<Duration> {
    let mut reader = PcapNgReader::new(fs::File::open(file).unwrap()).unwrap();
    let mut times = vec![];
    while let Some(block) = reader.next_block() {
        if let Block::EnhancedPacket(packet) = block.unwrap() {
            times.push(packet.timestamp);
        }
    }
    times
}

#[test]
fn the_time_of_day_is_shown_and_in_the_capture() {
    let folder = Folder::new();
    let capture = folder.file("capture");
    let named = SCRIPT.replace("protocol=echo", "protocol=echo begun=1700000000000000007");
    // The connection began 5 ns after the epoch, and wrote two seconds and 1,500 ns later.
    for (script, epoch) in [(SCRIPT, 0), (&named, 1_700_000_000_000_000_002)] {
        let replay = run(["replay", "--pcapng", &capture, "-"], script);
        replay.assert(0, "");
        let times = times(&capture);
        assert_eq!(times.first(), Some(&Duration::from_nanos(epoch + 5)));
        assert_eq!(times.last(), Some(&Duration::from_nanos(epoch + 2_000_001_505)));
        let line = replay.text().lines().next().unwrap().to_owned();
        assert_eq!(line.ends_with(" begun=2023-11-14T22:13:20.000000007Z"), epoch > 0, "{line}");
    }
    // Nothing else depends on it.
    let shown = |script: &str| {
        let replay = run(["replay", "-"], script);
        replay.text().split_once('\n').unwrap().1.to_owned()
    };
    assert_eq!(shown(SCRIPT), shown(&named));
    let record = run(["replay", "--json", "-"], named.as_str()).records().swap_remove(0);
    assert_eq!(record["begun"], "2023-11-14T22:13:20.000000007Z");
    assert_eq!(record["arguments"], "server framing=lines protocol=echo");
}

#[test]
fn a_replay_that_is_not_what_was_recorded_is_1() {
    let other = SCRIPT.replace("sent \"hello", "sent \"jello");
    let replay = run(["replay", "-"], other.as_str());
    let sentence =
        "connection 1, entry 4: recorded was sent \"jello\\n\", replayed sent \"hello\\n\"";
    replay.assert(1, sentence);

    let replay = run(["replay", "--json", "-"], other.as_str());
    replay.assert(1, "");
    let expected = serde_json::json!({
        "event": "difference", "connection": 1, "index": 4,
        "recorded": "sent \"jello\\n\"", "replayed": "sent \"hello\\n\"",
    });
    assert_eq!(replay.records().pop(), Some(expected));

    let folder = Folder::new();
    let out = folder.file("small");
    let small = run(["replay", "--minimise", "--out", &out, "-"], other.as_str());
    small.assert(0, "entries of 8 are left");
    assert!(small.stdout.is_empty());
    run(["replay", &out], "").assert(1, "recorded was sent");
}

#[test]
fn what_cannot_be_used_is_said_with_its_line() {
    run(["replay", "-"], "hello\n").assert(6, "standard input, line 1: expected drywire-script");
    run(["replay", "-"], "drywire-script 2\n").assert(6, "line 1: version 2, expected 1");
    let text = "drywire-script 1\n1 +0 begin server\n1 +0 fly\n";
    run(["replay", "-"], text).assert(6, "standard input, line 3: no such call: \"fly\"");
    let text = "drywire-script 1\n1 +0 begin server framing=lines protocol=chess\n";
    run(["replay", "-"], text).assert(6, "connection 1, entry 0: the protocol is not known here");
    run(["replay", "/nonexistent/x"], "").assert(2, "cannot open /nonexistent/x: no such file");
    run(["replay", "/"], "").assert(2, "cannot open /: is a directory");
    run(["replay", "--minimise", "-"], SCRIPT).assert(2, "there is nothing to look for");
    run(["replay", "--pcapng", "/nonexistent/x", "-"], SCRIPT)
        .assert(8, "cannot write /nonexistent/x");
    run(["serve", "--record", "/nonexistent/x"], "").assert(2, "cannot write /nonexistent/x");
    let refused = run(["serve", "--record", "/nonexistent/x"], "");
    assert!(!refused.stderr.contains("listening"), "{refused:?}");
    let folder = Folder::new();
    let fifo = folder.file("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    run(["serve", "--record", &fifo], "").assert(2, "not a file");
    run(["serve", "--listen", "udp://127.0.0.1:0", "--record", "/tmp/x"], "")
        .assert(2, "--record is for byte streams");
    run(["serve", "--record-limit", "5000"], "").assert(2, "--record");
    run(["serve", "--record", "x", "--record-limit", "4095"], "")
        .assert(2, "must be at least 4096");
    run(["serve", "--record", "/tmp/x", "--model", "processes"], "")
        .assert(2, "--record is not for --model processes");
    run(["send", "--record", "/tmp/x", "udp://127.0.0.1:9", "x"], "")
        .assert(2, "--record is for byte streams");
}
