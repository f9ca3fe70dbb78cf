//! What `--json` prints.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::process::{Folder, Lines, Process, drywire, run};

const RUNTIMES: [&str; 2] = ["std", "smol"];

fn record(lines: &Lines) -> Value {
    serde_json::from_str(&lines.next()).unwrap()
}

#[test]
fn a_server_tells_what_happens() {
    for runtime in RUNTIMES {
        let folder = Folder::new();
        let ca = folder.file("dev.pem");
        let mut process = Process::start(&mut drywire([
            "serve",
            "--json",
            "--runtime",
            runtime,
            "--listen",
            "tls://127.0.0.1:0",
            "--dev-cert",
            &ca,
        ]));
        let stdout = Lines::of(process.stdout.take().unwrap());
        let listening = record(&stdout);
        assert_eq!(listening["event"], "listening");
        let address = listening["address"].as_str().unwrap();
        let certificate = record(&stdout);
        assert_eq!(certificate["event"], "certificate");
        assert_eq!(certificate["names"], json!(["localhost", "127.0.0.1", "::1"]));
        assert_eq!(certificate["sha256"].as_str().map(str::len), Some(32 * 3 - 1));

        let sent = run(["send", "--json", "--runtime", runtime, "--ca", &ca, address, "hi"], "");
        sent.assert(0, "");
        let [open, frame] = &sent.records()[..] else { panic!("{sent:?}") };
        assert_eq!((&open["event"], &open["tls"]["version"]), (&json!("open"), &json!("TLSv1.3")));
        assert_eq!(
            open["peer"].as_str().map(|peer| format!("tls://{peer}")).as_deref(),
            Some(address)
        );
        assert_eq!(frame, &json!({ "event": "frame", "len": 2, "base64": "aGk=", "text": "hi" }));

        let closed = record(&stdout);
        assert_eq!((&closed["event"], &closed["kind"]), (&json!("closed"), &json!("finished")));
        assert!(closed["reason"].is_string() && closed["peer"].is_string());

        let stderr = Lines::of(process.stderr.take().unwrap());
        process.signal(Signal::HUP);
        // There is nothing to load again.
        assert_eq!(record(&stderr)["event"], "warning");
        process.signal(Signal::TERM);
        let summary = record(&stdout);
        assert_eq!(summary["event"], "summary");
        assert_eq!((&summary["drained"], &summary["accepted"]), (&json!(true), &json!(1)));
        assert_eq!((&summary["active"], &summary["refused"]), (&json!(0), &json!(0)));
        assert_eq!(summary["closed"]["finished"], 1);
        assert!(
            summary["received"].as_u64() > Some(2) && summary["transmitted"].as_u64() > Some(2)
        );

        process.finish().assert(0, "");
    }
}

#[test]
fn frames_that_are_no_text_have_none() {
    let server = crate::process::Server::start(&["tcp://127.0.0.1:0"], ["--framing", "u8"]);
    let finished = run(["send", "--json", "--framing", "u8", server.address()], b"\xff\x00");
    let [open, frame] = &finished.records()[..] else { panic!("{finished:?}") };
    assert_eq!(open["tls"], Value::Null);
    assert_eq!(frame, &json!({ "event": "frame", "len": 2, "base64": "/wA=", "text": null }));
}

#[test]
fn frames_of_a_file_have_places() {
    let finished = run(["frames", "--json", "--framing", "lines"], "a\r\nb\n");
    let expected = [
        json!({ "event": "frame", "offset": 0, "wire_len": 3, "len": 1, "base64": "YQ==", "text": "a" }),
        json!({ "event": "frame", "offset": 3, "wire_len": 2, "len": 1, "base64": "Yg==", "text": "b" }),
    ];
    assert_eq!(finished.records(), expected);
}

#[test]
fn every_error_is_one_object() {
    let folder = Folder::new();
    let nobody = format!("unix:{}", folder.file("none"));
    for (arguments, exit, kind) in [
        (&["serve", "--json", "--framing", "morse"][..], 2, "usage"),
        (&["--json", "frobnicate"], 2, "usage"),
        (&["frames", "--json", "/does/not/exist"], 2, "usage"),
        (&["send", "--json", "tcp://[fe80::1%nosuchif]:7", "x"], 3, "resolve"),
        (&["send", "--json", &nobody, "x"], 4, "connect"),
        (&["frames", "--json", "--framing", "u32be", "/proc/self/comm"], 6, "protocol"),
    ] {
        let finished = run(arguments, "");
        let error = finished.error();
        assert_eq!(finished.code, Some(exit), "{finished:?}");
        assert_eq!((&error["event"], &error["exit"]), (&json!("error"), &json!(exit)));
        assert_eq!(error["kind"], kind);
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()));
    }
    // Help is for people, and what follows `--` is data.
    assert!(run(["--json", "--help"], "").text().starts_with("Examples:"));
    run(["send", "--bad", "--", "--json"], "")
        .assert(2, "drywire: unexpected argument '--bad' found\n");
}
