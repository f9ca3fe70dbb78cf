//! Many connections that come and go.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::time::Duration;

use drywire::admission::AdmissionLimits;
use drywire::framing::Lines;
use drywire::tls::Negotiated;
use drywire::{CloseKind, CloseReason, Handle, Limits, Peer, Protocol};
use drywire_std::evented::{Clients, News, Server, Target};
use drywire_std::{Client, descriptors};

use crate::obey::Obey;
use crate::serving::{bind, loopback, run, socket_path};

/// Asks so often, and finishes.
struct Ask {
    left: usize,
    answers: usize,
}

impl Protocol for Ask {
    type Framing = Lines;

    fn framing(&self) -> Lines {
        Lines::new()
    }

    fn on_open(&mut self, _: Option<&Negotiated>, handle: &mut Handle<'_, Lines>) {
        handle.send(b"hello").unwrap();
    }

    fn on_frame(&mut self, frame: &[u8], handle: &mut Handle<'_, Lines>) {
        assert_eq!(frame, b"hello");
        self.answers += 1;
        self.left -= 1;
        if self.left == 0 {
            handle.finish();
        } else {
            handle.send(frame).unwrap();
        }
    }
}

#[test]
fn a_thousand_come_and_go_over_two_loops() {
    let unix = bind(&format!("unix:{}", socket_path().display()));
    let two = NonZeroUsize::new(2).unwrap();
    let server = run(Server::new(|_: &Peer| Obey).threads(two), vec![loopback(), unix]);
    let targets: Vec<_> = server
        .addresses
        .iter()
        .map(|address| Target::resolve(&Client::new(), address).unwrap())
        .collect();
    let mut clients = Clients::new(&Client::new()).unwrap();
    let mut begun = 0;
    let mut connect = |clients: &mut Clients<Ask>| {
        clients.connect(&targets[begun % 2], Ask { left: 1 + begun % 3, answers: 0 });
        begun += 1;
    };
    (0..100).for_each(|_| connect(&mut clients));
    let mut ended = 0;
    while let Some(end) = clients.next().unwrap() {
        assert!(matches!(end.outcome, Ok(CloseReason::Finished)), "{:?}", end.outcome);
        assert_eq!(end.protocol.left, 0);
        ended += 1;
        if ended <= 900 {
            connect(&mut clients);
        }
    }
    assert_eq!(ended, 1000);
    server.handle.drain();
    let summary = server.ended();
    assert!(summary.drained);
    assert_eq!((summary.statistics.accepted, summary.statistics.active), (1000, 0));
    assert_eq!(summary.statistics.closed_as(CloseKind::Finished), 1000);
    assert!(server.handle.statistics().received_len >= 6000);
    assert!(descriptors().is_some_and(|count| count < 900), "some were not closed");
}

#[test]
fn who_is_busy_while_the_server_drains_is_served_to_the_end() {
    let mut limits = Limits::new();
    limits.drain_idle_timeout = Duration::from_secs(5);
    let mut admission = AdmissionLimits::new();
    admission.drain_timeout = Duration::from_secs(60);
    let two = NonZeroUsize::new(2).unwrap();
    let server = Server::new(|_: &Peer| Obey).limits(limits).admission(admission).threads(two);
    let server = run(server, vec![loopback()]);
    let mut clients = Clients::new(&Client::new()).unwrap();
    let target = Target::from(server.at());
    let ids: HashSet<_> =
        (0..50).map(|_| clients.connect(&target, Ask { left: 200, answers: 0 })).collect();
    // Until all are under way.
    loop {
        let soon = clients.clock().now() + Duration::from_millis(1);
        assert!(matches!(clients.next_until(soon).unwrap(), News::Due | News::Ended(_)));
        let mut begun = 0;
        clients.each(|_, ask, _| begun += usize::from(ask.answers > 0));
        if begun > 40 {
            break;
        }
    }
    server.handle.drain();
    let mut seen = 0;
    while let Some(end) = clients.next().unwrap() {
        assert!(matches!(end.outcome, Ok(CloseReason::Finished)), "{:?}", end.outcome);
        assert_eq!((end.protocol.left, end.protocol.answers), (0, 200));
        assert!(ids.contains(&end.id));
        seen += 1;
    }
    assert!(seen > 0);
    let summary = server.ended();
    assert!(summary.drained);
    assert_eq!(summary.statistics.closed_as(CloseKind::Finished), 50);
}
