//! PROXY headers and the preamble that receives them.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use drywire::admission::{Admission, AdmissionLimits, Permit, Refusal};
use drywire::connection::{Deadline, Timer, Truncation};
use drywire::error::{LimitExceeded, MisuseError, RemoteError};
use drywire::peer::Ends;
use drywire::proxy::{
    BuildError, HEADER_LEN_MIN, Header, HeaderError, Introduction, NETWORKS_MAX, Networks,
    NetworksError, NetworksProblem, Others, Parse, Preamble, ProxyLimits, ProxyPolicy, Route, Ssl,
    Tlv, Transport, UnixAddress, Verdict, Version, kind,
};
use drywire::shutdown::Request;
use drywire::testkit::laws::proxy as laws;
use drywire::{CloseKind, CloseReason, Error, Fault, Instant};
use proptest::prelude::*;

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn found(bytes: &[u8]) -> Header {
    match Header::parse(bytes, usize::MAX) {
        Ok(Parse::Found { len, header }) if len == bytes.len() => header,
        parsed => panic!("{bytes:x?}: {parsed:?}"),
    }
}

fn refused(bytes: &[u8]) -> HeaderError {
    let error = Header::parse(bytes, 4096).unwrap_err();
    laws::equals_model(bytes, 4096);
    error
}

/// A header of version 2 with this command, family and body.
fn binary(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = SIGNATURE.to_vec();
    bytes.extend([command, family]);
    bytes.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    bytes.extend(body);
    bytes
}

fn tlv(kind: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
    bytes.extend(value);
    bytes
}

const INET: [u8; 12] = [192, 0, 2, 1, 192, 0, 2, 9, 0xdc, 4, 1, 187];

/// Over TCP and IPv4, with these TLVs.
fn with_tlvs(tlvs: &[u8]) -> Vec<u8> {
    binary(0x21, 0x11, &[&INET[..], tlvs].concat())
}

#[test]
fn every_kind_is_written_and_read() {
    for header in laws::every_kind() {
        laws::round_trip(&header);
        laws::equals_model(&header.to_bytes(), 4096);
    }
}

#[test]
fn lines_are_those_of_the_specification() {
    let line = b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n";
    let header =
        Header::tcp(Version::One, address("192.168.0.1:56324"), address("192.168.0.11:443"));
    assert_eq!(found(line), header);
    assert_eq!(header.to_bytes(), line);
    assert_eq!((header.version(), header.tlvs().count()), (Version::One, 0));

    let longest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    let line = format!("PROXY TCP6 {longest} {longest} 65535 65535\r\n");
    let end = address(&format!("[{longest}]:65535"));
    assert_eq!(found(line.as_bytes()), Header::tcp(Version::One, end, end));
    let line = format!("PROXY UNKNOWN {longest} {longest} 65535 65535\r\n");
    assert_eq!(line.len(), 107);
    assert_eq!(found(line.as_bytes()), Header::unknown(Version::One));
    assert_eq!(Header::unknown(Version::One).to_bytes(), b"PROXY UNKNOWN\r\n");

    let mapped = found(b"PROXY TCP6 ::ffff:192.0.2.1 ::1 0 65535\r\n");
    assert_eq!(mapped.source(), Some(address("[::ffff:192.0.2.1]:0")));
}

#[test]
fn lines_that_are_not_in_the_grammar_are_refused() {
    for (line, error) in [
        ("X", HeaderError::Signature { offset: 0, found: b'X' }),
        ("GET / HTTP/1.1\r\n", HeaderError::Signature { offset: 0, found: b'G' }),
        ("PROXy", HeaderError::Signature { offset: 4, found: b'y' }),
        ("PROXY\r\n", HeaderError::Signature { offset: 5, found: b'\r' }),
        ("PROXY \r\n", HeaderError::Protocol { offset: 6 }),
        ("PROXY  TCP4", HeaderError::Protocol { offset: 6 }),
        ("PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n", HeaderError::Protocol { offset: 6 }),
        ("PROXY tcp4 1.2.3.4 1.2.3.4 1 2\r\n", HeaderError::Protocol { offset: 6 }),
        ("PROXY UNKNOWNS\r\n", HeaderError::Protocol { offset: 6 }),
        ("PROXY TCP4\r\n", HeaderError::Address { offset: 10 }),
        ("PROXY TCP4 1.2.3.4\r\n", HeaderError::Address { offset: 18 }),
        ("PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n", HeaderError::Address { offset: 11 }),
        ("PROXY TCP4 01.2.3.4 1.2.3.4 1 2\r\n", HeaderError::Address { offset: 11 }),
        ("PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n", HeaderError::Address { offset: 11 }),
        ("PROXY TCP4 1.2.3.256 1.2.3.4 1 2\r\n", HeaderError::Address { offset: 11 }),
        ("PROXY TCP4 1.2.3.4 ::1 1 2\r\n", HeaderError::Address { offset: 19 }),
        ("PROXY TCP6 1.2.3.4 ::1 1 2\r\n", HeaderError::Address { offset: 11 }),
        ("PROXY TCP6 ::1%1 ::1 1 2\r\n", HeaderError::Address { offset: 11 }),
        ("PROXY TCP6 [::1] ::1 1 2\r\n", HeaderError::Address { offset: 11 }),
        ("PROXY TCP6 1:2:3:4:5:6:7 ::1 1 2\r\n", HeaderError::Address { offset: 11 }),
        ("PROXY TCP6 00000::1 ::1 1 2\r\n", HeaderError::Address { offset: 11 }),
        ("PROXY TCP4 1.2.3.4 1.2.3.4\r\n", HeaderError::Port { offset: 26 }),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", HeaderError::Port { offset: 28 }),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 \r\n", HeaderError::Port { offset: 29 }),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", HeaderError::Port { offset: 27 }),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 00 2\r\n", HeaderError::Port { offset: 27 }),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n", HeaderError::Port { offset: 27 }),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n", HeaderError::Port { offset: 27 }),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n", HeaderError::Port { offset: 27 }),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n", HeaderError::Port { offset: 29 }),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n", HeaderError::Port { offset: 29 }),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n", HeaderError::Port { offset: 29 }),
        ("PROXY UNKNOWN\n", HeaderError::LineEnd { offset: 13 }),
        ("PROXY UNKNOWN\r\r\n", HeaderError::LineEnd { offset: 13 }),
        ("PROXY UNKNOWN \n\r\n", HeaderError::LineEnd { offset: 14 }),
    ] {
        // Some are refused only when the line is whole.
        let error_found = match Header::parse(line.as_bytes(), 4096) {
            Err(error) => error,
            Ok(_) => refused(format!("{line} 1.2.3.4 1.2.3.4 1 2\r\n").as_bytes()),
        };
        assert_eq!(error_found, error, "{line:?}");
        laws::equals_model(line.as_bytes(), 4096);
        laws::split_invariant(line.as_bytes(), &[3]);
    }
}

#[test]
fn a_line_ends_within_its_longest_length() {
    for len in 100..115 {
        let mut line = b"PROXY UNKNOWN ".to_vec();
        line.resize(len - 2, b'x');
        line.extend(b"\r\n");
        laws::equals_model(&line, 4096);
        if len <= 107 {
            assert_eq!(found(&line), Header::unknown(Version::One), "{len}");
        } else {
            assert_eq!(refused(&line), HeaderError::LineLen { max: 107 }, "{len}");
        }
        // It does not wait for what cannot save it.
        let open = &line[..len - 2];
        assert_eq!(Header::parse(open, 4096).is_err(), open.len() >= 106, "{len}");
    }
}

#[test]
fn any_byte_but_those_of_a_header_is_refused_at_once() {
    let headers = [b"PROXY TCP4 ".to_vec(), with_tlvs(&[])];
    for first in 0..=255 {
        let is_known = first == b'P' || first == b'\r';
        assert_eq!(Header::parse(&[first], 4096).is_ok(), is_known, "{first}");
    }
    for (header, signature_len) in headers.iter().zip([6, 12]) {
        for offset in 1..signature_len {
            for byte in 0..=255 {
                let mut bytes = header[..=offset].to_vec();
                bytes[offset] = byte;
                let parsed = Header::parse(&bytes, 4096);
                let error = HeaderError::Signature { offset, found: byte };
                assert_eq!(parsed.is_err(), byte != header[offset]);
                assert!(parsed.is_ok() || parsed == Err(error));
            }
        }
    }
}

/// Every value of the two bytes, each with too little room and with enough for any address.
#[test]
fn every_command_and_family() {
    for command in 0..=255 {
        for family in 0..=255 {
            for len in [0, 11, 12, 35, 36, 215, 216] {
                let bytes = binary(command, family, &vec![0; len]);
                laws::equals_model(&bytes[..bytes.len().min(16)], 4096);
                let parsed = Header::parse(&bytes, 4096);
                let min = match family >> 4 {
                    1 => 12,
                    2 => 36,
                    _ => 216,
                };
                let expected = match (command, family >> 4, family & 0xf) {
                    (0x20, _, _) => Ok(Route::Local),
                    (0x21, 4.., _) => Err(HeaderError::Family { found: family >> 4 }),
                    (0x21, _, 3..) => Err(HeaderError::Transport { found: family & 0xf }),
                    (0x21, 0, _) | (0x21, _, 0) => Ok(Route::Unknown),
                    (0x21, _, _) if len < min => Err(HeaderError::AddressLen { len, min }),
                    // Zeros behind the addresses are no TLV of which there is a third part only.
                    (0x21, _, _) if (len - min) % 3 != 0 => {
                        let offset = 16 + len - (len - min) % 3;
                        Err(HeaderError::TlvEnd { offset })
                    }
                    (0x21, _, _) => Ok(parsed_route(&parsed).clone()),
                    (0x22..=0x2f, _, _) => Err(HeaderError::Command { found: command & 0xf }),
                    (_, _, _) => Err(HeaderError::Version { found: command >> 4 }),
                };
                match (parsed, expected) {
                    (Ok(Parse::Found { header, .. }), Ok(route)) => {
                        assert_eq!(*header.route(), route);
                    }
                    (parsed, expected) => {
                        assert_eq!(parsed.err(), expected.err(), "{command:x} {family:x} {len}");
                    }
                }
            }
        }
    }
}

fn parsed_route(parsed: &Result<Parse, HeaderError>) -> &Route {
    match parsed {
        Ok(Parse::Found { header, .. }) => {
            assert!(matches!(header.route(), Route::Ip { .. } | Route::Unix { .. }));
            header.route()
        }
        parsed => panic!("{parsed:?}"),
    }
}

#[test]
fn addresses_are_where_they_should_be() {
    let header = found(&with_tlvs(&[]));
    let ends = (address("192.0.2.1:56324"), address("192.0.2.9:443"));
    assert_eq!(header, Header::tcp(Version::Two, ends.0, ends.1));
    assert_eq!(header.to_bytes(), with_tlvs(&[]));
    assert_eq!(found(&binary(0x21, 0x12, &INET)), Header::udp(ends.0, ends.1));

    let mut body = vec![0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    body.extend([0; 15]);
    body.extend([1, 0, 7, 0xff, 0xff]);
    let header = Header::tcp(Version::Two, address("[2001:db8::1]:7"), address("[::1]:65535"));
    assert_eq!(found(&binary(0x21, 0x21, &body)), header);

    let [source, destination] = [b"/run/client", b"\0abstracted"].map(|name| {
        let mut bytes = name.to_vec();
        bytes.resize(108, 0);
        bytes
    });
    let header = found(&binary(0x21, 0x31, &[source, destination].concat()));
    let Route::Unix { transport, source, destination } = header.route() else {
        panic!("{header:?}");
    };
    assert_eq!(*transport, Transport::Stream);
    assert_eq!((source.name(), destination.name()), (&b"/run/client"[..], &b"\0abstracted"[..]));
    assert_eq!(
        [source, destination].map(ToString::to_string),
        ["unix:/run/client", "unix:@abstracted"]
    );
    assert_eq!(UnixAddress::new(b"").unwrap().to_string(), "unix");
    assert_eq!(UnixAddress::new(&[b'x'; 108]).unwrap().name(), [b'x'; 108]);
    let error = BuildError::UnixLen { len: 109, max: 108 };
    assert_eq!(UnixAddress::new(&[b'x'; 109]), Err(error));
}

#[test]
fn what_follows_a_local_command_or_no_family_is_not_looked_into() {
    for (command, family, expected) in [
        (0x20, 0x11, Header::local()),
        (0x20, 0xff, Header::local()),
        (0x21, 0x00, Header::unknown(Version::Two)),
        (0x21, 0x10, Header::unknown(Version::Two)),
        (0x21, 0x02, Header::unknown(Version::Two)),
    ] {
        for body in [&[][..], &INET, &[1, 0xff, 0xff], &[3, 0, 4, 1, 2, 3, 4]] {
            assert_eq!(found(&binary(command, family, body)), expected);
        }
    }
}

#[test]
fn tlvs_come_out_as_they_went_in() {
    let within = [tlv(kind::SSL_VERSION, b"TLSv1.3"), tlv(kind::SSL_COMMON_NAME, b"me")].concat();
    let ssl = Ssl::new(Ssl::CLIENT_SSL | Ssl::CLIENT_CERT_CONN, 0, &within);
    let tlvs = [
        Tlv::Alpn(b"h2"),
        Tlv::Authority(b"example.org"),
        Tlv::Noop(b""),
        Tlv::UniqueId(&[7; 128]),
        Tlv::Ssl(ssl),
        Tlv::Netns(b"blue"),
        Tlv::Other { kind: 0xe0, value: b"ours" },
        Tlv::Noop(&[0; 300]),
    ];
    let mut header = found(&with_tlvs(&[]));
    for tlv in tlvs {
        header.push(tlv).unwrap();
    }
    laws::round_trip(&header);
    assert!(header.tlvs().eq(tlvs));
    let bytes = header.to_bytes();
    let expected: Vec<u8> = [
        tlv(1, b"h2"),
        tlv(2, b"example.org"),
        tlv(4, b""),
        tlv(5, &[7; 128]),
        tlv(0x20, &[&[3, 0, 0, 0, 0][..], &within].concat()),
        tlv(0x30, b"blue"),
        tlv(0xe0, b"ours"),
        tlv(4, &[0; 300]),
    ]
    .concat();
    assert_eq!(bytes, with_tlvs(&expected));

    let Some(Tlv::Ssl(ssl)) = header.tlvs().nth(4) else { panic!("{header:?}") };
    assert!(ssl.is_verified() && ssl.client() == 3 && ssl.verify() == 0);
    assert!(ssl.tlvs().eq([
        Tlv::Other { kind: kind::SSL_VERSION, value: b"TLSv1.3" },
        Tlv::Other { kind: kind::SSL_COMMON_NAME, value: b"me" },
    ]));
    assert!(!Ssl::new(Ssl::CLIENT_SSL, 0, b"").is_verified(), "without a certificate");
    assert!(!Ssl::new(Ssl::CLIENT_CERT_SESS, 1, b"").is_verified(), "with a bad one");

    // With a checksum, also when more is added behind it.
    header.push_checksum().unwrap();
    laws::round_trip(&header);
    header.push(Tlv::Noop(b"more")).unwrap();
    header.push_checksum().unwrap();
    laws::round_trip(&header);
    laws::equals_model(&header.to_bytes(), 4096);
    assert_eq!(header.tlvs().filter(|tlv| tlv.kind() == kind::CRC32C).count(), 1);
}

#[test]
fn tlvs_that_lie_are_refused() {
    let offset = 16 + 12;
    for (tlvs, error) in [
        (vec![1], HeaderError::TlvEnd { offset }),
        (vec![1, 0], HeaderError::TlvEnd { offset }),
        (vec![1, 0, 1], HeaderError::TlvEnd { offset }),
        (vec![1, 0, 3, 1, 2], HeaderError::TlvEnd { offset }),
        (vec![1, 0xff, 0xff, 1], HeaderError::TlvEnd { offset }),
        ([tlv(1, b"h2"), vec![4, 0]].concat(), HeaderError::TlvEnd { offset: offset + 5 }),
        (tlv(3, &[0; 3]), HeaderError::TlvLen { kind: 3, len: 3 }),
        (tlv(3, &[0; 5]), HeaderError::TlvLen { kind: 3, len: 5 }),
        (tlv(5, &[0; 129]), HeaderError::TlvLen { kind: 5, len: 129 }),
        (tlv(0x20, &[0; 4]), HeaderError::TlvLen { kind: 0x20, len: 4 }),
        (tlv(0x20, &[0, 0, 0, 0, 0, 0x21]), HeaderError::TlvEnd { offset: offset + 8 }),
        (
            tlv(0x20, &[&[0; 5][..], &tlv(0x21, b"x"), &[0x22, 0, 1]].concat()),
            HeaderError::TlvEnd { offset: offset + 12 },
        ),
        (
            [tlv(3, &[0; 4]), tlv(3, &[0; 4])].concat(),
            HeaderError::ChecksumRepeated { offset: offset + 7 },
        ),
    ] {
        assert_eq!(refused(&with_tlvs(&tlvs)), error, "{tlvs:x?}");
    }
}

#[test]
fn one_wrong_bit_anywhere_breaks_the_checksum() {
    let mut header = found(&with_tlvs(&[]));
    header.push(Tlv::Authority(b"example.org")).unwrap();
    header.push_checksum().unwrap();
    header.push(Tlv::UniqueId(b"7")).unwrap();
    let bytes = header.to_bytes();
    assert_eq!(found(&bytes), header);
    // In the addresses, where nothing else can be wrong, and in the checksum itself.
    let sum = bytes.len() - tlv(5, b"7").len() - 4;
    for at in (16..28).chain(sum..sum + 4) {
        for bit in 0..8 {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << bit;
            assert!(matches!(refused(&bytes), HeaderError::Checksum { .. }), "{at} {bit}");
        }
    }
}

#[test]
fn what_does_not_fit_a_header_is_not_added() {
    let mut line = found(b"PROXY TCP4 192.0.2.1 192.0.2.9 1 2\r\n");
    assert_eq!(line.push(Tlv::Noop(b"")), Err(BuildError::Unsupported));
    assert_eq!(Header::local().push_checksum(), Err(BuildError::Unsupported));
    assert_eq!(Header::unknown(Version::Two).push_checksum(), Err(BuildError::Unsupported));

    let mut header = found(&with_tlvs(&[]));
    let unchanged = header.clone();
    let too_long = |len| Err(BuildError::TooLong { len, max: 65_535 });
    for (tlv, expected) in [
        (Tlv::Crc32c(1), Err(BuildError::Checksum)),
        (Tlv::Other { kind: 3, value: b"1234" }, Err(BuildError::Checksum)),
        (Tlv::UniqueId(&[0; 129]), Err(BuildError::Value { kind: 5 })),
        (Tlv::Other { kind: 0x20, value: b"1234" }, Err(BuildError::Value { kind: 0x20 })),
        (Tlv::Ssl(Ssl::new(0, 0, &[1, 0])), Err(BuildError::Value { kind: 0x20 })),
        (Tlv::Noop(&vec![0; 65_521]), too_long(65_536)),
        (Tlv::Noop(&vec![0; 70_000]), too_long(70_015)),
    ] {
        assert_eq!(header.push(tlv), expected);
        assert_eq!(header, unchanged);
    }
    header.push(Tlv::Noop(&vec![0; 65_520])).unwrap();
    laws::round_trip(&header);
    assert_eq!(header.push(Tlv::Noop(b"")), too_long(65_538));
}

#[test]
fn every_header_is_received_at_every_cut_with_what_follows() {
    let mut big = found(&with_tlvs(&[]));
    big.push(Tlv::Noop(&vec![7; 2000])).unwrap();
    big.push_checksum().unwrap();
    let mut headers = laws::every_kind();
    headers.push(big);
    for header in headers {
        for rest in [&b""[..], b"\x16\x03\x01\x02\x00", &[b'x'; 1000]] {
            let bytes = [&header.to_bytes()[..], rest].concat();
            laws::split_invariant(&bytes, &[]);
            for cut in 1..bytes.len().min(600) {
                let introduced = laws::receive(&bytes, &[cut]).unwrap().unwrap();
                assert_eq!((&introduced.header, &introduced.rest[..]), (&header, rest), "{cut}");
            }
        }
    }
}

fn preamble(header_len_max: usize) -> Preamble {
    let mut limits = ProxyLimits::new();
    limits.header_len_max = header_len_max;
    Preamble::new(&limits, Instant::ZERO)
}

fn feed(preamble: &mut Preamble, mut bytes: &[u8]) {
    while !bytes.is_empty() && !preamble.is_done() {
        let buffer = preamble.receive_buffer();
        let len = bytes.len().min(buffer.len());
        buffer[..len].copy_from_slice(&bytes[..len]);
        preamble.received(len, Instant::ZERO).unwrap();
        bytes = &bytes[len..];
    }
}

#[test]
fn a_header_is_as_long_as_the_limit_at_most() {
    for (limit, len_max) in [(0, HEADER_LEN_MIN), (535, 536), (536, 536), (537, 537), (4096, 4096)]
    {
        for len in [len_max - 1, len_max, len_max + 1] {
            let header = with_tlvs(&tlv(4, &vec![0; len - 16 - 12 - 3]));
            assert_eq!(header.len(), len);
            let mut preamble = preamble(limit);
            feed(&mut preamble, &header);
            let outcome = preamble.into_outcome();
            if len <= len_max {
                assert_eq!(outcome.unwrap().header.to_bytes(), header);
            } else {
                let (len, max) = (len as u64, len_max as u64);
                let error = Error::Limit(LimitExceeded::ProxyHeaderLen { len, max });
                assert_eq!(outcome, Err(CloseReason::Failed(error)));
            }
        }
    }
}

#[test]
fn memory_follows_what_has_arrived() {
    let header = with_tlvs(&tlv(4, &vec![0; 60_000]));
    let mut preamble = preamble(usize::MAX);
    feed(&mut preamble, &header[..16]);
    let mut received = 16;
    while !preamble.is_done() {
        let lent = preamble.receive_buffer().len();
        assert!(lent > 0 && lent <= received.max(512), "{lent} for {received}");
        assert!(received + lent <= header.len());
        feed(&mut preamble, &header[received..received + lent]);
        received += lent;
    }
    assert_eq!(preamble.into_outcome().unwrap().rest, b"");
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_deadline_is_met_or_missed_but_never_moved() {
    let due_at = Instant::ZERO + 5 * SECOND;
    let expected = Some(Deadline { at: due_at, timer: Timer::ProxyHeader });
    for received in [&b""[..], b"PROXY TCP4 "] {
        let mut preamble = preamble(4096);
        feed(&mut preamble, received);
        assert_eq!(preamble.deadline(), expected);
        preamble.handle_timeout(Instant::from_nanos(due_at.as_nanos() - 1));
        assert!(!preamble.is_done());
        preamble.handle_timeout(due_at);
        assert_eq!((preamble.is_done(), preamble.deadline()), (true, None));
        assert!(preamble.receive_buffer().is_empty());
        let reason = CloseReason::TimedOut(Timer::ProxyHeader);
        assert_eq!(reason.to_string(), "timed out: the PROXY header was not complete in time");
        assert_eq!(preamble.into_outcome(), Err(reason));
    }
    // None at all, and one that has passed before it began.
    for (timeout, deadline) in [(Duration::MAX, None), (Duration::ZERO, Some(1))] {
        let mut limits = ProxyLimits::new();
        limits.header_timeout = timeout;
        let mut preamble = Preamble::new(&limits, Instant::ZERO);
        assert_eq!(preamble.deadline().map(|due| due.at.as_nanos()), deadline);
        preamble.handle_timeout(Instant::MAX);
        assert_eq!(preamble.is_done(), deadline.is_some());
    }
}

#[test]
fn draining_closes_the_silent_and_lets_the_others_finish() {
    let header = b"PROXY UNKNOWN\r\n";
    for (before, at, timer) in [(&b""[..], 1, Timer::Drain), (b"P", 5, Timer::ProxyHeader)] {
        let mut preamble = preamble(4096);
        feed(&mut preamble, before);
        preamble.drain(SECOND, Instant::ZERO);
        let at = Instant::ZERO + at * SECOND;
        assert_eq!(preamble.deadline(), Some(Deadline { at, timer }));
        preamble.handle_timeout(at);
        let expected = match timer {
            Timer::Drain => CloseReason::Closed,
            timer => CloseReason::TimedOut(timer),
        };
        assert_eq!(preamble.into_outcome(), Err(expected));
    }
    let mut preamble = preamble(4096);
    preamble.drain(SECOND, Instant::ZERO);
    preamble.drain(9 * SECOND, Instant::ZERO);
    feed(&mut preamble, header);
    preamble.handle_timeout(Instant::MAX);
    assert_eq!(preamble.into_outcome().unwrap().header, Header::unknown(Version::One));
}

#[test]
fn an_end_or_a_failure_is_told_apart() {
    let end = |received: &[u8], end: &dyn Fn(&mut Preamble)| {
        let mut preamble = preamble(4096);
        feed(&mut preamble, received);
        end(&mut preamble);
        assert!(preamble.is_done());
        // Whatever comes later.
        preamble.stop();
        preamble.received_eof(Instant::MAX);
        preamble.into_outcome().unwrap_err()
    };
    let now = Instant::ZERO;
    let truncated = CloseReason::Truncated(Truncation::ProxyHeader { len: 5 });
    assert_eq!(truncated.to_string(), "truncated: the stream ended 5 bytes into its PROXY header");
    assert_eq!(end(b"PROXY", &|it| it.received_eof(now)), truncated);
    assert_eq!(end(b"", &|it| it.received_eof(now)), CloseReason::Finished);
    assert_eq!(end(b"P", &|it| it.transport_failed(Fault::Reset, now)), CloseReason::Reset);
    let unreachable = CloseReason::Transport(Fault::Unreachable);
    assert_eq!(end(b"P", &|it| it.transport_failed(Fault::Unreachable, now)), unreachable);
    assert_eq!(end(b"P", &Preamble::stop), CloseReason::Stopped);
    let error = HeaderError::Signature { offset: 0, found: b'G' };
    let refused = CloseReason::Failed(Error::Remote(RemoteError::Proxy(error)));
    assert_eq!(refused.kind(), CloseKind::RemoteError);
    assert_eq!(refused.to_string(), "PROXY header: no version begins with 0x47 at byte 0");
    assert_eq!(end(b"GET / HTTP/1.1\r\n", &|_| ()), refused);
    assert_eq!(preamble(0).into_outcome(), Err(CloseReason::Aborted));
}

#[test]
fn misuse_changes_nothing() {
    let mut preamble = preamble(4096);
    let misuse = MisuseError::ReceivedTooMuch { len: 1, lent: 0 };
    assert_eq!(preamble.received(1, Instant::ZERO), Err(misuse), "nothing was lent");
    let lent = preamble.receive_buffer().len();
    let misuse = MisuseError::ReceivedTooMuch { len: lent + 1, lent };
    assert_eq!(preamble.received(lent + 1, Instant::ZERO), Err(misuse));
    assert_eq!(preamble.received(0, Instant::ZERO), Ok(()));
    feed(&mut preamble, b"PROXY UNKNOWN\r\nrest");
    let misuse = MisuseError::ReceivedTooMuch { len: 1, lent: 0 };
    assert_eq!(preamble.received(1, Instant::ZERO), Err(misuse));
    assert_eq!(preamble.into_outcome().unwrap().rest, b"rest");
}

fn networks(text: &str) -> Networks {
    text.parse().unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

#[test]
fn networks_include_their_addresses_and_no_others() {
    for (text, inside, outside) in [
        ("10.0.0.0/8", "10.0.0.0 10.255.255.255 ::ffff:10.1.2.3", "9.255.255.255 11.0.0.0 ::a"),
        ("192.0.2.1", "192.0.2.1", "192.0.2.0 192.0.2.2"),
        ("192.0.2.128/25", "192.0.2.128 192.0.2.255", "192.0.2.127"),
        ("0.0.0.0/0", "0.0.0.0 255.255.255.255", "::1 ::"),
        ("::/0", "::1 2001:db8::1", "127.0.0.1 ::ffff:127.0.0.1"),
        ("::ffff:10.0.0.0/104", "10.0.0.1", "11.0.0.1 ::1"),
        ("::ffff:0:0/96", "1.2.3.4", "::1"),
        ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
        ("2001:db8::8000/113", "2001:db8::8001", "2001:db8::7fff"),
        ("::1", "::1", "::2 0.0.0.1"),
        ("", "", "127.0.0.1 ::1"),
        ("10.0.0.0/8, ::1\n192.0.2.0/24", "10.1.1.1 ::1 192.0.2.7", "127.0.0.1"),
    ] {
        let list = networks(text);
        let mut addresses: Vec<_> = inside.split_whitespace().map(|ip| (ip, true)).collect();
        addresses.extend(outside.split_whitespace().map(|ip| (ip, false)));
        for (ip, is_inside) in addresses {
            let ip: IpAddr = ip.parse().unwrap();
            assert_eq!(list.includes(Some(ip)), is_inside, "{ip} in {text:?}");
        }
        assert!(!list.includes(None));
        assert_eq!(networks(&list.to_string()), list);
        assert_eq!(list.is_empty(), text.is_empty());
    }
    let unix = networks("unix");
    assert!(unix.includes(None) && !unix.includes(Some([127, 0, 0, 1].into())));
    assert!(!unix.is_empty());
    let mut both = networks("::1");
    both.add(&unix).unwrap();
    assert_eq!(both, networks("unix ::1"));
    assert_eq!(both.to_string(), "::1/128,unix");
}

#[test]
fn networks_that_are_none_are_refused() {
    for (text, offset, problem) in [
        ("x", 0, NetworksProblem::Address),
        ("::1,10.0.0.0.0/8", 4, NetworksProblem::Address),
        ("010.0.0.0/8", 0, NetworksProblem::Address),
        ("[::1]", 0, NetworksProblem::Address),
        ("/8", 0, NetworksProblem::Address),
        ("10.0.0.0/33", 0, NetworksProblem::Prefix { max: 32 }),
        ("10.0.0.0/256", 0, NetworksProblem::Prefix { max: 32 }),
        ("10.0.0.0/", 0, NetworksProblem::Prefix { max: 32 }),
        ("10.0.0.0/08", 0, NetworksProblem::Prefix { max: 32 }),
        ("10.0.0.0/+8", 0, NetworksProblem::Prefix { max: 32 }),
        ("10.0.0.0/8/8", 0, NetworksProblem::Prefix { max: 32 }),
        ("::/129", 0, NetworksProblem::Prefix { max: 128 }),
        ("10.0.0.1/8", 0, NetworksProblem::HostBits),
        ("1.0.0.0/0", 0, NetworksProblem::HostBits),
        ("2001:db8::1/32", 0, NetworksProblem::HostBits),
        ("::ffff:10.0.0.1/104", 0, NetworksProblem::HostBits),
        ("::ffff:10.0.0.0/90", 0, NetworksProblem::HostBits),
    ] {
        assert_eq!(text.parse::<Networks>(), Err(error(offset, problem)), "{text:?}");
    }
    let many = vec!["10.0.0.0/8"; NETWORKS_MAX].join(",");
    let mut list = networks(&many);
    let problem = NetworksProblem::TooMany { max: NETWORKS_MAX };
    assert_eq!(format!("{many},::1").parse::<Networks>(), Err(error(many.len() + 1, problem)));
    assert_eq!(list.add(&networks("::1")), Err(error(0, problem)));
    assert_eq!(list, networks(&many));
}

/// [`NetworksError`] has no constructor outside of its crate.
fn error(offset: usize, problem: NetworksProblem) -> NetworksError {
    let mut error = "x".parse::<Networks>().unwrap_err();
    (error.offset, error.problem) = (offset, problem);
    error
}

#[test]
fn errors_say_what_they_are() {
    let header = |error| (Box::new(error) as Box<dyn std::error::Error>).to_string();
    for (error, text) in [
        (HeaderError::Address { offset: 11 }, "expected an address at byte 11"),
        (HeaderError::AddressLen { len: 3, min: 12 }, "3 bytes cannot hold addresses of 12"),
        (
            HeaderError::Checksum { found: 1, computed: 2 },
            "the checksum is 0x00000002, the header says 0x00000001",
        ),
        (HeaderError::ChecksumRepeated { offset: 9 }, "a second checksum at byte 9"),
        (HeaderError::Command { found: 2 }, "unknown command 2"),
        (HeaderError::Family { found: 4 }, "unknown address family 4"),
        (HeaderError::LineEnd { offset: 13 }, "a carriage return or a line feed alone at byte 13"),
        (HeaderError::LineLen { max: 107 }, "a line does not end within 107 bytes"),
        (HeaderError::Port { offset: 28 }, "expected a port at byte 28"),
        (HeaderError::Protocol { offset: 6 }, "expected TCP4, TCP6 or UNKNOWN at byte 6"),
        (HeaderError::TlvEnd { offset: 28 }, "the TLV at byte 28 has no end"),
        (HeaderError::TlvLen { kind: 3, len: 5 }, "a TLV of type 0x03 cannot have 5 bytes"),
        (HeaderError::TooLong { len: 9, max: 8 }, "9 bytes exceed the limit of 8"),
        (HeaderError::Transport { found: 3 }, "unknown transport 3"),
        (HeaderError::Version { found: 3 }, "unknown version 3"),
    ] {
        assert_eq!(header(error), format!("PROXY header: {text}"));
    }
    for (error, text) in [
        (BuildError::Checksum, "a header computes its own checksum"),
        (
            BuildError::TooLong { len: 65_536, max: 65_535 },
            "a header of 65536 bytes does not fit its length field of 65535",
        ),
        (
            BuildError::UnixLen { len: 109, max: 108 },
            "a socket's name of 109 bytes exceeds the limit of 108",
        ),
        (BuildError::Unsupported, "a header of version 1 or without addresses has no TLVs"),
        (BuildError::Value { kind: 5 }, "the unique ID is too long"),
        (BuildError::Value { kind: 0x20 }, "a value that type 0x20 cannot have"),
    ] {
        assert_eq!(error.to_string(), text);
    }
    for (problem, text) in [
        (NetworksProblem::Address, "expected an IP address, a network or unix"),
        (NetworksProblem::HostBits, "the address has bits beyond the prefix of its network"),
        (NetworksProblem::Prefix { max: 32 }, "expected a prefix of 0 to 32 bits"),
        (NetworksProblem::TooMany { max: 9 }, "more than 9 networks"),
    ] {
        assert_eq!(error(7, problem).to_string(), format!("at byte 7: {text}"));
    }
    let limit = LimitExceeded::ProxyHeaderLen { len: 9, max: 8 };
    assert_eq!(limit.to_string(), "a PROXY header of 9 bytes exceeds the limit of 8");
}

#[test]
fn a_policy_never_looks_for_a_header_of_those_who_are_not_trusted() {
    let refusing = ProxyPolicy::new(networks("10.0.0.0/8"));
    let serving = refusing.clone().with_others(Others::Served);
    let [trusted, other] = ["10.0.0.1", "11.0.0.1"].map(|ip| Some(ip.parse().unwrap()));
    for (peer, verdicts) in [
        (trusted, [Verdict::Header, Verdict::Header]),
        (other, [Verdict::Refused, Verdict::Plain]),
        (None, [Verdict::Refused, Verdict::Plain]),
    ] {
        assert_eq!([&refusing, &serving].map(|policy| policy.judge(peer)), verdicts);
    }
    let everybody = ProxyPolicy::new(networks("unix"));
    assert_eq!(everybody.judge(None), Verdict::Header);
    assert!(everybody.trusted().includes(None));
}

/// Accepts somebody for whom there is a place.
fn accept(
    admission: &mut Admission,
    policy: Option<&ProxyPolicy>,
    peer: Option<IpAddr>,
    now: Instant,
) -> Result<(Permit, Option<Preamble>), Refusal> {
    let reservation = admission.reserve(now).expect("a place");
    admission.accepted_by(reservation, policy, peer, now)
}

#[test]
fn admission_counts_a_proxied_connection_for_its_client() {
    let mut limits = AdmissionLimits::new();
    limits.connections_max = 5;
    limits.connections_per_address_max = Some(1);
    let mut admission = Admission::new(limits);
    let policy = ProxyPolicy::new(networks("10.0.0.1"));
    let now = Instant::from_nanos(1_000);
    let [proxy, stranger] = ["10.0.0.1", "192.0.2.1"].map(|ip| Some(ip.parse().unwrap()));
    let client = |last| {
        let source = SocketAddr::from(([192, 0, 2, last], 7));
        Header::tcp(Version::Two, source, source)
    };

    let refusal = accept(&mut admission, Some(&policy), stranger, now).unwrap_err();
    assert_eq!(refusal, Refusal::Untrusted);
    assert_eq!(refusal.to_string(), "the peer is not trusted to send a PROXY header");
    let reason = refusal.close_reason().unwrap();
    assert_eq!((reason.kind(), admission.statistics().refused), (CloseKind::Refused, 1));
    assert_eq!(admission.active(), 0);

    // One address, and as many connections as there may be in all.
    let mut permits = Vec::new();
    for _ in 0..5 {
        let (permit, preamble) = accept(&mut admission, Some(&policy), proxy, now).unwrap();
        let deadline = preamble.unwrap().deadline().unwrap().at;
        assert_eq!(deadline, now + ProxyLimits::new().header_timeout);
        permits.push(permit);
    }
    assert_eq!(admission.addresses_len(), 0);
    assert!(admission.reserve(now).is_none());

    // Two clients, one of them twice, a health check and somebody unknown.
    let max = LimitExceeded::ConnectionsPerAddress { max: 1 };
    for (permit, (header, expected)) in permits.iter_mut().zip([
        (client(1), Ok(())),
        (client(2), Ok(())),
        (client(1), Err(CloseReason::Failed(Error::Limit(max)))),
        (Header::local(), Ok(())),
        (Header::unknown(Version::One), Ok(())),
    ]) {
        assert_eq!(admission.introduced(permit, &header), expected, "{header:?}");
        assert_eq!(admission.introduced(permit, &header), expected, "twice is once");
    }
    assert_eq!((admission.active(), admission.addresses_len()), (5, 2));
    for permit in permits {
        admission.closed(permit, CloseKind::Finished);
    }
    assert_eq!((admission.active(), admission.addresses_len()), (0, 0));

    // Without a policy, and for others who are served, the address of the transport counts.
    let serving = policy.with_others(Others::Served);
    let (permit, preamble) = accept(&mut admission, Some(&serving), stranger, now).unwrap();
    assert!(preamble.is_none());
    let refusal = accept(&mut admission, None, stranger, now).unwrap_err();
    assert_eq!(refusal, Refusal::Limit(max));
    assert!(refusal.close_reason().is_some());
    admission.closed(permit, CloseKind::Finished);
    let reservation = admission.reserve(now).unwrap();
    admission.request(Request::Stop, now);
    let refusal = admission.accepted_by(reservation, None, stranger, now).unwrap_err();
    assert_eq!((refusal, refusal.close_reason()), (Refusal::Ending, None));
}

#[test]
fn a_client_introduces_itself_or_another() {
    let [local, remote, other] = ["10.0.0.1:7", "10.0.0.2:8", "[2001:db8::1]:9"].map(address);
    let ip = Ends::Ip { remote, local };
    for version in [Version::One, Version::Two] {
        let ourselves = Introduction::Ourselves(version);
        assert_eq!(ourselves.header(ip), Header::tcp(version, local, remote));
        let another = Introduction::For { version, source: other };
        assert_eq!(another.header(ip), Header::tcp(version, other, remote));
        assert_eq!(another.header(Ends::Unix).source(), Some(other));
        let route = ourselves.header(Ends::Unix);
        let expected = [Route::Unknown, Route::Local][usize::from(version == Version::Two)].clone();
        assert_eq!((route.route(), route.version()), (&expected, version));
    }
    assert_eq!(Introduction::from(Header::local()).header(ip), Header::local());
}

fn any_route() -> impl Strategy<Value = Header> {
    let ip = prop_oneof![
        any::<[u8; 4]>().prop_map(IpAddr::from),
        any::<[u8; 16]>().prop_map(IpAddr::from)
    ];
    let end = (ip, any::<u16>()).prop_map(SocketAddr::from);
    let version = prop_oneof![Just(Version::One), Just(Version::Two)];
    prop_oneof![
        8 => (version, end.clone(), end.clone()).prop_map(|(version, a, b)| Header::tcp(version, a, b)),
        2 => (end.clone(), end).prop_map(|(a, b)| Header::udp(a, b)),
        1 => prop::sample::select(laws::every_kind()),
    ]
}

fn any_header() -> impl Strategy<Value = Header> {
    let tlvs =
        prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..40)), 0..6);
    (any_route(), tlvs, any::<bool>()).prop_map(|(mut header, tlvs, is_summed)| {
        for (kind, value) in &tlvs {
            // Those that it does not take leave it as it was.
            let _ = header.push(Tlv::new(*kind, value));
        }
        if is_summed {
            let _ = header.push_checksum();
        }
        header
    })
}

/// A header with some bytes changed, or text that looks like one.
fn nearly_a_header() -> impl Strategy<Value = Vec<u8>> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    let damaged = (any_header(), changes, prop::collection::vec(any::<u8>(), 0..20));
    let damaged = damaged.prop_map(|(header, changes, rest)| {
        let mut bytes = header.to_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.extend(rest);
        bytes
    });
    prop_oneof![
        3 => damaged,
        1 => "PROXY (TCP4|TCP6|UNKNOWN|TCP) ?[0-9a-f:. ]{0,70}(\r\n|\n|\r)".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ]
}

/// A call on a preamble.
#[derive(Clone, Debug)]
enum Call {
    Lend,
    Receive(Vec<u8>),
    Claim(usize),
    End,
    Fail,
    Wait(u64),
    Drain(u64),
    Stop,
}

fn any_call() -> impl Strategy<Value = Call> {
    let some = prop_oneof![
        Just(b"PROXY UNKNOWN\r\nrest".to_vec()),
        Just(with_tlvs(&[])),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop_oneof![
        2 => Just(Call::Lend),
        6 => (some, 1..30_usize).prop_map(|(bytes, len)| {
            Call::Receive(bytes[..len.min(bytes.len())].to_vec())
        }),
        1 => (0..600_usize).prop_map(Call::Claim),
        1 => Just(Call::End),
        1 => Just(Call::Fail),
        3 => (0..6_000_u64).prop_map(Call::Wait),
        1 => (0..6_000_u64).prop_map(Call::Drain),
        1 => Just(Call::Stop),
    ]
}

proptest! {
    #[test]
    fn any_call_is_legal_in_any_order(calls in prop::collection::vec(any_call(), 0..40)) {
        let mut preamble = preamble(600);
        let mut now = Instant::ZERO;
        for call in calls {
            let was_done = preamble.is_done();
            let lent = preamble.receive_buffer().len();
            match call {
                Call::Lend => {}
                Call::Receive(bytes) => {
                    let len = bytes.len().min(lent);
                    preamble.receive_buffer()[..len].copy_from_slice(&bytes[..len]);
                    prop_assert_eq!(preamble.received(len, now), Ok(()));
                }
                Call::Claim(len) => {
                    let outcome = preamble.received(len, now);
                    prop_assert_eq!(outcome.is_err(), len > lent);
                }
                Call::End => preamble.received_eof(now),
                Call::Fail => preamble.transport_failed(Fault::Reset, now),
                // Not always forward.
                Call::Wait(millis) => {
                    let at = Instant::from_nanos(millis * 1_000_000);
                    now = now.max(at);
                    preamble.handle_timeout(at);
                    let deadline = preamble.deadline();
                    prop_assert!(deadline.is_none_or(|due| due.at > now), "{:?}", deadline);
                }
                Call::Drain(millis) => preamble.drain(Duration::from_millis(millis), now),
                Call::Stop => preamble.stop(),
            }
            prop_assert!(!was_done || preamble.is_done(), "done is done");
            prop_assert_eq!(preamble.is_done(), preamble.receive_buffer().is_empty());
            prop_assert!(!preamble.is_done() || preamble.deadline().is_none());
            prop_assert!(lent <= 600);
        }
    }

    #[test]
    fn headers_survive_the_wire(header in any_header()) {
        laws::round_trip(&header);
        laws::equals_model(&header.to_bytes(), usize::MAX);
    }

    #[test]
    fn any_bytes_are_what_the_model_sees(
        input in nearly_a_header(),
        cuts in prop::collection::vec(0..120_usize, 0..4),
        len_max in prop_oneof![Just(4096), 0..80_usize],
    ) {
        laws::equals_model(&input, len_max);
        laws::split_invariant(&input, &cuts);
    }

    #[test]
    fn a_network_includes_what_shares_its_prefix(bits: u128, peer: u128, prefix in 0..=128_u32, flip in 0..128_u32) {
        let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
        let address = std::net::Ipv6Addr::from_bits(bits & mask);
        prop_assume!(address.to_ipv4_mapped().is_none());
        let list = networks(&format!("{address}/{prefix}"));
        let inside = std::net::Ipv6Addr::from_bits(bits & mask | peer & !mask);
        prop_assume!(inside.to_ipv4_mapped().is_none());
        prop_assert!(list.includes(Some(inside.into())));
        let other = std::net::Ipv6Addr::from_bits(inside.to_bits() ^ (1 << flip));
        prop_assume!(other.to_ipv4_mapped().is_none());
        prop_assert_eq!(list.includes(Some(other.into())), 128 - prefix > flip);
    }
}
