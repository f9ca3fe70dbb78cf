//! PROXY headers beside the crate `ppp`: every difference is one of those listed here.

use std::net::SocketAddr;

use drywire::proxy::{Header, HeaderError, Parse, Route, Transport};
use drywire::testkit::laws::proxy::every_kind;
use ppp::{HeaderResult, PartialResult, v1, v2};
use proptest::prelude::*;

/// What both say, in the plainest form.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    Ip(SocketAddr, SocketAddr, &'static str),
    Unix(Vec<u8>, Vec<u8>, &'static str),
}

/// An outcome: incomplete, invalid, or a header of some length.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Incomplete,
    Invalid,
    Header { len: usize, is_local: bool, said: Said, tlvs: Vec<(u8, Vec<u8>)> },
}

fn ours(input: &[u8]) -> Outcome {
    let (len, header) = match Header::parse(input, usize::MAX) {
        Ok(Parse::Need { .. }) => return Outcome::Incomplete,
        Err(_) => return Outcome::Invalid,
        Ok(Parse::Found { len, header }) => (len, header),
    };
    let name = |transport: &Transport| match transport {
        Transport::Stream => "stream",
        Transport::Datagram => "datagram",
    };
    let said = match header.route() {
        Route::Local | Route::Unknown => Said::Nothing,
        Route::Ip { transport, source, destination } => {
            Said::Ip(*source, *destination, name(transport))
        }
        Route::Unix { transport, source, destination } => {
            Said::Unix(source.padded().to_vec(), destination.padded().to_vec(), name(transport))
        }
    };
    let tlvs = header.tlvs().map(|tlv| {
        let mut bytes = Vec::new();
        tlv.write(&mut bytes);
        (tlv.kind(), bytes.split_off(3))
    });
    Outcome::Header { len, is_local: *header.route() == Route::Local, said, tlvs: tlvs.collect() }
}

fn theirs(input: &[u8]) -> Outcome {
    match HeaderResult::parse(input) {
        HeaderResult::V1(Ok(header)) => {
            let said = match header.addresses {
                v1::Addresses::Unknown => Said::Nothing,
                v1::Addresses::Tcp4(ip) => Said::Ip(
                    (ip.source_address, ip.source_port).into(),
                    (ip.destination_address, ip.destination_port).into(),
                    "stream",
                ),
                v1::Addresses::Tcp6(ip) => Said::Ip(
                    (ip.source_address, ip.source_port).into(),
                    (ip.destination_address, ip.destination_port).into(),
                    "stream",
                ),
            };
            Outcome::Header { len: header.header.len(), is_local: false, said, tlvs: vec![] }
        }
        HeaderResult::V2(Ok(header)) => their_binary(&header),
        result if result.is_incomplete() => Outcome::Incomplete,
        _ => Outcome::Invalid,
    }
}

fn their_binary(header: &v2::Header<'_>) -> Outcome {
    let name = match header.protocol {
        v2::Protocol::Unspecified => "unspecified",
        v2::Protocol::Stream => "stream",
        v2::Protocol::Datagram => "datagram",
    };
    let said = match header.addresses {
        v2::Addresses::Unspecified => Said::Nothing,
        v2::Addresses::IPv4(ip) => Said::Ip(
            (ip.source_address, ip.source_port).into(),
            (ip.destination_address, ip.destination_port).into(),
            name,
        ),
        v2::Addresses::IPv6(ip) => Said::Ip(
            (ip.source_address, ip.source_port).into(),
            (ip.destination_address, ip.destination_port).into(),
            name,
        ),
        v2::Addresses::Unix(unix) => {
            Said::Unix(unix.source.to_vec(), unix.destination.to_vec(), name)
        }
    };
    let tlvs: Result<Vec<_>, _> =
        header.tlvs().map(|tlv| tlv.map(|tlv| (tlv.kind, tlv.value.to_vec()))).collect();
    match tlvs {
        Ok(tlvs) => {
            let is_local = header.command == v2::Command::Local;
            Outcome::Header { len: header.len(), is_local, said, tlvs }
        }
        Err(_) => Outcome::Invalid,
    }
}

/// Where we differ on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Difference {
    /// What a local command, an unspecified family or transport has behind it we do not look into;
    /// ppp reads it, and refuses families that a local command must ignore.
    Opaque,
    /// We refuse TLVs of lengths that they cannot have, second and wrong checksums.
    StricterTlvs,
    /// We refuse at the first byte that is wrong. ppp waits for the fixed part or the end of the
    /// line, or says that a line is incomplete that is wrong already.
    Earlier,
    /// We wait for the line's end, ppp refuses what it has of it.
    Later,
    /// ppp takes a line feed alone for the end of a line, behind UNKNOWN and a space.
    LineEnd,
    /// ppp takes a port with a plus sign, as the standard library does.
    Port,
    /// ppp takes what follows UNKNOWN for a field that may hold anything, we for bytes that may be
    /// anything; it also wants UTF-8.
    Unknown,
}

/// The difference that explains why the two are not the same, if there is one.
fn difference(input: &[u8], ours: &Outcome, theirs: &Outcome) -> Option<Difference> {
    use Outcome::{Header as Found, Incomplete, Invalid};
    let parsed = Header::parse(input, usize::MAX);
    let is_binary = input.first() == Some(&b'\r');
    let is_unknown = input.starts_with(b"PROXY UNKNOWN");
    match (ours, theirs) {
        (Found { said: Said::Nothing, tlvs, .. }, _) if is_binary && tlvs.is_empty() => {
            Some(Difference::Opaque)
        }
        (Incomplete, Invalid) if is_binary && input.get(12) == Some(&0x20) => {
            Some(Difference::Opaque)
        }
        (Incomplete, Invalid) if is_binary && input.len() >= 16 => {
            let is_opaque = input[13] >> 4 == 0 || input[13] & 0xf == 0;
            is_opaque.then_some(Difference::Opaque)
        }
        (Invalid, Found { .. }) if is_binary => match parsed {
            Err(
                HeaderError::TlvLen { .. }
                | HeaderError::TlvEnd { .. }
                | HeaderError::ChecksumRepeated { .. }
                | HeaderError::Checksum { .. },
            ) => Some(Difference::StricterTlvs),
            _ => None,
        },
        (Invalid, Incomplete) => Some(Difference::Earlier),
        (Found { .. }, _) if is_unknown => Some(Difference::Unknown),
        (Incomplete, Invalid) if !is_binary => Some(Difference::Later),
        (Invalid, Found { .. }) => match parsed {
            Err(HeaderError::LineEnd { .. }) if is_unknown => Some(Difference::LineEnd),
            Err(HeaderError::Port { .. }) if input.contains(&b'+') => Some(Difference::Port),
            _ => None,
        },
        _ => None,
    }
}

fn compare(input: &[u8]) -> Option<Difference> {
    let (ours, theirs) = (ours(input), theirs(input));
    if ours == theirs {
        return None;
    }
    let difference = difference(input, &ours, &theirs);
    assert!(
        difference.is_some(),
        "{:?}: ours is {ours:?}, theirs {theirs:?}",
        String::from_utf8_lossy(input)
    );
    difference
}

#[test]
fn what_we_write_is_read_alike() {
    for header in every_kind() {
        let bytes = header.to_bytes();
        assert_eq!(compare(&bytes), None, "{header:?}");
        assert_eq!(compare(&[&bytes[..], b"rest"].concat()), None, "{header:?}");
    }
}

#[test]
fn what_they_write_is_read_alike() {
    let [source, destination] =
        ["192.0.2.1:7", "192.0.2.9:443"].map(|end| end.parse::<SocketAddr>().unwrap());
    let bytes = v2::Builder::with_addresses(
        v2::Version::Two | v2::Command::Proxy,
        v2::Protocol::Stream,
        (source, destination),
    )
    .write_tlv(v2::Type::ALPN, b"h2")
    .unwrap()
    .write_tlv(v2::Type::Authority, b"example.org")
    .unwrap()
    .build()
    .unwrap();
    assert_eq!(compare(&bytes), None);
    assert!(matches!(ours(&bytes), Outcome::Header { tlvs, .. } if tlvs.len() == 2));
    let line = v1::Addresses::from((source, destination)).to_string();
    assert_eq!(compare(line.as_bytes()), None);
    assert!(matches!(ours(line.as_bytes()), Outcome::Header { said: Said::Ip(..), .. }));
}

/// Each difference once.
#[test]
fn the_differences_are_those() {
    let binary = |rest: &[u8]| [b"\r\n\r\n\0\r\nQUIT\n", rest].concat();
    let inet = [192, 0, 2, 1, 192, 0, 2, 9, 0xdc, 4, 1, 187];
    let with_tlvs = |tlvs: &[u8]| {
        let len = u8::try_from(inet.len() + tlvs.len()).unwrap();
        binary(&[&[0x21, 0x11, 0, len], &inet[..], tlvs].concat())
    };
    for (input, difference) in [
        (binary(&[&[0x20, 0x11, 0, 12], &inet[..]].concat()), Difference::Opaque),
        (binary(&[0x20, 0x11, 0, 0]), Difference::Opaque),
        (binary(&[0x20, 0xff, 0, 0]), Difference::Opaque),
        (binary(&[&[0x21, 0x10, 0, 12], &inet[..]].concat()), Difference::Opaque),
        (with_tlvs(&[3, 0, 4, 0, 0, 0, 0]), Difference::StricterTlvs),
        (with_tlvs(&[3, 0, 1, 0]), Difference::StricterTlvs),
        (with_tlvs(&[0x20, 0, 1, 0]), Difference::StricterTlvs),
        (binary(&[0x31]), Difference::Earlier),
        (b"PROXY UNKNOWNX".to_vec(), Difference::Later),
        (b"PROXY UNKNOWN x \n".to_vec(), Difference::LineEnd),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n".to_vec(), Difference::Port),
        (b"PROXY UNKNOWN \xff\r\n".to_vec(), Difference::Unknown),
    ] {
        let text = String::from_utf8_lossy(&input).into_owned();
        assert_eq!(compare(&input), Some(difference), "{text:?}");
    }
}

proptest! {
    #[test]
    fn lines_are_read_alike(
        line in "PROXY (TCP4|TCP6|UNKNOWN|TCP5)( (([0-9]{1,3}\\.){3}[0-9]{1,3}|[0-9a-f:]{2,9}|\\+?[0-9]{1,6})){0,5} ?(\r\n|\r|\n|\rx)?",
        cut in any::<prop::sample::Index>(),
    ) {
        compare(line.as_bytes());
        compare(&line.as_bytes()[..cut.index(line.len())]);
    }

    #[test]
    fn binary_headers_are_read_alike(
        command in prop_oneof![4 => Just(0x21), 1 => any::<u8>()],
        family in prop_oneof![4 => prop::sample::select(vec![0x11, 0x12, 0x21, 0x31]), 1 => any::<u8>()],
        body in prop::collection::vec(prop_oneof![3 => 0..6_u8, 1 => any::<u8>()], 0..260),
        len in prop::option::weighted(0.2, any::<u8>()),
        cut in any::<prop::sample::Index>(),
    ) {
        let len = len.map_or(body.len(), usize::from);
        let mut input = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
        input.extend([command, family]);
        input.extend(u16::try_from(len).unwrap().to_be_bytes());
        input.extend(body);
        compare(&input);
        compare(&input[..cut.index(input.len())]);
    }
}
