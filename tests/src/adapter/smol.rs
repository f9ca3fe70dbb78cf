use std::num::NonZeroUsize;
use std::thread;

use drywire::address::Address;
use drywire::framing::AnyFraming;
use drywire::ping::PingStatistics;
use drywire::statistics::Statistics;
use drywire::tls::Negotiated;
use drywire::{CloseReason, Peer};
use drywire_smol::ping::{PingError, PingEvent, Pinger};
use drywire_smol::{Client, ConnectError, Error, Framed, Server, ServerHandle};
use drywire_std::ping::Attempts;
use smol::block_on;

use super::{Adapter, Control, Dial, Orders, Summary, Talk};
use crate::pings::{Observer, Pinged, Target};

/// The adapter drywire-smol, with one thread: whatever holds that thread up holds up everybody.
#[derive(Clone, Copy, Debug)]
pub struct Smol;

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
        let client = Client::new().limits(dial.limits.clone());
        let client = dial.tls.iter().fold(client, |client, tls| client.tls(tls.clone()));
        let names = dial.server_name.iter();
        let client = names.fold(client, |client, name| client.server_name(name.clone()));
        Ok(Box::new(block_on(client.connect(address, dial.framing.clone()))?))
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

impl Control for ServerHandle {
    fn drain(&self) {
        Self::drain(self);
    }

    fn stop(&self) {
        Self::stop(self);
    }

    fn statistics(&self) -> Statistics {
        Self::statistics(self)
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
