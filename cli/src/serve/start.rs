use std::path::Path;

use drywire::address::{Address, Target};
use drywire::tls::ServerTls;
use drywire::tls::pem::Identity;
use drywire_std::processes::Worker;
use drywire_std::{BindError, Listener};

use super::activation::{self, Activated};
use super::invitation::Trust;
use crate::args::{Model, Runtime, ServeArguments};
use crate::development_certificate::DevelopmentCertificate;
use crate::exit::{Exit, Stop, cause};
use crate::tls_files::{ServerFiles, ServerOptions};

/// Where to listen when nothing is said.
const DEFAULT_ADDRESSES: [&str; 2] = ["tcp://127.0.0.1:7007", "tls://127.0.0.1:7008"];

/// Where the server's certificate comes from.
pub(super) enum Certificate {
    Files(ServerFiles),
    Development {
        certificate: DevelopmentCertificate,
        options: ServerOptions,
    },
    /// A development certificate and its key, in one text: the supervisor has made it.
    HandedOver {
        pem: Vec<u8>,
        options: ServerOptions,
    },
}

impl Certificate {
    pub(super) fn configuration(&self) -> Result<ServerTls, Stop> {
        let config = match self {
            Self::Files(files) => files.load()?,
            Self::Development { certificate, options } => {
                options.config(certificate.identity(), None)?
            }
            Self::HandedOver { pem, options } => {
                options.config(Identity { certificates: pem, key: pem }, None)?
            }
        };
        ServerTls::new(config).map_err(Stop::usage)
    }

    /// How clients verify it, when it was written to `dev_cert`.
    pub(super) fn trust<'a>(certificate: Option<&Self>, dev_cert: Option<&'a Path>) -> Trust<'a> {
        match (certificate, dev_cert) {
            (Some(Self::Development { .. }), Some(file)) => Trust::File(file),
            (Some(Self::Development { .. }), None) => Trust::Nothing,
            (Some(Self::Files(_) | Self::HandedOver { .. }) | None, _) => Trust::Theirs,
        }
    }
}

/// Where to listen: in the places of the command line, or of the sockets that are `activated`.
/// Refuses options that would mean nothing there.
pub(super) fn addresses(
    arguments: &ServeArguments,
    activated: &[Activated],
) -> Result<Vec<Address>, Stop> {
    let mut addresses = arguments.listen.clone();
    if !activated.is_empty() {
        addresses = activation::addresses(activated, &addresses)?;
    }
    if addresses.is_empty() {
        for address in DEFAULT_ADDRESSES {
            addresses.push(address.parse().map_err(Stop::usage)?);
        }
    }
    for address in &addresses {
        if let Address::Http { target, .. } = address {
            if *target != Target::default() {
                return Err(Stop::usage(format_args!(
                    "{address}: every target is served, and none can be named"
                )));
            }
        }
        let is_datagram = matches!(address, Address::Datagram { .. });
        if is_datagram && arguments.proxy.proxy_protocol.is_some() {
            return Err(Stop::usage(format_args!("{address}: PROXY headers are for byte streams")));
        }
    }
    refuse_idle_options(arguments, &addresses)?;
    Ok(addresses)
}

/// Refuses options that mean nothing for `addresses`, or for the model.
fn refuse_idle_options(arguments: &ServeArguments, addresses: &[Address]) -> Result<(), Stop> {
    let is_http = |address: &Address| matches!(address, Address::Http { .. });
    if arguments.format.is_some() && !addresses.iter().any(is_http) {
        return Err(Stop::usage("--format is for HTTP, and no address begins with http or https"));
    }
    let is_datagram = |address: &Address| matches!(address, Address::Datagram { .. });
    if arguments.limits.source_rate.is_some() && !addresses.iter().any(is_datagram) {
        return Err(Stop::usage(
            "--source-rate is for datagrams, and no address begins with udp or unixgram",
        ));
    }
    let frame_option =
        arguments.framing.first_option().or_else(|| arguments.protocol.map(|_| "--protocol"));
    if let Some(option) = frame_option.filter(|_| addresses.iter().all(is_http)) {
        return Err(Stop::usage(format_args!(
            "{option} is not for HTTP, and all addresses begin with http or https"
        )));
    }
    let model = arguments.model();
    if arguments.record.record.is_some() && model == Model::Processes {
        return Err(Stop::usage("--record is not for --model processes: each would need its file"));
    }
    if arguments.record.record.is_some() && addresses.iter().all(is_datagram) {
        return Err(Stop::usage(
            "--record is for byte streams, and all addresses begin with udp or unixgram",
        ));
    }
    if arguments.workers.is_some() && model != Model::Processes {
        return Err(Stop::usage("--workers is for --model processes"));
    }
    if model == Model::Evented && arguments.runtime == Runtime::Smol {
        return Err(Stop::usage("--model evented is for --runtime std; --runtime smol has tasks"));
    }
    if arguments.threads.is_some() && model == Model::Threads && arguments.runtime == Runtime::Std {
        return Err(Stop::usage(
            "--threads is for --model evented and --runtime smol; --model threads has one for each \
             connection",
        ));
    }
    let tls_option = arguments
        .session
        .first_option()
        .or_else(|| arguments.dev_cert.as_ref().map(|_| "--dev-cert"))
        .or_else(|| arguments.client_ca.as_ref().map(|_| "--client-ca"))
        .or_else(|| arguments.record.tls_option());
    match tls_option {
        Some(option) if !addresses.iter().any(Address::is_tls) => Err(Stop::usage(format_args!(
            "{option} is for TLS, and no address begins with tls or https"
        ))),
        _ => Ok(()),
    }
}

/// The certificate, if one is needed: from the files that are named, or from the supervisor of this
/// worker, or else made now.
pub(super) fn certificate(
    arguments: &ServeArguments,
    addresses: &[Address],
    worker: Option<&Worker>,
) -> Result<Option<Certificate>, Stop> {
    if !addresses.iter().any(Address::is_tls) {
        return Ok(None);
    }
    let options = ServerOptions {
        client_ca: arguments.client_ca.clone(),
        alpn: arguments.session.alpn.clone(),
        key_log: arguments.session.key_log,
    };
    let options = match ServerFiles::new(&arguments.session, options) {
        Ok(files) => return Ok(Some(Certificate::Files(files))),
        Err(options) => options,
    };
    if let Some(worker) = worker {
        return Ok(Some(Certificate::HandedOver { pem: worker.payload().to_vec(), options }));
    }
    let certificate = DevelopmentCertificate::new(addresses)?;
    if let Some(file) = &arguments.dev_cert {
        certificate.write(file)?;
    }
    Ok(Some(Certificate::Development { certificate, options }))
}

/// Binds all addresses of streams, or none.
pub(super) fn listen(
    arguments: &ServeArguments,
    addresses: &[Address],
    tls: Option<&ServerTls>,
) -> Result<Vec<Listener>, Stop> {
    let is_default = arguments.listen.is_empty();
    let bind = |address: &Address| {
        let listener = Listener::bind(address).map_err(|error| not_bound(&error, is_default))?;
        Ok(secured(listener, tls))
    };
    let is_datagram = |address: &&Address| matches!(address, Address::Datagram { .. });
    addresses.iter().filter(|address| !is_datagram(address)).map(bind).collect()
}

/// With TLS, if the address says so. For HTTP the protocol's name is offered, unless the command
/// line has names.
pub(super) fn secured(listener: Listener, tls: Option<&ServerTls>) -> Listener {
    match tls {
        Some(tls) if listener.address().is_tls() => {
            let offers = !tls.current().alpn_protocols.is_empty();
            let is_http = matches!(listener.address(), Address::Http { .. });
            listener.with_tls(if is_http && !offers {
                tls.clone().with_alpn(&[b"http/1.1"])
            } else {
                tls.clone()
            })
        }
        Some(_) | None => listener,
    }
}

pub(super) fn not_bound(error: &BindError, is_default: bool) -> Stop {
    let (exit, sentence) = match error {
        BindError::Resolve { address, source } => {
            (Exit::Resolve, format!("cannot resolve {address}: {}", cause(source)))
        }
        BindError::System { address, source } => {
            (Exit::Connect, format!("cannot listen on {address}: {}", cause(source)))
        }
        _ => (Exit::Connect, error.to_string()),
    };
    if is_default {
        Stop::new(exit, format_args!("{sentence}; --listen chooses another address"))
    } else {
        Stop::new(exit, sentence)
    }
}
