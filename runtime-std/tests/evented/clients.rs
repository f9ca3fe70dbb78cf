//! Many clients in one loop.

use std::cell::Cell;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use drywire::connector::ConnectorLimits;
use drywire::framing::Lines;
use drywire::proxy::{Introduction, ProxyPolicy, Version};
use drywire::tls::Negotiated;
use drywire::{CloseReason, Fault, Handle, Instant, Peer, Protocol};
use drywire_std::evented::{Clients, Ended, News, Server, Target};
use drywire_std::{Client, ConnectError, Stream};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::certificate::Certificate;
use crate::obey::Obey;
use crate::peer::{PATIENCE, expect};
use crate::serving::{Running, bind, loopback, run, socket_path};

/// Asks so many times, one after the other, and closes.
#[derive(Clone, Debug, Default)]
struct Ask {
    left: usize,
    answers: usize,
    was_secured: bool,
    /// What all have asked together.
    asked: Rc<Cell<usize>>,
    timer_at: Option<Instant>,
    fired_at: Option<Instant>,
}

impl Ask {
    fn times(left: usize) -> Self {
        Self { left, ..Self::default() }
    }

    fn ask(&mut self, handle: &mut Handle<'_, Lines>) {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                self.asked.set(self.asked.get() + 1);
                handle.send(b"hello").unwrap();
            }
            None => handle.close(),
        }
    }
}

impl Protocol for Ask {
    type Framing = Lines;

    fn framing(&self) -> Lines {
        Lines::new()
    }

    fn on_open(&mut self, negotiated: Option<&Negotiated>, handle: &mut Handle<'_, Lines>) {
        self.was_secured = negotiated.is_some();
        match self.timer_at {
            Some(at) => handle.set_timer(Some(at)),
            None => self.ask(handle),
        }
    }

    fn on_timer(&mut self, handle: &mut Handle<'_, Lines>) {
        self.fired_at = Some(handle.now());
        self.ask(handle);
    }

    fn on_frame(&mut self, frame: &[u8], handle: &mut Handle<'_, Lines>) {
        assert_eq!(frame, b"hello");
        self.answers += 1;
        self.ask(handle);
    }
}

fn obey(listeners: Vec<drywire_std::Listener>) -> Running {
    run(Server::new(|_: &Peer| Obey), listeners)
}

fn clients() -> Clients<Ask> {
    Clients::new(&Client::new()).unwrap()
}

fn ended(clients: &mut Clients<Ask>) -> Ended<Ask> {
    clients.next().unwrap().expect("a connection is left")
}

#[test]
fn hundreds_go_on_at_once_over_every_kind_of_stream() {
    let certificate = Certificate::new();
    let path = socket_path();
    let unix = || bind(&format!("unix:{}", path.display()));
    let server = obey(vec![loopback(), loopback().with_tls(certificate.server()), unix()]);
    let client =
        Client::new().tls(certificate.client()).server_name("localhost".try_into().unwrap());
    let targets: Vec<_> =
        server.addresses.iter().map(|address| Target::resolve(&client, address).unwrap()).collect();
    let mut clients = Clients::new(&client).unwrap();
    let asked = Rc::new(Cell::new(0));
    let mut ids = Vec::new();
    for round in 0..300 {
        let ask = Ask { left: 3, asked: Rc::clone(&asked), ..Ask::default() };
        ids.push(clients.connect(&targets[round % 3], ask));
    }
    assert_eq!(clients.len(), 300);
    let mut secured = 0;
    while let Some(ended) = clients.next().unwrap() {
        assert!(matches!(ended.outcome, Ok(CloseReason::Closed)), "{ended:?}");
        assert_eq!((ended.protocol.left, ended.protocol.answers), (0, 3));
        secured += usize::from(ended.protocol.was_secured);
        let connected_at = ended.connected_at.unwrap();
        assert!(ended.began_at <= connected_at && connected_at <= ended.ended_at);
        if !ended.protocol.was_secured {
            assert_eq!((ended.received_len, ended.transmitted_len), (18, 18));
        }
        ids.retain(|id| *id != ended.id);
    }
    assert_eq!((asked.get(), secured, ids.len()), (900, 100, 0));
    assert!(clients.is_empty());
    assert_eq!(server.stop().statistics.accepted, 300);
}

#[test]
fn the_first_address_that_answers_is_taken() {
    let server = obey(vec![loopback()]);
    // Nobody listens there any more.
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut clients = clients();
    clients.connect(&[gone, server.at()].into_iter().collect(), Ask::times(1));
    assert!(matches!(ended(&mut clients).outcome, Ok(CloseReason::Closed)));
    clients.connect(&Target::from(gone), Ask::times(1));
    let ended = ended(&mut clients);
    match ended.outcome {
        Err(ConnectError::Connector(drywire::connector::ConnectError::Failed { tried })) => {
            assert_eq!(tried, [(gone, Fault::Refused)]);
        }
        outcome => panic!("{outcome:?}"),
    }
    assert_eq!((ended.protocol.left, ended.connected_at), (1, None));
    assert!(clients.next().unwrap().is_none());
    server.stop();
}

#[test]
fn a_host_that_does_not_answer_is_given_up() {
    let mut limits = ConnectorLimits::new();
    limits.connect_timeout = Duration::from_millis(50);
    let client = Client::new().connector(limits);
    let mut clients = Clients::new(&client).unwrap();
    // A queue that is full does not answer.
    let full = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    full.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    full.listen(0).unwrap();
    let address = full.local_addr().unwrap().as_socket().unwrap();
    for _ in 0..8 {
        clients.connect(&Target::from(address), Ask::times(1));
    }
    let mut timed_out = 0;
    while let News::Ended(ended) = clients.next_until(clients.clock().now() + PATIENCE).unwrap() {
        match ended.outcome {
            Err(ConnectError::Connector(drywire::connector::ConnectError::TimedOut { .. })) => {
                timed_out += 1;
            }
            outcome => panic!("{outcome:?}"),
        }
        if timed_out >= 6 {
            break;
        }
    }
    assert!(timed_out >= 6);
}

#[test]
fn a_unix_socket_whose_queue_is_full_is_tried_again() {
    let path = socket_path();
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    socket.bind(&SockAddr::unix(&path).unwrap()).unwrap();
    socket.listen(0).unwrap();
    let listener = UnixListener::from(socket);
    let target =
        Target::resolve(&Client::new(), &format!("unix:{}", path.display()).parse().unwrap());
    let target = target.unwrap();
    let mut clients = clients();
    for _ in 0..5 {
        clients.connect(&target, Ask::times(0));
    }
    // All of them cannot be connected before some are accepted.
    let soon = clients.clock().now() + Duration::from_millis(20);
    assert!(matches!(clients.next_until(soon).unwrap(), News::Due));
    let accepting = thread::spawn(move || {
        for _ in 0..5 {
            drop(listener.accept().unwrap());
        }
    });
    for _ in 0..5 {
        assert!(matches!(ended(&mut clients).outcome, Ok(CloseReason::Closed)));
    }
    accepting.join().unwrap();
    std::fs::remove_file(path).unwrap();
}

#[test]
fn connecting_is_stopped_and_connections_are_not() {
    let server = obey(vec![loopback()]);
    let mut clients = clients();
    let target = Target::from(server.at());
    let first = clients.connect(&target, Ask::times(1));
    clients.stop_connecting();
    let stopped = ended(&mut clients);
    assert!(matches!(stopped.outcome, Ok(CloseReason::Stopped)), "{stopped:?}");
    assert_eq!((stopped.id, stopped.connected_at, stopped.protocol.left), (first, None, 1));
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    clients.adopt(Stream::try_from(ours).unwrap(), Ask::times(1)).unwrap();
    clients.stop_connecting();
    drop(theirs);
    let ended = ended(&mut clients);
    assert!(!matches!(ended.outcome, Ok(CloseReason::Stopped)), "{ended:?}");
    server.stop();
}

#[test]
fn handshakes_that_fail_are_ends() {
    let [served, trusted] = [Certificate::new(), Certificate::new()];
    let server = obey(vec![loopback().with_tls(served.server())]);
    let client = Client::new().tls(trusted.client()).server_name("localhost".try_into().unwrap());
    let target = Target::resolve(&client, &server.addresses[0]).unwrap();
    let mut clients = Clients::new(&client).unwrap();
    clients.connect(&target, Ask::times(1));
    let ended = ended(&mut clients);
    assert!(matches!(ended.outcome, Ok(CloseReason::Failed(drywire::Error::Tls(_)))), "{ended:?}");
    assert!(ended.connected_at.is_some());
    let error = Target::resolve(&Client::new(), &server.addresses[0]).unwrap_err();
    assert!(matches!(error, ConnectError::TlsMissing), "{error}");
    server.stop();
}

#[test]
fn a_header_goes_before_everything_else() {
    let policy = ProxyPolicy::new("127.0.0.1".parse().unwrap());
    let server = obey(vec![loopback().with_proxy(policy)]);
    let source = "192.0.2.1:56324".parse().unwrap();
    let client = Client::new().proxy_header(Introduction::For { version: Version::Two, source });
    let target = Target::resolve(&client, &server.addresses[0]).unwrap();
    let mut clients = Clients::new(&client).unwrap();
    clients.connect(&target, Ask::times(1));
    assert!(matches!(ended(&mut clients).outcome, Ok(CloseReason::Closed)));
    assert_eq!(server.closed_with_peer().0.remote(), Some(source));
    server.stop();
}

#[test]
fn timers_come_when_they_are_due_and_the_caller_is_told_the_time() {
    let server = obey(vec![loopback()]);
    let mut clients = clients().spin(Duration::from_millis(1));
    let timer_at = clients.clock().now() + Duration::from_millis(30);
    let ask = Ask { timer_at: Some(timer_at), ..Ask::times(1) };
    clients.connect(&Target::from(server.at()), ask);
    let before = timer_at.saturating_duration_since(Instant::ZERO) - Duration::from_millis(10);
    let before = Instant::from_elapsed(before);
    assert!(matches!(clients.next_until(before).unwrap(), News::Due));
    assert!(clients.clock().now() >= before);
    let ended = ended(&mut clients);
    assert!(ended.protocol.fired_at.unwrap() >= timer_at);
    assert_eq!(ended.protocol.answers, 1);
    server.stop();
}

#[test]
fn they_are_reached_from_outside_and_stopped() {
    let server = obey(vec![loopback()]);
    let mut clients = clients();
    let far = clients.clock().now() + Duration::from_secs(3600);
    let idle = || Ask { timer_at: Some(far), ..Ask::times(1) };
    let ids = [(); 3].map(|()| clients.connect(&Target::from(server.at()), idle()));
    assert!(clients.with(ids[0], |_, _| ()).is_none(), "it is not connected yet");
    let alarm = clients.alarm();
    // Raised before, it is not missed.
    alarm.raise().unwrap();
    assert!(matches!(clients.next_until(far).unwrap(), News::Called));
    while clients.with(ids[0], |ask, handle| ask.ask(handle)).is_none() {
        let soon = clients.clock().now() + Duration::from_millis(1);
        assert!(matches!(clients.next_until(soon).unwrap(), News::Due));
    }
    // It asks, is answered, and closes.
    let first = ended(&mut clients);
    assert_eq!((first.id, first.protocol.answers), (ids[0], 1));
    assert!(clients.with(ids[0], |_, _| ()).is_none(), "it has ended");
    let late = clients.connect(&Target::from(server.at()), idle());
    assert_ne!(late, ids[0]);

    let mut seen = Vec::new();
    clients.each(|id, _, _| seen.push(id));
    assert_eq!(seen, ids[1..]);
    clients.stop();
    let raised = thread::spawn(move || alarm.raise().unwrap());
    let mut stopped = Vec::new();
    while !clients.is_empty() {
        match clients.next_until(far).unwrap() {
            News::Ended(ended) => {
                assert!(matches!(ended.outcome, Ok(CloseReason::Stopped)), "{ended:?}");
                stopped.push(ended.id);
            }
            News::Called => {}
            news => panic!("{news:?}"),
        }
    }
    raised.join().unwrap();
    while let News::Ended(ended) = clients.next_until(Instant::ZERO).unwrap() {
        stopped.push(ended.id);
    }
    stopped.sort_unstable();
    assert_eq!(stopped, [ids[1], ids[2], late]);
    server.stop();
}

#[test]
fn a_stream_that_somebody_has_connected_is_driven_too() {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    theirs.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut theirs = theirs;
    // What came before is not missed.
    theirs.write_all(b"hello\n").unwrap();
    let mut clients = clients();
    clients.adopt(Stream::try_from(ours).unwrap(), Ask::times(1)).unwrap();
    let peer = thread::spawn(move || expect(&mut theirs, b"hello\n"));
    let ended = ended(&mut clients);
    assert_eq!(ended.protocol.answers, 1);
    peer.join().unwrap();
}
