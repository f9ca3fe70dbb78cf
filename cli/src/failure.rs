//! Why there is no connection, or no longer: the sentence, and which flag is meant for it.

use drywire::address::Address;
use drywire::connection::Truncation;
use drywire::tls::{Alert, CertificateProblem, TlsCause, TlsError};
use drywire::{CloseReason, Error, Fault, connector};
use drywire_std::ConnectError;

use crate::args::ClientTlsArguments;
use crate::certificate::Witness;
use crate::descriptors;
use crate::exit::{Exit, Stop, cause};

/// Whom a client meant to speak to, and how sure it wanted to be.
#[derive(Clone, Copy)]
pub(crate) struct Intent<'a> {
    pub(crate) address: &'a Address,
    pub(crate) tls: &'a ClientTlsArguments,
    /// What saw the server's certificate.
    pub(crate) witness: &'a Witness,
}

/// Why there is no connection.
pub(crate) fn not_connected(error: &ConnectError, intent: Intent<'_>) -> Stop {
    let address = intent.address;
    match error {
        ConnectError::Closed(reason) => {
            let stop = closed(reason, intent);
            // Whatever cut a handshake short, it is TLS that did not come about.
            if stop.exit == Exit::Protocol { stop.with_exit(Exit::Tls) } else { stop }
        }
        ConnectError::Connector(connector::ConnectError::NoAddress) => {
            Stop::new(Exit::Resolve, format_args!("there is no address for {address}"))
        }
        ConnectError::Connector(connector::ConnectError::Failed { tried }) => {
            let causes: Vec<_> = match &tried[..] {
                [(_, fault)] => vec![fault.to_string()],
                tried => tried.iter().map(|(at, fault)| format!("{at}: {fault}")).collect(),
            };
            let causes = causes.join(", ");
            let is_short = tried.iter().any(|(_, fault)| *fault == Fault::OutOfResources);
            Stop::new(Exit::Connect, format_args!("cannot connect to {address}: {causes}"))
                .and(is_short.then(descriptors::hint).flatten())
        }
        ConnectError::Connector(error @ connector::ConnectError::TimedOut { .. }) => {
            Stop::new(Exit::Timeout, format_args!("cannot connect to {address}: {error}"))
        }
        ConnectError::Resolve(error) => {
            Stop::new(Exit::Resolve, format_args!("cannot resolve {address}: {}", cause(error)))
        }
        ConnectError::Io(error) | ConnectError::Unix(error) => {
            let is_short = drywire_std::fault(error) == Fault::OutOfResources;
            Stop::new(Exit::Connect, format_args!("cannot connect to {address}: {}", cause(error)))
                .and(is_short.then(descriptors::hint).flatten())
        }
        ConnectError::ServerNameMissing => Stop::usage(format_args!(
            "{address} does not say whom its certificate must be for; --server-name does"
        )),
        ConnectError::Tls(error) => Stop::usage(error),
        _ => Stop::new(Exit::Connect, format_args!("cannot connect to {address}: {error}")),
    }
}

/// Why the conversation did not end as it should.
pub(crate) fn closed(reason: &CloseReason, intent: Intent<'_>) -> Stop {
    let mut sentence = format!("{}: {reason}", intent.address);
    let mut alert = None;
    if let CloseReason::Failed(Error::Tls(error)) = reason {
        sentence = without_alert(&sentence, error);
        if let TlsError::Refused { alert: sent, .. } = error {
            alert = *sent;
        }
        let parts = [fact(error, intent.witness), hint(error, intent.tls).map(str::to_owned)];
        for part in parts.into_iter().flatten() {
            sentence.push_str("; ");
            sentence.push_str(&part);
        }
    }
    Stop::new(exit_of(reason), sentence).with_alert(alert)
}

/// The same text without the alert that was sent: it says what the sentence does, to the peer.
pub(crate) fn without_alert(text: &str, error: &TlsError) -> String {
    match error {
        TlsError::Refused { alert: Some(alert), .. } => {
            text.replace(&format!("; TLS alert {alert} sent"), "")
        }
        _ => text.to_owned(),
    }
}

/// The exit code of a connection that ended for `reason`, which is not how it should.
pub(crate) const fn exit_of(reason: &CloseReason) -> Exit {
    match reason {
        CloseReason::Failed(Error::Tls(_))
        | CloseReason::Truncated(Truncation::Handshake | Truncation::Session) => Exit::Tls,
        CloseReason::TimedOut(_) => Exit::Timeout,
        _ => Exit::Protocol,
    }
}

/// What the certificate that was not accepted says of itself.
fn fact(error: &TlsError, witness: &Witness) -> Option<String> {
    let TlsError::Refused { cause: TlsCause::Certificate(problem), .. } = error else {
        return None;
    };
    let certificate = witness.certificate()?;
    match problem {
        CertificateProblem::Expired => {
            Some(format!("it was valid until {}", certificate.not_after))
        }
        CertificateProblem::NotValidYet => {
            Some(format!("it is valid from {}", certificate.not_before))
        }
        CertificateProblem::WrongName if certificate.names.is_empty() => {
            Some("it has no names".to_owned())
        }
        CertificateProblem::WrongName => Some(format!("it is for {}", certificate.names_text())),
        CertificateProblem::UnknownIssuer | CertificateProblem::Other
            if certificate.is_self_signed =>
        {
            Some("it is self-signed".to_owned())
        }
        CertificateProblem::UnknownIssuer => Some(format!("its issuer is {}", certificate.issuer)),
        _ => None,
    }
}

/// Which flag is meant for what went wrong.
pub(crate) fn hint(error: &TlsError, arguments: &ClientTlsArguments) -> Option<&'static str> {
    let insecure = "--insecure goes on without verification";
    Some(match error {
        TlsError::Refused { cause: TlsCause::Certificate(problem), .. } => match problem {
            CertificateProblem::UnknownIssuer if arguments.ca.is_some() => {
                "--ca names the authorities to trust"
            }
            CertificateProblem::UnknownIssuer => {
                "--ca FILE trusts an authority, --insecure goes on without verification"
            }
            CertificateProblem::WrongName => "--server-name sets the name to verify",
            _ => insecure,
        },
        TlsError::Refused { cause: TlsCause::NotTls, .. } => {
            "addresses that begin with tcp://, unix:, http:// or http+unix: do without TLS"
        }
        TlsError::Refused { cause: TlsCause::NoApplicationProtocol, .. } => {
            "--alpn names application protocols"
        }
        TlsError::AlertReceived(alert) => return alert_hint(*alert),
        _ => return None,
    })
}

/// Alerts that a flag of ours may answer.
fn alert_hint(alert: Alert) -> Option<&'static str> {
    Some(match alert.name()? {
        "certificate_required" => "the server wants a certificate of ours: --cert and --key",
        "bad_certificate"
        | "unknown_ca"
        | "certificate_unknown"
        | "certificate_expired"
        | "access_denied" => "the server does not accept our certificate (--cert, --key)",
        "no_application_protocol" => "--alpn names application protocols",
        "unrecognized_name" => "--server-name sets the name to ask for",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_out_of_descriptors_is_told_the_limit() {
        let address = "tcp://127.0.0.1:7".parse().unwrap();
        let witness = Witness::default();
        let arguments = <crate::args::Arguments as clap::Parser>::parse_from([
            "drywire",
            "bench",
            "tcp://127.0.0.1:7",
        ]);
        let crate::args::Command::Bench(bench) = arguments.command else { unreachable!() };
        let intent = Intent { address: &address, tls: &bench.tls, witness: &witness };
        let tried = |fault| {
            let tried = vec![("127.0.0.1:7".parse().unwrap(), fault)];
            ConnectError::Connector(connector::ConnectError::Failed { tried })
        };
        let full = std::io::Error::from_raw_os_error(24);
        let limit = drywire_std::raise_descriptor_limit();
        for (error, cause) in [
            (tried(Fault::OutOfResources), "out of descriptors or memory"),
            (ConnectError::Io(full), "too many open files"),
        ] {
            let stop = not_connected(&error, intent);
            let limit = limit.map_or_else(String::new, |limit| {
                format!(
                    "; this process may have {limit} descriptors open (`ulimit -Hn N` raises that, \
                     as root)"
                )
            });
            let sentence = format!("cannot connect to tcp://127.0.0.1:7: {cause}{limit}");
            assert_eq!((stop.exit, stop.sentence()), (Exit::Connect, Some(&*sentence)));
        }
        let stop = not_connected(&tried(Fault::Refused), intent);
        let sentence = "cannot connect to tcp://127.0.0.1:7: connection refused";
        assert_eq!(stop.sentence(), Some(sentence));
    }
}
