//! Driving rustls' unbuffered connection, either side, over our buffers.

use rustls::CommonState;
use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus};

use crate::buffer::Buffer;

/// Plaintext of one full record (RFC 8446, section 5.1).
pub(super) const RECORD_LEN_MAX: usize = 16 * 1024;

/// Room that a record takes beyond its plaintext: header, explicit nonce, tag, and a key update
/// that rustls may put before it. When it is not enough, rustls says so.
const RECORD_OVERHEAD: usize = 128;

/// Plaintext that is sealed at a time: as many full records as fit a leased buffer.
pub(super) const SEAL_LEN_MAX: usize = 3 * RECORD_LEN_MAX;

/// What a pass over the session is for, beyond opening what has arrived.
pub(super) enum Goal<'a> {
    Open,
    /// What is left to be sealed.
    Seal(&'a [u8]),
    CloseNotify,
    RefreshKeys,
}

/// What a pass came to.
#[derive(Default)]
pub(super) struct Outcome {
    /// The peer's close_notify has come.
    pub(super) peer_closed: bool,
    /// The goal was reached.
    pub(super) done: bool,
}

/// The two sides of rustls' unbuffered connection, which share no trait of their own.
pub(super) trait Records {
    type Data;

    fn process<'c, 'i>(
        &'c mut self,
        ciphertext: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, Self::Data>;

    fn common(&self) -> &CommonState;
}

impl Records for UnbufferedClientConnection {
    type Data = rustls::client::ClientConnectionData;

    fn process<'c, 'i>(
        &'c mut self,
        ciphertext: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(ciphertext)
    }

    fn common(&self) -> &CommonState {
        self
    }
}

impl Records for UnbufferedServerConnection {
    type Data = rustls::server::ServerConnectionData;

    fn process<'c, 'i>(
        &'c mut self,
        ciphertext: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(ciphertext)
    }

    fn common(&self) -> &CommonState {
        self
    }
}

/// One pass: lets rustls look at `ciphertext` until it wants more. Every turn of the loop consumes
/// input, takes output, or returns.
///
/// The state is matched where it lies: moving it, which is large and was just written, costs as much
/// as opening a short record.
pub(super) fn run<R: Records>(
    records: &mut R,
    goal: &mut Goal<'_>,
    ciphertext: &mut Buffer,
    plaintext: &mut Buffer,
    sealed: &mut Buffer,
) -> Result<Outcome, rustls::Error> {
    let mut outcome = Outcome::default();
    loop {
        let UnbufferedStatus { mut discard, state } = records.process(ciphertext.filled_mut());
        let next = match state {
            Err(error) => {
                ciphertext.consume(discard);
                return Err(error);
            }
            Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                while let Some(record) = traffic.next_record() {
                    let record = record?;
                    discard = discard.saturating_add(record.discard);
                    plaintext.extend_from_slice(record.payload);
                }
                Next::LookForMore
            }
            Ok(ConnectionState::WriteTraffic(mut traffic)) => match goal {
                Goal::Seal(left) if !left.is_empty() && sealed.len() < SEAL_LEN_MAX => {
                    let (fragment, rest) = left.split_at(left.len().min(RECORD_LEN_MAX));
                    write_into(sealed, fragment.len() + RECORD_OVERHEAD, |room| {
                        traffic.encrypt(fragment, room).map_err(encrypt_shortage)
                    })?;
                    *left = rest;
                    Next::LookForMore
                }
                Goal::CloseNotify if !outcome.done => {
                    write_into(sealed, RECORD_OVERHEAD, |room| {
                        traffic.queue_close_notify(room).map_err(encrypt_shortage)
                    })?;
                    outcome.done = true;
                    Next::Go
                }
                Goal::RefreshKeys if !outcome.done => {
                    traffic.refresh_traffic_keys()?;
                    outcome.done = true;
                    Next::Go
                }
                Goal::Open | Goal::Seal(_) | Goal::CloseNotify | Goal::RefreshKeys => Next::Wait,
            },
            Ok(ConnectionState::EncodeTlsData(mut data)) => {
                write_into(sealed, RECORD_LEN_MAX, |room| {
                    data.encode(room).map_err(encode_shortage)
                })?;
                Next::Go
            }
            // What was encoded is in `sealed`, which is transmitted in order.
            Ok(ConnectionState::TransmitTlsData(data)) => {
                data.done();
                Next::Go
            }
            Ok(ConnectionState::PeerClosed) => {
                outcome.peer_closed = true;
                Next::Go
            }
            Ok(ConnectionState::BlockedHandshake | ConnectionState::Closed) => Next::Wait,
            // Early data is off in every configuration that is accepted.
            Ok(_) => return Err(rustls::Error::General("unexpected state".into())),
        };
        ciphertext.consume(discard);
        let is_idle = match next {
            Next::Go => false,
            Next::LookForMore => goal.is_reached(ciphertext) && !records.common().wants_write(),
            Next::Wait => true,
        };
        if is_idle {
            return Ok(outcome);
        }
    }
}

/// What follows a state.
enum Next {
    /// Another state.
    Go,
    /// Another state, unless nothing is left to be looked at: for the usual record, the question
    /// costs a third of what its payload does.
    LookForMore,
    /// Something outside.
    Wait,
}

impl Goal<'_> {
    /// Whether a record that was opened or sealed was the last, with what is left in `ciphertext`.
    fn is_reached(&self, ciphertext: &Buffer) -> bool {
        match self {
            Self::Open => ciphertext.is_empty(),
            Self::Seal(left) => left.is_empty() && ciphertext.is_empty(),
            Self::CloseNotify | Self::RefreshKeys => false,
        }
    }
}

/// Lets `write` append to `sealed`; it returns what it wrote, or how much room it needs.
fn write_into(
    sealed: &mut Buffer,
    len: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, Option<usize>>,
) -> Result<(), rustls::Error> {
    let mut room = len;
    for _ in 0..2 {
        sealed.reserve(room);
        match write(sealed.spare_mut()) {
            Ok(len) => {
                sealed.commit(len);
                return Ok(());
            }
            Err(Some(required)) => room = required,
            Err(None) => break,
        }
    }
    Err(rustls::Error::EncryptError)
}

fn encode_shortage(error: EncodeError) -> Option<usize> {
    match error {
        EncodeError::InsufficientSize(size) => Some(size.required_size),
        EncodeError::AlreadyEncoded => None,
    }
}

fn encrypt_shortage(error: EncryptError) -> Option<usize> {
    match error {
        EncryptError::InsufficientSize(size) => Some(size.required_size),
        EncryptError::EncryptExhausted => None,
    }
}

/// Takes the alerts that an error has queued, and no more: shown the same bytes
/// again, rustls would queue one alert after the other.
pub(super) fn drain_alerts<R: Records>(records: &mut R, sealed: &mut Buffer) {
    while records.common().wants_write() {
        let UnbufferedStatus { state: Ok(ConnectionState::EncodeTlsData(mut data)), .. } =
            records.process(&mut [])
        else {
            return;
        };
        let written =
            write_into(sealed, RECORD_OVERHEAD, |room| data.encode(room).map_err(encode_shortage));
        if written.is_err() {
            return;
        }
    }
}
