//! ICMP packets: known bytes, every truncation, every flipped bit, and whose replies are whose.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use drywire::icmp::{
    Cause, Echo, EchoFilter, Exceeded, Heard, Layout, Message, PAYLOAD_LEN_MAX, Packet,
    PacketError, Report, Unreachable, Version, checksum, checksum_v6,
};
use proptest::prelude::*;

const US: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const PEER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);
const ROUTER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
const PEER_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 9);
const ROUTER_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);

fn request(version: Version, identifier: u16, sequence: u16) -> Vec<u8> {
    let mut packet = Vec::new();
    Echo { identifier, sequence, payload: b"payload" }.write_request(version, &mut packet);
    packet
}

fn reply(version: Version, identifier: u16, sequence: u16) -> Vec<u8> {
    let mut packet = Vec::new();
    Echo { identifier, sequence, payload: b"payload" }.write_reply(version, &mut packet);
    packet
}

fn ipv4(source: Ipv4Addr, destination: Ipv4Addr, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let header_len = 20 + options.len();
    let total_len = u16::try_from(header_len + payload.len()).unwrap();
    let mut packet = vec![0x40 | u8::try_from(header_len / 4).unwrap(), 0];
    packet.extend(total_len.to_be_bytes());
    packet.extend([0, 7, 0, 0, 60, 1, 0, 0]);
    packet.extend(source.octets());
    packet.extend(destination.octets());
    packet.extend(options);
    packet.extend(payload);
    packet
}

/// Behind a header with `next_header` what comes with it.
fn ipv6(destination: Ipv6Addr, next_header: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
    packet.extend([next_header, 64]);
    packet.extend(Ipv6Addr::LOCALHOST.octets());
    packet.extend(destination.octets());
    packet.extend(payload);
    packet
}

/// An error with its checksum, if it is one of ICMPv4.
fn error(version: Version, kind: u8, code: u8, word: [u8; 4], original: &[u8]) -> Vec<u8> {
    let mut packet = vec![kind, code, 0, 0];
    packet.extend(word);
    packet.extend(original);
    if version == Version::V4 {
        let sum = checksum(&packet);
        packet[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    packet
}

/// A request as Windows sends it, whose checksum is in many a textbook.
#[test]
fn a_known_request_is_read_and_written() {
    let mut bytes = vec![8, 0, 0x4d, 0x5a, 0, 1, 0, 1];
    bytes.extend(b"abcdefghijklmnopqrstuvwabcdefghi");
    let packet = Packet::parse(Layout::Icmpv4, &bytes).unwrap();
    let echo = Echo { identifier: 1, sequence: 1, payload: &bytes[8..] };
    assert_eq!(packet.message, Message::EchoRequest(echo));
    assert_eq!((packet.source, packet.hop_limit), (None, None));
    let mut written = vec![9; 3];
    echo.write_request(Version::V4, &mut written);
    assert_eq!(written, bytes);
    echo.write_reply(Version::V4, &mut written);
    assert_eq!(written[..8], [0, 0, 0x55, 0x5a, 0, 1, 0, 1]);
}

#[test]
fn the_kernel_is_left_the_checksum_of_icmpv6() {
    let packet = request(Version::V6, 0x0102, 0x0304);
    assert_eq!(packet[..8], [128, 0, 0, 0, 1, 2, 3, 4]);
    assert_eq!(reply(Version::V6, 0x0102, 0x0304)[..8], [129, 0, 0, 0, 1, 2, 3, 4]);
    let mut sealed = packet.clone();
    let sum = checksum_v6(&packet, Ipv6Addr::LOCALHOST, PEER_V6);
    sealed[2..4].copy_from_slice(&sum.to_be_bytes());
    assert_eq!(checksum_v6(&sealed, Ipv6Addr::LOCALHOST, PEER_V6), 0);
    assert_ne!(checksum_v6(&sealed, Ipv6Addr::LOCALHOST, ROUTER_V6), 0);
    assert!(Packet::parse(Layout::Icmpv6, &sealed).is_ok());
}

#[test]
fn a_header_of_ip_is_looked_through_where_there_is_one() {
    let message = reply(Version::V4, 7, 8);
    for options in [&[][..], &[1, 1, 1, 0], &[0; 40]] {
        let bytes = ipv4(PEER, US, options, &message);
        let packet = Packet::parse(Layout::Ipv4, &bytes).unwrap();
        assert_eq!((packet.source, packet.hop_limit), (Some(PEER), Some(60)));
        let echo = Echo { identifier: 7, sequence: 8, payload: b"payload" };
        assert_eq!(packet.message, Message::EchoReply(echo));
        // What a network adds to reach its least length is not the packet's.
        let padded = [&bytes[..], &[0; 6]].concat();
        assert_eq!(Packet::parse(Layout::Ipv4, &padded).unwrap().message, packet.message);
        // It is not guessed whether there is one.
        assert!(Packet::parse(Layout::Icmpv4, &bytes).is_err());
    }
    assert_eq!(
        Packet::parse(Layout::Ipv4, &message),
        Err(PacketError::Truncated { len: 15, expected: 20 })
    );
}

#[test]
fn packets_that_lie_are_refused() {
    let good = ipv4(PEER, US, &[], &reply(Version::V4, 7, 8));
    let parse = |bytes: &[u8]| Packet::parse(Layout::Ipv4, bytes).map(drop);
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        parse(&bytes)
    };
    assert_eq!(parse(&good), Ok(()));
    assert_eq!(with(0, 0x65), Err(PacketError::Version { found: 6 }));
    assert_eq!(with(0, 0x44), Err(PacketError::HeaderLen { len: 16 }));
    assert_eq!(with(0, 0x4f), Err(PacketError::HeaderLen { len: 60 }));
    assert_eq!(with(3, 19), Err(PacketError::HeaderLen { len: 20 }));
    assert_eq!(with(3, 20), Err(PacketError::Truncated { len: 0, expected: 8 }));
    assert_eq!(with(3, 36), Err(PacketError::Truncated { len: 35, expected: 36 }));
    assert_eq!(with(7, 1), Err(PacketError::Fragment { offset: 8 }));
    // More fragments, of which this is the first; and the one bit that says not to cut.
    assert_eq!((with(6, 0x20), with(6, 0x40)), (Ok(()), Ok(())));
    assert_eq!(with(9, 17), Err(PacketError::Protocol { found: 17 }));
    let sum = u16::from_be_bytes([good[22], good[23]]);
    let wrong = sum ^ 1;
    let expected = PacketError::Checksum { found: wrong, expected: sum };
    assert_eq!(with(23, good[23] ^ 1), Err(expected));
}

#[test]
fn every_truncation_and_every_flipped_bit_is_noticed() {
    let message = reply(Version::V4, 7, 8);
    let packet = ipv4(PEER, US, &[1, 1, 1, 0], &message);
    for len in 0..packet.len() {
        let refused = Packet::parse(Layout::Ipv4, &packet[..len]).unwrap_err();
        assert!(matches!(refused, PacketError::Truncated { len: at, .. } if at == len), "{len}");
    }
    for len in 0..message.len() {
        assert!(Packet::parse(Layout::Icmpv4, &message[..len]).is_err(), "{len}");
        let v6 = reply(Version::V6, 7, 8);
        assert_eq!(Packet::parse(Layout::Icmpv6, &v6[..len]).is_ok(), len >= 8);
    }
    for bit in 0..message.len() * 8 {
        let mut damaged = message.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let refused = Packet::parse(Layout::Icmpv4, &damaged).unwrap_err();
        assert!(matches!(refused, PacketError::Checksum { .. }), "{bit}");
    }
}

#[test]
fn errors_name_the_router_the_cause_and_the_request() {
    let v4 = ipv4(US, PEER, &[], &request(Version::V4, 7, 8));
    let v6 = ipv6(PEER_V6, 58, &request(Version::V6, 7, 8));
    let host = Cause::Unreachable(Unreachable::Host);
    for (version, kind, code, word, cause) in [
        (Version::V4, 3, 1, [0; 4], host),
        (Version::V4, 3, 4, [0, 0, 5, 0xdc], Cause::PacketTooBig { mtu: 1500 }),
        (Version::V4, 11, 0, [0; 4], Cause::TimeExceeded(Exceeded::HopLimit)),
        (Version::V4, 12, 0, [20, 0, 0, 0], Cause::ParameterProblem { code: 0, pointer: 20 }),
        (Version::V6, 1, 3, [0; 4], host),
        (Version::V6, 2, 0, [0, 0, 5, 0], Cause::PacketTooBig { mtu: 1280 }),
        (Version::V6, 3, 0, [0; 4], Cause::TimeExceeded(Exceeded::HopLimit)),
        (Version::V6, 4, 1, [0, 0, 0, 6], Cause::ParameterProblem { code: 1, pointer: 6 }),
    ] {
        let (layout, destination, from, original): (_, IpAddr, IpAddr, _) = match version {
            Version::V4 => (Layout::Icmpv4, PEER.into(), ROUTER.into(), &v4),
            Version::V6 => (Layout::Icmpv6, PEER_V6.into(), ROUTER_V6.into(), &v6),
        };
        let filter = EchoFilter::new(layout, 7, destination);
        let header_len = original.len() - 15;
        // Routers may send along no more than eight bytes behind the header.
        for original in [&original[..], &original[..header_len + 8]] {
            let bytes = error(version, kind, code, word, original);
            let report = Report { from, cause };
            let heard = filter.read(&bytes, from).unwrap();
            assert_eq!(heard, Some(Heard::Report { sequence: 8, report }));
        }
        // With less the request cannot be told, and with less than a header it is none.
        let bytes = error(version, kind, code, word, &original[..header_len + 7]);
        assert_eq!(filter.read(&bytes, from), Ok(None));
        let bytes = error(version, kind, code, word, &original[..header_len - 1]);
        assert!(matches!(filter.read(&bytes, from), Err(PacketError::Truncated { .. })));
    }
    let report = Report { from: ROUTER.into(), cause: host };
    assert_eq!(report.to_string(), "198.51.100.1: destination host unreachable");
}

#[test]
fn extension_headers_are_looked_through() {
    let echo = request(Version::V6, 7, 8);
    let extended = |header: &[u8]| [header, &echo[..]].concat();
    let filter = EchoFilter::new(Layout::Icmpv6, 7, PEER_V6.into());
    let read = |next_header: u8, payload: &[u8]| {
        let original = ipv6(PEER_V6, next_header, payload);
        let bytes = error(Version::V6, 3, 0, [0; 4], &original);
        filter.read(&bytes, ROUTER_V6.into()).map(|heard| heard.is_some())
    };
    let mut fragment = [58, 9, 0, 1, 0, 0, 0, 7];
    assert_eq!(read(44, &extended(&fragment)), Ok(true));
    fragment[3] = 9;
    assert_eq!(read(44, &extended(&fragment)), Err(PacketError::Fragment { offset: 8 }));
    let mut options = [0; 16];
    options[..2].copy_from_slice(&[58, 1]);
    for next_header in [0, 43, 60] {
        assert_eq!(read(next_header, &extended(&options)), Ok(true));
    }
    options[1] = 2;
    assert_eq!(read(60, &options), Err(PacketError::Truncated { len: 56, expected: 64 }));
    let chain = |len: usize| {
        let mut chain = [60, 0, 0, 0, 0, 0, 0, 0].repeat(len);
        chain[(len - 1) * 8] = 58;
        extended(&chain)
    };
    assert_eq!((read(60, &chain(7)), read(60, &chain(8))), (Ok(true), Ok(true)));
    assert_eq!(read(60, &chain(9)), Err(PacketError::HeadersTooMany { max: 8 }));
    assert_eq!(read(17, &echo), Ok(false));
}

#[test]
fn what_is_not_ours_is_not_heard() {
    let filter = EchoFilter::new(Layout::Icmpv4, 7, PEER.into());
    let read = |bytes: &[u8], from: Ipv4Addr| filter.read(bytes, from.into()).unwrap().is_some();
    assert!(read(&reply(Version::V4, 7, 8), PEER));
    assert!(!read(&reply(Version::V4, 6, 8), PEER), "another's");
    assert!(!read(&reply(Version::V4, 7, 8), ROUTER), "from elsewhere");
    // On the loopback interface one hears oneself.
    assert!(!read(&request(Version::V4, 7, 8), PEER));

    let about = |source, destination, message: &[u8]| {
        error(Version::V4, 3, 1, [0; 4], &ipv4(source, destination, &[], message))
    };
    assert!(read(&about(US, PEER, &request(Version::V4, 7, 8)), ROUTER));
    assert!(!read(&about(US, PEER, &request(Version::V4, 6, 8)), ROUTER), "another's");
    assert!(!read(&about(US, ROUTER, &request(Version::V4, 7, 8)), ROUTER), "to elsewhere");
    assert!(!read(&about(US, PEER, &reply(Version::V4, 7, 8)), ROUTER), "no request");
    // Another protocol, whose ports look like it.
    let mut udp = ipv4(US, PEER, &[], &request(Version::V4, 7, 8));
    udp[9] = 17;
    assert!(!read(&error(Version::V4, 3, 3, [0; 4], &udp), PEER));
    // A redirect is no error.
    let redirect = ipv4(US, PEER, &[], &request(Version::V4, 7, 8));
    let redirect = error(Version::V4, 5, 1, [10, 0, 0, 1], &redirect);
    let packet = Packet::parse(Layout::Icmpv4, &redirect).unwrap();
    assert_eq!(packet.message, Message::Other { kind: 5, code: 1 });
    assert!(!read(&redirect, ROUTER));
}

#[test]
fn the_unspecified_address_is_answered_by_loopback() {
    for (layout, to, from) in
        [(Layout::Icmpv4, "0.0.0.0", "127.0.0.1"), (Layout::Icmpv6, "::", "::1")]
    {
        let filter = EchoFilter::new(layout, 7, to.parse().unwrap());
        let bytes = reply(layout.version(), 7, 8);
        assert!(filter.read(&bytes, from.parse().unwrap()).unwrap().is_some());
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        identifier: u16, sequence: u16, payload: Vec<u8>, is_v4: bool, is_request: bool,
    ) {
        let (version, layout) =
            if is_v4 { (Version::V4, Layout::Icmpv4) } else { (Version::V6, Layout::Icmpv6) };
        let echo = Echo { identifier, sequence, payload: &payload };
        let mut packet = Vec::new();
        let message = if is_request {
            echo.write_request(version, &mut packet);
            Message::EchoRequest(echo)
        } else {
            echo.write_reply(version, &mut packet);
            Message::EchoReply(echo)
        };
        prop_assert_eq!(Packet::parse(layout, &packet).map(|packet| packet.message), Ok(message));
        prop_assert_eq!(packet.len(), 8 + payload.len());
    }

    /// Mostly valid packets, damaged in places.
    #[test]
    fn damaged_packets_are_read_or_refused(
        layout in 0_u8..3, kind in prop::sample::select(&[0_u8, 3, 8, 11, 12, 1, 2, 4, 128, 129][..]),
        seal: bool, damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let version = if layout == 2 { Version::V6 } else { Version::V4 };
        let original = match version {
            Version::V4 => ipv4(US, PEER, &[], &request(version, 7, 8)),
            Version::V6 => ipv6(PEER_V6, 58, &request(version, 7, 8)),
        };
        let mut bytes = error(version, kind, 0, [0, 7, 0, 8], &original);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if seal && version == Version::V4 {
            bytes[2..4].fill(0);
            let sum = checksum(&bytes);
            bytes[2..4].copy_from_slice(&sum.to_be_bytes());
        }
        if layout == 0 {
            bytes = ipv4(ROUTER, US, &[], &bytes);
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        bytes.insert(0, layout);
        drywire::testkit::fuzz::icmp(&bytes);
    }
}

#[test]
fn the_longest_payload_makes_the_longest_packet() {
    let payload = vec![0xff; PAYLOAD_LEN_MAX];
    let mut message = Vec::new();
    Echo { identifier: 1, sequence: 2, payload: &payload }.write_reply(Version::V4, &mut message);
    let packet = ipv4(PEER, US, &[], &message);
    assert_eq!(packet.len(), 65_535);
    assert!(Packet::parse(Layout::Ipv4, &packet).is_ok());
}
