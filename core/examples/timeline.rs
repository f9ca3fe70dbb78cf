//! Simulates a short conversation over a bad network and shows what happened.
//!
//! ```sh
//! cargo run -p drywire --example timeline              # as text
//! cargo run -p drywire --example timeline story.svg    # as a drawing
//! ```

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use drywire::datagram::{DatagramEcho, DatagramHandle, DatagramLimits, DatagramProtocol};
use drywire::framing::Lines;
use drywire::protocol::Echo;
use drywire::testkit::sim::{Direction, Fault, Link, Party, Sim};
use drywire::testkit::{Talker, Then};

/// Sends three datagrams and waits.
struct Pinger {
    to: SocketAddr,
}

impl DatagramProtocol<SocketAddr> for Pinger {
    fn on_open(&mut self, handle: &mut DatagramHandle<'_, SocketAddr>) {
        for bytes in [b"ping 1", b"ping 2", b"ping 3"] {
            handle.send(self.to, bytes).expect("there is room for three");
        }
    }

    fn on_datagram(&mut self, _: &SocketAddr, _: &[u8], _: &mut DatagramHandle<'_, SocketAddr>) {}
}

fn main() -> Result<(), Box<dyn Error>> {
    let ms = Duration::from_millis;
    let link =
        Link::new().latency(ms(20)).jitter(ms(8)).loss(0.25).duplication(0.2).segments(4..=9);
    let mut sim = Sim::new(4)
        .link(link)
        .with_timeline(1_000)
        .with_fault(Fault::stall(0, Direction::Back, ms(150)).after(Direction::There, 9))
        .with_fault(Fault::cut_one_way(1, Direction::Back).at(ms(10)));

    let frames = ["to be,", "or not", "<to> & \"be\""].map(|line| line.as_bytes().to_vec());
    let talker = Talker::new(Lines::new(), frames.to_vec(), Then::Finish);
    sim.connect(
        Party::plain("client", talker.clone()),
        Party::plain("echo", Echo::new(Lines::new())),
    );
    sim.connect(Party::plain("other", talker), Party::plain("echo", Echo::new(Lines::new())));

    let limits = DatagramLimits::new();
    let server = SocketAddr::from(([192, 0, 2, 7], 7007));
    sim.bind("pinger", SocketAddr::from(([192, 0, 2, 8], 5000)), &limits, Pinger { to: server });
    sim.bind("datagrams", server, &limits, DatagramEcho);
    sim.run()?;

    let timeline = sim.timeline().ok_or("no time-line was kept")?;
    match std::env::args_os().nth(1) {
        Some(path) => std::fs::write(path, timeline.svg())?,
        None => print!("{timeline}"),
    }
    Ok(())
}
