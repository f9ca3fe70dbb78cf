//! Laws of PROXY headers and of the preamble that receives them.

use alloc::vec;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::connection::CloseReason;
use crate::proxy::{Header, Introduced, Parse, Preamble, ProxyLimits, Route, Transport, Version};
use crate::testkit::model_proxy::{Model, Said};
use crate::time::Instant;

/// Law: what is parsed is what the [naive model](Model) says, for every beginning of `input`. What
/// is needed is more than there is, and no more than the header turns out to have. What is refused
/// stays refused, whatever follows.
///
/// # Panics
/// When the law is broken.
pub fn equals_model(input: &[u8], len_max: usize) {
    let whole = Header::parse(input, len_max);
    for end in 0..=input.len() {
        // All short ones and, of long ones, some.
        if end > 300 && end % 251 != 0 && end != input.len() {
            continue;
        }
        let (input, parsed) = (&input[..end], Header::parse(&input[..end], len_max));
        match (&parsed, Model::read(input, len_max)) {
            (Ok(Parse::Need { len }), Model::Incomplete) => {
                assert!(*len > end, "{input:x?}: needs {len} bytes of {end}");
                let is_met = match &whole {
                    Ok(Parse::Need { len: needed }) => len <= needed,
                    Ok(Parse::Found { len: found, .. }) => len <= found,
                    Err(_) => true,
                };
                assert!(is_met, "{input:x?}: needs {len} bytes, later {whole:?}");
            }
            (Ok(Parse::Found { len, header }), Model::Header { len: expected, said }) => {
                assert_eq!((*len, &whole), (expected, &parsed), "{input:x?}");
                assert_eq!(Said::of(header), said, "{input:x?}");
            }
            (Err(_), Model::Invalid) => assert_eq!(whole, parsed, "{input:x?}"),
            (parsed, model) => panic!("{input:x?}: {parsed:?}, the model has {model:?}"),
        }
    }
}

/// Law: however the input is cut, a preamble comes to the same end, and all bytes behind the header
/// are handed over.
///
/// # Panics
/// When the law is broken.
pub fn split_invariant(input: &[u8], cuts: &[usize]) {
    let whole = receive(input, &[]);
    assert_eq!(receive(input, cuts), whole, "{input:x?} cut at {cuts:?}");
    let everywhere: Vec<_> = (0..input.len()).collect();
    assert_eq!(receive(input, &everywhere), whole, "{input:x?} byte by byte");
}

/// What comes of `input`, cut at `cuts`; the rest is what was read and what was not.
///
/// # Panics
/// When the preamble lends nothing and is not done.
pub fn receive(input: &[u8], cuts: &[usize]) -> Option<Result<Introduced, CloseReason>> {
    let mut preamble = Preamble::new(&ProxyLimits::new(), Instant::ZERO);
    let mut at = 0;
    while at < input.len() && !preamble.is_done() {
        let cut = cuts.iter().copied().filter(|cut| *cut > at).min().unwrap_or(input.len());
        let piece = &input[at..cut.min(input.len())];
        let buffer = preamble.receive_buffer();
        let len = piece.len().min(buffer.len());
        assert!(len > 0, "nothing is lent at byte {at}");
        buffer[..len].copy_from_slice(&piece[..len]);
        assert_eq!(preamble.received(len, Instant::ZERO), Ok(()));
        at += len;
    }
    preamble.is_done().then(|| {
        assert!(preamble.receive_buffer().is_empty(), "nothing is read any more");
        let mut introduced = preamble.into_outcome()?;
        introduced.rest.extend_from_slice(&input[at..]);
        Ok(introduced)
    })
}

/// Law: a header that is written is parsed as itself, whatever follows, and no part of it is a
/// header.
///
/// # Panics
/// When the law is broken.
pub fn round_trip(header: &Header) {
    let mut bytes = header.to_bytes();
    let len = bytes.len();
    for end in 0..len {
        if end < 300 || end + 1 == len {
            let parsed = Header::parse(&bytes[..end], usize::MAX);
            assert!(matches!(parsed, Ok(Parse::Need { .. })), "{header:?} at {end}: {parsed:?}");
        }
    }
    let found = Ok(Parse::Found { len, header: header.clone() });
    assert_eq!(Header::parse(&bytes, len), found);
    bytes.extend_from_slice(b"\r\n");
    assert_eq!(Header::parse(&bytes, len), found);
    if header.version() == Version::Two {
        assert!(Header::parse(&bytes, len - 1).is_err(), "{header:?} within {}", len - 1);
    }
}

/// Headers of every kind, without TLVs.
#[must_use]
pub fn every_kind() -> Vec<Header> {
    let v4 = |last, port| SocketAddr::from((Ipv4Addr::new(192, 0, 2, last), port));
    let v6 =
        |last, port| SocketAddr::from((Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last), port));
    let name =
        |name: &[u8]| crate::proxy::UnixAddress::new(name).unwrap_or_else(|_| unreachable!());
    let mut headers = vec![Header::local()];
    for version in [Version::One, Version::Two] {
        headers.push(Header::unknown(version));
        headers.push(Header::tcp(version, v4(0, 0), v4(255, 65_535)));
        headers.push(Header::tcp(version, v6(0, 1), v6(0xffff, 10)));
        headers.push(Header::tcp(version, v4(1, 56_324), v6(2, 443)));
    }
    headers.push(Header::udp(v4(1, 2), v4(3, 4)));
    headers.push(Header::udp(v6(1, 2), v6(3, 4)));
    for transport in [Transport::Stream, Transport::Datagram] {
        headers.push(Header::unix(transport, name(b""), name(&[b'x'; 108])));
        headers.push(Header::unix(transport, name(b"\0abstract"), name(b"/run/socket")));
    }
    debug_assert!(headers.iter().any(|header| *header.route() == Route::Local));
    headers
}
