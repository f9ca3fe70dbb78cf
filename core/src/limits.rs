//! Every bound that a connection keeps: its unit, its default and the reason for it.

use core::time::Duration;

/// Longest frame of framings other than [`Lines`](crate::framing::Lines), in bytes of payload:
/// what one connection may make the receive buffer grow to.
pub const FRAME_LEN_MAX: usize = 1024 * 1024;

/// Longest line, in bytes without its terminator. Lines are read by people and parsers; a line
/// beyond this is an attack or binary data.
pub const LINE_LEN_MAX: usize = 64 * 1024;

/// Longest run of TLS records that is held for one unfinished handshake message, in bytes on the
/// wire. A message may have 65,535 bytes; the rest is room for record headers, so that a peer
/// which cuts it into records of 64 bytes or more is served and one which sends a long message in
/// records of a byte (23 bytes each when encrypted) is not. At this length the session fails.
pub const HANDSHAKE_LEN_MAX: usize = 128 * 1024;

/// Longest datagram, in bytes: what UDP can carry over IPv4.
///
/// # Specification
/// RFC 768 and RFC 791: a length of 16 bits, less headers of 20 and 8 bytes.
pub const DATAGRAM_LEN_MAX: usize = 65_507;

/// The first port that is not for services. An answer to a lower one may reach a service that
/// answers in turn, as in CVE-2024-2169.
pub const SERVICE_PORT_END: u16 = 1024;

/// The bounds of one connection. Share one value between connections through an `Arc`.
///
/// The longest frame is not here: it belongs to the framing, whose grammar gives it a meaning.
/// Times of zero expire at once; [`Duration::MAX`] never does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Queued bytes from which on `send` refuses and no frame is yielded. Bounds what a peer that
    /// never reads can make us hold. Default 256 KiB.
    pub transmit_high_water: usize,
    /// Queued bytes down to which the queue must fall before frames are yielded again. Default
    /// 64 KiB. A value that is not below the high-water mark counts as 1 below it.
    pub transmit_low_water: usize,
    /// Received bytes that may wait while the application takes no frames; more than this only for
    /// one frame that is longer. What lets two peers that both send before they read get on.
    /// Default 64 KiB.
    pub receive_backlog_max: usize,
    /// From the start of the connection to the end of the TLS handshake. Against a peer that
    /// connects and says nothing. Default 10 s.
    pub handshake_timeout: Duration,
    /// From the first byte of a frame to its last; stands still while we do not want to read.
    /// Against slow senders. Does not apply to framings without a notion of a whole frame.
    /// Default 30 s.
    pub frame_timeout: Duration,
    /// Without progress while bytes are queued. Against a peer that never reads. Default 30 s.
    pub stall_timeout: Duration,
    /// Without a byte in either direction. Against forgotten connections. Default 5 min.
    pub idle_timeout: Duration,
    /// Without a byte in either direction once [draining](crate::Connection::drain) has been
    /// asked for. Default 1 s.
    pub drain_idle_timeout: Duration,
    /// From the end of our side to the end of the peer's, while what it sends is discarded.
    /// Against a peer that never closes. Default 5 s.
    pub linger_timeout: Duration,
    /// Frames that one turn may yield even when they are more than the bytes of the leased buffer.
    /// Bounds the time that one connection keeps a driver from the others. Default 1,024.
    pub turn_frames_max: usize,
}

impl Limits {
    /// The defaults that the fields name.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            transmit_high_water: 256 * 1024,
            transmit_low_water: 64 * 1024,
            receive_backlog_max: 64 * 1024,
            handshake_timeout: Duration::from_secs(10),
            frame_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(5 * 60),
            drain_idle_timeout: Duration::from_secs(1),
            linger_timeout: Duration::from_secs(5),
            turn_frames_max: 1024,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
