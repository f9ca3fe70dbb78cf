//! The clients of both runtimes, made alike.

use drywire::Limits;
use drywire::address::{Address, Endpoint};
use drywire::connector::ConnectorLimits;
use drywire::proxy::Introduction;
use drywire::tls::ClientTls;
use drywire_std::Recording;
use drywire_std::rustls::pki_types::ServerName;

use crate::args::ClientTlsArguments;
use crate::exit::Stop;

/// What a client is made of.
pub(crate) struct ClientParts {
    pub(crate) limits: Limits,
    pub(crate) connector: ConnectorLimits,
    pub(crate) tls: Option<ClientTls>,
    pub(crate) server_name: Option<ServerName<'static>>,
    /// The PROXY header to begin with.
    pub(crate) introduction: Option<Introduction>,
    /// What its connections are recorded in.
    pub(crate) recording: Option<Recording>,
}

/// The clients of both runtimes have the same methods.
macro_rules! client {
    ($client:ty, $parts:expr) => {{
        let mut client = <$client>::new().limits($parts.limits).connector($parts.connector);
        if let Some(tls) = $parts.tls {
            client = client.tls(tls);
        }
        if let Some(name) = $parts.server_name {
            client = client.server_name(name);
        }
        if let Some(introduction) = $parts.introduction {
            client = client.proxy_header(introduction);
        }
        if let Some(recording) = $parts.recording {
            client = client.record(recording);
        }
        client
    }};
}

impl ClientParts {
    pub(crate) fn std(self) -> drywire_std::Client {
        client!(drywire_std::Client, self)
    }

    pub(crate) fn smol(self) -> drywire_smol::Client {
        client!(drywire_smol::Client, self)
    }
}

/// The name to verify at `address`, if it is not that of its host.
pub(crate) fn server_name(
    address: &Address,
    trust: &ClientTlsArguments,
) -> Result<Option<ServerName<'static>>, Stop> {
    // A Unix socket has no name of its own, and without verification any will do.
    let is_unnamed = trust.insecure && matches!(address.endpoint(), Endpoint::Unix(_));
    let name = trust.server_name.as_deref().or_else(|| is_unnamed.then_some("localhost"));
    name.map(parse_server_name).transpose()
}

pub(crate) fn parse_server_name(name: &str) -> Result<ServerName<'static>, Stop> {
    ServerName::try_from(name.to_owned()).map_err(|_| {
        Stop::usage(format_args!("--server-name {name}: expected a host name or an IP address"))
    })
}
