//! The calls that the adapters differ in: here they return once all is done.

use drywire::framing::Framing;
use drywire::{Peer, Protocol};

use crate::adapter::{Framed, Receiver, Sender, ServeError, Server, Summary};

/// What `done` came to.
pub(crate) fn now<T>(done: T) -> T {
    done
}

/// Runs `server` to its end.
pub(crate) fn serve<F, P>(server: Server<F>) -> Result<Summary, ServeError>
where
    F: Fn(&Peer) -> P + Send + Sync,
    P: Protocol,
{
    server.run()
}

pub(crate) fn split<F: Framing>(framed: Framed<F>) -> (Sender<F>, Receiver<F>) {
    framed.split().unwrap()
}
