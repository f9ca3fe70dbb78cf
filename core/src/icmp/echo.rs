use alloc::vec::Vec;

use super::{Version, checksum};

/// Bytes before the payload of an echo.
pub const ECHO_HEADER_LEN: usize = 8;

/// Longest payload of an echo, in bytes: what an IPv4 packet without options can hold.
pub const PAYLOAD_LEN_MAX: usize = 65_535 - 20 - ECHO_HEADER_LEN;

pub(super) const ECHO_REPLY_V4: u8 = 0;
pub(super) const ECHO_REQUEST_V4: u8 = 8;
pub(super) const ECHO_REQUEST_V6: u8 = 128;
pub(super) const ECHO_REPLY_V6: u8 = 129;

/// What an echo request says and its reply repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo<'a> {
    /// Tells the requests of one sender from those of others.
    pub identifier: u16,
    /// Tells the requests of one sender apart.
    pub sequence: u16,
    /// Anything.
    pub payload: &'a [u8],
}

impl Echo<'_> {
    /// Writes a request into `packet`, instead of what is there.
    ///
    /// The checksum of ICMPv6 is left at zero: see the [module](super).
    ///
    /// # Specification
    /// RFC 792, page 14; RFC 4443, section 4.1.
    pub fn write_request(&self, version: Version, packet: &mut Vec<u8>) {
        match version {
            Version::V4 => self.write(ECHO_REQUEST_V4, version, packet),
            Version::V6 => self.write(ECHO_REQUEST_V6, version, packet),
        }
    }

    /// Writes a reply into `packet`, instead of what is there.
    ///
    /// The checksum of ICMPv6 is left at zero: see the [module](super).
    ///
    /// # Specification
    /// RFC 792, page 14; RFC 4443, section 4.2.
    pub fn write_reply(&self, version: Version, packet: &mut Vec<u8>) {
        match version {
            Version::V4 => self.write(ECHO_REPLY_V4, version, packet),
            Version::V6 => self.write(ECHO_REPLY_V6, version, packet),
        }
    }

    fn write(&self, kind: u8, version: Version, packet: &mut Vec<u8>) {
        packet.clear();
        packet.extend_from_slice(&[kind, 0, 0, 0]);
        packet.extend_from_slice(&self.identifier.to_be_bytes());
        packet.extend_from_slice(&self.sequence.to_be_bytes());
        packet.extend_from_slice(self.payload);
        if version == Version::V4 {
            let sum = checksum(packet).to_be_bytes();
            if let Some(field) = packet.get_mut(2..4) {
                field.copy_from_slice(&sum);
            }
        }
    }
}
