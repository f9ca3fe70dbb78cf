//! What went wrong in a TLS session, and on which side.

use core::fmt;

/// A TLS session that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsError {
    /// The peer ended the session with a fatal alert: it did not accept what we sent.
    AlertReceived(Alert),
    /// We ended the session.
    Refused {
        /// What we did not accept.
        cause: TlsCause,
        /// The alert that was queued for the peer. Not every cause has one, and of an encrypted
        /// one the description is not always known.
        alert: Option<Alert>,
    },
}

/// Why we ended a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsCause {
    /// The peer's certificate was not accepted.
    Certificate(CertificateProblem),
    /// An unfinished handshake message and its record headers take
    /// [`HANDSHAKE_LEN_MAX`](crate::limits::HANDSHAKE_LEN_MAX) bytes or more.
    HandshakeTooLong,
    /// The peer has no version, cipher suite, group or signature scheme in common with us.
    Incompatible,
    /// An error within the TLS implementation or its cryptography provider.
    Internal,
    /// A message that is not well formed.
    InvalidMessage,
    /// A record that does not decrypt, or a wrong signature or verification code.
    InvalidRecord,
    /// A message that is well formed and not allowed here.
    Misbehaved,
    /// The two sides have no application protocol in common (RFC 7301, section 3.2).
    NoApplicationProtocol,
    /// The peer does not speak TLS: its first bytes are not a TLS record.
    NotTls,
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateProblem {
    /// It or its chain is not well formed.
    BadEncoding,
    /// Its signature is wrong.
    BadSignature,
    /// It has expired.
    Expired,
    /// The peer was asked for one and sent none.
    Missing,
    /// It is not valid yet.
    NotValidYet,
    /// It is not meant for this use.
    NotForThisUse,
    /// It has been revoked.
    Revoked,
    /// It is not issued by an authority that is trusted.
    UnknownIssuer,
    /// It is for another name.
    WrongName,
    /// Anything else.
    Other,
}

/// A TLS alert description (RFC 8446, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert(pub u8);

impl Alert {
    /// The name in the standard, for those that it names.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "close_notify",
            10 => "unexpected_message",
            20 => "bad_record_mac",
            22 => "record_overflow",
            40 => "handshake_failure",
            42 => "bad_certificate",
            43 => "unsupported_certificate",
            44 => "certificate_revoked",
            45 => "certificate_expired",
            46 => "certificate_unknown",
            47 => "illegal_parameter",
            48 => "unknown_ca",
            49 => "access_denied",
            50 => "decode_error",
            51 => "decrypt_error",
            70 => "protocol_version",
            71 => "insufficient_security",
            80 => "internal_error",
            86 => "inappropriate_fallback",
            90 => "user_canceled",
            109 => "missing_extension",
            110 => "unsupported_extension",
            112 => "unrecognized_name",
            113 => "bad_certificate_status_response",
            115 => "unknown_psk_identity",
            116 => "certificate_required",
            120 => "no_application_protocol",
            _ => return None,
        })
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "alert {}", self.0),
        }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlertReceived(alert) => write!(f, "the peer sent the TLS alert {alert}"),
            Self::Refused { cause, alert: Some(alert) } => {
                write!(f, "{cause}; TLS alert {alert} sent")
            }
            Self::Refused { cause, alert: None } => cause.fmt(f),
        }
    }
}

impl fmt::Display for TlsCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(problem) => write!(f, "the peer's certificate {problem}"),
            Self::HandshakeTooLong => {
                f.write_str("an unfinished TLS handshake message is too long or too fragmented")
            }
            Self::Incompatible => {
                f.write_str("the peer has no TLS version or algorithm in common with us")
            }
            Self::Internal => f.write_str("the TLS implementation failed"),
            Self::InvalidMessage => f.write_str("the peer sent a malformed TLS message"),
            Self::InvalidRecord => f.write_str("a TLS record of the peer does not verify"),
            Self::Misbehaved => f.write_str("the peer broke the TLS protocol"),
            Self::NoApplicationProtocol => {
                f.write_str("the peer has no application protocol in common with us")
            }
            Self::NotTls => f.write_str("the peer does not speak TLS"),
        }
    }
}

impl fmt::Display for CertificateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadEncoding => "is malformed",
            Self::BadSignature => "has a wrong signature",
            Self::Expired => "has expired",
            Self::Missing => "is missing",
            Self::NotValidYet => "is not valid yet",
            Self::NotForThisUse => "is not meant for this use",
            Self::Revoked => "has been revoked",
            Self::UnknownIssuer => "is not issued by a trusted authority",
            Self::WrongName => "is for another name",
            Self::Other => "is not acceptable",
        })
    }
}

impl core::error::Error for TlsError {}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn causes_have_a_text() {
        for (cause, text) in [
            (
                TlsCause::Certificate(CertificateProblem::Expired),
                "the peer's certificate has expired",
            ),
            (
                TlsCause::HandshakeTooLong,
                "an unfinished TLS handshake message is too long or too fragmented",
            ),
            (TlsCause::Incompatible, "the peer has no TLS version or algorithm in common with us"),
            (TlsCause::Internal, "the TLS implementation failed"),
            (TlsCause::InvalidMessage, "the peer sent a malformed TLS message"),
            (TlsCause::InvalidRecord, "a TLS record of the peer does not verify"),
            (TlsCause::Misbehaved, "the peer broke the TLS protocol"),
            (
                TlsCause::NoApplicationProtocol,
                "the peer has no application protocol in common with us",
            ),
            (TlsCause::NotTls, "the peer does not speak TLS"),
        ] {
            assert_eq!(cause.to_string(), text);
            let (error, sent) = (
                TlsError::Refused { cause, alert: None },
                TlsError::Refused { cause, alert: Some(Alert(80)) },
            );
            assert_eq!(error.to_string(), text);
            let text = alloc::format!("{text}; TLS alert internal_error sent");
            assert_eq!(sent.to_string(), text);
        }
    }

    #[test]
    fn problems_of_certificates_have_a_text() {
        for (problem, text) in [
            (CertificateProblem::BadEncoding, "is malformed"),
            (CertificateProblem::BadSignature, "has a wrong signature"),
            (CertificateProblem::Expired, "has expired"),
            (CertificateProblem::Missing, "is missing"),
            (CertificateProblem::NotValidYet, "is not valid yet"),
            (CertificateProblem::NotForThisUse, "is not meant for this use"),
            (CertificateProblem::Revoked, "has been revoked"),
            (CertificateProblem::UnknownIssuer, "is not issued by a trusted authority"),
            (CertificateProblem::WrongName, "is for another name"),
            (CertificateProblem::Other, "is not acceptable"),
        ] {
            let text = alloc::format!("the peer's certificate {text}");
            assert_eq!(TlsCause::Certificate(problem).to_string(), text);
        }
    }

    #[test]
    fn alerts_have_the_names_of_the_standard() {
        // RFC 8446, section 6 and appendix B.2, without those that it reserves.
        let named = [
            (0, "close_notify"),
            (10, "unexpected_message"),
            (20, "bad_record_mac"),
            (22, "record_overflow"),
            (40, "handshake_failure"),
            (42, "bad_certificate"),
            (43, "unsupported_certificate"),
            (44, "certificate_revoked"),
            (45, "certificate_expired"),
            (46, "certificate_unknown"),
            (47, "illegal_parameter"),
            (48, "unknown_ca"),
            (49, "access_denied"),
            (50, "decode_error"),
            (51, "decrypt_error"),
            (70, "protocol_version"),
            (71, "insufficient_security"),
            (80, "internal_error"),
            (86, "inappropriate_fallback"),
            (90, "user_canceled"),
            (109, "missing_extension"),
            (110, "unsupported_extension"),
            (112, "unrecognized_name"),
            (113, "bad_certificate_status_response"),
            (115, "unknown_psk_identity"),
            (116, "certificate_required"),
            (120, "no_application_protocol"),
        ];
        for description in 0..=u8::MAX {
            let name = named.iter().find(|(number, _)| *number == description);
            let alert = Alert(description);
            assert_eq!(alert.name(), name.map(|(_, name)| *name));
            let text = name
                .map_or_else(|| alloc::format!("alert {description}"), |(_, name)| (*name).into());
            assert_eq!(alert.to_string(), text);
            let text = alloc::format!("the peer sent the TLS alert {text}");
            assert_eq!(TlsError::AlertReceived(alert).to_string(), text);
        }
    }
}
