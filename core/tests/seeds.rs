//! Replays the seeds of every fuzz target, so that what a fuzzer once found stays found.
#![cfg(all(feature = "testkit", feature = "tls"))]

mod support;

use std::fs;
use std::path::Path;

use drywire::testkit::fuzz;
use support::Version;

fn replay(target: &str, body: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(target);
    let seeds = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut count = 0;
    for seed in seeds {
        let path = seed.unwrap().path();
        println!("{}", path.display());
        body(&fs::read(path).unwrap());
        count += 1;
    }
    assert!(count > 0, "{target} has no seeds");
}

#[test]
fn address() {
    replay("address", fuzz::address);
}

#[test]
fn connection() {
    replay("connection", fuzz::connection);
}

#[test]
fn datagram() {
    replay("datagram", fuzz::datagram);
}

#[test]
fn framing() {
    replay("framing", fuzz::in_box);
}

#[test]
fn icmp() {
    replay("icmp", fuzz::icmp);
}

#[test]
fn ping() {
    replay("ping", fuzz::ping);
}

#[test]
#[cfg(feature = "http1")]
fn http1() {
    replay("http1_heads", fuzz::http1_heads);
    replay("http1_requests", fuzz::http1_requests);
    replay("http1_responses", fuzz::http1_responses);
    replay("http1_roles", fuzz::http1_roles);
}

#[test]
fn proxy() {
    replay("proxy", fuzz::proxy);
}

#[test]
fn script() {
    replay("script", fuzz::script);
}

#[test]
fn tls() {
    replay("tls", |data| fuzz::tls(data, |is_new| support::sessions(Version::of(is_new))));
}
