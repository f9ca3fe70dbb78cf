//! A connection of a client in its loop.

use std::sync::Arc;

use drywire::buffer::Pool;
use drywire::connector::ConnectorLimits;
use drywire::tls::{ClientTls, TlsSession};
use drywire::{CloseReason, Connection, Fault, Handle, Instant, Limits, Protocol};
use mio::event::Event;
use mio::{Registry, Token};
use rustls::pki_types::ServerName;

use super::connecting::{Connecting, Progress};
use super::target::Target;
use super::{ClientId, Ended};
use crate::error::ConnectError;
use crate::evented::link::{Link, Moved};

pub(super) struct Entry<P: Protocol> {
    stage: Stage<P>,
    pub(super) serial: u64,
    began_at: Instant,
    connected_at: Option<Instant>,
    moved: Moved,
    /// It waits for its turn.
    pub(super) is_queued: bool,
}

/// How far it has come.
#[allow(clippy::large_enum_variant, reason = "nearly all are in the large one")]
enum Stage<P: Protocol> {
    Connecting(Box<Connecting>, P),
    Open(Link, Connection<P::Framing>, P),
    /// It was stopped before it was made, or is being moved on.
    Over(Option<P>),
}

/// What a turn came to.
pub(super) enum Turned {
    /// The connection is over, or there will be none.
    Over(Result<CloseReason, ConnectError>),
    /// There is more to do without waiting.
    Busy,
    /// It waits for its stream, or for this.
    Waiting(Instant),
}

impl<P: Protocol> Entry<P> {
    pub(super) fn connecting(
        target: &Target,
        limits: &ConnectorLimits,
        protocol: P,
        now: Instant,
    ) -> Self {
        let connecting = Box::new(Connecting::new(target.clone(), limits, now));
        Self::new(Stage::Connecting(connecting, protocol), now)
    }

    pub(super) fn plain(link: Link, protocol: P, limits: Arc<Limits>, now: Instant) -> Self {
        let connection = Connection::plain(protocol.framing(), limits, now);
        let entry = Self::new(Stage::Open(link, connection, protocol), now);
        Self { connected_at: Some(now), ..entry }
    }

    fn new(stage: Stage<P>, now: Instant) -> Self {
        Self {
            stage,
            serial: 0,
            began_at: now,
            connected_at: None,
            moved: Moved::default(),
            is_queued: false,
        }
    }

    /// Takes note of what the system tells.
    pub(super) fn notice(&mut self, event: &Event) {
        if let Stage::Open(link, ..) = &mut self.stage {
            link.notice(event);
        }
    }

    /// Protocol and handle, once there is a connection.
    pub(super) fn parts(&mut self) -> Option<(&mut P, Handle<'_, P::Framing>)> {
        match &mut self.stage {
            Stage::Open(_, connection, protocol) => Some((protocol, connection.handle())),
            Stage::Connecting(..) | Stage::Over(_) => None,
        }
    }

    pub(super) fn stop(&mut self) {
        match std::mem::replace(&mut self.stage, Stage::Over(None)) {
            Stage::Open(link, mut connection, protocol) => {
                connection.stop();
                self.stage = Stage::Open(link, connection, protocol);
            }
            Stage::Connecting(_, protocol) => self.stage = Stage::Over(Some(protocol)),
            Stage::Over(protocol) => self.stage = Stage::Over(protocol),
        }
    }

    /// Takes a turn.
    pub(super) fn turn(
        &mut self,
        token: Token,
        registry: &Registry,
        limits: &Arc<Limits>,
        pool: &mut Pool,
        now: Instant,
    ) -> Turned {
        if let Stage::Connecting(connecting, _) = &mut self.stage {
            match connecting.advance(registry, token, now) {
                Progress::Waiting(at) => return Turned::Waiting(at),
                Progress::Failed(error) => return Turned::Over(Err(error)),
                Progress::Connected(stream) => {
                    let session = connecting.target.tls.take().map(session).transpose();
                    match session {
                        Ok(session) => self.open(Link::registered(stream), session, limits, now),
                        Err(error) => return Turned::Over(Err(error)),
                    }
                }
            }
        }
        let Stage::Open(link, connection, protocol) = &mut self.stage else {
            return Turned::Over(Ok(CloseReason::Stopped));
        };
        self.moved += link.turn(connection, protocol, pool, now);
        if connection.is_closed() {
            // A connection that is closed has its reason.
            let reason = connection.close_reason().cloned();
            return Turned::Over(Ok(reason.unwrap_or(CloseReason::Aborted)));
        }
        let interest = connection.interest();
        if link.is_busy(interest) {
            return Turned::Busy;
        }
        if interest.write && link.await_room(registry, token).is_err() {
            connection.transport_failed(Fault::Other, now);
            return Turned::Busy;
        }
        Turned::Waiting(interest.deadline.map_or(Instant::MAX, |deadline| deadline.at))
    }

    /// Goes on from the transport to the connection.
    fn open(
        &mut self,
        link: Link,
        session: Option<TlsSession>,
        limits: &Arc<Limits>,
        now: Instant,
    ) {
        match std::mem::replace(&mut self.stage, Stage::Over(None)) {
            Stage::Connecting(_, protocol) => {
                let (framing, limits) = (protocol.framing(), Arc::clone(limits));
                let connection = match session {
                    None => Connection::plain(framing, limits, now),
                    Some(session) => Connection::tls(session, framing, limits, now),
                };
                self.connected_at = Some(now);
                self.stage = Stage::Open(link, connection, protocol);
            }
            stage => self.stage = stage,
        }
    }

    /// When it must be looked at.
    pub(super) fn deadline(&self) -> Instant {
        match &self.stage {
            Stage::Open(_, connection, _) => {
                connection.deadline().map_or(Instant::MAX, |deadline| deadline.at)
            }
            Stage::Connecting(connecting, _) => connecting.deadline(),
            Stage::Over(_) => Instant::MAX,
        }
    }

    /// What is told of it at the end.
    pub(super) fn ended(
        self,
        id: ClientId,
        outcome: Result<CloseReason, ConnectError>,
        now: Instant,
    ) -> Option<Ended<P>> {
        let (Stage::Connecting(_, protocol)
        | Stage::Open(_, _, protocol)
        | Stage::Over(Some(protocol))) = self.stage
        else {
            return None;
        };
        Some(Ended {
            id,
            protocol,
            outcome,
            began_at: self.began_at,
            connected_at: self.connected_at,
            ended_at: now,
            received_len: self.moved.received,
            transmitted_len: self.moved.transmitted,
        })
    }
}

fn session((tls, name): (ClientTls, ServerName<'static>)) -> Result<TlsSession, ConnectError> {
    TlsSession::client(&tls, name).map_err(ConnectError::Tls)
}
