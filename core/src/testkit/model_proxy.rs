//! PROXY headers read in the most naive way: all at once, by splitting and slicing, with a checksum
//! bit by bit. Nothing is shared with the parser.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use crate::proxy::{Header, Route, Tlv, Transport};

/// What the beginning of a stream is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Model {
    /// No header can begin like this.
    Invalid,
    /// A header may begin like this.
    Incomplete,
    /// A header of `len` bytes.
    Header {
        /// Its bytes.
        len: usize,
        /// What it says.
        said: Said,
    },
}

/// What a header says, in the plainest form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The kind of route.
    pub kind: &'static str,
    /// The two ends.
    pub ends: [String; 2],
    /// Types and values.
    pub tlvs: Vec<(u8, Vec<u8>)>,
}

impl Said {
    /// What a parsed header says.
    #[must_use]
    pub fn of(header: &Header) -> Self {
        let transport = |transport: &Transport, stream, datagram| match transport {
            Transport::Stream => stream,
            Transport::Datagram => datagram,
        };
        let (kind, ends) = match header.route() {
            Route::Local => ("local", Default::default()),
            Route::Unknown => ("unknown", Default::default()),
            Route::Ip { transport: by, source, destination } => {
                (transport(by, "tcp", "udp"), [source.to_string(), destination.to_string()])
            }
            Route::Unix { transport: by, source, destination } => {
                let ends = [source, destination].map(|end| hex(&end.padded()));
                (transport(by, "unix", "unixgram"), ends)
            }
        };
        let tlvs = header.tlvs().map(|tlv| {
            let mut bytes = Vec::new();
            tlv.write(&mut bytes);
            assert!(!matches!(tlv, Tlv::Other { kind: 0x03 | 0x20, .. }), "{tlv:?}");
            (tlv.kind(), bytes.split_off(3))
        });
        Self { kind, ends, tlvs: tlvs.collect() }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| alloc::format!("{byte:02x}")).collect()
}

impl Model {
    /// Reads the header at the beginning of `input`.
    #[must_use]
    pub fn read(input: &[u8], len_max: usize) -> Self {
        let begins = |signature: &[u8]| input.iter().zip(signature).all(|(a, b)| a == b);
        if input.is_empty() {
            Self::Incomplete
        } else if begins(b"PROXY ") {
            text(input)
        } else if begins(b"\r\n\r\n\0\r\nQUIT\n") {
            binary(input, len_max)
        } else {
            Self::Invalid
        }
    }
}

fn text(input: &[u8]) -> Model {
    // Every line there can be is tried.
    for len in 2..=input.len().min(107) {
        let line = &input[..len];
        if line.ends_with(b"\r\n") {
            return match line_said(&line[..len - 2]) {
                Some(said) => Model::Header { len, said },
                None => Model::Invalid,
            };
        }
        let is_broken = line[len - 1] == b'\n' || line[len - 2] == b'\r';
        if is_broken || len == 106 && line[105] != b'\r' {
            return Model::Invalid;
        }
    }
    Model::Incomplete
}

fn line_said(line: &[u8]) -> Option<Said> {
    let said = |kind, ends| Some(Said { kind, ends, tlvs: Vec::new() });
    if line == b"PROXY UNKNOWN" || line.starts_with(b"PROXY UNKNOWN ") {
        return said("unknown", Default::default());
    }
    let line = core::str::from_utf8(line).ok()?;
    let fields: Vec<&str> = line.split(' ').collect();
    let [_, family, source, destination, source_port, destination_port] = fields[..] else {
        return None;
    };
    let port = |text: &str| text.parse().ok().filter(|port: &u16| port.to_string() == text);
    let end = |ip: &str, text| {
        let port = port(text)?;
        match family {
            "TCP4" => Some(alloc::format!("{}:{port}", ip.parse::<Ipv4Addr>().ok()?)),
            "TCP6" => Some(alloc::format!("[{}]:{port}", ip.parse::<Ipv6Addr>().ok()?)),
            _ => None,
        }
    };
    said("tcp", [end(source, source_port)?, end(destination, destination_port)?])
}

fn binary(input: &[u8], len_max: usize) -> Model {
    let version = input.get(12).is_some_and(|byte| byte & 0xf0 != 0x20);
    let command = input.get(12).map(|byte| byte & 0x0f);
    let is_proxy = command == Some(1);
    let family = input.get(13).map_or(0, |byte| byte / 16);
    let transport = input.get(13).map_or(0, |byte| byte % 16);
    if version || command > Some(1) || is_proxy && (family > 3 || transport > 2) {
        return Model::Invalid;
    }
    if input.len() < 16 {
        return Model::Incomplete;
    }
    let len = 16 + usize::from(input[14]) * 256 + usize::from(input[15]);
    let is_opaque = !is_proxy || family == 0 || transport == 0;
    let tlvs_at = if is_opaque { 16 } else { 16 + [0, 12, 36, 216][usize::from(family)] };
    if len < tlvs_at || len > len_max {
        return Model::Invalid;
    }
    if input.len() < len {
        return Model::Incomplete;
    }
    let body = &input[16..len];
    let said = if is_opaque {
        let kind = if is_proxy { "unknown" } else { "local" };
        Some(Said { kind, ends: Default::default(), tlvs: Vec::new() })
    } else {
        tlvs(&input[..len], tlvs_at).map(|tlvs| {
            let names = [["tcp", "udp"], ["unix", "unixgram"]];
            let kind = names[usize::from(family == 3)][usize::from(transport - 1)];
            Said { kind, ends: ends(family, body), tlvs }
        })
    };
    said.map_or(Model::Invalid, |said| Model::Header { len, said })
}

fn ends(family: u8, body: &[u8]) -> [String; 2] {
    let port = |at: usize| u32::from(body[at]) * 256 + u32::from(body[at + 1]);
    match family {
        1 => [0, 1].map(|end| {
            let ip: Vec<_> = body[4 * end..][..4].iter().map(u8::to_string).collect();
            alloc::format!("{}:{}", ip.join("."), port(8 + 2 * end))
        }),
        2 => [0, 1].map(|end| {
            let groups: [u16; 8] = core::array::from_fn(|group| {
                let at = 16 * end + 2 * group;
                u16::from(body[at]) * 256 + u16::from(body[at + 1])
            });
            alloc::format!("[{}]:{}", Ipv6Addr::from(groups), port(32 + 2 * end))
        }),
        _ => [0, 1].map(|end| hex(&body[108 * end..][..108])),
    }
}

fn tlvs(header: &[u8], begin: usize) -> Option<Vec<(u8, Vec<u8>)>> {
    let tlvs = split(&header[begin..])?;
    let mut at = begin;
    let mut sums = 0;
    for (kind, value) in &tlvs {
        let is_possible = match kind {
            0x03 => value.len() == 4,
            0x05 => value.len() <= 128,
            0x20 => value.len() >= 5 && split(&value[5..]).is_some(),
            _ => true,
        };
        if !is_possible {
            return None;
        }
        if *kind == 0x03 {
            sums += 1;
            let mut zeroed = header.to_vec();
            zeroed[at + 3..at + 7].fill(0);
            if crc32c(&zeroed).to_be_bytes() != value[..] {
                return None;
            }
        }
        at += 3 + value.len();
    }
    (sums < 2).then_some(tlvs)
}

fn split(mut bytes: &[u8]) -> Option<Vec<(u8, Vec<u8>)>> {
    let mut tlvs = Vec::new();
    while !bytes.is_empty() {
        let len = 256 * usize::from(*bytes.get(1)?) + usize::from(*bytes.get(2)?);
        tlvs.push((bytes[0], bytes.get(3..3 + len)?.to_vec()));
        bytes = &bytes[3 + len..];
    }
    Some(tlvs)
}

/// Bit by bit, the polynomial as it is written, bytes and sum mirrored.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        for bit in 0..8 {
            let is_one = (crc >> 31 == 1) != (byte >> bit & 1 == 1);
            crc = crc << 1 ^ if is_one { 0x1EDC_6F41 } else { 0 };
        }
    }
    !crc.reverse_bits()
}
