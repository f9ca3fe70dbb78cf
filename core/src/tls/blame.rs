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

#[cfg(test)]
mod tests {
    use alloc::vec;

    use rustls::pki_types::{ServerName, UnixTime};
    use rustls::{
        ContentType, ExtendedKeyPurpose, HandshakeType, PeerIncompatible, PeerMisbehaved,
    };

    use super::*;

    #[test]
    fn every_problem_of_a_certificate_is_told_with_and_without_its_context() {
        let time = UnixTime::since_unix_epoch(core::time::Duration::ZERO);
        let name = ServerName::try_from("a.example").unwrap();
        for (error, problem) in [
            (CertificateError::BadEncoding, CertificateProblem::BadEncoding),
            (CertificateError::BadSignature, CertificateProblem::BadSignature),
            (CertificateError::Expired, CertificateProblem::Expired),
            (
                CertificateError::ExpiredContext { time, not_after: time },
                CertificateProblem::Expired,
            ),
            (CertificateError::NotValidYet, CertificateProblem::NotValidYet),
            (
                CertificateError::NotValidYetContext { time, not_before: time },
                CertificateProblem::NotValidYet,
            ),
            (CertificateError::InvalidPurpose, CertificateProblem::NotForThisUse),
            (
                CertificateError::InvalidPurposeContext {
                    required: ExtendedKeyPurpose::ServerAuth,
                    presented: vec![ExtendedKeyPurpose::ClientAuth],
                },
                CertificateProblem::NotForThisUse,
            ),
            (CertificateError::Revoked, CertificateProblem::Revoked),
            (CertificateError::UnknownIssuer, CertificateProblem::UnknownIssuer),
            (CertificateError::NotValidForName, CertificateProblem::WrongName),
            (
                CertificateError::NotValidForNameContext {
                    expected: name,
                    presented: vec!["b.example".into()],
                },
                CertificateProblem::WrongName,
            ),
            (CertificateError::UnhandledCriticalExtension, CertificateProblem::Other),
            (CertificateError::ApplicationVerificationFailure, CertificateProblem::Other),
        ] {
            let cause = TlsCause::Certificate(problem);
            assert_eq!(cause_of(&Error::InvalidCertificate(error), true), cause);
        }
    }

    #[test]
    fn every_error_has_its_cause() {
        let unadvertised = PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme;
        for (error, first, later) in [
            // What is no record is of somebody who does not speak TLS, if nothing was before.
            (
                Error::InvalidMessage(InvalidMessage::InvalidContentType),
                TlsCause::NotTls,
                TlsCause::InvalidMessage,
            ),
            (
                Error::InvalidMessage(InvalidMessage::UnknownProtocolVersion),
                TlsCause::NotTls,
                TlsCause::InvalidMessage,
            ),
        ] {
            assert_eq!((cause_of(&error, true), cause_of(&error, false)), (first, later));
        }
        for (error, cause) in [
            (Error::NoCertificatesPresented, TlsCause::Certificate(CertificateProblem::Missing)),
            (Error::UnsupportedNameType, TlsCause::Certificate(CertificateProblem::WrongName)),
            (
                Error::InvalidMessage(InvalidMessage::HandshakePayloadTooLarge),
                TlsCause::HandshakeTooLong,
            ),
            (Error::InvalidMessage(InvalidMessage::MessageTooShort), TlsCause::InvalidMessage),
            (
                Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
                TlsCause::Incompatible,
            ),
            (Error::PeerMisbehaved(unadvertised), TlsCause::Incompatible),
            (Error::PeerMisbehaved(PeerMisbehaved::TooMuchEarlyDataReceived), TlsCause::Misbehaved),
            (
                Error::InappropriateMessage {
                    expect_types: vec![ContentType::Handshake],
                    got_type: ContentType::ApplicationData,
                },
                TlsCause::Misbehaved,
            ),
            (
                Error::InappropriateHandshakeMessage {
                    expect_types: vec![HandshakeType::Finished],
                    got_type: HandshakeType::ClientHello,
                },
                TlsCause::Misbehaved,
            ),
            (Error::PeerSentOversizedRecord, TlsCause::Misbehaved),
            (Error::DecryptError, TlsCause::InvalidRecord),
            (Error::NoApplicationProtocol, TlsCause::NoApplicationProtocol),
            (Error::EncryptError, TlsCause::Internal),
            (Error::FailedToGetRandomBytes, TlsCause::Internal),
        ] {
            for is_first in [true, false] {
                assert_eq!(cause_of(&error, is_first), cause, "{error:?}");
            }
        }
    }

    #[test]
    fn an_alert_is_read_in_the_clear_and_else_told_where_it_is_certain() {
        let error = Error::DecryptError;
        // Behind something else, warning or fatal.
        assert_eq!(alert_of(&[1, 0x15, 3, 3, 0, 2, 2, 40], &error), Some(Alert(40)));
        assert_eq!(alert_of(&[0x15, 3, 3, 0, 2, 1, 90], &error), Some(Alert(90)));
        // Nothing was queued, or too little for a record.
        assert_eq!(alert_of(&[], &error), None);
        assert_eq!(alert_of(&[0x15, 3, 3, 0, 2, 2], &error), None);
        let sealed = [0x17, 3, 3, 0, 19, 1, 2, 3];
        for (error, alert) in [
            (Error::InvalidCertificate(CertificateError::Expired), Some(45)),
            (Error::InvalidCertificate(CertificateError::UnknownIssuer), Some(48)),
            (Error::DecryptError, Some(20)),
            (Error::NoApplicationProtocol, Some(120)),
            (Error::NoCertificatesPresented, Some(116)),
            (Error::PeerSentOversizedRecord, None),
        ] {
            assert_eq!(alert_of(&sealed, &error), alert.map(Alert), "{error:?}");
        }
    }
}
