//! Which public types may go to another thread, and which may be shared: a change breaks users.

use drywire::address::Address;
use drywire::buffer::Pool;
use drywire::framing::AnyFraming;
use drywire::tls::{ClientTls, Negotiated, ServerTls, TlsSession};
use drywire::{CloseReason, Connection, Error, Limits, Peer};

const fn is_send<T: Send>() {}
const fn is_send_and_sync<T: Send + Sync>() {}

// That it compiles is the test.
const _: () = {
    is_send_and_sync::<Address>();
    is_send_and_sync::<AnyFraming>();
    is_send_and_sync::<ClientTls>();
    is_send_and_sync::<CloseReason>();
    is_send_and_sync::<Error>();
    is_send_and_sync::<Limits>();
    is_send_and_sync::<Negotiated>();
    is_send_and_sync::<Peer>();
    is_send_and_sync::<Pool>();
    is_send_and_sync::<ServerTls>();
    is_send::<TlsSession>();
    is_send::<Connection<AnyFraming>>();

    is_send_and_sync::<drywire_std::Client>();
    is_send_and_sync::<drywire_std::ConnectError>();
    is_send_and_sync::<drywire_std::Error>();
    is_send_and_sync::<drywire_std::Listener>();
    is_send_and_sync::<drywire_std::ServeError>();
    is_send_and_sync::<drywire_std::ServerHandle>();
    is_send_and_sync::<drywire_std::Stream>();
    is_send_and_sync::<drywire_std::Summary>();
    is_send::<drywire_std::Framed<AnyFraming>>();
    is_send::<drywire_std::Receiver<AnyFraming>>();
    is_send::<drywire_std::Sender<AnyFraming>>();
    is_send::<drywire_std::Server<fn(&Peer)>>();

    is_send_and_sync::<drywire_smol::Client>();
    is_send_and_sync::<drywire_smol::ServerHandle>();
    is_send_and_sync::<drywire_smol::Summary>();
    is_send::<drywire_smol::Framed<AnyFraming>>();
    is_send::<drywire_smol::Receiver<AnyFraming>>();
    is_send::<drywire_smol::Sender<AnyFraming>>();
    is_send::<drywire_smol::Server<fn(&Peer)>>();
};

fn is_send_value<T: Send>(value: T) -> T {
    value
}

/// Futures, too.
#[test]
fn the_futures_of_the_client_may_be_spawned() {
    let client = drywire_smol::Client::new();
    let address: Address = "tcp://127.0.0.1:1".parse().unwrap();
    let framing: AnyFraming = "lines".parse().unwrap();
    let connecting = is_send_value(async {
        let mut framed = client.connect(&address, framing).await?;
        framed.send(b"a line").await?;
        framed.flush().await?;
        let _ = framed.recv().await?;
        framed.finish().await?;
        framed.close().await?;
        Ok::<(), drywire_smol::ConnectError>(())
    });
    drop(connecting);
}
