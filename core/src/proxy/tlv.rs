use alloc::vec::Vec;

use super::HeaderError;

/// Bytes of the longest unique ID.
pub const UNIQUE_ID_LEN_MAX: usize = 128;

/// Bytes of a checksum.
pub(super) const CHECKSUM_LEN: usize = 4;

/// Bytes of type and length.
const PREFIX_LEN: usize = 3;

/// Bytes of an SSL value before the TLVs within it.
const SSL_LEN: usize = 5;

/// The types of TLVs.
pub mod kind {
    /// [`Tlv::Alpn`](super::Tlv::Alpn).
    pub const ALPN: u8 = 0x01;
    /// [`Tlv::Authority`](super::Tlv::Authority).
    pub const AUTHORITY: u8 = 0x02;
    /// [`Tlv::Crc32c`](super::Tlv::Crc32c).
    pub const CRC32C: u8 = 0x03;
    /// [`Tlv::Noop`](super::Tlv::Noop).
    pub const NOOP: u8 = 0x04;
    /// [`Tlv::UniqueId`](super::Tlv::UniqueId).
    pub const UNIQUE_ID: u8 = 0x05;
    /// [`Tlv::Ssl`](super::Tlv::Ssl).
    pub const SSL: u8 = 0x20;
    /// Within [`Tlv::Ssl`](super::Tlv::Ssl): the version of TLS, in ASCII.
    pub const SSL_VERSION: u8 = 0x21;
    /// Within [`Tlv::Ssl`](super::Tlv::Ssl): the common name of the client's certificate, in UTF-8.
    pub const SSL_COMMON_NAME: u8 = 0x22;
    /// Within [`Tlv::Ssl`](super::Tlv::Ssl): the cipher's name.
    pub const SSL_CIPHER: u8 = 0x23;
    /// Within [`Tlv::Ssl`](super::Tlv::Ssl): how the sender's certificate is signed.
    pub const SSL_SIGNATURE_ALGORITHM: u8 = 0x24;
    /// Within [`Tlv::Ssl`](super::Tlv::Ssl): the kind of key in the sender's certificate.
    pub const SSL_KEY_ALGORITHM: u8 = 0x25;
    /// Within [`Tlv::Ssl`](super::Tlv::Ssl): the key exchange.
    pub const SSL_GROUP: u8 = 0x26;
    /// Within [`Tlv::Ssl`](super::Tlv::Ssl): how the handshake was signed.
    pub const SSL_SIGNATURE_SCHEME: u8 = 0x27;
    /// Within [`Tlv::Ssl`](super::Tlv::Ssl): the client's certificate, in DER.
    pub const SSL_CLIENT_CERTIFICATE: u8 = 0x28;
    /// [`Tlv::Netns`](super::Tlv::Netns).
    pub const NETNS: u8 = 0x30;
}

/// One thing that a header says of a client beside its addresses. Nothing is said of what the bytes
/// are, except for lengths: they come from elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tlv<'a> {
    /// The protocol that was negotiated with the client, as in ALPN.
    Alpn(&'a [u8]),
    /// The name of the host that the client asked for, as in SNI; in UTF-8.
    Authority(&'a [u8]),
    /// The checksum of the header. It was checked.
    Crc32c(u32),
    /// Padding.
    Noop(&'a [u8]),
    /// What the connection is called from proxy to proxy; at most [`UNIQUE_ID_LEN_MAX`] bytes.
    UniqueId(&'a [u8]),
    /// That the client speaks TLS, and how.
    Ssl(Ssl<'a>),
    /// The network namespace that the client came through.
    Netns(&'a [u8]),
    /// Of another type.
    Other {
        /// The type.
        kind: u8,
        /// The value.
        value: &'a [u8],
    },
}

/// What a header says of the client's TLS session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ssl<'a> {
    client: u8,
    verify: u32,
    tlvs: &'a [u8],
}

/// The TLVs of a header or within one of them, in their order.
#[derive(Clone, Debug)]
pub struct Tlvs<'a>(&'a [u8]);

impl<'a> Tlvs<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next one, as type and value.
    fn next_raw(&mut self) -> Option<(u8, &'a [u8])> {
        let ([kind, high, low], rest) = self.0.split_first_chunk::<PREFIX_LEN>()?;
        let (value, rest) = rest.split_at_checked(u16::from_be_bytes([*high, *low]).into())?;
        self.0 = rest;
        Some((*kind, value))
    }
}

impl<'a> Iterator for Tlvs<'a> {
    type Item = Tlv<'a>;

    fn next(&mut self) -> Option<Tlv<'a>> {
        self.next_raw().map(|(kind, value)| Tlv::new(kind, value))
    }
}

impl<'a> Tlv<'a> {
    /// A TLV of any type. A value that the type cannot have makes it [`Self::Other`], which no
    /// header takes.
    #[must_use]
    pub fn new(kind: u8, value: &'a [u8]) -> Self {
        match kind {
            kind::ALPN => Self::Alpn(value),
            kind::AUTHORITY => Self::Authority(value),
            kind::NOOP => Self::Noop(value),
            kind::UNIQUE_ID => Self::UniqueId(value),
            kind::NETNS => Self::Netns(value),
            kind::CRC32C => match value.try_into() {
                Ok(sum) => Self::Crc32c(u32::from_be_bytes(sum)),
                Err(_) => Self::Other { kind, value },
            },
            kind::SSL => match value.split_first_chunk::<SSL_LEN>() {
                Some(([client, verify @ ..], tlvs)) => {
                    Self::Ssl(Ssl::new(*client, u32::from_be_bytes(*verify), tlvs))
                }
                None => Self::Other { kind, value },
            },
            kind => Self::Other { kind, value },
        }
    }

    /// Its type.
    #[must_use]
    pub const fn kind(&self) -> u8 {
        match self {
            Self::Alpn(_) => kind::ALPN,
            Self::Authority(_) => kind::AUTHORITY,
            Self::Crc32c(_) => kind::CRC32C,
            Self::Noop(_) => kind::NOOP,
            Self::UniqueId(_) => kind::UNIQUE_ID,
            Self::Ssl(_) => kind::SSL,
            Self::Netns(_) => kind::NETNS,
            Self::Other { kind, .. } => *kind,
        }
    }

    /// Appends it to `bytes`, which also makes what an [`Ssl`] holds. A value that is longer than
    /// its length field can say is written with a length that is wrong, which a [`Header`] refuses.
    ///
    /// [`Header`]: super::Header
    pub fn write(&self, bytes: &mut Vec<u8>) {
        let begin = bytes.len();
        bytes.extend_from_slice(&[self.kind(), 0, 0]);
        match self {
            Self::Alpn(value)
            | Self::Authority(value)
            | Self::Noop(value)
            | Self::UniqueId(value)
            | Self::Netns(value)
            | Self::Other { value, .. } => bytes.extend_from_slice(value),
            Self::Crc32c(sum) => bytes.extend_from_slice(&sum.to_be_bytes()),
            Self::Ssl(ssl) => {
                bytes.push(ssl.client);
                bytes.extend_from_slice(&ssl.verify.to_be_bytes());
                bytes.extend_from_slice(ssl.tlvs);
            }
        }
        let len = u16::try_from(bytes.len() - begin - PREFIX_LEN).unwrap_or(u16::MAX);
        if let Some(field) = bytes.get_mut(begin + 1..begin + PREFIX_LEN) {
            field.copy_from_slice(&len.to_be_bytes());
        }
    }
}

impl<'a> Ssl<'a> {
    /// In [`client`](Self::client): the client speaks TLS.
    pub const CLIENT_SSL: u8 = 0x01;
    /// In [`client`](Self::client): it gave a certificate in this connection.
    pub const CLIENT_CERT_CONN: u8 = 0x02;
    /// In [`client`](Self::client): it gave a certificate in this session.
    pub const CLIENT_CERT_SESS: u8 = 0x04;

    /// A value of [`Tlv::Ssl`]. `tlvs` are those within, as [`Tlv::write`] makes them.
    #[must_use]
    pub const fn new(client: u8, verify: u32, tlvs: &'a [u8]) -> Self {
        Self { client, verify, tlvs }
    }

    /// What is known of the client, as bits.
    #[must_use]
    pub const fn client(&self) -> u8 {
        self.client
    }

    /// 0 if the client gave a certificate that was verified.
    #[must_use]
    pub const fn verify(&self) -> u32 {
        self.verify
    }

    /// Whether the client gave a certificate, in this connection or session, that was verified.
    #[must_use]
    pub const fn is_verified(&self) -> bool {
        self.verify == 0 && self.client & (Self::CLIENT_CERT_CONN | Self::CLIENT_CERT_SESS) != 0
    }

    /// The TLVs within. Their types are those of [`kind`] that begin with `SSL_`; each is a
    /// [`Tlv::Other`].
    #[must_use]
    pub const fn tlvs(&self) -> Tlvs<'a> {
        Tlvs::new(self.tlvs)
    }
}

/// Checks that `tlvs`, which begin at `offset` of their header, are whole, and that those whose
/// types are known have lengths that these can have. Returns where the value of the checksum is.
pub(super) fn check(tlvs: &[u8], offset: usize) -> Result<Option<usize>, HeaderError> {
    let mut rest = Tlvs::new(tlvs);
    let mut checksum_at = None;
    while !rest.0.is_empty() {
        let at = offset + tlvs.len() - rest.0.len();
        let (kind, value) = rest.next_raw().ok_or(HeaderError::TlvEnd { offset: at })?;
        let is_possible = match kind {
            kind::CRC32C => value.len() == CHECKSUM_LEN,
            kind::UNIQUE_ID => value.len() <= UNIQUE_ID_LEN_MAX,
            kind::SSL => value.len() >= SSL_LEN,
            _ => true,
        };
        if !is_possible {
            return Err(HeaderError::TlvLen { kind, len: value.len() });
        }
        if kind == kind::CRC32C && checksum_at.replace(at + PREFIX_LEN).is_some() {
            return Err(HeaderError::ChecksumRepeated { offset: at });
        }
        if let Tlv::Ssl(ssl) = Tlv::new(kind, value) {
            check_within(&ssl, at + PREFIX_LEN + SSL_LEN)?;
        }
    }
    Ok(checksum_at)
}

/// Checks that the TLVs within are whole.
fn check_within(ssl: &Ssl<'_>, offset: usize) -> Result<(), HeaderError> {
    let mut rest = ssl.tlvs();
    while !rest.0.is_empty() {
        let at = offset + ssl.tlvs.len() - rest.0.len();
        rest.next_raw().ok_or(HeaderError::TlvEnd { offset: at })?;
    }
    Ok(())
}
