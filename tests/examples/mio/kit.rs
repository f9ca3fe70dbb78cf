//! What the conformance kit is told of the adapter.

mod adapter;
mod conversation;

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant as Clock;

use drywire::shutdown::Request;
use drywire::statistics::Statistics;
use drywire::tls::TlsSession;
use drywire::{CloseReason, Connection, Instant, Protocol};
use drywire_conformance::kit::{Call, CallError, Runtime, Server, Serving, Unsupported};
use socket2::{Socket, Type};

use adapter::{Handle, converse};
use conversation::Conversation;

pub(crate) struct Mio;

struct Running {
    handle: Handle,
    thread: JoinHandle<Statistics>,
}

impl Runtime for Mio {
    fn name(&self) -> &'static str {
        "example mio"
    }

    fn serve(&self, serving: Serving) -> Result<Box<dyn Server>, Unsupported> {
        let scripts = serving.scripts;
        let factory = move || scripts.script();
        let mut server = adapter::Server::new(factory, serving.listener, serving.admission)
            .expect("the system has a poll");
        server.tls = serving.tls;
        server.limits = Arc::new(serving.limits);
        let handle = server.handle();
        let thread = thread::spawn(|| server.run().expect("the server runs"));
        Ok(Box::new(Running { handle, thread }))
    }

    fn call(&self, call: Call) -> Result<CloseReason, CallError> {
        let stream = Socket::new(call.place.domain(), Type::STREAM, None)?;
        stream.connect(&call.place)?;
        let (framing, limits) = (call.script.framing(), Arc::new(call.limits));
        let connection = match call.tls {
            None => Connection::plain(framing, limits, Instant::ZERO),
            Some((tls, name)) => {
                let session = TlsSession::client(&tls, name).expect("a configuration");
                Connection::tls(session, framing, limits, Instant::ZERO)
            }
        };
        Ok(converse(Conversation::new(stream, connection, call.script)?, Clock::now())?)
    }
}

impl Server for Running {
    fn drain(&self) {
        self.handle.request(Request::Drain);
    }

    fn stop(&self) {
        self.handle.request(Request::Stop);
    }

    fn statistics(&self) -> Statistics {
        self.handle.statistics()
    }

    fn join(self: Box<Self>) -> Statistics {
        self.thread.join().expect("the server does not panic")
    }
}
