//! How many connections there may be.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use crate::adapter::Server;
use drywire::admission::AdmissionLimits;
use drywire::error::LimitExceeded;
use drywire::{CloseReason, Error, Peer};
use socket2::{Domain, Socket, Type};

use crate::obey::Obey;
use crate::peer::{PATIENCE, Raw, dial, dial_unix, expect_echo, expect_echoes, expect_gone};
use crate::serving::{bind, loopback, run, socket_addr, socket_path};

#[test]
fn those_beyond_the_limit_wait_until_another_ends() {
    let mut limits = AdmissionLimits::new();
    limits.connections_max = 2;
    let server = run(Server::new(|_: &Peer| Obey).admission(limits), vec![loopback()]);
    let mut peers = [(); 2].map(|()| dial(server.at()));
    peers.iter_mut().for_each(expect_echo);
    let mut third = dial(server.at());
    // Those that are served are, again and again, and the third is not among them.
    for _ in 0..10 {
        peers.iter_mut().for_each(expect_echo);
    }
    let statistics = server.handle.statistics();
    assert_eq!((statistics.accepted, statistics.active, statistics.refused), (2, 2, 0));
    let [first, second] = peers;
    drop(first);
    expect_echo(&mut third);
    drop((second, third));
    server.handle.drain();
    assert_eq!(server.ended().statistics.accepted, 3);
}

#[test]
fn a_crowd_that_comes_at_once_is_served_and_nobody_is_refused() {
    for max in 1..=2 {
        serve_crowds(max, Server::new(|_: &Peer| Obey));
    }
}

/// Has crowds come to the listeners of `server`, which has `max` places.
#[track_caller]
pub(crate) fn serve_crowds<F>(max: usize, server: Server<F>)
where
    F: Fn(&Peer) -> Obey + Send + Sync + 'static,
{
    let path = socket_path();
    let unix = bind(&format!("unix:{}", path.display()));
    let mut limits = AdmissionLimits::new();
    limits.connections_max = max;
    let server = run(server.admission(limits), vec![loopback(), loopback(), unix]);
    let second = socket_addr(&server.addresses[1], Ipv4Addr::LOCALHOST.into());
    for _ in 0..100 {
        let peers = (0..2).flat_map(|_| -> [Box<dyn Raw>; 3] {
            [Box::new(dial(server.at())), Box::new(dial(second)), Box::new(dial_unix(&path))]
        });
        expect_echoes(peers.collect());
    }
    let statistics = server.stop().statistics;
    assert_eq!((statistics.accepted, statistics.refused), (600, 0));
}

#[test]
fn one_address_may_have_so_many() {
    let mut limits = AdmissionLimits::new();
    limits.connections_per_address_max = Some(2);
    let path = socket_path();
    let unix = bind(&format!("unix:{}", path.display()));
    let server = run(Server::new(|_: &Peer| Obey).admission(limits), vec![loopback(), unix]);
    let mut peers = [(); 2].map(|()| dial(server.at()));
    peers.iter_mut().for_each(expect_echo);
    expect_gone(&mut dial(server.at()));
    let limit = LimitExceeded::ConnectionsPerAddress { max: 2 };
    assert_eq!(server.closed(), CloseReason::Failed(Error::Limit(limit)));
    // Another address, and peers that have none.
    let mut others = [(); 2].map(|()| dial_from([127, 0, 0, 2].into(), server.at()));
    others.iter_mut().for_each(expect_echo);
    let mut unnamed = [(); 3].map(|()| dial_unix(&path));
    unnamed.iter_mut().for_each(expect_echo);
    // A place that is free again is free.
    let [first, second] = peers;
    drop(first);
    assert_eq!(server.closed(), CloseReason::Finished);
    expect_echo(&mut dial(server.at()));
    drop(second);
    let summary = server.stop();
    assert_eq!((summary.statistics.accepted, summary.statistics.refused), (8, 1));
}

fn dial_from(local: Ipv4Addr, remote: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((local, 0)).into()).unwrap();
    socket.connect(&remote.into()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.into()
}
