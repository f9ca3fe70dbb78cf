//! Datagram sockets, UDP and Unix: listeners for a [`Server`](crate::Server), and a client.
//!
//! What is taken, dropped, answered and asked again is decided by [`drywire::datagram`]. Many
//! datagrams are received and sent by one system call where the system can (Linux: recvmmsg and
//! sendmmsg). An ICMP error, or whatever else the system reports, ends no socket.

mod batch;
mod client;
mod connect;
mod driver;
mod error;
mod exchange;
mod listener;
mod serving;
mod socket;

pub use batch::{BATCH_LEN, DatagramBatch};
pub use client::{DatagramClient, Reply};
pub use connect::ConnectedDatagram;
pub(crate) use driver::drive;
pub use error::DatagramError;
pub use exchange::DatagramExchange;
pub use listener::{DatagramListener, DatagramListenerParts};
pub use serving::{AnyDatagramProtocol, DatagramServing};
pub use socket::DatagramSocket;
