//! What streams do: bytes in every portion, interruptions, resets.

use drywire::CloseReason;

use super::Done;
use super::close_table::exchange;
use crate::kit::lab::Lab;
use crate::kit::scene::Scene;
use crate::kit::verdict::{Failure, ensure, same};
use crate::protocol::{Behaviour, POURED};

/// Bytes that are poured through small buffers.
const POURED_LEN: usize = 512 << 10;

/// The handshake too.
pub(crate) fn bytes_come_one_by_one(lab: &Lab) -> Done {
    let mut stage = lab.begin(Scene::echo("netstring"))?;
    let mut peer = stage.silent_peer()?;
    peer.set_stride(1);
    peer.handshake()?;
    let bytes = b"5:hello,0:,11:hello world,";
    peer.send(bytes)?;
    peer.finish()?;
    peer.expect(bytes)?;
    peer.expect_end()?;
    stage.ended(&[b"hello", b"", b"hello world"], &CloseReason::Finished)
}

/// The peer takes what we write in portions of every size from a byte on.
pub(crate) fn writes_are_short(lab: &Lab) -> Done {
    let mut stage = lab.begin(Scene::behaving("raw", Behaviour::Pour(POURED_LEN)).narrow())?;
    let mut peer = stage.peer()?;
    let mut left = POURED_LEN;
    for stride in (1..4096).step_by(13).cycle() {
        peer.set_stride(stride);
        let len = stride.min(left);
        if !peer.read(len).iter().eq(POURED[..1].iter().cycle().take(len)) {
            return Err(Failure::new("what was poured", format!("{left} bytes missing")).into());
        }
        left -= len;
        if left == 0 {
            break;
        }
    }
    peer.expect_end()?;
    peer.finish()?;
    stage.ended(&[], &CloseReason::Finished)
}

/// After each byte the next read finds nothing.
pub(crate) fn reads_would_block(lab: &Lab) -> Done {
    const COUNT: usize = 300;
    let mut stage = lab.begin(Scene::echo("raw"))?;
    let mut peer = stage.peer()?;
    for at in 0..COUNT {
        exchange(&mut peer, &[at.to_le_bytes()[0]])?;
    }
    peer.finish()?;
    peer.expect_end()?;
    stage.ended_for(&CloseReason::Finished)
}

/// An urgent byte cuts a read short, with more behind it that no event tells of again.
pub(crate) fn an_urgent_byte_cuts_a_read_short(lab: &Lab) -> Done {
    lab.only(!lab.variant.is_unix, "a Unix socket has no urgent bytes")?;
    let mut stage = lab.begin(Scene::echo("lines"))?;
    let mut peer = stage.peer()?;
    for _ in 0..100 {
        peer.send(b"one\n")?;
        peer.send_urgent(b'!')?;
        peer.send(b"two\n")?;
        peer.expect(b"one\ntwo\n")?;
    }
    peer.finish()?;
    peer.expect_end()?;
    stage.ended_for(&CloseReason::Finished)
}

/// Others are served on.
pub(crate) fn reset_at_once(lab: &Lab) -> Done {
    if lab.is_server() {
        let mut stage = lab.begin(Scene::echo("lines"))?;
        let mut witness = stage.peer()?;
        exchange(&mut witness, b"before\n")?;
        for _ in 0..100 {
            stage.raw_peer()?.reset();
        }
        exchange(&mut witness, b"after\n")?;
        let mut later = stage.peer()?;
        exchange(&mut later, b"later\n")?;
        return stage.until("two that are left", |statistics| statistics.active == 2);
    }
    let is_reset = !lab.variant.is_unix || lab.variant.is_tls;
    lab.only(is_reset, "a Unix socket is reset by bytes unread only")?;
    let mut stage = lab.begin(Scene::echo("lines"))?;
    let peer = stage.raw_peer()?;
    if lab.variant.is_tls {
        peer.await_readable()?;
    }
    peer.reset();
    // The system may tell of it when the adapter connects, or later.
    if stage.is_unconnected()? { Ok(()) } else { stage.ended(&[], &CloseReason::Reset) }
}

pub(crate) fn reset_in_the_handshake(lab: &Lab) -> Done {
    lab.only_tls()?;
    let mut stage = lab.begin(Scene::echo("lines"))?;
    let mut peer = stage.silent_peer()?;
    // A client speaks first.
    peer.flush()?;
    peer.await_readable()?;
    peer.reset();
    stage.ended(&[], &CloseReason::Reset)
}

pub(crate) fn reset_between_frames(lab: &Lab) -> Done {
    let mut stage = lab.begin(Scene::echo("lines"))?;
    let mut peer = stage.peer()?;
    exchange(&mut peer, b"one\n")?;
    peer.send(b"two\n")?;
    peer.await_readable()?;
    peer.reset();
    stage.ended(&[b"one", b"two"], &CloseReason::Reset)
}

pub(crate) fn reset_in_a_frame(lab: &Lab) -> Done {
    let mut stage = lab.begin(Scene::echo("lines"))?;
    let mut peer = stage.peer()?;
    peer.send(b"whole\npart")?;
    stage.await_frame(b"whole")?;
    peer.await_readable()?;
    peer.reset();
    stage.ended(&[b"whole"], &CloseReason::Reset)
}

pub(crate) fn reset_while_we_write(lab: &Lab) -> Done {
    let mut stage = lab.begin(Scene::behaving("raw", Behaviour::Pour(64 << 20)).narrow())?;
    let mut peer = stage.peer()?;
    same(&peer.read(1000).len(), &1000)?;
    peer.await_readable()?;
    peer.reset();
    stage.ended(&[], &CloseReason::Reset)
}

pub(crate) fn reset_while_we_linger(lab: &Lab) -> Done {
    let mut stage = lab.begin(Scene::behaving("lines", Behaviour::Close))?;
    let mut peer = stage.peer()?;
    peer.send(b"one\n")?;
    peer.await_shut_down()?;
    peer.reset();
    stage.ended(&[b"one"], &CloseReason::Reset)
}

/// It has ended its side in order before.
pub(crate) fn reset_after_the_end(lab: &Lab) -> Done {
    let mut stage = lab.begin(Scene::behaving("raw", Behaviour::Pour(64 << 20)).narrow())?;
    let mut peer = stage.peer()?;
    same(&peer.read(1000).len(), &1000)?;
    peer.finish()?;
    peer.await_readable()?;
    peer.reset();
    stage.ended(&[], &CloseReason::Reset)
}

/// We have ended our side in order before, and the peer has not read all of it.
pub(crate) fn reset_after_our_end(lab: &Lab) -> Done {
    // Less than the system's buffers hold, and more than a handshake takes with it.
    let mut stage = lab.begin(Scene::behaving("raw", Behaviour::Pour(32 << 10)))?;
    let peer = stage.peer()?;
    peer.await_shut_down()?;
    peer.reset();
    stage.ended(&[], &CloseReason::Reset)
}

/// The peer's end does not end what is on its way to it.
pub(crate) fn nothing_is_lost_of_a_long_answer(lab: &Lab) -> Done {
    let mut stage = lab.begin(Scene::behaving("raw", Behaviour::Pour(POURED_LEN)))?;
    let mut peer = stage.peer()?;
    // Before we have read.
    peer.finish()?;
    let len = peer.read(POURED_LEN).len();
    ensure(len == POURED_LEN, &format!("{POURED_LEN} bytes"), format!("{len} bytes"))?;
    peer.expect_end()?;
    stage.ended(&[], &CloseReason::Finished)
}
