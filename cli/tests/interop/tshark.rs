//! tshark reads what `drywire replay --pcapng` writes.

use std::fs;

use drywire_conformance::certificates::Certificates;
use drywire_conformance::peer::Process;

use crate::command::{RUNTIMES, Served, assert_contains, got, pattern};

fn tshark(arguments: &[&str]) -> String {
    let text = Process::start("tshark", arguments.iter()).succeed();
    String::from_utf8(text).unwrap()
}

#[test]
fn tshark_follows_the_streams_of_a_recording() {
    let certificates = Certificates::new();
    let file = |name: &str| certificates.folder().join(name).to_str().unwrap().to_owned();
    let (script, capture) = (file("script"), file("capture"));
    let body = pattern(40_000);
    let body_file = file("body");
    fs::write(&body_file, &body).unwrap();
    for runtime in RUNTIMES {
        let options = ["--record", &script, "--record-secrets"];
        let served = Served::start(runtime, &certificates, &options);
        let authority = certificates.file("authority");
        for url in served.urls("/some/path") {
            let arguments =
                ["--ca", &authority, "--request", "PUT", "--data", &format!("@{body_file}"), &url];
            let arguments = if url.starts_with("https") { &arguments[..] } else { &arguments[2..] };
            assert!(got(arguments) == body);
        }
        served.end();
        let replay = ["replay", "--pcapng", &capture, &script];
        let _ = Process::start(env!("CARGO_BIN_EXE_drywire"), replay.iter()).succeed();

        // Nothing that an expert would remark on: numbers, checksums, order.
        let strict = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"];
        let read = [&["-r", &capture][..], &strict].concat();
        let bad = "tcp.analysis.flags || tcp.checksum.status == 0 || ip.checksum.status == 0 || \
                   _ws.malformed";
        assert_eq!(tshark(&[&read[..], &["-Y", bad]].concat()), "", "{runtime}");
        let shown = tshark(
            &[
                &read[..],
                &[
                    "-Y",
                    "http",
                    "-T",
                    "fields",
                    "-e",
                    "tcp.stream",
                    "-e",
                    "http.request.method",
                    "-e",
                    "http.response.code",
                    "-d",
                    "tcp.port==1-65535,http",
                ],
            ]
            .concat(),
        );
        assert_eq!(shown, "0\tPUT\t\n0\t\t200\n1\tPUT\t\n1\t\t200\n", "{runtime}");
        for stream in ["0", "1"] {
            let follow = format!("follow,tcp,raw,{stream}");
            let text = tshark(&[&read[..], &["-q", "-z", &follow]].concat());
            let hex: String = body.iter().map(|byte| format!("{byte:02x}")).collect();
            let lines: String = text.lines().map(str::trim).collect();
            assert_eq!(lines.matches(&hex).count(), 2, "{runtime}: the body, there and back");
            assert_contains(&text, "Follow: tcp,raw");
        }
    }
}
