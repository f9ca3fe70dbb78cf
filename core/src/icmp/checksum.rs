use core::net::Ipv6Addr;

/// The protocol number of ICMPv6 in pseudo headers.
const ICMPV6: u8 = 58;

/// The Internet checksum of `bytes`, whose own checksum field counts as zero if it is.
///
/// Over bytes that hold their right checksum it is 0.
///
/// # Specification
/// RFC 1071.
#[must_use]
pub fn checksum(bytes: &[u8]) -> u16 {
    fold(sum(bytes))
}

/// The checksum of an ICMPv6 message between two addresses.
///
/// Only for those who speak to a network without a kernel in between: sockets of ICMPv6 see to it
/// themselves.
///
/// # Specification
/// RFC 4443, section 2.3 and RFC 8200, section 8.1.
#[must_use]
pub fn checksum_v6(message: &[u8], source: Ipv6Addr, destination: Ipv6Addr) -> u16 {
    let len = u64::try_from(message.len()).unwrap_or(u64::MAX);
    let addresses = sum(&source.octets()) + sum(&destination.octets());
    fold(addresses + sum(&len.to_be_bytes()) + u64::from(ICMPV6) + sum(message))
}

/// The sum of the 16-bit words; a last odd byte is the high half of one.
fn sum(bytes: &[u8]) -> u64 {
    let mut words = bytes.chunks_exact(2);
    let last = words.remainder().first().map_or(0, |last| u64::from(*last) << 8);
    // 2^48 words fit, more than there is memory for.
    words.by_ref().fold(last, |sum, word| match word {
        [high, low] => sum + u64::from(u16::from_be_bytes([*high, *low])),
        _ => sum,
    })
}

fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    !u16::try_from(sum).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard() {
        // RFC 1071, section 3.
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
        // Carries that bring carries.
        assert_eq!(checksum(&[0xff, 0xff, 0xff, 0xff, 0x00, 0x01]), !0x0001);
        assert_eq!(checksum(&[]), 0xffff);
    }

    #[test]
    fn an_odd_byte_is_padded_behind() {
        assert_eq!(checksum(&[0x01]), !0x0100);
        assert_eq!(checksum(&[0x12, 0x34, 0x56]), checksum(&[0x12, 0x34, 0x56, 0x00]));
    }

    #[test]
    fn the_pseudo_header_counts_addresses_length_and_protocol() {
        let (source, destination) = ("fe80::1".parse().unwrap(), "ff02::2".parse().unwrap());
        let message = [128, 0, 0, 0, 0, 1, 0, 2, 0xab];
        let mut whole = std::vec::Vec::new();
        whole.extend(Ipv6Addr::octets(&source));
        whole.extend(Ipv6Addr::octets(&destination));
        whole.extend([0, 0, 0, 9, 0, 0, 0, 58]);
        whole.extend(message);
        assert_eq!(checksum_v6(&message, source, destination), checksum(&whole));
    }
}
