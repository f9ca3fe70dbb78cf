//! What the conformance kit is told of the adapter.

mod adapter;
mod conversation;
mod stream;

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use drywire::shutdown::Request;
use drywire::statistics::Statistics;
use drywire::tls::TlsSession;
use drywire::{CloseReason, Connection, Instant, Protocol};
use drywire_conformance::kit::{Call, CallError, Polls, Runtime, Server, Serving, Unsupported};
use drywire_conformance::protocol::Script;
use socket2::{Socket, Type};

use adapter::Handle;
use conversation::{Conversation, Surroundings};

pub(crate) struct Tokio;

struct Running {
    handle: Handle,
    thread: JoinHandle<Statistics>,
}

fn runtime() -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("the system has a poll")
}

impl Runtime for Tokio {
    fn name(&self) -> &'static str {
        "example tokio"
    }

    fn serve(&self, serving: Serving) -> Result<Box<dyn Server>, Unsupported> {
        let scripts = serving.scripts;
        let factory = move || scripts.script();
        let runtime = runtime();
        let listener = {
            let _guard = runtime.enter();
            serving.listener.try_into().expect("the reactor takes it")
        };
        let mut server = adapter::Server::new(factory, listener, serving.admission);
        server.tls = serving.tls;
        server.limits = Arc::new(serving.limits);
        let handle = server.handle();
        let run = move || runtime.block_on(server.run()).expect("the server runs");
        Ok(Box::new(Running { handle, thread: thread::spawn(run) }))
    }

    fn call(&self, call: Call) -> Result<CloseReason, CallError> {
        Ok(runtime().block_on(async { io::Result::Ok(connect(call)?.run().await) })?)
    }

    fn call_dropping(&self, call: Call, polls: usize) -> Result<CloseReason, CallError> {
        // Its reactor runs in another thread, for none of its futures runs long.
        let runtime = Arc::new(runtime());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let reactor = Arc::clone(&runtime);
        let reactor = thread::spawn(move || reactor.block_on(stopped));
        let reason = {
            let _guard = runtime.enter();
            let mut conversation = connect(call)?;
            let mut polls = Polls::new(polls);
            loop {
                if let Some(reason) = polls.poll(conversation.run()) {
                    break reason;
                }
            }
        };
        drop(stop);
        let _ = reactor.join();
        Ok(reason)
    }
}

fn connect(call: Call) -> io::Result<Conversation<Script>> {
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
    Ok(Conversation::new(stream.try_into()?, connection, call.script, Surroundings::none()))
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
