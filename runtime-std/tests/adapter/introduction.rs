//! The header that a client begins with.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;

use crate::adapter::{Client, Server};
use drywire::Peer;
use drywire::framing::Lines;
use drywire::proxy::{Header, Introduction, ProxyPolicy, Route, Version};

use crate::calls::now;
use crate::certificate::Certificate;
use crate::obey::Obey;
use crate::peer::{PATIENCE, expect};
use crate::serving::{bind, loopback, run, socket_path};

const CLIENT: &str = "192.0.2.1:56324";

#[test]
fn a_header_goes_before_everything_else() {
    let certificate = Certificate::new();
    let path = socket_path();
    let policy = || ProxyPolicy::new("127.0.0.1 unix".parse().unwrap());
    let unix = bind(&format!("unix:{}", path.display()));
    let listeners = vec![
        loopback().with_proxy(policy()),
        loopback().with_tls(certificate.server()).with_proxy(policy()),
        unix.with_proxy(policy()),
    ];
    let (tell, made) = mpsc::channel();
    let server = Server::new(move |peer: &Peer| {
        tell.send(peer.clone()).unwrap();
        Obey
    });
    let server = run(server, listeners);
    for (address, number) in server.addresses.iter().zip(0..) {
        for version in [Version::One, Version::Two] {
            let source = CLIENT.parse().unwrap();
            for introduction in
                [Introduction::For { version, source }, Introduction::Ourselves(version)]
            {
                let client = Client::new().tls(certificate.client());
                let client = client.proxy_header(introduction.clone());
                let mut framed = now(client.connect(address, Lines::new())).unwrap();
                now(framed.send(b"hello")).unwrap();
                assert_eq!(now(framed.recv()).unwrap(), Some(&b"hello"[..]));
                let peer = made.recv_timeout(PATIENCE).unwrap();
                assert_eq!(peer.listener(), number);
                let header = peer.header().unwrap();
                assert_eq!(header.version(), version);
                assert_eq!(header, &introduction.header(framed.peer().ends()));
                let is_another = matches!(introduction, Introduction::For { .. });
                assert_eq!(peer.to_string() == CLIENT, is_another, "{peer}");
                if let (Route::Ip { destination, .. }, 0 | 1) = (header.route(), number) {
                    assert_eq!(Some(*destination), framed.peer().remote());
                }
                now(framed.close()).unwrap();
            }
        }
    }
    server.stop();
}

#[test]
fn any_header_is_sent_as_it_is() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at: SocketAddr = listener.local_addr().unwrap();
    let address = format!("tcp://{at}").parse().unwrap();
    let client = Client::new().proxy_header(Header::local());
    let stream = now(client.stream(&address)).unwrap();
    (&stream).write_all(b"hello").unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    expect(&mut peer, &[&Header::local().to_bytes()[..], b"hello"].concat());
}
