use alloc::vec::Vec;
use core::net::IpAddr;

use crate::icmp::{Echo, EchoFilter, Heard, Layout, Message, Packet, Version};

/// Parses `data` as a packet. The first byte chooses what a socket would deliver.
///
/// What is accepted has the checksum that a naive sum has, says the same when it is written again,
/// and is heard by the filter that asked for it and by no other.
///
/// # Panics
/// When that does not hold.
pub fn icmp(data: &[u8]) {
    let Some((first, bytes)) = data.split_first() else { return };
    let layouts = [Layout::Ipv4, Layout::Icmpv4, Layout::Icmpv6];
    let layout = layouts[usize::from(*first) % layouts.len()];
    let Ok(packet) = Packet::parse(layout, bytes) else {
        // Without a header of IP there are two things that can be wrong.
        assert!(match layout {
            Layout::Ipv4 => true,
            Layout::Icmpv4 => bytes.len() < 8 || !is_summed(bytes),
            Layout::Icmpv6 => bytes.len() < 8,
        });
        return;
    };
    assert_eq!(packet.source.is_some(), layout == Layout::Ipv4);
    match packet.message {
        Message::EchoRequest(echo) => written(bytes, layout, |again| {
            echo.write_request(layout.version(), again);
            layout.version()
        }),
        Message::EchoReply(echo) => {
            written(bytes, layout, |again| {
                echo.write_reply(layout.version(), again);
                layout.version()
            });
            let from = packet.source.map_or_else(|| any_address(layout.version()), IpAddr::from);
            heard(bytes, layout, &echo, from, from);
        }
        Message::Error(error) => {
            let Ok(original) = error.original() else { return };
            assert!(original.payload.len() < bytes.len());
            if let Some(echo) = original.echo_request() {
                let from = any_address(layout.version());
                heard(bytes, layout, &echo, original.destination, from);
            }
        }
        Message::Other { .. } => {}
    }
}

/// What is written again is what was read, but for the checksum, which has two zeros.
fn written(bytes: &[u8], layout: Layout, write: impl FnOnce(&mut Vec<u8>) -> Version) {
    let mut again = Vec::new();
    let version = write(&mut again);
    let header_len = match layout {
        Layout::Ipv4 => usize::from(bytes[0] & 0xf) * 4,
        Layout::Icmpv4 | Layout::Icmpv6 => 0,
    };
    let read = &bytes[header_len..header_len + again.len()];
    assert_eq!((&again[..2], &again[4..]), (&read[..2], &read[4..]));
    if version == Version::V4 {
        assert!(is_summed(&again) && is_summed(read));
    }
}

fn heard(bytes: &[u8], layout: Layout, echo: &Echo<'_>, destination: IpAddr, from: IpAddr) {
    let filter = EchoFilter::new(layout, echo.identifier, destination);
    let sequence = match filter.read(bytes, from) {
        Ok(Some(Heard::Reply { sequence, payload, .. })) => {
            assert_eq!(payload, echo.payload);
            sequence
        }
        Ok(Some(Heard::Report { sequence, report })) => {
            assert_eq!(report.from, from);
            sequence
        }
        // The unspecified address stands for another.
        Ok(None) if destination.is_unspecified() => return,
        other => panic!("not heard: {other:?}"),
    };
    assert_eq!(sequence, echo.sequence);
    let other = EchoFilter::new(layout, echo.identifier ^ 1, destination);
    assert_eq!(other.read(bytes, from), Ok(None));
}

fn any_address(version: Version) -> IpAddr {
    match version {
        Version::V4 => [192, 0, 2, 1].into(),
        Version::V6 => [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1].into(),
    }
}

/// Adds up words one by one, carrying at once.
fn is_summed(bytes: &[u8]) -> bool {
    let mut sum = 0_u32;
    for (at, byte) in bytes.iter().enumerate() {
        sum += if at % 2 == 0 { u32::from(*byte) << 8 } else { u32::from(*byte) };
        if sum > 0xffff {
            sum -= 0xffff;
        }
    }
    sum == 0xffff
}
