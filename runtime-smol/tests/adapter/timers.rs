//! A connection on which nothing comes wakes by its timer alone.

use std::time::Duration;

use drywire::framing::Lines;
use drywire::tls::Negotiated;
use drywire::{CloseReason, Handle, Peer, Protocol};
use drywire_smol::Server;

use crate::peer::{Raw, dial, expect, expect_end};
use crate::serving::{loopback, run};

/// Sends a line each time its timer is due; the first, if at all, when the peer has finished.
struct Ticks {
    left: u8,
    waits: bool,
}

fn wind(handle: &mut Handle<'_, Lines>) {
    handle.set_timer(Some(handle.now() + Duration::from_millis(5)));
}

impl Protocol for Ticks {
    type Framing = Lines;

    fn framing(&self) -> Lines {
        Lines::new()
    }

    fn on_open(&mut self, _: Option<&Negotiated>, handle: &mut Handle<'_, Lines>) {
        if !self.waits {
            wind(handle);
        }
    }

    fn on_frame(&mut self, _: &[u8], _: &mut Handle<'_, Lines>) {}

    fn on_finished(&mut self, handle: &mut Handle<'_, Lines>) {
        wind(handle);
    }

    fn on_timer(&mut self, handle: &mut Handle<'_, Lines>) {
        self.left -= 1;
        handle.send(b"tick").unwrap();
        if self.left == 0 {
            handle.close();
        } else {
            wind(handle);
        }
    }
}

#[test]
fn a_timer_alone_wakes() {
    let server = run(Server::new(|_: &Peer| Ticks { left: 10, waits: false }), vec![loopback()]);
    let mut peer = dial(server.at());
    expect(&mut peer, &b"tick\n".repeat(10));
    expect_end(&mut peer);
    drop(peer);
    assert_eq!(server.closed(), CloseReason::Closed);
    server.stop();
}

#[test]
fn a_half_closed_connection_still_sends() {
    let server = run(Server::new(|_: &Peer| Ticks { left: 3, waits: true }), vec![loopback()]);
    let mut peer = dial(server.at());
    peer.finish();
    expect(&mut peer, &b"tick\n".repeat(3));
    expect_end(&mut peer);
    assert_eq!(server.closed(), CloseReason::Finished);
    server.stop();
}
