//! `--admin`: a small server beside the one that is served, which tells of it.

use std::io;
use std::thread;
use std::time::Duration;

use drywire::address::{Address, Target};
use drywire::admission::AdmissionLimits;
use drywire::protocol::Admin;
use drywire::statistics::Observed;
use drywire::{Limits, Peer};
use drywire_std::{Listener, Server};

use super::start::not_bound;
use crate::exit::Stop;

/// Those who ask at once. More wait.
const CONNECTIONS_MAX: usize = 16;

/// How long one of them may be silent: whoever waits for it cannot ask whether we are ready.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// Binds to `address`, which must be one that only this host reaches.
pub(super) fn bind(address: &Address) -> Result<Listener, Stop> {
    if matches!(address, Address::Datagram { .. }) || address.is_tls() {
        return Err(Stop::usage(format_args!(
            "--admin {address}: only HTTP without TLS is spoken there"
        )));
    }
    if !address.endpoint().is_local() {
        return Err(Stop::usage(format_args!(
            "--admin {address}: it asks nobody who they are, so that only loopback addresses and \
             Unix sockets are allowed"
        )));
    }
    Listener::bind(&http(address)?).map_err(|error| not_bound(&error, false))
}

/// What is spoken there, whatever the address says of it.
fn http(address: &Address) -> Result<Address, Stop> {
    if let Address::Http { target, .. } = address {
        if *target != Target::default() {
            return Err(Stop::usage(format_args!("--admin {address}: no target can be named")));
        }
    }
    let (endpoint, target) = (address.endpoint().clone(), Target::default());
    Ok(Address::Http { endpoint, tls: false, target })
}

/// Tells of `observed` until the process ends.
pub(super) fn serve(
    listener: Listener,
    observed: impl Observed + Clone + Send + Sync + 'static,
) -> io::Result<()> {
    let mut limits = Limits::new();
    limits.handshake_timeout = SILENCE_MAX;
    limits.frame_timeout = SILENCE_MAX;
    limits.stall_timeout = SILENCE_MAX;
    limits.idle_timeout = SILENCE_MAX;
    let mut admission = AdmissionLimits::new();
    admission.connections_max = CONNECTIONS_MAX;
    let server = Server::new(move |peer: &Peer| Admin::new(observed.clone(), peer))
        .limits(limits)
        .admission(admission)
        .background()
        .listen(listener);
    thread::Builder::new().name("admin".to_owned()).spawn(|| server.run()).map(drop)
}
