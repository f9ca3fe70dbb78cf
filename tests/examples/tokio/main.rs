//! An echo of lines over tokio, and a client that greets it.
//!
//! ```text
//! cargo run -p drywire-conformance --example tokio
//! ```
//!
//! `conversation.rs` is the page that the README's chapter "Writing your own runtime" has, over
//! tokio; `adapter.rs` is the server around it. They have nothing of Drywire but the core. `kit.rs` is
//! what the conformance kit is told of them.

mod adapter;
mod conversation;
#[path = "../common/greeting.rs"]
mod greeting;
mod stream;

use std::error::Error;

use adapter::Server;
use conversation::{Conversation, Surroundings};
use drywire::admission::AdmissionLimits;
use drywire::framing::Lines;
use drywire::protocol::Echo;
use drywire::shutdown::Request;
use drywire::{Connection, Instant};
use greeting::Greeting;
use stream::{Listener, Stream};
use tokio::net::{TcpListener, TcpStream};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let place = listener.local_addr()?;
    let factory = || Echo::new(Lines::new());
    let server = Server::new(factory, Listener::Tcp(listener), AdmissionLimits::new());
    let handle = server.handle();
    let serving = tokio::spawn(server.run());

    let connection = Connection::plain(Lines::new(), Default::default(), Instant::ZERO);
    let stream = TcpStream::connect(place).await?;
    // A connection writes in batches.
    stream.set_nodelay(true)?;
    let around = Surroundings::none();
    let mut conversation =
        Conversation::new(Stream::Tcp(stream), connection, Greeting::default(), around);
    println!("{}", conversation.run().await);

    handle.request(Request::Drain);
    let statistics = serving.await??;
    println!("{} connections, all drained: {}", statistics.accepted, statistics.all_drained());
    Ok(())
}
