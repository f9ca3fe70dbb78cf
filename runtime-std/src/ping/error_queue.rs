//! What routers say about datagrams, which Linux keeps in a queue beside the socket (ip(7)).
//!
//! Other systems have none: there a datagram socket is not told why, and requests time out.

use std::io;
use std::net::UdpSocket;

use drywire::icmp::Report;
use socket2::Socket;

/// Asks for the queue.
#[cfg(target_os = "linux")]
pub(super) fn enable(socket: &Socket, is_ipv4: bool) -> io::Result<()> {
    use nix::sys::socket::{setsockopt, sockopt};

    if is_ipv4 {
        setsockopt(socket, sockopt::Ipv4RecvErr, &true)?;
    } else {
        setsockopt(socket, sockopt::Ipv6RecvErr, &true)?;
    }
    Ok(())
}

/// Takes an error off the queue: who says what, and the length of the part of the datagram that is
/// in `buffer` now. `None` for the report if it comes from no router.
#[cfg(target_os = "linux")]
pub(super) fn take(
    socket: &UdpSocket,
    buffer: &mut [u8],
) -> io::Result<Option<(Option<Report>, usize)>> {
    use std::io::IoSliceMut;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
    use std::os::fd::AsRawFd;

    use drywire::icmp::{Cause, Version};
    use nix::errno::Errno;
    use nix::libc;
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg};

    /// More than an error with an address takes.
    const CONTROL_LEN: usize = 256;

    let mut slices = [IoSliceMut::new(buffer)];
    let mut control = [0; CONTROL_LEN];
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let fd = socket.as_raw_fd();
    let received = match recvmsg::<SockaddrStorage>(fd, &mut slices, Some(&mut control), flags) {
        Ok(received) => received,
        Err(Errno::EAGAIN) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let report = received.cmsgs()?.find_map(|message| {
        let (version, error, from) = match message {
            ControlMessageOwned::Ipv4RecvErr(error, from) => {
                // In the order of the network, as the bytes lie.
                let from = Ipv4Addr::from(from?.sin_addr.s_addr.to_ne_bytes());
                (Version::V4, error, IpAddr::from(from))
            }
            ControlMessageOwned::Ipv6RecvErr(error, from) => {
                let from = Ipv6Addr::from(from?.sin6_addr.s6_addr);
                (Version::V6, error, from.into())
            }
            _ => return None,
        };
        let is_remote =
            matches!(error.ee_origin, libc::SO_EE_ORIGIN_ICMP | libc::SO_EE_ORIGIN_ICMP6);
        let cause = Cause::from_parts(version, error.ee_type, error.ee_code, error.ee_info)?;
        is_remote.then_some(Report { from, cause })
    });
    Ok(Some((report, received.bytes)))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn enable(_socket: &Socket, _is_ipv4: bool) -> io::Result<()> {
    Ok(())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn take(
    _socket: &UdpSocket,
    _buffer: &mut [u8],
) -> io::Result<Option<(Option<Report>, usize)>> {
    Ok(None)
}
