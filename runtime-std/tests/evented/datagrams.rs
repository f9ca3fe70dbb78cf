//! Datagram listeners in loops.

use std::net::UdpSocket;
use std::num::NonZeroUsize;
use std::os::unix::net::UnixDatagram;

use drywire::Peer;
use drywire::datagram::DatagramEcho;
use drywire_std::datagram::DatagramListener;
use drywire_std::evented::Server;

use crate::obey::Obey;
use crate::peer::{PATIENCE, dial, expect_echo};
use crate::serving::{loopback, run, socket_path};

#[test]
fn datagrams_are_echoed_beside_streams_until_the_server_drains() {
    for threads in [1, 2, 3] {
        let path = socket_path();
        let udp = DatagramListener::bind(&"udp://127.0.0.1:0".parse().unwrap()).unwrap();
        let unix = format!("unixgram:{}", path.display());
        let unix = DatagramListener::bind(&unix.parse().unwrap()).unwrap();
        let at = udp.address().to_string();
        let server = Server::new(|_: &Peer| Obey)
            .threads(NonZeroUsize::new(threads).unwrap())
            .listen_datagrams(udp, DatagramEcho)
            .listen_datagrams(unix, DatagramEcho);
        let server = run(server, vec![loopback()]);

        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.connect(at.trim_start_matches("udp://")).unwrap();
        let own = socket_path();
        let local = UnixDatagram::bind(&own).unwrap();
        local.set_read_timeout(Some(PATIENCE)).unwrap();
        local.connect(&path).unwrap();
        let mut buffer = [0; 16];
        for count in 0..100_u8 {
            socket.send(&[count, 1]).unwrap();
            local.send(&[count, 2]).unwrap();
            assert_eq!(socket.recv(&mut buffer).unwrap(), 2);
            assert_eq!(buffer[..2], [count, 1]);
            assert_eq!(local.recv(&mut buffer).unwrap(), 2);
            assert_eq!(buffer[..2], [count, 2]);
        }
        expect_echo(&mut dial(server.at()));
        server.handle.drain();
        let summary = server.ended();
        assert!(summary.drained);
        assert_eq!(summary.datagrams.received, 200);
        assert!(!path.exists());
        std::fs::remove_file(own).unwrap();
    }
}
