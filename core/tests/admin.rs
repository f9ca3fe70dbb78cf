//! What an admin listener answers.
#![cfg(feature = "http1")]

use drywire::connection::Stage;
use drywire::datagram::DatagramStatistics;
use drywire::protocol::Admin;
use drywire::statistics::{Observed, Statistics, Visit};
use drywire::{CloseReason, Instant, Limits, Peer};
use http::{Server, exchange_cut, parts};

#[path = "support/http.rs"]
mod http;

/// A server that does not run.
#[derive(Clone, Default)]
struct Observee {
    is_ready: bool,
    visits: usize,
    has_workers: bool,
}

impl Observed for Observee {
    fn is_ready(&self) -> bool {
        self.is_ready
    }

    fn statistics(&self) -> Statistics {
        let mut statistics = Statistics::new();
        statistics.transferred(3, 4);
        statistics
    }

    fn datagrams(&self) -> Option<DatagramStatistics> {
        let mut statistics = DatagramStatistics::new();
        statistics.received = 5;
        self.is_ready.then_some(statistics)
    }

    fn visits(&self) -> Vec<Visit> {
        let mut visit = Visit::new(Peer::unix(), Instant::ZERO);
        visit.stage = Stage::Open;
        vec![visit; self.visits]
    }

    fn lists_visits(&self) -> bool {
        !self.has_workers
    }

    fn listeners(&self) -> Vec<String> {
        vec!["unix:/s".to_owned()]
    }

    fn now(&self) -> Instant {
        Instant::from_nanos(2_000_000_000)
    }

    fn descriptors(&self) -> Option<u64> {
        Some(7)
    }
}

fn over_ip() -> Peer {
    let here = "127.0.0.1:9090".parse().unwrap();
    Peer::ip(here, here)
}

#[track_caller]
fn get(observee: &Observee, target: &str) -> String {
    let input = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let (answer, reason) =
        exchange_cut(|| Admin::new(observee.clone(), &over_ip()), input.as_bytes());
    assert_eq!(reason, Some(CloseReason::Finished));
    answer
}

#[test]
fn life_and_readiness_are_two_things() {
    let (ready, not) = (Observee { is_ready: true, ..Observee::default() }, Observee::default());
    for (observee, target, status) in [
        (&ready, "/livez", "200 OK"),
        (&not, "/livez", "200 OK"),
        (&ready, "/readyz", "200 OK"),
        (&ready, "/readyz?verbose", "200 OK"),
        (&not, "/readyz", "503 Service Unavailable"),
    ] {
        let answer = get(observee, target);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{target}: {answer}");
    }
}

#[test]
fn metrics_are_those_of_the_server() {
    let answer = get(&Observee { is_ready: true, ..Observee::default() }, "/metrics");
    let (head, body) = parts(&answer);
    assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
    assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
    for line in [
        "drywire_received_bytes_total 3",
        "drywire_datagrams_received_total 5",
        "# TYPE drywire_ready gauge",
        "drywire_ready 1",
        "# HELP process_open_fds Open file descriptors.",
        "process_open_fds 7",
    ] {
        assert!(body.lines().any(|other| other == line), "{line}\n{body}");
    }
    let answer = get(&Observee::default(), "/metrics");
    assert!(answer.contains("\ndrywire_ready 0\n") && !answer.contains("datagrams"), "{answer}");
}

#[test]
fn no_list_is_answered_where_others_serve() {
    let answer = get(&Observee { has_workers: true, ..Observee::default() }, "/connections");
    assert!(answer.starts_with("HTTP/1.1 501 Not Implemented\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nworkers serve the connections and do not list them\n"));
}

#[test]
fn connections_are_listed() {
    let answer = get(&Observee { visits: 1, ..Observee::default() }, "/connections");
    let (head, body) = parts(&answer);
    assert!(head.contains("content-type: application/json"), "{head}");
    assert_eq!(
        body,
        "[\n{\"peer\":\"unix\",\"local\":null,\"listener\":\"unix:/s\",\"age\":2,\"received\":0,\
         \"transmitted\":0,\"state\":\"open\",\"tls\":null}\n]\n"
    );
}

#[test]
fn a_long_list_is_sent_as_the_client_reads() {
    let mut server = Server::new(
        Admin::new(Observee { visits: 20_000, ..Observee::default() }, &over_ip()),
        Limits::new(),
    );
    assert!(server.receive(b"GET /connections HTTP/1.1\r\nHost: localhost\r\n\r\n") > 0);
    let queued_len = server.connection().queued_len();
    assert!(
        (1..=Limits::new().transmit_high_water + 17 * 1024).contains(&queued_len),
        "{queued_len}"
    );
    let answer = String::from_utf8(server.take()).unwrap();
    let (head, body) = parts(&answer);
    assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
    assert_eq!(body.lines().count(), 20_002);
}

#[test]
fn what_is_not_there_is_said_so() {
    assert!(get(&Observee::default(), "/").starts_with("HTTP/1.1 404 Not Found\r\n"));
    for (request, status) in [
        ("POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi", 405),
        ("CONNECT localhost:1 HTTP/1.1\r\nHost: localhost:1\r\n\r\n", 404),
    ] {
        let (answer, reason) =
            exchange_cut(|| Admin::new(Observee::default(), &over_ip()), request.as_bytes());
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert_eq!(answer.contains("allow: GET, HEAD\r\n"), status == 405, "{answer}");
        // Behind a body that is not read, and behind a CONNECT, nothing else is.
        assert!(reason.is_some_and(|reason| reason.is_clean()), "{request}");
    }
    let (answer, reason) = exchange_cut(
        || Admin::new(Observee::default(), &over_ip()),
        b"HEAD /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
    );
    assert!(answer.contains("content-length: 3\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
    assert_eq!(reason, Some(CloseReason::Finished));
}

#[test]
fn what_is_no_http_is_answered_and_closed() {
    for input in [&b"hello\r\n\r\n"[..], b"\x16\x03\x01\x00\x05hello\r\n\r\n"] {
        let (answer, reason) = exchange_cut(|| Admin::new(Observee::default(), &over_ip()), input);
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
        assert!(matches!(reason, Some(CloseReason::Failed(_))), "{reason:?}");
    }
}

#[test]
fn a_name_that_leads_here_is_not_ours() {
    let statuses = |peer: &Peer, host: &str| {
        let request = format!("GET /livez HTTP/1.0\r\n{host}\r\n");
        let (answer, _) =
            exchange_cut(|| Admin::new(Observee::default(), peer), request.as_bytes());
        answer["HTTP/1.1 ".len()..][..3].to_owned()
    };
    for (host, over_ip_status) in [
        ("", "200"),
        ("Host: localhost\r\n", "200"),
        ("Host: LocalHost:9090\r\n", "200"),
        ("Host: 127.0.0.1:9090\r\n", "200"),
        ("Host: [::1]:9090\r\n", "200"),
        ("Host: [::1]\r\n", "200"),
        ("Host: rebound.example\r\n", "421"),
        ("Host: localhost.example:9090\r\n", "421"),
        ("Host: 127.0.0.1.example\r\n", "421"),
    ] {
        assert_eq!(statuses(&over_ip(), host), over_ip_status, "{host}");
        assert_eq!(statuses(&Peer::unix(), host), "200", "{host}");
    }
}

#[test]
fn a_body_is_not_waited_for() {
    let head = b"POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    let mut server = Server::new(Admin::new(Observee::default(), &over_ip()), Limits::new());
    assert_eq!(server.receive(head), head.len());
    let answer = String::from_utf8(server.take()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
}
