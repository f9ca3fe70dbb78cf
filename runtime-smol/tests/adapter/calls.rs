//! The calls that the adapters differ in: here they return what must be waited for.

use drywire::framing::Framing;
use drywire::{Peer, Protocol};

use crate::adapter::{Framed, Receiver, Sender, ServeError, Server, Summary};
use crate::peer::PATIENCE;

/// What `future` comes to, which it does before patience is lost.
#[track_caller]
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    let too_late = async {
        smol::Timer::after(PATIENCE).await;
        None
    };
    let in_time = async { Some(future.await) };
    smol::block_on(smol::future::or(in_time, too_late)).expect("in time")
}

/// Runs `server` to its end.
pub(crate) fn serve<F, P>(server: Server<F>) -> Result<Summary, ServeError>
where
    F: Fn(&Peer) -> P + Send + Sync + 'static,
    P: Protocol<Framing: Framing<Found: Send> + Send> + Send + 'static,
{
    let server = if crate::IS_PORTABLE { server.portable() } else { server };
    smol::block_on(server.run())
}

pub(crate) fn split<F: Framing>(framed: Framed<F>) -> (Sender<F>, Receiver<F>) {
    framed.split()
}
