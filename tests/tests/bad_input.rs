//! Bad input ends the connection that it came on, with a reason that says what was wrong, and
//! everyone else is served on.

use drywire::error::{Expected, LimitExceeded, RemoteError};
use drywire::tls::{TlsCause, TlsError};
use drywire::{CloseReason, Error};
use drywire_conformance::adapter::{Adapter, Setup};
use drywire_conformance::both;
use drywire_conformance::certificates::Certificates;
use drywire_conformance::peer::TlsPeer;
use drywire_conformance::protocol::Event;

fn too_long(len: u64, max: u64) -> Error {
    Error::Limit(LimitExceeded::FrameLen { len, max })
}

fn unexpected(offset: usize, found: u8, expected: Expected) -> Error {
    Error::Remote(RemoteError::UnexpectedByte { offset, found, expected })
}

/// With a limit of 8 bytes. Before each of them stands a frame that is served, behind each one
/// that is not.
fn frames_that_are_none(adapter: &dyn Adapter) {
    for (framing, good, bad, expected) in [
        ("lines", &b"good\n"[..], &b"123456789\n"[..], too_long(9, 8)),
        ("delimiter:0d0a", b"good\r\n", b"123456789\r\n", too_long(9, 8)),
        ("u8", b"\x04good", b"\x09", too_long(9, 8)),
        ("u16be", b"\0\x04good", b"\xff\xff", too_long(65535, 8)),
        ("u32be", b"\0\0\0\x04good", b"\xff\xff\xff\xff", too_long(0xffff_ffff, 8)),
        ("u32le", b"\x04\0\0\0good", b"\x09\0\0\0", too_long(9, 8)),
        ("u64be", b"\0\0\0\0\0\0\0\x04good", &[0xff; 8], too_long(u64::MAX, 8)),
        ("varint", b"\x04good", b"\x80\x80\x80\x80\x10", too_long(1 << 32, 8)),
        ("varint", b"\x04good", &[0xff; 11], Error::Remote(RemoteError::LengthOutOfRange)),
        ("quic-varint", b"\x04good", b"\x40\x09", too_long(9, 8)),
        ("netstring", b"4:good,", b"9:", too_long(9, 8)),
        ("netstring", b"4:good,", b"x", unexpected(0, b'x', Expected::Digit)),
        ("netstring", b"4:good,", b"4:good;", unexpected(6, b';', Expected::Byte(b','))),
    ] {
        let server = Setup::echo(framing).frame_len_max(8).serve(adapter);
        let mut witness = server.connect();
        let mut peer = server.connect();
        peer.send(&[good, bad, good].concat());
        peer.expect(good);
        peer.finish();
        peer.expect_end();
        assert_eq!(server.reason(), CloseReason::Failed(expected), "{framing}");
        witness.send(good);
        witness.expect(good);
    }
}

fn garbage_at_a_port_with_tls(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let server = Setup::echo("lines").tls(&certificates.server_tls()).serve(adapter);
    let mut witness = TlsPeer::connect(&server.place(), &certificates.peer_client());
    for garbage in
        [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 64], &[0xff; 64], b"\x16\x03\x01\0\x05junk!"]
    {
        let mut peer = server.connect();
        peer.send(garbage);
        peer.finish();
        peer.expect_gone();
        let reason = server.reason();
        let CloseReason::Failed(Error::Tls(TlsError::Refused { cause, .. })) = reason else {
            panic!("{reason}");
        };
        let is_tls = garbage[0] == 0x16;
        assert_eq!(cause == TlsCause::NotTls, !is_tls, "{cause} {}", garbage.escape_ascii());
        witness.send(b"still\n");
        witness.expect(b"still\n");
    }
}

fn a_record_that_was_changed(adapter: &dyn Adapter) {
    let certificates = Certificates::new();
    let server = Setup::echo("lines").tls(&certificates.server_tls()).serve(adapter);
    let mut witness = TlsPeer::connect(&server.place(), &certificates.peer_client());
    let mut peer = TlsPeer::connect(&server.place(), &certificates.peer_client());
    let mut records = peer.seal(b"good\n");
    let mut changed = peer.seal(b"evil\n");
    *changed.last_mut().unwrap() ^= 1;
    records.extend(changed);
    peer.raw().send(&records);
    let told = peer.read_to_end().unwrap_err();
    assert!(told.to_string().contains("BadRecordMac"), "{told}");
    drop(peer);
    // What came before is served, although no reply can follow the alert.
    assert!(matches!(server.event(), Event::Open(_)));
    assert!(matches!(server.event(), Event::Open(_)));
    assert_eq!(server.event(), Event::Frame(b"good".into()));
    let reason = server.reason();
    let CloseReason::Failed(Error::Tls(TlsError::Refused { cause, .. })) = reason else {
        panic!("{reason}");
    };
    assert_eq!(cause, TlsCause::InvalidRecord);
    witness.send(b"still\n");
    witness.expect(b"still\n");
}

both!(frames_that_are_none, garbage_at_a_port_with_tls, a_record_that_was_changed);
