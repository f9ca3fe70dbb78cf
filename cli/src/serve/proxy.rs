//! From whom PROXY headers are taken.

use drywire::address::{Address, Endpoint};
use drywire::proxy::{Networks, Others, ProxyLimits, ProxyPolicy};

use crate::args::{ProxyArguments, ProxyMode};
use crate::exit::Stop;

/// The policy of all listeners on `addresses`, if there is to be one. Refuses one that trusts
/// nobody: then everybody could say to be anybody, or nobody would be served.
pub(super) fn policy(
    arguments: &ProxyArguments,
    addresses: &[Address],
) -> Result<Option<ProxyPolicy>, Stop> {
    let Some(mode) = arguments.proxy_protocol else {
        return match (&arguments.trust[..], arguments.proxy_timeout) {
            ([], None) => Ok(None),
            ([], Some(_)) => Err(Stop::usage("--proxy-timeout is for --proxy-protocol")),
            _ => Err(Stop::usage("--trust is for --proxy-protocol")),
        };
    };
    if arguments.trust.is_empty() {
        return Err(Stop::usage(
            "--proxy-protocol needs --trust NET: whoever may send a PROXY header can say to be \
             anybody",
        ));
    }
    let mut trusted = Networks::new();
    for networks in &arguments.trust {
        trusted.add(networks).map_err(|error| Stop::usage(error.problem))?;
    }
    let others = match mode {
        ProxyMode::Required => Others::Refused,
        ProxyMode::Mixed => Others::Served,
    };
    let is_unix = |address: &&Address| matches!(address.endpoint(), Endpoint::Unix(_));
    match addresses.iter().find(is_unix) {
        Some(address) if mode == ProxyMode::Required && !trusted.includes(None) => {
            return Err(Stop::usage(format_args!(
                "{address}: nobody would be served, for --trust does not name unix"
            )));
        }
        Some(_) | None => {}
    }
    let mut limits = ProxyLimits::new();
    if let Some(timeout) = arguments.proxy_timeout {
        limits.header_timeout = timeout.0;
    }
    Ok(Some(ProxyPolicy::new(trusted).with_others(others).with_limits(limits)))
}
