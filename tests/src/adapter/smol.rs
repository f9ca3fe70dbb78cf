use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use drywire::address::Address;
use drywire::datagram::{DatagramEcho, DatagramStatistics, RequestLimits, SamePayload};
use drywire::framing::{AnyFraming, Lines};
use drywire::ping::PingStatistics;
use drywire::protocol::Echo;
use drywire::tls::Negotiated;
use drywire::{CloseReason, Peer};
use drywire_smol::datagram::{DatagramClient, DatagramError, Reply};
use drywire_smol::ping::{PingError, PingEvent, Pinger};
use drywire_smol::{Client, ConnectError, Error, Framed, Server};
use drywire_std::ping::Attempts;
use smol::block_on;

use super::{Adapter, Control, Dial, Orders, Summary, Talk};
use crate::datagrams;
use crate::pings::{Observer, Pinged, Target};

/// The adapter drywire-smol, with one thread: whatever holds that thread up holds up everybody.
#[derive(Clone, Copy, Debug)]
pub struct Smol;

impl Smol {
    /// The client's stream of frames.
    pub(super) fn framed(
        self,
        address: &Address,
        dial: &Dial,
    ) -> Result<Framed<AnyFraming>, ConnectError> {
        let client = Client::new().limits(dial.limits.clone());
        let client = dial.tls.iter().fold(client, |client, tls| client.tls(tls.clone()));
        let names = dial.server_name.iter();
        let client = names.fold(client, |client, name| client.server_name(name.clone()));
        let introductions = dial.introduction.iter().cloned();
        let client = introductions.fold(client, Client::proxy_header);
        block_on(client.connect(address, dial.framing.clone()))
    }
}

impl Adapter for Smol {
    fn serve(&self, orders: Orders) -> Box<dyn Control> {
        let Orders { listeners, limits, admission, scripts, closes, summary } = orders;
        let server = Server::new(move |_: &Peer| scripts.script())
            .threads(NonZeroUsize::MIN)
            .limits(limits)
            .admission(admission)
            .on_close(move |peer, reason| drop(closes.send((peer.clone(), reason.clone()))));
        let server = listeners.into_iter().fold(server, Server::listen);
        let handle = server.handle();
        thread::spawn(move || {
            let ended = block_on(server.run()).expect("the server runs");
            let ended = Summary { drained: ended.drained, statistics: ended.statistics };
            // Nobody may wait for it.
            let _ = summary.send(ended);
        });
        Box::new(handle)
    }

    fn connect(&self, address: &Address, dial: &Dial) -> Result<Box<dyn Talk>, ConnectError> {
        Ok(Box::new(self.framed(address, dial)?))
    }

    fn serve_datagrams(&self, orders: datagrams::Orders) -> Box<dyn datagrams::Control> {
        let datagrams::Orders { streams, datagrams, limits, ended } = orders;
        let server = Server::new(|_: &Peer| Echo::new(Lines::new()))
            .datagram_limits(limits)
            .threads(NonZeroUsize::MIN);
        let server = streams.into_iter().fold(server, Server::listen);
        let server = datagrams
            .into_iter()
            .fold(server, |server, listener| server.listen_datagrams(listener, DatagramEcho));
        let handle = server.handle();
        thread::spawn(move || {
            let summary = block_on(server.run()).expect("the server runs");
            // Nobody may wait for it.
            let _ = ended.send(datagrams::Ended {
                drained: summary.drained,
                statistics: summary.statistics,
                datagrams: summary.datagrams,
            });
        });
        Box::new(handle)
    }

    fn connect_datagrams(
        &self,
        address: &Address,
        limits: RequestLimits,
    ) -> Result<Box<dyn datagrams::Client>, ConnectError> {
        let client = block_on(DatagramClient::connect_with(address, SamePayload, limits))?;
        Ok(Box::new(client))
    }

    fn ping(
        &self,
        pinged: Pinged,
        observer: &mut Observer<'_>,
    ) -> Result<PingStatistics, PingError> {
        let pinger = match pinged.target {
            Target::Icmp(destination) => Pinger::icmp(destination),
            Target::Udp(destination) => Pinger::udp(destination),
            Target::Stream(address, tls) => {
                let (limits, connector) = Attempts::limits(pinged.options.timeout);
                let client = Client::new().limits(limits).connector(connector);
                let client = tls.into_iter().fold(client, Client::tls);
                Pinger::stream(client, address)
            }
        };
        let pinger = pinger.options(pinged.options);
        let pinger = pinged.hop_limit.into_iter().fold(pinger, Pinger::hop_limit);
        let handle = pinger.handle();
        let told = |event: &PingEvent, statistics: &PingStatistics| {
            observer(event, statistics);
            if pinged.stops {
                handle.stop();
            }
        };
        block_on(pinger.run(told))
    }
}

impl Talk for Framed<AnyFraming> {
    fn send(&mut self, frame: &[u8]) -> Result<(), Error> {
        block_on(Self::send(self, frame))
    }

    fn flush(&mut self) -> Result<(), Error> {
        block_on(Self::flush(self))
    }

    fn recv(&mut self) -> Result<Option<Vec<u8>>, Error> {
        Ok(block_on(Self::recv(self))?.map(<[u8]>::to_vec))
    }

    fn finish(&mut self) -> Result<(), Error> {
        block_on(Self::finish(self))
    }

    fn close(self: Box<Self>) -> Result<CloseReason, Error> {
        block_on(Self::close(*self))
    }

    fn abort(self: Box<Self>) {
        Self::abort(*self);
    }

    fn negotiated(&self) -> Option<&Negotiated> {
        Self::negotiated(self)
    }

    fn close_reason(&self) -> Option<CloseReason> {
        Self::close_reason(self).cloned()
    }
}

impl datagrams::Client for DatagramClient {
    fn send(&mut self, bytes: &[u8]) -> Result<(), DatagramError> {
        block_on(Self::send(self, bytes))
    }

    fn recv(&mut self, timeout: Duration) -> Result<Option<Vec<u8>>, DatagramError> {
        block_on(Self::recv(self, timeout))
    }

    fn request(&mut self, bytes: &[u8]) -> Result<Reply, DatagramError> {
        block_on(Self::request(self, bytes))
    }

    fn request_statistics(&self) -> DatagramStatistics {
        *Self::request_statistics(self)
    }
}
