//! Loads over real sockets. What they measure is tested in virtual time, with the core.

use std::time::Duration;

use drywire::framing::{ByteFraming, LengthPrefix, Raw};
use drywire::load::{Asker, Load, LoadOptions, Pace};
use drywire::ping::Distribution;
use drywire::protocol::{Discard, Echo};
use drywire::{CloseKind, Peer};
use drywire_std::evented::{Clients, LoadFailure, Server, Target, run_load};
use drywire_std::{Client, ConnectError};

use crate::certificate::Certificate;
use crate::serving::{loopback, run};

const INTERVAL: Duration = Duration::from_millis(20);

fn load(
    clients: &Clients<Asker<impl ByteFraming + Clone, Distribution>>,
    change: impl FnOnce(&mut LoadOptions),
) -> Load<Distribution> {
    let mut options = LoadOptions::new();
    options.connections = 8;
    change(&mut options);
    Load::new(options, clients.clock().now())
}

#[test]
fn so_many_requests_are_asked_over_connections_that_are_kept() {
    let framing = LengthPrefix::u32be();
    let server = run(Server::new(|_: &Peer| Echo::new(LengthPrefix::u32be())), vec![loopback()]);
    let mut clients = Clients::new(&Client::new()).unwrap();
    let load = load(&clients, |options| {
        options.in_flight_max = 4;
        options.requests_max = Some(5_000);
    });
    let mut looks = 0;
    let target = Target::from(server.at());
    let first =
        run_load(&mut clients, &target, &framing, false, &load, INTERVAL, |_, _| looks += 1);
    assert!(matches!(first, Ok(None)) && looks >= 2, "{first:?}");
    let statistics = load.statistics();
    assert_eq!((statistics.answered, statistics.opened), (5_000, 8));
    assert!(statistics.is_clean());
    assert_eq!(server.stop().statistics.closed_as(CloseKind::Finished), 8);
}

#[test]
fn each_request_may_have_a_connection_with_tls() {
    let certificate = Certificate::new();
    let listener = loopback().with_tls(certificate.server());
    let server = run(Server::new(|_: &Peer| Echo::new(Raw::new())), vec![listener]);
    let client = Client::new().tls(certificate.client());
    let address = format!("tls://localhost:{}", server.at().port());
    let target = Target::resolve(&client, &address.parse().unwrap()).unwrap();
    let mut clients = Clients::new(&client).unwrap();
    let load = load(&clients, |options| {
        options.connects = true;
        options.pace = Pace::Open { rate: 200 };
        options.requests_max = Some(40);
    });
    run_load(&mut clients, &target, &Raw::new(), true, &load, INTERVAL, |_, _| {}).unwrap();
    let statistics = load.statistics();
    // Some were being made when the last request was asked.
    assert!(statistics.answered == 40 && (40..48).contains(&statistics.opened), "{statistics:?}");
    assert!(statistics.is_clean());
}

#[test]
fn a_load_that_finds_nobody_ends_at_once() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let target = Target::from(socket.local_addr().unwrap());
    drop(socket);
    let mut clients = Clients::new(&Client::new()).unwrap();
    let load = load(&clients, |_| {});
    let ended = run_load(&mut clients, &target, &Raw::new(), true, &load, INTERVAL, |_, _| {});
    assert!(matches!(ended, Err(LoadFailure::Connect(ConnectError::Connector(_)))), "{ended:?}");
}

/// With `timeout` for answers, of a peer that gives none. `alarms` are raised, one for each look.
#[track_caller]
fn interrupted(alarms: usize, timeout: Duration) {
    let server = run(Server::new(|_: &Peer| Discard::<Raw>::default()), vec![loopback()]);
    let mut clients = Clients::new(&Client::new()).unwrap();
    let load = load(&clients, |options| options.timeout = timeout);
    let alarm = clients.alarm();
    let mut raised = 0;
    let target = Target::from(server.at());
    let ended = run_load(&mut clients, &target, &Raw::new(), true, &load, INTERVAL, |load, _| {
        if load.statistics().opened == 8 && raised < alarms {
            alarm.raise().unwrap();
            raised += 1;
        }
    });
    assert!(matches!(ended, Ok(None)), "{ended:?}");
    assert_eq!(raised, alarms);
    assert_eq!((load.statistics().unanswered, load.statistics().answered), (8, 0));
}

#[test]
fn an_alarm_ends_asking_and_the_next_one_waiting_for_answers() {
    interrupted(1, Duration::from_millis(50));
    interrupted(2, Duration::MAX);
}
