//! A process of its own, because the limit of descriptors is one of the process.
#![allow(missing_docs)]

use drywire::Peer;
use drywire::framing::Lines;
use drywire::protocol::Echo;
use drywire_std::evented::Server;

mod exhaustion;

#[test]
fn no_descriptors_left() {
    // Its signals are three pairs, and its loop is one.
    exhaustion::no_descriptors_left(7, |admission, listener| {
        let server = Server::new(|_: &Peer| Echo::new(Lines::new()));
        let server = server.admission(admission).listen(listener);
        (server.handle(), std::thread::spawn(move || server.run()))
    });
}
