//! Sockets that a service manager has bound: sd_listen_fds(3).

use std::env;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;

use drywire::address::{Address, Endpoint};
use drywire::tls::ServerTls;
use drywire_std::Listener;
use listenfd::ListenFd;

use super::start::secured;
use crate::exit::{Exit, Stop};

/// A socket that was handed over.
pub(super) struct Activated {
    socket: OwnedFd,
    /// Where it listens, without TLS.
    place: Address,
}

/// More sockets than anybody hands over. A larger number is no number of sockets.
const SOCKETS_MAX: u64 = 1024;

/// Takes the sockets that were handed over to this process, if any. For once, and before there are
/// threads: the variables are removed, so that no other process takes them for its own.
pub(super) fn take() -> Result<Vec<Activated>, Stop> {
    let count = env::var("LISTEN_FDS").ok().and_then(|count| count.parse::<u64>().ok());
    if count.is_some_and(|count| count > SOCKETS_MAX) {
        return Err(Stop::usage(format_args!("LISTEN_FDS names more than {SOCKETS_MAX} sockets")));
    }
    let mut handed_over = ListenFd::from_env();
    (0..handed_over.len()).map(|index| take_one(&mut handed_over, index)).collect()
}

fn take_one(handed_over: &mut ListenFd, index: usize) -> Result<Activated, Stop> {
    // What is not of the one kind stays for the other.
    if let Ok(Some(socket)) = handed_over.take_tcp_listener(index) {
        let place = tcp_place(&socket).ok_or_else(|| unusable(index))?;
        return Ok(Activated { socket: socket.into(), place });
    }
    match handed_over.take_unix_listener(index) {
        Ok(Some(socket)) => {
            let place = unix_place(&socket).ok_or_else(|| unusable(index))?;
            Ok(Activated { socket: socket.into(), place })
        }
        Ok(None) | Err(_) => Err(unusable(index)),
    }
}

fn tcp_place(socket: &TcpListener) -> Option<Address> {
    format!("tcp://{}", socket.local_addr().ok()?).parse().ok()
}

fn unix_place(socket: &UnixListener) -> Option<Address> {
    let name = socket.local_addr().ok()?;
    let path = name.as_pathname().and_then(|path| path.to_str());
    if let Some(path) = path {
        return format!("unix:{path}").parse().ok();
    }
    #[cfg(target_os = "linux")]
    {
        use std::os::linux::net::SocketAddrExt;
        let name = name.as_abstract_name().and_then(|name| std::str::from_utf8(name).ok())?;
        format!("unix:@{name}").parse().ok()
    }
    #[cfg(not(target_os = "linux"))]
    None
}

fn unusable(index: usize) -> Stop {
    Stop::usage(format_args!(
        "socket {} of LISTEN_FDS is not a stream socket of TCP or Unix with a name",
        index + 1
    ))
}

/// The addresses of the sockets: where each is, and whether TLS runs on it by the address of the
/// command line at the same place in the order.
pub(super) fn addresses(activated: &[Activated], listen: &[Address]) -> Result<Vec<Address>, Stop> {
    let mut addresses: Vec<_> = activated.iter().map(|one| one.place.clone()).collect();
    if listen.is_empty() {
        return Ok(addresses);
    }
    if listen.len() != addresses.len() {
        return Err(Stop::usage(format_args!(
            "there are {} sockets in LISTEN_FDS and {} times --listen",
            addresses.len(),
            listen.len()
        )));
    }
    for (address, named) in addresses.iter_mut().zip(listen) {
        *address = named_like(named, address).ok_or_else(|| {
            Stop::usage(format_args!("--listen {named} stands where LISTEN_FDS has {address}"))
        })?;
    }
    Ok(addresses)
}

/// The place of a socket under the scheme of `named`; `None` if that is for sockets of another kind.
fn named_like(named: &Address, place: &Address) -> Option<Address> {
    let endpoint = place.endpoint().clone();
    match (named.endpoint(), &endpoint) {
        (Endpoint::Internet(_), Endpoint::Internet(_)) | (Endpoint::Unix(_), Endpoint::Unix(_)) => {
        }
        (Endpoint::Internet(_), Endpoint::Unix(_)) | (Endpoint::Unix(_), Endpoint::Internet(_)) => {
            return None;
        }
    }
    match named {
        Address::Stream { tls, .. } => Some(Address::Stream { endpoint, tls: *tls }),
        Address::Http { tls, target, .. } => {
            Some(Address::Http { endpoint, tls: *tls, target: target.clone() })
        }
        Address::Datagram { .. } => None,
    }
}

/// The sockets as listeners on `addresses`.
pub(super) fn listeners(
    activated: Vec<Activated>,
    addresses: &[Address],
    tls: Option<&ServerTls>,
) -> Result<Vec<Listener>, Stop> {
    let adopt = |(one, address): (Activated, &Address)| {
        let listener = Listener::adopt(one.socket, address.clone());
        listener
            .map(|listener| secured(listener, tls))
            .map_err(|error| Stop::new(Exit::Connect, error))
    };
    activated.into_iter().zip(addresses).map(adopt).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_named_by_its_place_and_the_scheme_of_the_command_line() {
        let parse = |text: &str| text.parse::<Address>().unwrap();
        for (named, place, expected) in [
            ("tls://0.0.0.0:443", "tcp://127.0.0.1:7", Some("tls://127.0.0.1:7")),
            ("tcp://[::]:1", "tcp://[::1]:7", Some("tcp://[::1]:7")),
            ("tls+unix:/a", "unix:/b", Some("tls+unix:/b")),
            ("http://localhost/x", "tcp://[::1]:7", Some("http://[::1]:7/x")),
            ("unix:/a", "tcp://[::1]:7", None),
            ("tcp://[::1]:7", "unix:/a", None),
            ("udp://[::1]:7", "tcp://[::1]:7", None),
        ] {
            let found = named_like(&parse(named), &parse(place));
            assert_eq!(found.map(|address| address.to_string()).as_deref(), expected);
        }
    }
}
