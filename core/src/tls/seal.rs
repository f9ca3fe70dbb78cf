//! What leaves a session: sealing, close_notify, and new keys.

use rustls::{CommonState, ProtocolVersion};

use super::TlsError;
use super::records::{Goal, RECORD_LEN_MAX, SEAL_LEN_MAX};
use super::session::{Phase, TlsSession};
use crate::buffer::Buffer;

impl TlsSession {
    #[inline]
    pub(crate) fn sealed(&self) -> &[u8] {
        self.sealed.filled()
    }

    pub(crate) fn transmitted(&mut self, len: usize) {
        self.sealed.consume(len);
        self.is_shown &= !self.sealed.is_empty();
    }

    pub(crate) fn drop_sealed(&mut self) {
        self.sealed.clear();
        self.is_shown = false;
    }

    pub(crate) const fn wants_write(&self, has_staged: bool, finishing: bool) -> bool {
        !self.sealed.is_empty()
            || self.untold.is_some()
            || match self.phase {
                Phase::Ready { finished, .. } => !finished && (has_staged || finishing),
                Phase::Handshaking | Phase::Failed { .. } => false,
            }
    }

    /// Seals the front of `staged`, and shows what is sealed to the transport. While part of what
    /// it was shown still waits nothing is added, so that what is sealed stays within one buffer.
    /// With `finishing`, and nothing left to seal, adds the close_notify.
    pub(crate) fn seal(
        &mut self,
        staged: &mut Buffer,
        finishing: bool,
        plaintext: &mut Buffer,
    ) -> Result<(), TlsError> {
        let result = match self.untold.take() {
            Some(error) => Err(error),
            None if self.is_shown => Ok(()),
            None => self.seal_more(staged, finishing, plaintext),
        };
        self.is_shown = !self.sealed.is_empty();
        result
    }

    fn seal_more(
        &mut self,
        staged: &mut Buffer,
        finishing: bool,
        plaintext: &mut Buffer,
    ) -> Result<(), TlsError> {
        let Phase::Ready { finished: false, .. } = self.phase else {
            return Ok(());
        };
        self.refresh_if_wanted(plaintext)?;
        if !staged.is_empty() {
            let mut goal = Goal::Seal(staged.filled());
            let result = self.pass(&mut goal, plaintext);
            let Goal::Seal(left) = goal else { return Ok(()) };
            let len = staged.len() - left.len();
            staged.consume(len);
            result?;
        }
        if finishing && staged.is_empty() {
            self.pass(&mut Goal::CloseNotify, plaintext)?;
            if let Phase::Ready { finished, .. } = &mut self.phase {
                *finished = true;
            }
        }
        Ok(())
    }

    /// Seals the full records at the front of `plaintext` now, if nothing is in the way, and
    /// returns how many bytes they hold. Nothing must be staged. What leaves is the same as if they
    /// were staged first, which would be a copy.
    pub(crate) fn seal_front(&mut self, plaintext: &[u8]) -> usize {
        let len = plaintext.len() - plaintext.len() % RECORD_LEN_MAX;
        let is_free = !self.is_shown && !self.refresh_wanted && self.ciphertext.is_empty();
        if len == 0 || !is_free || !self.is_taking() {
            return 0;
        }
        let mut goal = Goal::Seal(plaintext.get(..len).unwrap_or_default());
        // Nothing is held that could be opened.
        let result = self.pass(&mut goal, &mut Buffer::new());
        if let Err(error) = result {
            self.untold = Some(error);
        }
        match goal {
            Goal::Seal(left) => len - left.len(),
            Goal::Open | Goal::CloseNotify | Goal::RefreshKeys => 0,
        }
    }

    /// Queues a key update, as soon as that may be. Returns whether the session can.
    pub(crate) fn refresh_keys(&mut self, plaintext: &mut Buffer) -> Result<bool, TlsError> {
        let Phase::Ready { finished: false, .. } = self.phase else {
            return Ok(false);
        };
        if self.common().and_then(CommonState::protocol_version) != Some(ProtocolVersion::TLSv1_3) {
            return Ok(false);
        }
        self.refresh_wanted = true;
        self.refresh_if_wanted(plaintext)?;
        Ok(true)
    }

    /// Queues a key update that was asked for, unless part of a handshake message of the peer is
    /// held: rustls takes that for the peer's fault and fails the session. So many of them that
    /// nobody has transmitted are one.
    pub(super) fn refresh_if_wanted(&mut self, plaintext: &mut Buffer) -> Result<(), TlsError> {
        let Phase::Ready { finished: false, .. } = self.phase else {
            return Ok(());
        };
        if self.refresh_wanted && !self.may_be_mid_message() && self.sealed.len() < SEAL_LEN_MAX {
            self.refresh_wanted = false;
            self.pass(&mut Goal::RefreshKeys, plaintext)?;
        }
        Ok(())
    }

    /// Whether part of a handshake message may be held. It is not if what is held is part of a
    /// record: whole ones have been opened, and their bytes stay only for the sake of a message.
    fn may_be_mid_message(&self) -> bool {
        // As every record after a TLS 1.3 handshake begins (RFC 8446, section 5.2). No handshake
        // message that is short enough does.
        match self.ciphertext.filled() {
            [] => false,
            [0x17, 3, 3, high, low, rest @ ..] => {
                rest.len() >= usize::from(u16::from_be_bytes([*high, *low]))
            }
            [0x17, 3, 3] | [0x17, 3, 3, _] => false,
            _ => true,
        }
    }
}
