//! What a server's certificate says of itself, for sentences about it.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use drywire_std::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use drywire_std::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use drywire_std::rustls::{DigitallySignedStruct, Error, SignatureScheme};
use x509_parser::prelude::{ASN1Time, FromDer, GeneralName, X509Certificate};

use crate::text::Escaped;

/// Names of a certificate that are listed; some have hundreds.
const NAMES_SHOWN_MAX: usize = 5;

/// A certificate, as far as people want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Certificate {
    pub(crate) subject: String,
    pub(crate) issuer: String,
    /// Of hosts, and IP addresses.
    pub(crate) names: Vec<String>,
    pub(crate) not_before: Time,
    pub(crate) not_after: Time,
    /// Its issuer has its own name, and no other is known.
    pub(crate) is_self_signed: bool,
}

impl Certificate {
    /// `None` if it is not well formed.
    pub(crate) fn parse(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let names = certificate.subject_alternative_name().ok().flatten();
        let names = names.map(|names| &names.value.general_names[..]).unwrap_or_default();
        let validity = certificate.validity();
        let subject = certificate.subject();
        Some(Self {
            subject: escaped(&subject.to_string()),
            issuer: escaped(&certificate.issuer().to_string()),
            names: names.iter().filter_map(name).collect(),
            not_before: Time(validity.not_before),
            not_after: Time(validity.not_after),
            is_self_signed: subject.as_raw() == certificate.issuer().as_raw(),
        })
    }

    /// The names, the first few of them if there are many.
    pub(crate) fn names_text(&self) -> String {
        let shown = self.names.iter().take(NAMES_SHOWN_MAX).map(String::as_str);
        let mut text = shown.collect::<Vec<_>>().join(", ");
        if let Some(rest) = self.names.len().checked_sub(NAMES_SHOWN_MAX).filter(|rest| *rest > 0) {
            text.push_str(&format!(" and {rest} more"));
        }
        text
    }
}

fn escaped(text: &str) -> String {
    Escaped(text.as_bytes()).to_string()
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(escaped(name)),
        GeneralName::IPAddress(bytes) => match **bytes {
            [a, b, c, d] => Some(Ipv4Addr::new(a, b, c, d).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|octets| Ipv6Addr::from(octets).to_string()),
        },
        _ => None,
    }
}

/// A time to the second, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time(ASN1Time);

impl Time {
    /// So many seconds after the beginning of 1970, if that is a time that can be written.
    pub(crate) fn at(seconds: i64) -> Option<Self> {
        ASN1Time::from_timestamp(seconds).ok().map(Self)
    }

    /// Seconds since 1970.
    pub(crate) fn seconds(self) -> i64 {
        self.0.timestamp()
    }
}

/// As in RFC 3339.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.0.to_datetime();
        let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// Keeps the last certificate that was not accepted: of a handshake that fails, nothing else does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Witness(Arc<Mutex<Option<Vec<u8>>>>);

impl Witness {
    /// The certificate.
    pub(crate) fn certificate(&self) -> Option<Certificate> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.as_deref().and_then(Certificate::parse)
    }

    /// Has it look on while `verifier` verifies.
    pub(crate) fn attend(
        &self,
        verifier: Arc<dyn ServerCertVerifier>,
    ) -> Arc<dyn ServerCertVerifier> {
        Arc::new(Attended { verifier, witness: self.clone() })
    }
}

/// A verifier that somebody looks on.
#[derive(Debug)]
struct Attended {
    verifier: Arc<dyn ServerCertVerifier>,
    witness: Witness,
}

/// Decides as the verifier does.
impl ServerCertVerifier for Attended {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.verifier.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        if verified.is_err() {
            let mut seen = self.witness.0.lock().unwrap_or_else(PoisonError::into_inner);
            *seen = Some(end_entity.to_vec());
        }
        verified
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        self.verifier.requires_raw_public_keys()
    }

    fn root_hint_subjects(&self) -> Option<&[drywire_std::rustls::DistinguishedName]> {
        self.verifier.root_hint_subjects()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_tells_of_itself() {
        let names = ["example.org", "192.0.2.1", "2001:db8::1"].map(str::to_owned);
        let mut params = rcgen::CertificateParams::new(names.clone()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, "a\u{1b}b");
        params.not_before = rcgen::date_time_ymd(2001, 2, 3);
        params.not_after = rcgen::date_time_ymd(2060, 12, 31);
        let key = rcgen::KeyPair::generate().unwrap();
        let der = params.self_signed(&key).unwrap();
        let mut certificate = Certificate::parse(der.der()).unwrap();
        assert_eq!(certificate.names, names);
        assert_eq!(certificate.names_text(), "example.org, 192.0.2.1, 2001:db8::1");
        assert_eq!(certificate.not_before.to_string(), "2001-02-03T00:00:00Z");
        assert_eq!(certificate.not_after.to_string(), "2060-12-31T00:00:00Z");
        assert_eq!(certificate.not_before.seconds(), 981_158_400);
        assert!(certificate.is_self_signed);
        assert!(!certificate.subject.contains('\u{1b}'), "{}", certificate.subject);
        certificate.names = vec!["a".to_owned(); NAMES_SHOWN_MAX + 2];
        assert_eq!(certificate.names_text(), "a, a, a, a, a and 2 more");
        assert_eq!(Certificate::parse(b"x"), None);
    }
}
