//! Both sides of the PROXY protocol and HAProxy.

use std::io::{Read, Write};
use std::net::SocketAddr;

use drywire::proxy::{Header, Introduction, Parse, ProxyPolicy, Route, Tlv, Version, kind};
use drywire::{CloseReason, Peer};
use drywire_conformance::adapter::{Adapter, Dial, Running, Setup};
use drywire_conformance::both;
use drywire_conformance::certificates::Certificates;
use drywire_conformance::peer::{Haproxy, Place, Raw, TlsPeer};

const VERSIONS: [(Version, &str); 2] =
    [(Version::One, "send-proxy"), (Version::Two, "send-proxy-v2")];

fn behind(setup: Setup) -> Setup {
    setup.behind(ProxyPolicy::new("127.0.0.1".parse().unwrap()))
}

fn place(server: &Running) -> SocketAddr {
    let Place::Tcp(address) = server.place() else { panic!("{server:?}") };
    address
}

/// The next connection that is no health check ended well.
fn served(server: &Running) -> Peer {
    let (peer, reason) = server.end();
    assert_eq!(reason, CloseReason::Finished, "{peer:?}");
    peer
}

/// A line goes there and back.
fn talk(stream: &mut (impl Read + Write)) {
    stream.write_all(b"hello\n").unwrap();
    stream.flush().unwrap();
    let mut line = [0; 6];
    stream.read_exact(&mut line).unwrap();
    assert_eq!(&line, b"hello\n");
}

fn its_clients_are_ours(adapter: &dyn Adapter) {
    for (version, option) in VERSIONS {
        let server = behind(Setup::echo("lines")).serve(adapter);
        let balancer = Haproxy::start("", place(&server), option, "");
        let mut stream = std::net::TcpStream::connect(balancer.address()).unwrap();
        talk(&mut stream);
        let client = stream.local_addr().unwrap();
        drop(stream);
        let peer = served(&server);
        let header = peer.header().unwrap();
        assert_eq!(header, &Header::tcp(version, client, balancer.address()));
        assert_eq!(peer.remote(), Some(client));
    }
}

/// Everything that it can say of a client within TLS: we check its checksum too.
fn what_it_says_of_tls_is_understood(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let server = behind(Setup::echo("lines")).serve(adapter);
    let identity = [certificates.server.certificate.as_str(), &certificates.server.key].concat();
    let options = "send-proxy-v2 proxy-v2-options \
                   ssl,cert-cn,ssl-cipher,cert-sig,cert-key,authority,crc32c,unique-id";
    let bind_options = "ssl crt {file} alpn echo";
    let balancer = Haproxy::start(bind_options, place(&server), options, identity);
    let mut client =
        TlsPeer::client(Raw::connect(&Place::Tcp(balancer.address())), &certificates.peer_client());
    client.send(b"hello\n");
    client.expect(b"hello\n");
    drop(client);
    let (peer, _) = server.end();
    let header = peer.header().unwrap();
    let tlvs: Vec<_> = header.tlvs().collect();
    let find = |wanted| tlvs.iter().find(|tlv| tlv.kind() == wanted);
    assert!(matches!(find(kind::CRC32C), Some(Tlv::Crc32c(_))), "{tlvs:x?}");
    assert_eq!(find(kind::AUTHORITY), Some(&Tlv::Authority(b"localhost")));
    let Some(Tlv::UniqueId(id)) = find(kind::UNIQUE_ID) else { panic!("{tlvs:x?}") };
    assert_eq!(*id, format!("id-{}", balancer.address().port()).as_bytes());
    let Some(Tlv::Ssl(ssl)) = find(kind::SSL) else { panic!("{tlvs:x?}") };
    assert!(!ssl.is_verified(), "no certificate of the client's was asked for");
    let version = Tlv::Other { kind: kind::SSL_VERSION, value: b"TLSv1.3" };
    assert!(ssl.tlvs().any(|tlv| tlv == version), "{ssl:x?}");
    // Written again it is itself, with the same checksum.
    let bytes = header.to_bytes();
    let found = Parse::Found { len: bytes.len(), header: header.clone() };
    assert_eq!(Header::parse(&bytes, bytes.len()), Ok(found));
}

fn its_health_checks_speak_for_itself(adapter: &dyn Adapter) {
    let server = behind(Setup::echo("lines")).serve(adapter);
    // A check that only connects may be reset before it is accepted.
    let _balancer = Haproxy::balance(&format!(
        "option tcp-check
         tcp-check send hello\\n
         tcp-check expect string hello
         server one {} check inter 50ms check-send-proxy send-proxy-v2",
        place(&server)
    ));
    let (peer, reason) = server.end();
    assert_eq!(peer.header().map(Header::route), Some(&Route::Local), "{reason}");
    assert!(matches!(reason, CloseReason::Finished | CloseReason::Reset), "{reason}");
}

/// Our client says who it speaks for, HAProxy believes and passes on.
fn our_headers_are_its_clients(adapter: &dyn Adapter) {
    let source = "192.0.2.1:56324".parse().unwrap();
    for (ours, _) in VERSIONS {
        for (theirs, option) in VERSIONS {
            let server = behind(Setup::echo("lines")).serve(adapter);
            let balancer = Haproxy::start("accept-proxy", place(&server), option, "");
            let introduction = Introduction::For { version: ours, source };
            let mut dial = Dial::plain("lines");
            dial.introduction = Some(introduction);
            let address = format!("tcp://{}", balancer.address()).parse().unwrap();
            let mut talk = adapter.connect(&address, &dial).unwrap();
            talk.send(b"hello").unwrap();
            assert_eq!(talk.recv().unwrap().as_deref(), Some(&b"hello"[..]));
            talk.close().unwrap();
            let peer = served(&server);
            assert_eq!(peer.header(), Some(&Header::tcp(theirs, source, balancer.address())));
        }
    }
}

both!(
    its_clients_are_ours,
    what_it_says_of_tls_is_understood,
    its_health_checks_speak_for_itself,
    our_headers_are_its_clients,
);
