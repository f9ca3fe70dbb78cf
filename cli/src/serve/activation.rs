//! Sockets that a service manager has bound: sd_listen_fds(3).

use std::env;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::SocketAddr as UnixAddress;

use drywire::address::{Address, Endpoint};
use listenfd::ListenFd;

use crate::exit::Stop;

/// A socket that was handed over.
pub(super) struct Activated {
    pub(super) socket: OwnedFd,
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
    let (socket, place): (OwnedFd, _) =
        if let Ok(Some(socket)) = handed_over.take_tcp_listener(index) {
            let place = internet_place("tcp", socket.local_addr().ok());
            (socket.into(), place)
        } else if let Ok(Some(socket)) = handed_over.take_unix_listener(index) {
            let place = unix_place("unix", socket.local_addr().ok());
            (socket.into(), place)
        } else if let Ok(Some(socket)) = handed_over.take_udp_socket(index) {
            let place = internet_place("udp", socket.local_addr().ok());
            (socket.into(), place)
        } else if let Ok(Some(socket)) = handed_over.take_unix_datagram(index) {
            let place = unix_place("unixgram", socket.local_addr().ok());
            (socket.into(), place)
        } else {
            return Err(unusable(index));
        };
    Ok(Activated { socket, place: place.ok_or_else(|| unusable(index))? })
}

fn internet_place(scheme: &str, name: Option<SocketAddr>) -> Option<Address> {
    format!("{scheme}://{}", name?).parse().ok()
}

fn unix_place(scheme: &str, name: Option<UnixAddress>) -> Option<Address> {
    let name = name?;
    let path = name.as_pathname().and_then(|path| path.to_str());
    if let Some(path) = path {
        return format!("{scheme}:{path}").parse().ok();
    }
    #[cfg(target_os = "linux")]
    {
        use std::os::linux::net::SocketAddrExt;
        let name = name.as_abstract_name().and_then(|name| std::str::from_utf8(name).ok())?;
        format!("{scheme}:@{name}").parse().ok()
    }
    #[cfg(not(target_os = "linux"))]
    None
}

fn unusable(index: usize) -> Stop {
    Stop::usage(format_args!(
        "socket {} of LISTEN_FDS is not one of TCP, UDP or Unix with a name",
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
    match (named, place) {
        (Address::Datagram { .. }, Address::Datagram { .. }) => {
            Some(Address::Datagram { endpoint })
        }
        (Address::Datagram { .. }, _) | (_, Address::Datagram { .. }) => None,
        (Address::Stream { tls, .. }, _) => Some(Address::Stream { endpoint, tls: *tls }),
        (Address::Http { tls, target, .. }, _) => {
            Some(Address::Http { endpoint, tls: *tls, target: target.clone() })
        }
    }
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
            ("tls://[::1]:7", "udp://[::1]:7", None),
            ("http+unix:/a", "unixgram:/a", None),
            ("udp://:1", "udp://[::1]:7", Some("udp://[::1]:7")),
            ("unixgram:/a", "unixgram:/b", Some("unixgram:/b")),
            ("unixgram:/a", "udp://[::1]:7", None),
        ] {
            let found = named_like(&parse(named), &parse(place));
            assert_eq!(found.map(|address| address.to_string()).as_deref(), expected);
        }
    }
}
