//! A TLS 1.3 client that seals whatever it is told to.

use std::sync::{Arc, Mutex};

use drywire::tls::ClientTls;
use rustls::crypto::cipher::{AeadKey, Iv, MessageEncrypter, OutboundChunks, OutboundPlainMessage};
use rustls::crypto::tls13::OkmBlock;
use rustls::{ContentType, ProtocolVersion, SupportedCipherSuite, Tls13CipherSuite};

use super::{PROVIDER, Version};

/// Takes note of the client's traffic secret.
#[derive(Debug, Default)]
pub struct Secret(Mutex<Vec<u8>>);

impl rustls::KeyLog for Secret {
    fn log(&self, label: &str, _: &[u8], secret: &[u8]) {
        if label == "CLIENT_TRAFFIC_SECRET_0" {
            *self.0.lock().unwrap() = secret.to_vec();
        }
    }
}

/// A client's configuration whose traffic can be forged once the handshake is done.
pub fn forgeable() -> (ClientTls, Arc<Secret>) {
    let secret = Arc::new(Secret::default());
    let mut provider = rustls::crypto::CryptoProvider::clone(&PROVIDER);
    provider.cipher_suites =
        vec![rustls::crypto::aws_lc_rs::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256];
    let mut config = super::client_config_with(Version::Tls13, &Arc::new(provider));
    config.key_log = Arc::clone(&secret) as Arc<dyn rustls::KeyLog>;
    (ClientTls::new(config), secret)
}

/// Seals records in the place of a client that has not sent any application data itself.
pub struct Forger {
    suite: &'static Tls13CipherSuite,
    secret: Vec<u8>,
    encrypter: Box<dyn MessageEncrypter>,
    sequence: u64,
}

impl Forger {
    pub fn new(secret: &Secret) -> Self {
        let suite = rustls::crypto::aws_lc_rs::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256;
        let SupportedCipherSuite::Tls13(suite) = suite else { unreachable!() };
        let secret = secret.0.lock().unwrap().clone();
        let encrypter = Self::encrypter(suite, &secret);
        Self { suite, secret, encrypter, sequence: 0 }
    }

    /// HKDF-Expand-Label (RFC 8446, section 7.1) without a context.
    fn expand<const N: usize>(suite: &Tls13CipherSuite, secret: &[u8], label: &str) -> [u8; N] {
        let label = format!("tls13 {label}");
        let (len, label_len) = (u16::try_from(N).unwrap(), u8::try_from(label.len()).unwrap());
        let expander = suite.hkdf_provider.expander_for_okm(&OkmBlock::new(secret));
        let mut output = [0; N];
        expander
            .expand_slice(&[&len.to_be_bytes(), &[label_len], label.as_bytes(), &[0]], &mut output)
            .unwrap();
        output
    }

    fn encrypter(suite: &Tls13CipherSuite, secret: &[u8]) -> Box<dyn MessageEncrypter> {
        let key = AeadKey::from(Self::expand::<32>(suite, secret, "key"));
        suite.aead_alg.encrypter(key, Iv::new(Self::expand(suite, secret, "iv")))
    }

    /// A record of its own.
    pub fn seal(&mut self, typ: ContentType, payload: &[u8]) -> Vec<u8> {
        let message = OutboundPlainMessage {
            typ,
            version: ProtocolVersion::TLSv1_3,
            payload: OutboundChunks::Single(payload),
        };
        let sealed = self.encrypter.encrypt(message, self.sequence).unwrap().encode();
        self.sequence += 1;
        sealed
    }

    pub fn data(&mut self, payload: &[u8]) -> Vec<u8> {
        self.seal(ContentType::ApplicationData, payload)
    }

    /// Goes on with the next keys, as behind a key update (RFC 8446, section 7.2).
    pub fn renew(&mut self) {
        self.secret = Self::expand::<32>(self.suite, &self.secret, "traffic upd").to_vec();
        self.encrypter = Self::encrypter(self.suite, &self.secret);
        self.sequence = 0;
    }
}
