//! `drywire get` against nginx, and nginx in front of `drywire serve`.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use drywire_conformance::certificates::Certificates;
use drywire_conformance::peer::{Nginx, Process};

use crate::command::{RUNTIMES, Served, assert_contains, get, got, pattern};

/// nginx with `directives`, plain and within TLS, and its URL without a path.
fn servers(certificates: &Certificates, directives: &str) -> [(Nginx, String); 2] {
    let (certificate, key) = (certificates.file("server"), certificates.file("server-key"));
    let tls = format!("ssl_certificate {certificate}; ssl_certificate_key {key}; {directives}");
    let (plain, tls) = (Nginx::start("", directives), Nginx::start("ssl", &tls));
    let urls = [&plain, &tls].map(|nginx| format!("localhost:{}", nginx.address().port()));
    [(plain, format!("http://{}", urls[0])), (tls, format!("https://{}", urls[1]))]
}

/// Runs `test` for both runtimes, plain and within TLS, with the arguments that all have.
fn everywhere(directives: &str, test: impl Fn(&Nginx, &str, &[&str])) {
    let certificates = Certificates::new();
    let authority = certificates.file("authority");
    for (nginx, url) in servers(&certificates, directives) {
        for runtime in RUNTIMES {
            test(&nginx, &url, &["--runtime", runtime, "--ca", &authority]);
        }
    }
}

#[test]
fn files_ranges_and_chunks_arrive() {
    everywhere("location /included { ssi on; ssi_types *; }", |nginx, url, common| {
        let body = pattern(200_000);
        nginx.put("file", &body);
        nginx.put("included", "before <!--# echo var=\"request_method\" --> after");
        let of = |path: &str, options: &[&str]| {
            got(&[common, options, &[&format!("{url}{path}")]].concat())
        };
        assert!(of("/file", &[]) == body);
        assert!(of("/file", &["--range", "1000-1999"]) == body[1000..2000]);
        let included = String::from_utf8(of("/included", &["-i"])).unwrap();
        assert_contains(&included.to_lowercase(), "transfer-encoding: chunked");
        assert_contains(&included, "before GET after");
    });
}

#[test]
fn redirects_are_followed_within_bounds() {
    let directives = "location = /there { return 200 arrived; }
        location = /moved { return 301 /there; }
        location = /found { return 302 moved; }
        location = /round { return 307 /round; }";
    everywhere(directives, |_, url, common| {
        let found = format!("{url}/found");
        assert_eq!(got(&[common, &[&found]].concat()), b"arrived");
        let (status, text) = get(&[common, &[&format!("{url}/round")]].concat());
        assert_eq!(status.code(), Some(1), "{text}");
        assert_contains(&text, "redirect");
    });
}

#[test]
fn a_hundred_megabytes_arrive_in_a_file() {
    everywhere("", |nginx, url, common| {
        let body = pattern(100_000_000);
        nginx.put("large", &body);
        let file = nginx.root().join("got");
        let to = ["-o", file.to_str().unwrap(), &format!("{url}/large")];
        let _ = got(&[common, &to].concat());
        assert!(fs::read(&file).unwrap() == body);
        fs::remove_file(&file).unwrap();
    });
}

#[test]
fn a_body_that_is_cut_is_an_error_with_numbers() {
    // A server behind nginx that dies in the middle of what it announced, for every request.
    let behind = TcpListener::bind("127.0.0.1:0").unwrap();
    let directives = format!(
        "location / {{ proxy_pass http://{}; proxy_buffering off; }}",
        behind.local_addr().unwrap()
    );
    thread::spawn(move || {
        for stream in behind.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n").unwrap();
            stream.write_all(&[b'x'; 400]).unwrap();
        }
    });
    everywhere(&directives, |_, url, common| {
        let (status, text) = get(&[common, &[&format!("{url}/")]].concat());
        assert_eq!(status.code(), Some(6), "{text}");
        assert_contains(&text, "400");
        assert_contains(&text, "1000");
    });
}

#[test]
fn nginx_in_front_passes_requests_on() {
    let certificates = Certificates::new();
    let authority = certificates.file("authority");
    for runtime in RUNTIMES {
        let served = Served::start(runtime, &certificates, &["--format", "json"]);
        for behind in served.urls("") {
            let directives = format!(
                "location / {{
                    proxy_pass {behind};
                    proxy_http_version 1.1;
                    proxy_set_header Connection \"\";
                    proxy_set_header X-Forwarded-For $remote_addr;
                    proxy_set_header Host front.test;
                    proxy_ssl_trusted_certificate {authority};
                    proxy_ssl_verify on;
                    proxy_ssl_name localhost;
                    client_max_body_size 10m;
                }}"
            );
            let front = Nginx::start("", &directives);
            let url = format!("http://{}/through?x", front.address());
            for _ in 0..3 {
                let text = String::from_utf8(got(&["--data", "a body", &url])).unwrap();
                for part in ["X-Forwarded-For", "front.test", "/through?x", "POST"] {
                    assert_contains(&text, part);
                }
            }
        }
        served.end();
    }
}

/// nginx does not read the answer reliably while it still sends the request, whatever the server:
/// a large body is answered behind its end.
#[test]
fn nginx_in_front_passes_bodies_on() {
    let certificates = Certificates::new();
    let (small, large) = (pattern(50_000), pattern(20_000_000));
    let file = certificates.folder().join("body");
    for runtime in RUNTIMES {
        for (body, format) in [(&small, "echo"), (&large, "json")] {
            fs::write(&file, body).unwrap();
            let data = format!("@{}", file.display());
            let served = Served::start(runtime, &certificates, &["--format", format]);
            for buffering in ["on", "off"] {
                let front = Nginx::start(
                    "",
                    &format!(
                        "location / {{ proxy_pass {}; proxy_http_version 1.1;
                            client_max_body_size 20m; proxy_request_buffering {buffering}; }}",
                        served.http
                    ),
                );
                let url = format!("http://{}/", front.address());
                let back = Process::start("curl", ["-sS", "--data-binary", &data, &url]).succeed();
                if format == "echo" {
                    assert!(&back == body, "{} bytes", back.len());
                } else {
                    assert_contains(&String::from_utf8_lossy(&back), large.len());
                }
            }
            served.end();
        }
    }
}
