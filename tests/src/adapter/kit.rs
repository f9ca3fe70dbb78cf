//! The kit's view of the adapters.

use std::io;
use std::num::NonZeroUsize;
use std::thread::{self, JoinHandle};

use drywire::address::Address;
use drywire::framing::AnyFraming;
use drywire::statistics::Statistics;
use drywire::tls::Negotiated;
use drywire::{CloseReason, Peer};
use drywire_std::evented::{self, Clients, Target};
use drywire_std::{Client, ConnectError, Error, Listener};
use smol::block_on;

use super::{Control, Dial, Smol, Std, Talk};
use crate::kit::{Call, CallError, Polls, Runtime, Server, Serving, Unsupported, converse};

/// A server that runs in a thread.
struct Serves<C> {
    control: C,
    thread: JoinHandle<Statistics>,
}

impl<C: Control> Server for Serves<C> {
    fn drain(&self) {
        self.control.drain();
    }

    fn stop(&self) {
        self.control.stop();
    }

    fn statistics(&self) -> Statistics {
        self.control.statistics()
    }

    fn join(self: Box<Self>) -> Statistics {
        self.thread.join().expect("the server does not panic")
    }
}

/// The listener of a server, and its builder with all that it is given: the builders of the servers
/// have the same methods and no trait.
macro_rules! server {
    ($server:path, $serving:ident) => {{
        let Serving { listener, address, tls, limits, admission, scripts } = $serving;
        let listener = Listener::adopt(listener.into(), address).expect("a socket of this kind");
        let listener = tls.into_iter().fold(listener, Listener::with_tls);
        <$server>::new(move |_: &Peer| scripts.script())
            .limits(limits)
            .admission(admission)
            .listen(listener)
    }};
}

fn serves(
    control: impl Control + 'static,
    run: impl FnOnce() -> Statistics + Send + 'static,
) -> Box<dyn Server> {
    Box::new(Serves { control, thread: thread::spawn(run) })
}

fn dial(call: &Call) -> Dial {
    let (tls, server_name) = call.tls.clone().unzip();
    let (framing, limits) = (call.script.framing.clone(), call.limits.clone());
    Dial { framing, limits, tls, server_name, introduction: None }
}

impl Runtime for Std {
    fn name(&self) -> &'static str {
        "drywire-std threads"
    }

    fn serve(&self, serving: Serving) -> Result<Box<dyn Server>, Unsupported> {
        let server = server!(drywire_std::Server<_>, serving);
        let handle = server.handle();
        Ok(serves(handle, || server.run().expect("the server runs").statistics))
    }

    fn call(&self, call: Call) -> Result<CloseReason, CallError> {
        let dial = dial(&call);
        converse(&call.script, || super::Adapter::connect(self, &call.address, &dial))
    }
}

/// The servers and clients of drywire-std with a readiness loop: one thread, which whatever holds it
/// up holds up everybody.
#[derive(Clone, Copy, Debug)]
pub struct Evented;

impl Runtime for Evented {
    fn name(&self) -> &'static str {
        "drywire-std evented"
    }

    fn serve(&self, serving: Serving) -> Result<Box<dyn Server>, Unsupported> {
        let server = server!(evented::Server<_>, serving);
        let handle = server.handle();
        Ok(serves(handle, || server.run().expect("the server runs").statistics))
    }

    fn call(&self, call: Call) -> Result<CloseReason, CallError> {
        let client = Client::new().limits(call.limits);
        let client = match call.tls {
            None => client,
            Some((tls, name)) => client.tls(tls).server_name(name),
        };
        let other = |error: ConnectError| io::Error::other(error.to_string());
        let target = Target::resolve(&client, &call.address).map_err(other)?;
        let mut clients = Clients::new(&client)?;
        clients.connect(&target, call.script);
        let ended = clients.next()?.expect("there is a connection");
        match ended.outcome {
            Ok(reason) | Err(ConnectError::Closed(reason)) => Ok(reason),
            Err(error) => Err(other(error).into()),
        }
    }
}

impl Runtime for Smol {
    fn name(&self) -> &'static str {
        "drywire-smol tasks"
    }

    fn serve(&self, serving: Serving) -> Result<Box<dyn Server>, Unsupported> {
        let server = server!(drywire_smol::Server<_>, serving).threads(NonZeroUsize::MIN);
        let handle = server.handle();
        Ok(serves(handle, || block_on(server.run()).expect("the server runs").statistics))
    }

    fn call(&self, call: Call) -> Result<CloseReason, CallError> {
        let dial = dial(&call);
        converse(&call.script, || super::Adapter::connect(self, &call.address, &dial))
    }

    fn call_dropping(&self, call: Call, polls: usize) -> Result<CloseReason, CallError> {
        let dial = dial(&call);
        converse(&call.script, || dropping(&call.address, &dial, polls))
    }
}

type Stream = drywire_smol::Framed<AnyFraming>;

/// A stream each future of which is dropped, and made again.
struct Dropping {
    framed: Stream,
    polls: Polls,
}

fn dropping(address: &Address, dial: &Dial, polls: usize) -> Result<Box<dyn Talk>, ConnectError> {
    // Dropping the future of a client that connects ends the stream: that one is left alone.
    let framed = Smol.framed(address, dial)?;
    Ok(Box::new(Dropping { framed, polls: Polls::new(polls) }))
}

impl Dropping {
    /// Makes futures until one of them is done.
    fn until_done<T>(&mut self, mut call: impl AsyncFnMut(&mut Stream) -> T) -> T {
        loop {
            if let Some(outcome) = self.polls.poll(call(&mut self.framed)) {
                return outcome;
            }
        }
    }
}

impl Talk for Dropping {
    fn send(&mut self, frame: &[u8]) -> Result<(), Error> {
        self.until_done(async |framed| framed.send(frame).await)
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.until_done(async |framed| framed.flush().await)
    }

    fn recv(&mut self) -> Result<Option<Vec<u8>>, Error> {
        self.until_done(async |framed| Ok(framed.recv().await?.map(<[u8]>::to_vec)))
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.until_done(async |framed| framed.finish().await)
    }

    fn close(self: Box<Self>) -> Result<CloseReason, Error> {
        block_on(self.framed.close())
    }

    fn abort(self: Box<Self>) {
        self.framed.abort();
    }

    fn negotiated(&self) -> Option<&Negotiated> {
        self.framed.negotiated()
    }

    fn close_reason(&self) -> Option<CloseReason> {
        self.framed.close_reason().cloned()
    }
}
