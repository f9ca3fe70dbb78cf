//! From rustls' errors to ours.

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

use super::{Alert, CertificateProblem, TlsCause};

/// What an error means. `is_first` says that no handshake has been completed, so that bytes which
/// are no record at all come from a peer that does not speak TLS.
pub(super) fn cause_of(error: &Error, is_first: bool) -> TlsCause {
    match error {
        Error::InvalidCertificate(error) => TlsCause::Certificate(problem_of(error)),
        Error::NoCertificatesPresented => TlsCause::Certificate(CertificateProblem::Missing),
        Error::UnsupportedNameType => TlsCause::Certificate(CertificateProblem::WrongName),
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) if is_first => TlsCause::NotTls,
        Error::InvalidMessage(InvalidMessage::HandshakePayloadTooLarge) => {
            TlsCause::HandshakeTooLong
        }
        Error::InvalidMessage(_) => TlsCause::InvalidMessage,
        Error::PeerIncompatible(_) => TlsCause::Incompatible,
        Error::PeerMisbehaved(rustls::PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme) => {
            TlsCause::Incompatible
        }
        Error::PeerMisbehaved(_)
        | Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. }
        | Error::PeerSentOversizedRecord => TlsCause::Misbehaved,
        Error::DecryptError => TlsCause::InvalidRecord,
        Error::NoApplicationProtocol => TlsCause::NoApplicationProtocol,
        _ => TlsCause::Internal,
    }
}

fn problem_of(error: &CertificateError) -> CertificateProblem {
    match error {
        CertificateError::BadEncoding => CertificateProblem::BadEncoding,
        CertificateError::BadSignature => CertificateProblem::BadSignature,
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            CertificateProblem::Expired
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            CertificateProblem::NotValidYet
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            CertificateProblem::NotForThisUse
        }
        CertificateError::Revoked => CertificateProblem::Revoked,
        CertificateError::UnknownIssuer => CertificateProblem::UnknownIssuer,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            CertificateProblem::WrongName
        }
        _ => CertificateProblem::Other,
    }
}

/// The alert in `queued`, which an error has made: read from it while it is in the clear, else
/// worked out from the error where that is certain.
pub(super) fn alert_of(queued: &[u8], error: &Error) -> Option<Alert> {
    /// type 21, version, length 2, level, description (RFC 8446, section 5.1 and 6)
    const ALERT_RECORD_LEN: usize = 7;
    let last = queued.len().checked_sub(ALERT_RECORD_LEN).and_then(|start| queued.get(start..));
    match last {
        Some(&[0x15, _, _, 0, 2, _, description]) => Some(Alert(description)),
        Some(_) => match error {
            Error::InvalidCertificate(error) => {
                Some(Alert(u8::from(AlertDescription::from(error.clone()))))
            }
            Error::DecryptError => Some(Alert(u8::from(AlertDescription::BadRecordMac))),
            Error::NoApplicationProtocol => {
                Some(Alert(u8::from(AlertDescription::NoApplicationProtocol)))
            }
            Error::NoCertificatesPresented => {
                Some(Alert(u8::from(AlertDescription::CertificateRequired)))
            }
            _ => None,
        },
        None => None,
    }
}
