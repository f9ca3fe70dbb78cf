//! Drywire's servers with the echo in the box, as anybody would start them.

use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::sync::Arc;

use drywire::admission::AdmissionLimits;
use drywire::framing::{ByteFraming, LengthPrefix, Raw};
use drywire::protocol::Echo;
use drywire::tls::ServerTls;
use drywire_std::Listener;
use rustls::ServerConfig;

use crate::options::{Framing, ServerKind};

pub(crate) fn serve(
    kind: ServerKind,
    listener: TcpListener,
    framing: Framing,
    tls: Option<&Arc<ServerConfig>>,
) {
    let scheme = if tls.is_some() { "tls" } else { "tcp" };
    let address = format!("{scheme}://{}", listener.local_addr().expect("an address"));
    let address = address.parse().expect("an address");
    let listener = Listener::adopt(listener.into(), address).expect("a listener");
    let listener = match tls {
        None => listener,
        Some(config) => {
            listener.with_tls(ServerTls::new(Arc::clone(config)).expect("a configuration"))
        }
    };
    match framing {
        Framing::Raw => echo(kind, listener, Raw::new()),
        Framing::U32be => echo(kind, listener, LengthPrefix::u32be()),
    }
}

fn echo<F>(kind: ServerKind, listener: Listener, framing: F)
where
    F: ByteFraming<Found: Send> + Clone + Send + Sync + 'static,
{
    let mut admission = AdmissionLimits::new();
    admission.connections_max = 20_000;
    let factory = move |_: &_| Echo::new(framing.clone());
    let ended = match kind {
        ServerKind::DrywireThreads => {
            drywire_std::Server::new(factory).admission(admission).listen(listener).run().map(drop)
        }
        ServerKind::DrywireEvented => {
            let server = drywire_std::evented::Server::new(factory).admission(admission);
            server.listen(listener).run().map(drop)
        }
        _ => {
            let server = drywire_smol::Server::new(factory).admission(admission).listen(listener);
            let server = server.threads(NonZeroUsize::MIN);
            let is_portable = kind == ServerKind::DrywirePortable;
            let server = if is_portable { server.portable() } else { server };
            smol::block_on(server.run()).map(drop)
        }
    };
    ended.expect("it serves");
}
