//! A process of its own, because the limit of descriptors is one of the process.
#![allow(missing_docs)]

use std::os::unix::net::UnixStream;
use std::thread;

use drywire::Peer;
use drywire::framing::Lines;
use drywire::protocol::Echo;
use drywire_smol::Server;

#[path = "../../runtime-std/tests/exhaustion/mod.rs"]
mod exhaustion;

/// What all connections share: one epoll, where there is one.
const OWN: usize = if cfg!(any(target_os = "linux", target_os = "android")) { 1 } else { 0 };

#[test]
fn no_descriptors_left() {
    // The reactor, which all servers share, has its own by now.
    let (stream, _peer) = UnixStream::pair().expect("two streams");
    drop(smol::Async::new(stream).expect("a reactor"));
    exhaustion::no_descriptors_left(OWN, |admission, listener| {
        let server = Server::new(|_: &Peer| Echo::new(Lines::new()));
        let server = server.admission(admission).listen(listener);
        (server.handle(), thread::spawn(move || smol::block_on(server.run())))
    });
}
