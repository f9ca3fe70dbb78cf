//! A provider of cryptography whose random numbers come from a seed. For tests alone: whoever knows
//! the seed knows every key.
//!
//! rustls draws all that is random from its provider, which is part of the configuration. What
//! [`provider`] makes of another provider:
//!
//! - Random bytes (hello randoms, session identifiers, the order of extensions, tickets' nonces)
//!   come from the seed.
//! - Key exchange is one that comes from the seed too, and protects nothing: the shared secret can
//!   be read off the wire. It takes the place and the name of X25519, so that both sides must have
//!   such a provider. It also takes next to no time.
//! - Ciphers, hashes and the verification of signatures stay those of the other provider. They draw
//!   nothing.
//!
//! With such a provider on both sides the bytes of a session are the same every time, if
//!
//! - the certificates are the same, and their keys sign without random numbers: **Ed25519** does,
//!   also RSA with PKCS #1 (TLS 1.2 only). ECDSA and RSA-PSS draw numbers inside of their library,
//!   where no provider of rustls reaches: the signature differs from run to run, with ECDSA also by
//!   a byte or two in length;
//! - no session is resumed, or the configuration's time comes from a clock of the test's
//!   (`builder_with_details`): a client says how old its ticket is;
//! - no message is encrypted to a public key (ECH).
//!
//! The provider draws in the order in which it is asked, and a simulation has one order. Make it
//! anew, with the configurations, for each run.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use rustls::crypto::{
    ActiveKeyExchange, CryptoProvider, GetRandomFailed, SecureRandom, SharedSecret,
    SupportedKxGroup,
};
use rustls::{Error, NamedGroup, PeerMisbehaved};

use crate::testkit::sim::Random;

/// Bytes of a public key of X25519.
const KEY_LEN: usize = 32;

/// A provider that draws its random numbers from `seed`; see the [module](self).
///
/// # Bounds
/// rustls keeps such things for as long as the process lives, so that each call leaks about 50
/// bytes.
#[must_use]
pub fn provider(provider: CryptoProvider, seed: u64) -> CryptoProvider {
    let numbers: &'static Numbers = Box::leak(Box::new(Numbers { drawn: AtomicU64::new(0), seed }));
    let group: &'static Group = Box::leak(Box::new(Group { numbers }));
    CryptoProvider { secure_random: numbers, kx_groups: vec![group], ..provider }
}

#[derive(Debug)]
struct Numbers {
    seed: u64,
    /// How often it was asked.
    drawn: AtomicU64,
}

impl SecureRandom for Numbers {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
        let number = self.drawn.fetch_add(1, Ordering::Relaxed);
        let mut random = Random::of(self.seed, number);
        for chunk in bytes.chunks_mut(8) {
            let drawn = random.next_u64().to_le_bytes();
            for (byte, drawn) in chunk.iter_mut().zip(drawn) {
                *byte = drawn;
            }
        }
        Ok(())
    }
}

/// A key exchange in name only: the public keys are the secret.
#[derive(Debug)]
struct Group {
    numbers: &'static Numbers,
}

impl SupportedKxGroup for Group {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let mut public = vec![0; KEY_LEN];
        self.numbers.fill(&mut public)?;
        Ok(Box::new(Exchange { public }))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

struct Exchange {
    public: Vec<u8>,
}

impl ActiveKeyExchange for Exchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        if peer.len() != KEY_LEN {
            return Err(PeerMisbehaved::InvalidKeyShare.into());
        }
        let both: Vec<_> = self.public.iter().zip(peer).map(|(mine, other)| mine ^ other).collect();
        Ok(SharedSecret::from(&both[..]))
    }

    fn pub_key(&self) -> &[u8] {
        &self.public
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}
