//! `drywire get` against scripted servers.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread;
use std::time::Instant;

use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};

use crate::certificates::Authority;
use crate::process::{Finished, Folder, PATIENCE, Process, Server, drywire, run};
use crate::scripted::{Script, Scripted, Then, answer, ok};

const RUNTIMES: [&str; 2] = ["std", "smol"];

const ETAG: &str = "etag: \"v1\"\r\n";

/// Runs `drywire get` on both runtimes against the same script, and shows each what came.
fn on_both(
    scripts: &[Script],
    arguments: impl Fn(&Scripted) -> Vec<String>,
    check: impl Fn(&Finished, &[String]),
) {
    for runtime in RUNTIMES {
        let server = Scripted::start(scripts.to_vec(), None);
        let mut all = vec!["get".to_owned(), "--runtime".to_owned(), runtime.to_owned()];
        all.extend(arguments(&server));
        let finished = run(all, "");
        check(&finished, &server.requests());
    }
}

fn strings(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|argument| (*argument).to_owned()).collect()
}

fn exists(path: &str) -> bool {
    Path::new(path).exists()
}

#[test]
fn a_body_is_printed_and_nothing_else() {
    let scripts = [ok("x: y\r\n", "hello\n")];
    let arguments = |server: &Scripted| strings(&[&server.http("/a?b")]);
    on_both(&scripts, arguments, |finished, requests| {
        finished.assert(0, "");
        assert_eq!((finished.text(), finished.stderr.as_str()), ("hello\n", ""));
        assert!(requests[0].starts_with("GET /a?b HTTP/1.1\r\nhost: 127.0.0.1:"), "{requests:?}");
    });
}

#[test]
fn chunks_and_ends_of_streams_are_bodies_too() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
                   3\r\none\r\n4\r\n two\r\n0\r\nx: y\r\n\r\n";
    let scripts = [answer(chunked), answer("HTTP/1.0 200 OK\r\n\r\n three")];
    let arguments = |server: &Scripted| strings(&[&server.http("/1"), &server.http("/2")]);
    on_both(&scripts, arguments, |finished, _| {
        finished.assert(0, "");
        assert_eq!(finished.text(), "one two three");
    });
}

#[test]
fn heads_are_printed_only_when_that_is_asked_for() {
    let scripts = [
        answer("HTTP/1.1 302 Found\r\nLocation: /b\r\n\r\n"),
        answer(
            "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 404 Not Found\r\nX: y\r\nContent-Length: 2\r\n\r\nno",
        ),
    ];
    let arguments = |server: &Scripted| strings(&["-i", &server.http("/a")]);
    on_both(&scripts, arguments, |finished, _| {
        finished.assert(0, "");
        let expected = "HTTP/1.1 302 Found\r\nLocation: /b\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n\
                        HTTP/1.1 404 Not Found\r\nX: y\r\nContent-Length: 2\r\n\r\nno";
        assert_eq!(finished.text(), expected);
    });
}

#[test]
fn a_request_is_what_the_options_say() {
    let folder = Folder::new();
    let data = format!("@{}", folder.write("data", "from a file"));
    for (options, begins, has, ends) in [
        (&["-X", "PURGE"][..], "PURGE / ", "accept: */*", "\r\n\r\n"),
        (&["-H", "X-One: 1", "-H", "accept:text/html"], "GET / ", "accept: text/html", "\r\n\r\n"),
        (&["-H", "User-Agent:"], "GET / ", "host: ", "\r\n\r\n"),
        (&["--data", "text"], "POST / ", "content-length: 4\r\n", "\r\n\r\ntext"),
        (&["--data", ""], "POST / ", "content-length: 0\r\n", "\r\n\r\n"),
        (&["--data", "-x"], "POST / ", "content-length: 2\r\n", "\r\n\r\n-x"),
        (&["-X", "PUT", "--data", &data], "PUT / ", "content-length: 11\r\n", "from a file"),
        (&["--range", "-5"], "GET / ", "range: bytes=-5\r\n", "\r\n\r\n"),
    ] {
        let body = if options.contains(&"--range") { "content-range: bytes 0-0/1\r\n" } else { "" };
        let status = if body.is_empty() { 200 } else { 206 };
        let script = answer(format!("HTTP/1.1 {status} x\r\n{body}content-length: 1\r\n\r\n."));
        let arguments = |server: &Scripted| {
            let mut arguments = strings(options);
            arguments.push(server.http(""));
            arguments
        };
        on_both(&[script], arguments, |finished, requests| {
            finished.assert(0, "");
            let request = &requests[0];
            assert!(request.starts_with(begins) && request.ends_with(ends), "{request:?}");
            assert!(request.contains(has), "{request:?}");
            let is_without = options.contains(&"User-Agent:");
            assert_eq!(request.contains("user-agent: drywire/"), !is_without, "{request:?}");
        });
    }
}

#[test]
fn standard_input_is_sent_in_chunks() {
    for runtime in RUNTIMES {
        let server = Scripted::start(vec![ok("", "")], None);
        let options = ["get", "--runtime", runtime, "--data", "-", &server.http("/")];
        run(options, "typed in").assert(0, "");
        let request = server.requests().remove(0);
        assert!(request.contains("transfer-encoding: chunked\r\n"), "{request:?}");
        assert!(request.ends_with("\r\n\r\n8\r\ntyped in\r\n0\r\n\r\n"), "{request:?}");
    }
}

#[test]
fn what_does_not_fit_together_is_2() {
    let url = "http://127.0.0.1:9/";
    run(["get"], "").assert(2, "required arguments were not provided");
    run(["get", "example.com"], "").assert(2, "expected a URL that begins with http://");
    run(["get", "tcp://127.0.0.1:9"], "").assert(2, "expected a URL that begins with http://");
    run(["get", "http://u:p@a/"], "").assert(2, "expected a host without a user name");
    run(["get", "-o", "a", url, url], "").assert(2, "--output is given 1 times and there are 2");
    run(["get", "--continue", url], "").assert(2, "--output");
    run(["get", "--continue", "--range", "1-", "-o", "a", url], "")
        .assert(2, "cannot be used with");
    run(["get", "--data", "-", url, url], "").assert(2, "--data - can be sent to one URL only");
    run(["get", "--data", "@/does/not/exist", url], "")
        .assert(2, "cannot open /does/not/exist: no such");
    run(["get", "--data", "@/", url], "").assert(2, "cannot open /: is a directory");
    run(["get", "-H", "x", url], "").assert(2, "expected a name, a colon and a value");
    run(["get", "-H", "a b: c", url], "").assert(2, "--header a b: a field's name has letters");
    run(["get", "-H", "Content-Length: 5", url], "")
        .assert(2, "--header Content-Length: this field");
    run(["get", "-H", "a: b\r\nc: d", url], "")
        .assert(2, "--header a: a field's value has no control");
    run(["get", "-X", "CONNECT", url], "").assert(2, "--request CONNECT: expected the name");
    run(["get", "--range", "5-4", url], "").assert(2, "expected a range of bytes");
    run(["get", "--timeout", "0", url], "").assert(2, "must be more than 0");
    run(["get", "--max-redirects", "0", "--insecure", url], "").assert(2, "--insecure is for TLS");
    run(["get", "--ca", "/does/not/exist", url], "").assert(2, "cannot read the authorities in");
}

#[test]
fn a_body_that_is_cut_is_6_and_says_how_much_came() {
    let cut = ok("", "hello").answer;
    let cut = String::from_utf8(cut).unwrap().replace("length: 5", "length: 50");
    let arguments = |server: &Scripted| strings(&[&server.http("/")]);
    on_both(&[answer(cut)], arguments, |finished, _| {
        finished
            .assert(6, "/: the body is incomplete: 5 of 50 bytes came, then the server finished");
        assert_eq!(finished.text(), "hello");
    });
    let cut = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
    on_both(&[answer(cut)], arguments, |finished, _| {
        finished.assert(6, "the body is incomplete: 5 bytes came");
    });
    on_both(&[answer("")], arguments, |finished, _| {
        finished
            .assert(6, "no answer came, then the server finished; if the server speaks TLS, its");
    });
    on_both(&[answer("220 this is mail\r\n\r\n")], arguments, |finished, _| {
        finished.assert(6, "the answer is malformed: ");
    });
}

#[test]
fn a_file_is_never_half_there() {
    let folder = Folder::new();
    let file = folder.write("file", "old");
    let part = format!("{file}.part");
    let from = format!("{file}.part.from");
    let arguments = |server: &Scripted| strings(&["-o", &file, &server.http("/")]);
    on_both(&[ok(ETAG, "new")], arguments, |finished, _| {
        finished.assert(0, "");
        assert_eq!(finished.text(), "");
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert!(!exists(&part) && !exists(&from));
        fs::write(&file, "old").unwrap();
    });
    // Cut, and nothing tells whether it will be the same next time.
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhello";
    on_both(&[answer(cut)], arguments, |finished, _| {
        finished.assert(6, "5 of 50 bytes came");
        assert!(!finished.stderr.contains("--continue"), "{finished:?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
        assert!(!exists(&part) && !exists(&from));
    });
    // Failed before anything came.
    on_both(&[answer("")], arguments, |finished, _| {
        finished.assert(6, "no answer came");
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
    });
}

#[test]
fn each_url_has_its_file() {
    let folder = Folder::new();
    let (one, two) = (folder.file("one"), folder.file("two"));
    let arguments = |server: &Scripted| {
        strings(&["-o", &one, "-o", &two, &server.http("/1"), &server.http("/2")])
    };
    on_both(&[ok("", "1"), ok("", "2")], arguments, |finished, _| {
        finished.assert(0, "");
        assert_eq!(fs::read_to_string(&one).unwrap(), "1");
        assert_eq!(fs::read_to_string(&two).unwrap(), "2");
    });
}

fn cut(fields: &str) -> Script {
    answer(format!("HTTP/1.1 200 OK\r\n{fields}content-length: 10\r\n\r\nhello")).then(Then::Cut)
}

#[test]
fn an_interrupted_download_is_gone_on_with() {
    let rest = "HTTP/1.1 206 x\r\netag: \"v1\"\r\ncontent-range: bytes 5-9/10\r\n\
                content-length: 5\r\n\r\nworld";
    let modified = "date: Tue, 15 Nov 1994 12:45:27 GMT\r\n\
                    last-modified: Tue, 15 Nov 1994 12:45:26 GMT\r\n";
    for (fields, validator) in
        [(ETAG, "if-range: \"v1\"\r\n"), (modified, "if-range: Tue, 15 Nov 1994 12:45:26 GMT\r\n")]
    {
        for runtime in RUNTIMES {
            let folder = Folder::new();
            let file = folder.file("file");
            let server = Scripted::start(vec![cut(fields), answer(rest)], None);
            let url = server.http("/x");
            let get = || run(["get", "--runtime", runtime, "--continue", "-o", &file, &url], "");
            let finished = get();
            finished.assert(6, "5 of 10 bytes came");
            finished.assert(6, "file.part, --continue goes on from there");
            assert!(!exists(&file));
            get().assert(0, "");
            assert_eq!(fs::read_to_string(&file).unwrap(), "helloworld");
            assert!(!exists(&format!("{file}.part")) && !exists(&format!("{file}.part.from")));
            let requests = server.requests();
            assert!(!requests[0].contains("range: "), "{requests:?}");
            assert!(requests[1].contains("range: bytes=5-\r\n"), "{requests:?}");
            assert!(requests[1].contains(validator), "{requests:?}");
        }
    }
}

#[test]
fn what_has_changed_is_begun_again() {
    let changed = ok("etag: \"v2\"\r\n", "another");
    let other = "HTTP/1.1 206 x\r\ncontent-range: bytes 4-9/10\r\ncontent-length: 6\r\n\r\noworld";
    let beyond = "HTTP/1.1 416 x\r\ncontent-range: bytes */3\r\ncontent-length: 0\r\n\r\n";
    let all = "HTTP/1.1 416 x\r\ncontent-range: bytes */5\r\ncontent-length: 0\r\n\r\n";
    for (script, code, sentence, body, is_kept) in [
        (changed, 0, "the 5 bytes that are there are not gone on with", "another", false),
        (answer(all), 0, "", "hello", false),
        (answer(other), 6, "the server sends bytes 4 to 9, which were not asked for", "", true),
        (answer(beyond), 1, "the server has no such range, only 3 bytes", "", true),
        (answer("HTTP/1.1 404 x\r\ncontent-length: 0\r\n\r\n"), 1, "answered 404", "", true),
    ] {
        for runtime in RUNTIMES {
            let folder = Folder::new();
            let file = folder.file("file");
            let server = Scripted::start(vec![cut(ETAG), script.clone()], None);
            let url = server.http("/x");
            let get = || run(["get", "--runtime", runtime, "--continue", "-o", &file, &url], "");
            get().assert(6, "5 of 10 bytes came");
            get().assert(code, sentence);
            assert_eq!(fs::read_to_string(&file).unwrap_or_default(), body);
            assert_eq!(exists(&format!("{file}.part")), is_kept);
            server.requests();
        }
    }
}

#[test]
fn only_the_same_url_is_gone_on_with_and_only_if_asked() {
    for (second, option) in [("/y", &["--continue"][..]), ("/x", &[])] {
        let folder = Folder::new();
        let file = folder.file("file");
        let server = Scripted::start(vec![cut(ETAG), ok(ETAG, "whole")], None);
        run(["get", "-o", &file, &server.http("/x")], "").assert(6, "--continue goes on");
        let options = ["get", "-o", &file, &server.http(second)];
        run(options.iter().chain(option), "").assert(0, "");
        assert_eq!(fs::read_to_string(&file).unwrap(), "whole");
        assert!(!server.requests()[1].contains("range: "));
    }
}

#[test]
fn a_download_that_is_killed_is_gone_on_with() {
    let folder = Folder::new();
    let file = folder.file("file");
    let rest = "HTTP/1.1 206 x\r\ncontent-range: bytes 5-9/10\r\ncontent-length: 5\r\n\r\nworld";
    let server = Scripted::start(vec![cut(ETAG).then(Then::Stay), answer(rest)], None);
    let url = server.http("/x");
    let part = format!("{file}.part");
    let process = Process::start(&mut drywire(["get", "-o", &file, &url]));
    let deadline = Instant::now() + PATIENCE;
    while fs::read(&part).unwrap_or_default() != b"hello" {
        assert!(Instant::now() < deadline, "nothing came");
        thread::yield_now();
    }
    process.signal(Signal::INT);
    let finished = process.finish();
    assert_eq!(finished.code, None);
    let sentence = format!("interrupted; 5 bytes are in {part}, --continue goes on from there");
    assert_eq!(finished.stderr, format!("drywire: {sentence}\n"));
    let finished = run(["get", "--continue", "-o", &file, &url], "");
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
    assert_eq!(fs::read_to_string(&file).unwrap(), "helloworld");
    server.requests();
}

#[test]
fn a_status_is_an_answer_unless_fail_says_otherwise() {
    let folder = Folder::new();
    let file = folder.file("file");
    let scripts = [answer("HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno")];
    let arguments = |server: &Scripted| strings(&[&server.http("/")]);
    on_both(&scripts, arguments, |finished, _| {
        finished.assert(0, "");
        assert_eq!(finished.text(), "no");
    });
    let arguments = |server: &Scripted| strings(&["--fail", "-i", "-o", &file, &server.http("/x")]);
    on_both(&scripts, arguments, |finished, _| {
        finished.assert(1, "/x: the server answered 404 Not Found");
        assert!(finished.text().is_empty() && !exists(&file), "{finished:?}");
    });
    let arguments = |server: &Scripted| strings(&["--fail", &server.http("/x")]);
    on_both(&[ok("", "399")], arguments, |finished, _| finished.assert(0, ""));
}

#[test]
fn redirects_are_followed_as_far_as_is_safe() {
    let to = |location: &str| {
        answer(format!("HTTP/1.1 302 x\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"))
    };
    let arguments = |server: &Scripted| {
        strings(&["--max-redirects", "2", "-H", "Cookie: secret", &server.http("/a/b")])
    };
    on_both(&[to("../c"), to("d"), ok("", "there")], arguments, |finished, requests| {
        finished.assert(0, "");
        assert_eq!(finished.text(), "there");
        assert!(requests[2].starts_with("GET /d ") && requests[2].contains("secret"));
    });
    on_both(&[to("/"), to("/"), to("/")], arguments, |finished, _| {
        finished.assert(1, "more than 2 redirects; --max-redirects allows more");
    });
    on_both(&[to("ftp://x/")], arguments, |finished, _| {
        finished.assert(6, "a redirect has no usable location: it does not lead from HTTP to HTTP");
    });
    on_both(&[to("http+unix:/run/docker.sock:/")], arguments, |finished, _| {
        finished.assert(1, "a redirect leads to a Unix socket");
    });
    // Another port is another origin.
    for runtime in RUNTIMES {
        let other = Scripted::start(vec![ok("", "there")], None);
        let server = Scripted::start(vec![to(&other.http("/"))], None);
        let options = ["get", "--runtime", runtime, "-H", "Cookie: secret", &server.http("/")];
        assert_eq!(run(options, "").text(), "there");
        assert!(server.requests()[0].contains("secret"));
        assert!(!other.requests()[0].contains("secret"));
    }
    on_both(
        &[to("/")],
        |server| strings(&["--max-redirects", "0", "-i", &server.http("/")]),
        |finished, _| {
            finished.assert(0, "");
            assert!(finished.text().starts_with("HTTP/1.1 302 x\r\n"), "{finished:?}");
        },
    );
}

#[test]
fn https_does_not_become_http_unless_that_is_allowed() {
    let authority = Authority::new("authority");
    let identity = authority.issue(&["127.0.0.1"]);
    let folder = Folder::new();
    let ca = folder.write("ca.pem", authority.pem());
    for (option, code, sentence) in [
        (None, 1, "a redirect leads from https to http; --allow-downgrade follows it"),
        (Some("--allow-downgrade"), 0, ""),
    ] {
        for runtime in RUNTIMES {
            let count = usize::from(option.is_some());
            let plain = Scripted::start(vec![ok("", "plain"); count], None);
            let redirect = format!("HTTP/1.1 301 x\r\nlocation: {}\r\n\r\n", plain.http("/"));
            let server = Scripted::start(vec![answer(redirect)], Some(&identity));
            let options = ["get", "--runtime", runtime, "--ca", &ca, &server.https("/")];
            run(options.into_iter().chain(option), "").assert(code, sentence);
            server.requests();
            plain.requests();
        }
    }
}

#[test]
fn a_range_that_is_not_there_is_1() {
    let arguments = |server: &Scripted| strings(&["--range", "2-4", &server.http("/")]);
    let part = "HTTP/1.1 206 x\r\ncontent-range: bytes 2-4/9\r\ncontent-length: 3\r\n\r\ncde";
    on_both(&[answer(part)], arguments, |finished, _| assert_eq!(finished.text(), "cde"));
    on_both(&[ok("", "abcdefghi")], arguments, |finished, _| {
        finished.assert(1, "the server sends everything and no range; without --range it is");
        assert_eq!(finished.text(), "");
    });
    let beyond = "HTTP/1.1 416 x\r\ncontent-range: bytes */2\r\ncontent-length: 0\r\n\r\n";
    on_both(&[answer(beyond)], arguments, |finished, _| {
        finished.assert(1, "the server has no such range, only 2 bytes");
    });
}

#[test]
fn silence_is_7_and_names_the_flag() {
    let arguments = |server: &Scripted| strings(&["--timeout", "0.2", &server.http("/")]);
    on_both(&[answer("").then(Then::Stay)], arguments, |finished, _| {
        finished
            .assert(7, "no answer came, then: timed out: no byte came or went in time; --timeout");
    });
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello";
    on_both(&[answer(cut).then(Then::Stay)], arguments, |finished, _| {
        finished.assert(7, "5 of 9 bytes came, then: timed out");
    });
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", silent.local_addr().unwrap());
    for runtime in RUNTIMES {
        let options = ["get", "--insecure", "--connect-timeout", "0.2", "--runtime", runtime, &url];
        run(options, "")
            .assert(7, "the TLS handshake was not done in time; --connect-timeout allows");
    }
}

#[test]
fn a_certificate_that_is_not_accepted_is_5_and_says_why() {
    let authority = Authority::new("some authority");
    let folder = Folder::new();
    let ca = folder.write("ca.pem", authority.pem());
    let good = authority.issue(&["127.0.0.1"]);
    let expired = authority.issue_with(&["127.0.0.1"], |params| {
        params.not_after = rcgen::date_time_ymd(2001, 2, 3);
    });
    let early = authority.issue_with(&["127.0.0.1"], |params| {
        params.not_before = rcgen::date_time_ymd(2999, 1, 1);
    });
    let wrong = authority.issue(&["example.org", "192.0.2.1"]);
    let own = {
        let params = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    };
    for (identity, options, sentences) in [
        (
            &expired,
            &["--ca", &ca][..],
            &["has expired", "; it was valid until 2001-02-03T00:00:00Z; --insecure goes on"][..],
        ),
        (&early, &["--ca", &ca], &["is not valid yet", "; it is valid from 2999-01-01T00:00:00Z;"]),
        (
            &wrong,
            &["--ca", &ca],
            &["is for another name", "; it is for example.org, 192.0.2.1; --server-name sets"],
        ),
        (
            &good,
            &[],
            &[
                "is not issued by a trusted authority",
                "; its issuer is CN=some authority; --ca FILE trusts",
            ],
        ),
        (&own, &[], &["; it is self-signed; --ca FILE trusts an authority, --insecure goes on"]),
        (&own, &["--ca", &ca], &["; it is self-signed; --ca names the authorities"]),
    ] {
        for runtime in RUNTIMES {
            let server = Scripted::start(vec![ok("", "")], Some(identity));
            let url = server.https("/");
            let finished = run(["get", "--runtime", runtime, &url].iter().chain(options), "");
            for sentence in sentences {
                finished.assert(5, sentence);
            }
            assert_eq!(finished.stderr.lines().count(), 1, "{finished:?}");
            server.requests();
        }
    }
    for (identity, options) in [
        (&good, &["--ca", &ca][..]),
        (&wrong, &["--ca", &ca, "--server-name", "example.org"]),
        (&own, &["--insecure"]),
    ] {
        for runtime in RUNTIMES {
            let server = Scripted::start(vec![ok("", "hello")], Some(identity));
            let url = server.https("/");
            let finished = run(["get", "--runtime", runtime, &url].iter().chain(options), "");
            finished.assert(0, "");
            assert_eq!(finished.text(), "hello");
            server.requests();
        }
    }
}

#[test]
fn a_server_without_tls_is_5_and_a_client_without_it_is_told() {
    for runtime in RUNTIMES {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}/", listener.local_addr().unwrap());
        let serving = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
            stream.read_to_end(&mut Vec::new()).unwrap();
        });
        let finished = run(["get", "--runtime", runtime, "--insecure", &url], "");
        finished.assert(5, "the peer does not speak TLS");
        finished.assert(
            5,
            "; addresses that begin with tcp://, unix:, http:// or http+unix: do without",
        );
        serving.join().unwrap();
    }
}

#[test]
fn a_malformed_answer_is_6_and_tls_is_guessed_only_where_it_may_be() {
    let guess = "; if the server speaks TLS, its URL begins with https";
    let arguments = |server: &Scripted| strings(&[&server.http("/")]);
    for (text, sentence, is_guessed) in [
        (&b""[..], "no answer came, then the server finished", true),
        // What a TLS server says: a fatal alert.
        (b"\x15\x03\x01\x00\x02\x02\x46", "no answer came, then the server finished", true),
        (b"220 mail\r\n\r\n", "the answer is malformed: the status line is malformed", true),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n12",
            "the answer is malformed: Content-Length is repeated",
            false,
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
            "the answer is malformed: ",
            false,
        ),
        (b"HTTP/1.1 200 OK\nx: y\n\n", "the answer is malformed: a line feed without", false),
        (b"HTTP/1.1 200 OK\r\nx", "no answer came, then the server finished", false),
    ] {
        on_both(&[answer(text)], arguments, |finished, _| {
            finished.assert(6, sentence);
            assert_eq!(finished.stderr.contains(guess), is_guessed, "{finished:?}");
        });
    }
}

#[test]
fn tls_that_ends_without_a_farewell_is_5_only_where_it_matters() {
    let authority = Authority::new("authority");
    let identity = authority.issue(&["127.0.0.1"]);
    let folder = Folder::new();
    let ca = folder.write("ca.pem", authority.pem());
    let until_end = answer("HTTP/1.1 200 OK\r\n\r\nhello").then(Then::Cut);
    for (script, code, sentence) in [
        (ok("", "hello").then(Then::Cut), 0, ""),
        (
            until_end,
            5,
            "the body is incomplete: 5 bytes came, then: truncated: the stream ended without",
        ),
    ] {
        for runtime in RUNTIMES {
            let server = Scripted::start(vec![script.clone()], Some(&identity));
            let options = ["get", "--runtime", runtime, "--ca", &ca, &server.https("/")];
            let finished = run(options, "");
            finished.assert(code, sentence);
            assert_eq!(finished.text(), "hello");
            server.requests();
        }
    }
}

#[test]
fn unix_sockets_are_asked_like_others() {
    let authority = Authority::new("authority");
    let identity = authority.issue(&["example.org"]);
    for runtime in RUNTIMES {
        let folder = Folder::new();
        let ca = folder.write("ca.pem", authority.pem());
        let (plain, secret) = (folder.file("s"), folder.file("t"));
        let server = Scripted::unix(&plain, vec![ok("", "plain")], None);
        let url = format!("http+unix:{plain}:/a");
        assert_eq!(run(["get", "--runtime", runtime, &url], "").text(), "plain");
        let requests = server.requests();
        assert!(requests[0].starts_with("GET /a HTTP/1.1\r\nhost: localhost\r\n"), "{requests:?}");
        let server = Scripted::unix(&secret, vec![ok("", "tls"); 2], Some(&identity));
        let url = format!("https+unix:{secret}:/a");
        let get =
            |options: &[&str]| run(["get", "--runtime", runtime, &url].iter().chain(options), "");
        assert_eq!(get(&["--ca", &ca, "--server-name", "example.org"]).text(), "tls");
        assert_eq!(get(&["--insecure"]).text(), "tls");
        get(&["--ca", &ca])
            .assert(2, "does not say whom its certificate must be for; --server-name");
        server.requests();
    }
}

#[test]
fn a_full_disk_is_8() {
    for (option, name) in [(&["-o", "/dev/full"][..], "/dev/full"), (&[], "standard output")] {
        for runtime in RUNTIMES {
            let server = Scripted::start(vec![ok("", "hello")], None);
            let mut command = drywire(["get", "--runtime", runtime, &server.http("/")]);
            command.args(option);
            if option.is_empty() {
                command.stdout(File::options().write(true).open("/dev/full").unwrap());
                command.stderr(std::process::Stdio::piped());
            } else {
                command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
            }
            let finished = Process::spawn(&mut command).finish();
            finished.assert(8, &format!("cannot write to {name}: no space left on device"));
            server.requests();
        }
    }
}

#[test]
fn a_file_that_cannot_be_written_is_2() {
    let folder = Folder::new();
    let file = folder.file("none/file");
    let arguments = |server: &Scripted| strings(&["-o", &file, &server.http("/")]);
    on_both(&[ok("", "hello")], arguments, |finished, _| {
        finished.assert(2, "none/file.part: no such file or directory");
    });
}

#[test]
fn timing_shows_each_part_and_what_tls_agreed_on() {
    let authority = Authority::new("authority");
    let identity = authority.issue_with(&["localhost"], |params| {
        params.not_after = rcgen::date_time_ymd(2060, 2, 3);
    });
    let folder = Folder::new();
    let ca = folder.write("ca.pem", authority.pem());
    for runtime in RUNTIMES {
        let server = Scripted::start(vec![ok("", "hello"); 2], Some(&identity));
        let (_, port) = server.place.rsplit_once(':').unwrap();
        let url = format!("https://localhost:{port}/");
        let get = |option| run(["get", "--runtime", runtime, "--ca", &ca, option, &url], "");
        let finished = get("--timing");
        finished.assert(0, "");
        assert_eq!(finished.text(), "hello");
        for part in [
            "from 127.0.0.1:",
            "TLSv1.3, TLS13_AES_256_GCM_SHA384, http/1.1",
            "certificate valid until 2060-02-03T00:00:00Z (",
            "  resolve ",
            "  connect ",
            "  tls ",
            "  first byte ",
            "  body ",
            "  total ",
            " ms  ",
            "#",
        ] {
            finished.assert(0, part);
        }
        let finished = get("--json");
        finished.assert(0, "");
        let records = finished.records();
        let events: Vec<_> =
            records.iter().map(|record| record["event"].as_str().unwrap()).collect();
        assert_eq!(events, ["response", "body", "timing", "done"]);
        let timing = &records[2];
        let times = ["resolved", "connected", "secured", "first_byte", "total"]
            .map(|name| timing[name].as_f64().unwrap());
        assert!(times.is_sorted() && times[0] > 0.0, "{times:?}");
        assert_eq!(timing["tls"]["version"], "TLSv1.3");
        assert_eq!(timing["tls"]["certificate"]["names"], json!(["localhost"]));
        assert_eq!(timing["tls"]["certificate"]["not_after"], "2060-02-03T00:00:00Z");
        server.requests();
    }
}

#[test]
fn json_tells_the_same() {
    let folder = Folder::new();
    let file = folder.file("file");
    let scripts =
        [answer("HTTP/1.1 301 x\r\nlocation: /b\r\n\r\n"), ok("X-Two: a\r\nx-two: b\r\n", "hello")];
    let arguments = |server: &Scripted| strings(&["--json", "-o", &file, &server.http("/a")]);
    on_both(&scripts, arguments, |finished, _| {
        finished.assert(0, "");
        assert_eq!(finished.stderr, "");
        let [redirect, response, first, second, done] = &finished.records()[..] else {
            panic!("{finished:?}");
        };
        assert_eq!((&redirect["event"], &redirect["status"]), (&json!("redirect"), &json!(301)));
        assert!(redirect["to"].as_str().unwrap().ends_with("/b"));
        let fields = json!([["X-Two", "a"], ["x-two", "b"], ["content-length", "5"]]);
        assert_eq!(response["fields"], fields);
        assert_eq!((&response["status"], &response["len"]), (&json!(200), &json!(5)));
        assert_eq!((&first["event"], &second["event"]), (&json!("timing"), &json!("timing")));
        assert_eq!(first["tls"], Value::Null);
        assert_eq!((&done["received"], &done["file"]), (&json!(5), &json!(file)));
        assert_eq!(fs::read_to_string(&file).unwrap(), "hello");
    });
    let arguments = |server: &Scripted| strings(&["--json", &server.http("/a")]);
    on_both(&[answer("")], arguments, |finished, _| {
        assert_eq!(finished.error()["kind"], "protocol");
        assert_eq!(finished.text(), "");
    });
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let body = "x".repeat(4 * 1024 * 1024);
    for runtime in RUNTIMES {
        let server = Scripted::start(vec![ok("", &body)], None);
        let mut process =
            Process::start(&mut drywire(["get", "--runtime", runtime, &server.http("/")]));
        assert_eq!(process.read(5), b"xxxxx");
        drop(process.stdout.take());
        let finished = process.finish();
        finished.assert(0, "");
        assert_eq!(finished.stderr, "");
        server.requests();
    }
}

#[test]
fn progress_is_for_terminals() {
    let folder = Folder::new();
    let file = folder.file("file");
    for (term, is_shown) in [("xterm", true), ("dumb", false)] {
        let half = answer("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello").then(Then::Stay);
        let server = Scripted::start(vec![half], None);
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let name = ptsname(&controller, Vec::new()).unwrap();
        let terminal = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        let mut command = drywire(["get", "--timeout", "0.5", "-o", &file, &server.http("/")]);
        command.env("TERM", term).stderr(terminal).stdout(std::process::Stdio::null());
        let process = Process::spawn(&mut command);
        drop(command);
        assert_eq!(process.finish().code, Some(7));
        let mut text = Vec::new();
        let _ = File::from(controller).read_to_end(&mut text);
        let text = String::from_utf8_lossy(&text);
        assert_eq!(text.contains("50 %"), is_shown, "{text:?}");
        server.requests();
    }
}

#[test]
fn an_answer_is_received_while_the_body_is_sent() {
    let folder = Folder::new();
    let bytes: Vec<u8> = (0..16 << 20).map(|at: u32| (at % 251).to_le_bytes()[0]).collect();
    let data = format!("@{}", folder.write("data", &bytes));
    let file = folder.file("file");
    for runtime in RUNTIMES {
        let server = Server::start(&["http://127.0.0.1:0"], ["--runtime", runtime]);
        let options = ["get", "--runtime", runtime, "--data", &data, "-o", &file, server.address()];
        run(options, "").assert(0, "");
        assert!(fs::read(&file).unwrap() == bytes);
        server.end().assert(0, "");
        fs::remove_file(&file).unwrap();
    }
}

#[test]
fn an_early_refusal_is_the_answer_whatever_becomes_of_the_connection() {
    const REFUSAL: &[u8] = b"HTTP/1.1 413 x\r\nContent-Length: 3\r\n\r\nno\n";
    let folder = Folder::new();
    let data = format!("@{}", folder.write("data", vec![0; 16 << 20]));
    for (runtime, is_reset) in RUNTIMES.iter().flat_map(|one| [(*one, true), (*one, false)]) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let refusing = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.read_exact(&mut [0; 1024]).unwrap();
            stream.write_all(REFUSAL).unwrap();
            // What is left unread resets the connection that is dropped.
            (!is_reset).then_some(stream)
        });
        let began = Instant::now();
        let finished = run(["get", "--runtime", runtime, "--data", &data, &url], "");
        finished.assert(0, "");
        assert_eq!(finished.text(), "no\n");
        assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
        drop(refusing.join().unwrap());
    }
}

#[test]
fn a_part_that_was_not_asked_for_is_6() {
    let part = "HTTP/1.1 206 x\r\ncontent-range: bytes 2-4/9\r\ncontent-length: 3\r\n\r\ncde";
    let arguments = |server: &Scripted| strings(&[&server.http("/")]);
    on_both(&[answer(part)], arguments, |finished, _| {
        finished.assert(6, "the server sends a range, and none was asked for");
        assert_eq!(finished.text(), "");
    });
    let arguments = |server: &Scripted| strings(&["-H", "Range: bytes=2-4", &server.http("/")]);
    on_both(&[answer(part)], arguments, |finished, _| assert_eq!(finished.text(), "cde"));
}

#[test]
fn all_of_it_takes_no_longer_than_the_most_it_may() {
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello";
    let arguments = |server: &Scripted| strings(&["--max-time", "0.3", &server.http("/")]);
    on_both(&[answer(half).then(Then::Stay)], arguments, |finished, _| {
        finished.assert(7, "it was not done in 0.3 seconds; --max-time allows more");
        assert_eq!(finished.text(), "hello");
    });
    let arguments =
        |server: &Scripted| strings(&["--json", "--max-time", "0.3", &server.http("/")]);
    on_both(&[answer("").then(Then::Stay)], arguments, |finished, _| {
        let error = finished.error();
        assert_eq!((&error["exit"], &error["kind"]), (&json!(7), &json!("timeout")));
    });
    // Neither does input that never ends.
    let server = Scripted::start(vec![answer("")], None);
    let arguments = ["get", "--max-time", "0.3", "--data", "-", &server.http("/")];
    let process = Process::start(&mut drywire(arguments));
    process.finish().assert(7, "--max-time allows more");
    server.requests();

    let server = Scripted::start(vec![ok("", "hello")], None);
    run(["get", "--max-time", "60", &server.http("/")], "").assert(0, "");
    run(["get", "--max-time", "0", &server.http("/")], "").assert(2, "must be more than 0");
    server.requests();
}
