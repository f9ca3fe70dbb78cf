//! Datagram sockets, UDP and Unix: listeners for a [`Server`](crate::Server), and a client.
//!
//! What is taken, dropped, answered and asked again is decided by
//! [`drywire::datagram`]. Many datagrams are received and sent by one
//! system call where the system can (Linux: recvmmsg and sendmmsg). An ICMP error, or whatever else
//! the system reports, ends no socket.

mod client;

pub use client::DatagramClient;
pub use drywire_std::datagram::{
    AnyDatagramProtocol, DatagramError, DatagramListener, DatagramListenerParts, DatagramSocket,
    Reply,
};
