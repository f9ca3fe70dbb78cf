//! Why a client does not connect.

use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use crate::adapter::{Client, ConnectError, Server};
use drywire::address::Address;
use drywire::connector::{self, ConnectorLimits};
use drywire::framing::Lines;
use drywire::tls::{CertificateProblem, TlsCause, TlsError};
use drywire::{CloseReason, Error, Fault, Limits, Peer};
use socket2::{Domain, Socket, Type};

use crate::calls::now;
use crate::certificate::Certificate;
use crate::obey::Obey;
use crate::serving::{bind, run, socket_path};

const SOON: Duration = Duration::from_millis(50);

#[track_caller]
fn failure(client: &Client, address: &str) -> ConnectError {
    let address: Address = address.parse().unwrap();
    now(client.connect(&address, Lines::new())).err().unwrap()
}

/// A port that was free a moment ago.
fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn nobody_listens() {
    let port = closed_port();
    let error = failure(&Client::new(), &format!("tcp://127.0.0.1:{port}"));
    let ConnectError::Connector(connector::ConnectError::Failed { tried }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(tried, [(([127, 0, 0, 1], port).into(), Fault::Refused)]);
    // Of several addresses, all.
    let error = failure(&Client::new(), &format!("tcp://localhost:{port}"));
    let ConnectError::Connector(connector::ConnectError::Failed { tried }) = error else {
        panic!("{error:?}");
    };
    assert!(
        tried
            .iter()
            .all(|(address, fault)| { address.ip().is_loopback() && *fault == Fault::Refused })
    );

    let path = socket_path();
    let error = failure(&Client::new(), &format!("unix:{}", path.display()));
    assert!(matches!(error, ConnectError::Unix(_)), "{error:?}");
}

#[test]
fn the_queue_is_full() {
    let mut limits = ConnectorLimits::new();
    limits.connect_timeout = SOON;
    let client = Client::new().connector(limits);

    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(0).unwrap();
    let address = format!("tcp://{}", socket.local_addr().unwrap().as_socket().unwrap());
    let mut queued = Vec::new();
    let error = loop {
        match now(client.stream(&address.parse().unwrap())) {
            Ok(stream) => queued.push(stream),
            Err(error) => break error,
        }
        assert!(queued.len() < 100);
    };
    let ConnectError::Connector(connector::ConnectError::TimedOut { after, tried }) = error else {
        panic!("{error:?}");
    };
    assert_eq!((after, tried.len()), (SOON, 1));

    let path = socket_path();
    let socket = UnixListener::bind(&path).unwrap();
    socket2::SockRef::from(&socket).listen(0).unwrap();
    let address = format!("unix:{}", path.display());
    let error = loop {
        match now(client.stream(&address.parse().unwrap())) {
            Ok(stream) => queued.push(stream),
            Err(error) => break error,
        }
        assert!(queued.len() < 100);
    };
    let ConnectError::Unix(error) = error else { panic!("{error:?}") };
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    std::fs::remove_file(path).unwrap();
}

#[test]
fn something_is_missing() {
    let tls = Client::new().tls(Certificate::new().client());
    let error = failure(&Client::new(), "tls://localhost:1");
    assert!(matches!(error, ConnectError::TlsMissing), "{error:?}");
    let error = failure(&tls, "tls+unix:/nowhere");
    assert!(matches!(error, ConnectError::ServerNameMissing), "{error:?}");
    let error = failure(&tls, "udp://localhost:1");
    assert!(matches!(error, ConnectError::Datagram(_)), "{error:?}");
}

#[test]
fn the_certificate_is_not_trusted() {
    let certificate = Certificate::new();
    let listener = bind("tls://localhost:0").with_tls(certificate.server());
    let server = run(Server::new(|_: &Peer| Obey), vec![listener]);
    let address = server.addresses[0].to_string();

    let wrong_name = Client::new()
        .tls(certificate.client())
        .server_name("elsewhere.example".try_into().unwrap());
    let error = failure(&wrong_name, &address);
    let ConnectError::Closed(CloseReason::Failed(Error::Tls(TlsError::Refused { cause, .. }))) =
        error
    else {
        panic!("{error:?}");
    };
    assert_eq!(cause, TlsCause::Certificate(CertificateProblem::WrongName));
    // The server has been told.
    let reason = server.closed();
    assert!(
        matches!(reason, CloseReason::Failed(Error::Tls(TlsError::AlertReceived(_)))),
        "{reason:?}"
    );
    server.stop();
}

#[test]
fn the_handshake_takes_too_long() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut limits = Limits::new();
    limits.handshake_timeout = SOON;
    let client = Client::new().tls(Certificate::new().client()).limits(limits);
    let error = failure(&client, &format!("tls://{}", silent.local_addr().unwrap()));
    let timed_out = CloseReason::TimedOut(drywire::connection::Timer::Handshake);
    assert!(matches!(&error, ConnectError::Closed(reason) if *reason == timed_out), "{error:?}");
}

#[test]
fn how_long_each_part_took_is_told() {
    let certificate = Certificate::new();
    let path = socket_path();
    let listeners = vec![
        bind("tls://localhost:0").with_tls(certificate.server()),
        bind(&format!("unix:{}", path.display())),
    ];
    let server = run(Server::new(|_: &Peer| Obey), listeners);
    let client = Client::new().tls(certificate.client());
    let timings = |address: &str| {
        let address: Address = address.parse().unwrap();
        now(client.connect(&address, Lines::new())).unwrap().timings()
    };
    let port = server.at().port();
    let named = timings(&format!("tls://localhost:{port}"));
    let (resolved, secured) = (named.resolved.unwrap(), named.secured.unwrap());
    assert!(Duration::ZERO < resolved && resolved <= named.connected, "{named:?}");
    assert!(named.connected < secured && secured == named.open(), "{named:?}");
    let unix = timings(&server.addresses[1].to_string());
    assert!(unix.resolved.is_none() && unix.secured.is_none(), "{unix:?}");
    assert!(Duration::ZERO < unix.connected && unix.connected == unix.open(), "{unix:?}");
    server.stop();
}
