//! An echo of lines over mio, and a client that greets it.
//!
//! ```text
//! cargo run -p drywire-conformance --example mio
//! ```
//!
//! `conversation.rs` is the page that the README's chapter "Writing your own runtime" has, over mio;
//! `adapter.rs` is the loop and the server around it. They have nothing of Drywire but the core.
//! `kit.rs` is what the conformance kit is told of them.

mod adapter;
mod conversation;
#[path = "../common/greeting.rs"]
mod greeting;

use std::error::Error;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Instant as Clock;

use adapter::{Server, converse};
use conversation::Conversation;
use drywire::admission::AdmissionLimits;
use drywire::framing::Lines;
use drywire::protocol::Echo;
use drywire::shutdown::Request;
use drywire::{Connection, Instant};
use greeting::Greeting;

fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let place = listener.local_addr()?;
    let factory = || Echo::new(Lines::new());
    let server = Server::new(factory, listener.into(), AdmissionLimits::new())?;
    let handle = server.handle();
    let serving = thread::spawn(|| server.run());

    let connection = Connection::plain(Lines::new(), Default::default(), Instant::ZERO);
    let stream = TcpStream::connect(place)?.into();
    let conversation = Conversation::new(stream, connection, Greeting::default())?;
    println!("{}", converse(conversation, Clock::now())?);

    handle.request(Request::Drain);
    let statistics = serving.join().expect("the server does not panic")?;
    println!("{} connections, all drained: {}", statistics.accepted, statistics.all_drained());
    Ok(())
}
