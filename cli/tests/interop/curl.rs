//! curl against `drywire serve`.

use std::fs;

use drywire_conformance::certificates::Certificates;
use drywire_conformance::peer::Process;

use crate::command::{RUNTIMES, Served, assert_contains, pattern};

/// curl, which verifies, to its end: its standard output, with what `-v` tells behind it.
fn curl(certificates: &Certificates, arguments: &[&str]) -> String {
    let authority = certificates.file("authority");
    let fixed = ["-sS", "--http1.1", "--max-time", "60", "--cacert", &authority];
    let curl = Process::start("curl", fixed.iter().chain(arguments));
    let (status, text) = curl.finish();
    assert!(status.success(), "{arguments:?}: {status}: {text}");
    text
}

/// Runs `test` for both runtimes, plain and within TLS.
fn everywhere(options: &[&str], test: impl Fn(&Certificates, &str)) {
    let certificates = Certificates::new();
    for runtime in RUNTIMES {
        let served = Served::start(runtime, &certificates, options);
        for url in served.urls("/some/path?query=1") {
            test(&certificates, &url);
        }
        served.end();
    }
}

#[test]
fn a_get_and_a_head_are_answered() {
    everywhere(&[], |certificates, url| {
        assert_contains(&curl(certificates, &["-i", url]), "HTTP/1.1 200");
        let head = curl(certificates, &["-I", url]);
        assert_contains(&head, "HTTP/1.1 200");
    });
}

#[test]
fn a_body_comes_back_with_and_without_expect() {
    let certificates = Certificates::new();
    let body = certificates.folder().join("body");
    let sent = pattern(3_000_001);
    fs::write(&body, &sent).unwrap();
    let data = format!("@{}", body.display());
    let back = certificates.folder().join("back");
    let back_name = back.to_str().unwrap();
    for runtime in RUNTIMES {
        let served = Served::start(runtime, &certificates, &[]);
        for url in served.urls("/") {
            for (expect, informed) in [("Expect: 100-continue", true), ("Expect:", false)] {
                let arguments = ["-v", "-H", expect, "--data-binary", &data, "-o", back_name, &url];
                let told = curl(&certificates, &arguments);
                assert_eq!(told.contains("100 Continue"), informed, "{told}");
                assert!(fs::read(&back).unwrap() == sent, "{url} {expect}");
            }
        }
        served.end();
    }
}

#[test]
fn a_chunked_upload_comes_back() {
    everywhere(&[], |certificates, url| {
        let chunked = "Transfer-Encoding: chunked";
        let text = curl(certificates, &["-v", "-H", chunked, "-d", "in pieces", url]);
        assert_contains(&text, "in pieces");
        assert_contains(&text.to_lowercase(), "< transfer-encoding: chunked");
    });
}

#[test]
fn a_connection_is_used_again() {
    everywhere(&[], |certificates, url| {
        let text = curl(certificates, &["-v", "-d", "one", url, url, url]);
        assert_eq!(text.matches("Re-using existing connection").count(), 2, "{text}");
        assert_contains(&text, "oneoneone");
    });
}

#[test]
fn the_account_tells_what_arrived() {
    everywhere(&["--format", "json"], |certificates, url| {
        let range = ["-r", "2-5", "-H", "X-Twice: 1", "-H", "X-Twice: 2"];
        let text = curl(certificates, &[&range[..], &["-X", "PATCH", "-d", "12345", url]].concat());
        for part in ["PATCH", "/some/path?query=1", "bytes 2-5/5", "X-Twice", "127.0.0.1"] {
            assert_contains(&text, part);
        }
        assert_eq!(text.contains("TLS"), url.starts_with("https"), "{text}");
    });
}
