//! Every way in which a conversation ends.

use std::time::Duration;

use drywire::connection::{Timer, Truncation};
use drywire::error::{Expected, LimitExceeded, RemoteError};
use drywire::tls::{Alert, CertificateProblem, TlsCause, TlsError};
use drywire::{CloseReason, Error};

use super::Done;
use crate::kit::lab::Lab;
use crate::kit::peer::Peer;
use crate::kit::runtime::CallError;
use crate::kit::scene::{Flaw, Scene, Trust};
use crate::kit::verdict::{Failure, ensure, same};
use crate::protocol::Behaviour;

/// A timeout that is waited for.
const SHORT: Duration = Duration::from_millis(40);

pub(crate) fn finished(lab: &Lab) -> Done {
    let mut stage = lab.begin(Scene::echo("lines"))?;
    let mut peer = stage.peer()?;
    peer.send(b"one\ntwo\n")?;
    peer.finish()?;
    peer.expect(b"one\ntwo\n")?;
    peer.expect_end()?;
    stage.ended(&[b"one", b"two"], &CloseReason::Finished)
}

/// The peer finishes together with its last frame, and is answered; in every second round with the
/// end of the handshake too, if the peer has that. Over TCP all of it is one segment. Elsewhere that
/// the adapter looks first when all has come is a matter of time: hence several rounds.
pub(crate) fn data_with_the_end(lab: &Lab) -> Done {
    for round in 0..20 {
        let mut stage = lab.begin(Scene::echo("lines"))?;
        let mut peer = stage.silent_peer()?;
        peer.agree()?;
        if round % 2 == 0 {
            peer.flush()?;
        }
        peer.cork()?;
        peer.queue(b"one\ntwo\n");
        peer.queue_close();
        peer.flush()?;
        peer.cut()?;
        peer.expect(b"one\ntwo\n")?;
        peer.expect_end()?;
        stage.ended(&[b"one", b"two"], &CloseReason::Finished)?;
    }
    Ok(())
}

pub(crate) fn half_closed_by_the_peer(lab: &Lab) -> Done {
    let mut stage = lab.begin(Scene::behaving("lines", Behaviour::Count))?;
    let mut peer = stage.peer()?;
    peer.send(b"one\ntwo\n")?;
    peer.finish()?;
    peer.expect(b"2\n")?;
    peer.expect_end()?;
    stage.ended(&[b"one", b"two"], &CloseReason::Finished)
}

pub(crate) fn half_closed_by_us(lab: &Lab) -> Done {
    let mut stage = lab.begin(Scene::behaving("lines", Behaviour::FinishFirst))?;
    let mut peer = stage.peer()?;
    peer.expect_end()?;
    peer.send(b"late\n")?;
    stage.await_frame(b"late")?;
    peer.send(b"later\n")?;
    peer.finish()?;
    stage.ended(&[b"late", b"later"], &CloseReason::Finished)
}

pub(crate) fn truncated_in_a_frame(lab: &Lab) -> Done {
    for has_close_notify in [true, false] {
        let mut stage = lab.begin(Scene::echo("lines"))?;
        let mut peer = stage.peer()?;
        exchange(&mut peer, b"whole\n")?;
        peer.send(b"part")?;
        if has_close_notify {
            peer.finish()?;
        } else {
            peer.cut()?;
        }
        peer.expect_gone()?;
        let reason = CloseReason::Truncated(Truncation::Frame { len: 4 });
        stage.ended(&[b"whole"], &reason)?;
        if !lab.variant.is_tls {
            break;
        }
    }
    Ok(())
}

pub(crate) fn truncated_without_close_notify(lab: &Lab) -> Done {
    lab.only_tls()?;
    let mut stage = lab.begin(Scene::echo("lines"))?;
    let mut peer = stage.peer()?;
    peer.send(b"whole\n")?;
    peer.expect(b"whole\n")?;
    peer.cut()?;
    peer.expect_gone()?;
    stage.ended(&[b"whole"], &CloseReason::Truncated(Truncation::Session))
}

pub(crate) fn truncated_in_the_handshake(lab: &Lab) -> Done {
    lab.only_tls()?;
    for len in [0, 1, 5, 100] {
        let mut stage = lab.begin(Scene::echo("lines"))?;
        let mut peer = stage.silent_peer()?;
        let hello = peer.take_queued();
        if lab.is_server() {
            peer.send_raw(&hello[..len])?;
        }
        peer.cut()?;
        peer.expect_gone()?;
        stage.ended(&[], &CloseReason::Truncated(Truncation::Handshake))?;
        if !lab.is_server() {
            break;
        }
    }
    Ok(())
}

pub(crate) fn timed_out_in_the_handshake(lab: &Lab) -> Done {
    lab.only_tls()?;
    let mut stage =
        lab.begin(Scene::echo("lines").limits(|limits| limits.handshake_timeout = SHORT))?;
    stage.raw_peer()?.expect_gone()?;
    stage.ended(&[], &CloseReason::TimedOut(Timer::Handshake))
}

/// That it goes on sending does not help it.
pub(crate) fn timed_out_in_a_frame(lab: &Lab) -> Done {
    let mut stage =
        lab.begin(Scene::echo("lines").limits(|limits| limits.frame_timeout = SHORT))?;
    let mut peer = stage.peer()?;
    peer.send(b"whole\npar")?;
    peer.expect(b"whole\n")?;
    peer.send(b"t")?;
    peer.expect_gone()?;
    stage.ended(&[b"whole"], &CloseReason::TimedOut(Timer::Frame))
}

pub(crate) fn timed_out_idle(lab: &Lab) -> Done {
    let mut stage = lab.begin(Scene::echo("lines").limits(|limits| limits.idle_timeout = SHORT))?;
    stage.peer()?.expect_gone()?;
    stage.ended(&[], &CloseReason::TimedOut(Timer::Idle))
}

pub(crate) fn timed_out_while_the_peer_does_not_read(lab: &Lab) -> Done {
    let scene = Scene::behaving("raw", Behaviour::Pour(64 << 20)).narrow();
    let mut stage = lab.begin(scene.limits(|limits| limits.stall_timeout = SHORT))?;
    let peer = stage.peer()?;
    stage.ended(&[], &CloseReason::TimedOut(Timer::Stall))?;
    drop(peer);
    Ok(())
}

/// One byte less is served.
pub(crate) fn refused_for_a_long_frame(lab: &Lab) -> Done {
    let mut stage = lab.begin(Scene::echo("u16be").frame_len_max(8))?;
    let mut peer = stage.peer()?;
    let frames = [&b"\0\x07seven b"[..], b"\0\x08the most"];
    for frame in frames {
        peer.send(frame)?;
        peer.expect(frame)?;
    }
    peer.send(b"\0\x09")?;
    peer.expect_gone()?;
    let reason = CloseReason::Failed(Error::Limit(LimitExceeded::FrameLen { len: 9, max: 8 }));
    stage.ended(&[b"seven b", b"the most"], &reason)
}

/// The second is never admitted, and the first goes on.
pub(crate) fn refused_for_too_many(lab: &Lab) -> Done {
    lab.only_server()?;
    let is_unix = lab.variant.is_unix;
    let scene = Scene::echo("lines").admission(|limits| {
        if is_unix {
            // A Unix socket has no address to count by: those who are too many wait.
            limits.connections_max = 1;
        } else {
            limits.connections_per_address_max = Some(1);
        }
    });
    let mut stage = lab.begin(scene)?;
    let mut first = stage.peer()?;
    exchange(&mut first, b"first\n")?;
    let mut second = stage.silent_peer()?;
    if is_unix {
        second.flush()?;
        exchange(&mut first, b"again\n")?;
        same(&stage.statistics().accepted, &1)?;
        first.finish()?;
        first.expect_end()?;
        second.handshake()?;
        return exchange(&mut second, b"second\n");
    }
    second.expect_gone()?;
    stage.until("one that is refused", |statistics| statistics.refused == 1)?;
    same(&stage.statistics().accepted, &1)?;
    exchange(&mut first, b"again\n")
}

pub(crate) fn exchange(peer: &mut Peer, line: &[u8]) -> Done {
    peer.send(line)?;
    peer.expect(line)
}

pub(crate) fn failed_by_the_peers_bytes(lab: &Lab) -> Done {
    let mut stage = lab.begin(Scene::echo("netstring"))?;
    let mut peer = stage.peer()?;
    exchange(&mut peer, b"3:abc,")?;
    peer.send(b"3x")?;
    peer.expect_gone()?;
    let error =
        RemoteError::UnexpectedByte { offset: 1, found: b'x', expected: Expected::DigitOrColon };
    stage.ended(&[b"abc"], &CloseReason::Failed(Error::Remote(error)))
}

/// What was queued before is still sent.
pub(crate) fn failed_by_our_protocol(lab: &Lab) -> Done {
    let mut stage = lab.begin(Scene::behaving("lines", Behaviour::Fail(7)))?;
    let mut peer = stage.peer()?;
    peer.send(b"last words\n")?;
    peer.expect(b"last words\n")?;
    peer.expect_end()?;
    peer.finish()?;
    stage.ended(&[b"last words"], &CloseReason::Failed(Error::Local(7)))
}

pub(crate) fn a_tls_alert_is_sent(lab: &Lab) -> Done {
    lab.only_tls()?;
    if lab.is_server() {
        let problem = CertificateProblem::Missing;
        return refuses(lab, Flaw::WrongName, "CertificateRequired", problem);
    }
    refuses(lab, Flaw::WrongName, "BadCertificate", CertificateProblem::WrongName)?;
    refuses(lab, Flaw::Expired, "CertificateExpired", CertificateProblem::Expired)?;
    refuses(lab, Flaw::UnknownIssuer, "UnknownCA", CertificateProblem::UnknownIssuer)
}

/// The adapter refuses the peer's certificate for `problem`, and tells it so by `alert`.
fn refuses(lab: &Lab, flaw: Flaw, alert: &str, problem: CertificateProblem) -> Done {
    let mut stage = lab.begin(Scene::echo("lines").trust(Trust::AdapterRefuses(flaw)))?;
    let mut peer = stage.silent_peer()?;
    let told = peer.refused_handshake()?;
    ensure(told.contains(alert), alert, told)?;
    drop(peer);
    let reason = stage.closed()?;
    let CloseReason::Failed(Error::Tls(TlsError::Refused { cause, .. })) = &reason else {
        return Err(Failure::new("a TLS failure", reason.to_string()).into());
    };
    same(cause, &TlsCause::Certificate(problem))?;
    stage.accounted(&reason)
}

pub(crate) fn a_tls_alert_is_received(lab: &Lab) -> Done {
    lab.only_tls()?;
    let mut stage = lab.begin(Scene::echo("lines").trust(Trust::PeerRefuses))?;
    let mut peer = stage.silent_peer()?;
    peer.refused_handshake()?;
    drop(peer);
    let alert = if lab.is_server() { Alert(48) } else { Alert(116) };
    stage.ended(&[], &CloseReason::Failed(Error::Tls(TlsError::AlertReceived(alert))))
}

/// What the peer sends after that is thrown away.
pub(crate) fn closed_by_us(lab: &Lab) -> Done {
    let mut stage = lab.begin(Scene::behaving("lines", Behaviour::Close))?;
    let mut peer = stage.peer()?;
    peer.send(b"one\ntwo\n")?;
    peer.expect(b"one\n")?;
    peer.expect_end()?;
    peer.send(b"three\n")?;
    peer.finish()?;
    stage.ended(&[b"one"], &CloseReason::Closed)
}

pub(crate) fn closed_by_us_and_the_peer_lingers(lab: &Lab) -> Done {
    let scene = Scene::behaving("lines", Behaviour::Close);
    let mut stage = lab.begin(scene.limits(|limits| limits.linger_timeout = SHORT))?;
    let mut peer = stage.peer()?;
    exchange(&mut peer, b"one\n")?;
    peer.expect_end()?;
    stage.ended(&[b"one"], &CloseReason::LingerExpired)
}

pub(crate) fn aborted(lab: &Lab) -> Done {
    let mut stage = lab.begin(Scene::behaving("lines", Behaviour::Abort))?;
    let mut peer = stage.peer()?;
    peer.send(b"one\n")?;
    peer.expect_gone()?;
    stage.ended(&[b"one"], &CloseReason::Aborted)
}

pub(crate) fn stopped(lab: &Lab) -> Done {
    lab.only_server()?;
    let mut stage = lab.begin(Scene::echo("lines"))?;
    let mut peer = stage.peer()?;
    exchange(&mut peer, b"one\n")?;
    let statistics = stage.stop()?;
    peer.expect_gone()?;
    same(&stage.closed()?, &CloseReason::Stopped)?;
    same(&statistics.closed_as(CloseReason::Stopped.kind()), &1)
}

pub(crate) fn refused_by_the_system(lab: &Lab) -> Done {
    lab.only_client()?;
    match lab.call_nobody().recv_timeout(lab.patience) {
        Ok(Err(CallError::Connect(_))) => Ok(()),
        Ok(Err(CallError::Unsupported(unsupported))) => Err(unsupported.into()),
        other => Err(Failure::new("a call that cannot connect", format!("{other:?}")).into()),
    }
}
