use drywire::address::Address;
use drywire::connection::{Timer, Truncation};
use drywire::error::RemoteError;
use drywire::http1::Violation;
use drywire::protocol::http_get::{GetError, RangeProblem, RedirectProblem};
use drywire::tls::TlsError;
use drywire::{CloseReason, Error, SendError};
use drywire_std::{ConnectError, GetFailure};

use crate::args::ClientTlsArguments;
use crate::exit::{Exit, Stop};
use crate::failure::{self, Intent, exit_of, not_connected, without_alert};

/// Why there is no answer, or not the one that was asked for.
pub(super) fn stop_of(failure: GetFailure<Stop>, intent: Intent<'_>) -> Stop {
    let address = intent.address;
    match failure {
        GetFailure::Application(stop) => stop.about(address),
        GetFailure::Connect(error) => {
            let hint = connect_hint(&error).map(str::to_owned);
            not_connected(&error, intent).and(hint)
        }
        GetFailure::Get(error) => {
            let stop = Stop::new(exit(&error), format_args!("{address}: {}", sentence(&error)));
            stop.and(hint(&error, intent.address, intent.tls).map(str::to_owned))
        }
        GetFailure::Io(error) => {
            Stop::new(Exit::Local, format_args!("{address}: {}", crate::exit::cause(&error)))
        }
        _ => Stop::new(Exit::Local, format_args!("{address}: {failure:?}")),
    }
}

fn sentence(error: &GetError) -> String {
    match (violation(error), tls_error(error)) {
        (Some(violation), _) => format!("the answer is malformed: {violation}"),
        (None, Some(tls)) => without_alert(&error.to_string(), tls),
        (None, None) => error.to_string(),
    }
}

const fn exit(error: &GetError) -> Exit {
    match error {
        GetError::Incomplete { reason: Some(reason), .. }
        | GetError::NoResponse { reason: Some(reason) } => exit_of(reason),
        GetError::Field(_) | GetError::Method | GetError::NotHttp => Exit::Usage,
        GetError::Unsendable(SendError::Encode(_)) => Exit::Usage,
        GetError::Range(RangeProblem::Ignored | RangeProblem::Unsatisfiable { .. })
        | GetError::Status(_) => Exit::Failed,
        GetError::Redirect(RedirectProblem::Location(_)) => Exit::Protocol,
        GetError::Redirect(_) => Exit::Failed,
        GetError::UploadTooShort { .. } => Exit::Local,
        _ => Exit::Protocol,
    }
}

/// What went wrong in TLS, if it did there.
const fn tls_error(error: &GetError) -> Option<&TlsError> {
    match error {
        GetError::Incomplete { reason: Some(CloseReason::Failed(Error::Tls(error))), .. }
        | GetError::NoResponse { reason: Some(CloseReason::Failed(Error::Tls(error))) } => {
            Some(error)
        }
        _ => None,
    }
}

/// What is wrong with the head of an answer.
const fn violation(error: &GetError) -> Option<Violation> {
    match error {
        GetError::NoResponse {
            reason: Some(CloseReason::Failed(Error::Remote(RemoteError::Http(violation)))),
        } => Some(*violation),
        _ => None,
    }
}

/// Whether what came, or did not, is what a TLS server says to a request without TLS.
const fn may_be_tls(reason: Option<&CloseReason>) -> bool {
    /// Bytes of an alert with its record (RFC 8446, section 5.1).
    const ALERT_LEN: usize = 7;
    match reason {
        None => true,
        Some(CloseReason::Truncated(Truncation::Frame { len })) => *len <= ALERT_LEN,
        Some(CloseReason::Failed(Error::Remote(RemoteError::Http(violation)))) => {
            matches!(violation, Violation::StatusLine | Violation::Version)
        }
        Some(_) => false,
    }
}

/// Which flag is meant for what went wrong.
fn hint(error: &GetError, address: &Address, tls: &ClientTlsArguments) -> Option<&'static str> {
    if let Some(error) = tls_error(error) {
        return failure::hint(error, tls);
    }
    Some(match error {
        GetError::Redirect(RedirectProblem::Downgrade) => "--allow-downgrade follows it",
        GetError::Redirect(RedirectProblem::TooMany { .. }) => "--max-redirects allows more",
        GetError::Redirect(RedirectProblem::Unrepeatable) => "--data @FILE can be sent again",
        GetError::Range(RangeProblem::Ignored) => "without --range it is an answer",
        GetError::Range(RangeProblem::Unsatisfiable { .. }) | GetError::Status(_) => {
            "without --range and --continue everything is asked for"
        }
        GetError::Incomplete { reason: Some(CloseReason::TimedOut(timer)), .. }
        | GetError::NoResponse { reason: Some(CloseReason::TimedOut(timer)) }
            if !matches!(timer, Timer::Linger) =>
        {
            "--timeout allows more time"
        }
        GetError::NoResponse { reason } if !address.is_tls() && may_be_tls(reason.as_ref()) => {
            "if the server speaks TLS, its URL begins with https"
        }
        _ => return None,
    })
}

const fn connect_hint(error: &ConnectError) -> Option<&'static str> {
    match error {
        ConnectError::Connector(drywire::connector::ConnectError::TimedOut { .. })
        | ConnectError::Closed(CloseReason::TimedOut(_)) => {
            Some("--connect-timeout allows more time")
        }
        _ => None,
    }
}
