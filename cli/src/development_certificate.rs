//! A certificate for those who only want to try TLS: made at start, its key never written anywhere.

use std::fs;
use std::path::Path;

use drywire::address::{Address, Endpoint, Host};
use drywire::tls::pem::Identity;
use drywire_std::rustls::SupportedCipherSuite;
use drywire_std::rustls::crypto::hash::HashAlgorithm;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair};

use crate::exit::{Exit, Stop, cause};
use crate::text;

/// A certificate that is its own authority, and its key.
pub(crate) struct DevelopmentCertificate {
    pem: String,
    key_pem: String,
    pub(crate) sha256: String,
    pub(crate) names: Vec<String>,
}

impl DevelopmentCertificate {
    /// A certificate for the local host and the hosts of `addresses`.
    pub(crate) fn new(addresses: &[Address]) -> Result<Self, Stop> {
        let names = names(addresses);
        let make = || {
            let key = KeyPair::generate()?;
            let mut params = CertificateParams::new(names.clone())?;
            params.distinguished_name.push(DnType::CommonName, "drywire development certificate");
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            let certificate = params.self_signed(&key)?;
            Ok::<_, rcgen::Error>((certificate, key))
        };
        let (certificate, key) = make().map_err(|error| {
            Stop::new(Exit::Tls, format_args!("cannot make a development certificate: {error}"))
        })?;
        Ok(Self {
            pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            sha256: sha256(certificate.der()),
            names,
        })
    }

    pub(crate) fn identity(&self) -> Identity<'_> {
        Identity { certificates: self.pem.as_bytes(), key: self.key_pem.as_bytes() }
    }

    /// Certificate and key in one text, for worker processes; it goes through no file.
    pub(crate) fn payload(&self) -> Vec<u8> {
        [self.pem.as_str(), &self.key_pem].concat().into()
    }

    /// Writes the certificate, without the key.
    pub(crate) fn write(&self, file: &Path) -> Result<(), Stop> {
        fs::write(file, &self.pem).map_err(|error| {
            Stop::usage(format_args!("cannot write {}: {}", file.display(), cause(&error)))
        })
    }
}

/// The names in the certificate. An address that stands for all has no name of its own.
fn names(addresses: &[Address]) -> Vec<String> {
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(Into::into).to_vec();
    for address in addresses.iter().filter(|address| address.is_tls()) {
        let Endpoint::Internet(place) = address.endpoint() else { continue };
        let name = match &place.host {
            host if host.is_unspecified() => continue,
            Host::Name(name) => name.server_name().to_owned(),
            Host::V4(ip) => ip.to_string(),
            Host::V6 { address, .. } => address.to_string(),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The SHA-256 fingerprint of a certificate in DER, computed by the cryptography provider.
pub(crate) fn sha256(der: &[u8]) -> String {
    let provider = drywire_std::tls::provider();
    let sha256 = provider
        .cipher_suites
        .iter()
        .map(|suite| match suite {
            SupportedCipherSuite::Tls13(suite) => suite.common.hash_provider,
            SupportedCipherSuite::Tls12(suite) => suite.common.hash_provider,
        })
        .find(|hash| hash.algorithm() == HashAlgorithm::SHA256);
    sha256.map_or_else(String::new, |sha256| text::fingerprint(sha256.hash(der).as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_is_sha_256() {
        // FIPS 180-4, the message "abc".
        let expected = "BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:\
                        B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD";
        assert_eq!(sha256(b"abc"), expected);
    }

    #[test]
    fn names_are_the_hosts_of_tls_addresses() {
        let addresses = [
            "tls://Example.org.:1",
            "tls://[::]:2",
            "tcp://other:3",
            "tls://[::1]:4",
            "tls://192.0.2.1:5",
            "tls+unix:/x",
        ]
        .map(|address| address.parse().unwrap());
        let expected = ["localhost", "127.0.0.1", "::1", "example.org", "192.0.2.1"];
        assert_eq!(names(&addresses), expected);
    }
}
