//! What is sent, checked as strictly as what is received.

use super::Http1;
use super::announced::{Announced, Coding};
use super::error::{HttpPart, Unsendable, Violation};
use super::exchange::{
    Asked, Expectation, Kind, Offer, Outgoing, Outstanding, Persistence, Role, Sending, Then,
};
use super::fields::Fields;
use super::frame::{Frame, Request, Response, Version};
use super::grammar::{is_text, is_token};
use super::limits::PIECE_LEN_MAX;
use super::receive::Receiving;
use super::{lines, target};
use crate::buffer::Buffer;
use crate::error::EncodeError;

const CLOSE: (&str, &[u8]) = ("connection", b"close");
const KEEP_ALIVE: (&str, &[u8]) = ("connection", b"keep-alive");

impl Http1 {
    pub(super) fn send(
        &mut self,
        frame: &Frame<'_>,
        transmit: &mut Buffer,
    ) -> Result<(), EncodeError> {
        if self.sending == Sending::Over {
            return Err(Unsendable::Over.into());
        }
        match (frame, self.role) {
            (Frame::Request(request), Role::Client) => self.send_request(request, transmit)?,
            (Frame::Informational(response), Role::Server) => {
                self.send_informational(response, transmit)?;
            }
            (Frame::Response(response), Role::Server) => self.send_response(response, transmit)?,
            (Frame::Request(_), Role::Server)
            | (Frame::Informational(_) | Frame::Response(_), Role::Client) => {
                return Err(Unsendable::WrongRole.into());
            }
            (Frame::Body(piece), _) => return self.send_body(piece, transmit),
            (Frame::Trailers(fields), _) => self.send_trailers(fields, transmit)?,
            (Frame::End, _) => self.send_end(transmit)?,
            (Frame::Tunnel(bytes), _) => {
                if self.sending != Sending::Tunnel {
                    return Err(Unsendable::OutOfTurn.into());
                }
                check_piece(bytes)?;
                transmit.extend_from_slice(bytes);
            }
        }
        Ok(())
    }

    fn send_request(
        &mut self,
        request: &Request<'_>,
        transmit: &mut Buffer,
    ) -> Result<(), Unsendable> {
        match self.sending {
            Sending::Rest if self.persistence == Persistence::Ending => {
                return Err(Unsendable::Over);
            }
            Sending::Rest => {}
            Sending::AwaitingAnswer => return Err(Unsendable::AwaitingAnswer),
            Sending::Due(_) | Sending::Message { .. } | Sending::Tunnel | Sending::Over => {
                return Err(Unsendable::OutOfTurn);
            }
        }
        if self.outstanding.is_full() {
            return Err(Unsendable::Outstanding { max: Outstanding::MAX });
        }
        let Request { method, target, version, fields } = *request;
        if !is_token(method.as_bytes()) {
            return Err(Unsendable::Violation(Violation::Method));
        }
        if target.len() > self.limits.target_len_max {
            let max = self.limits.target_len_max as u64;
            return Err(Unsendable::Limit { part: HttpPart::Target, max });
        }
        target::check(method, target)?;
        let announced = Announced::of(&fields)?;
        announced.check_request(method, version)?;
        if announced.coding == Coding::Chunked && self.peer == Some(Version::Http10) {
            return Err(Unsendable::ChunkedToHttp10);
        }
        let line = [method.as_bytes(), b" ", target.as_bytes(), b" ", version.name().as_bytes()];
        self.write_head(line, &fields, None, transmit)?;

        let kind = Kind::of(method);
        let offers = announced.offers_upgrade(version);
        self.offered = if offers { Offer::Upgrade } else { Offer::None };
        let then = if offers || kind == Kind::Connect { Then::AwaitingAnswer } else { Then::Rest };
        let body = match announced.coding {
            Coding::Chunked | Coding::Refused(_) => Outgoing::Chunked,
            Coding::Plain => Outgoing::Length { left: announced.length.unwrap_or(0) },
        };
        if !announced.is_persistent(version) {
            self.persistence = Persistence::Ending;
        }
        self.outstanding.push(kind);
        self.sending = Sending::Message { body, then };
        Ok(())
    }

    fn send_informational(
        &mut self,
        response: &Response<'_>,
        transmit: &mut Buffer,
    ) -> Result<(), Unsendable> {
        if !response.is_informational() {
            return Err(Unsendable::Status(response.status));
        }
        let Sending::Due(mut asked) = self.sending else { return Err(Unsendable::OutOfTurn) };
        if asked.version == Version::Http10 {
            return Err(Unsendable::InformationalToHttp10);
        }
        self.check_response(response, asked)?;
        self.write_response(response, None, transmit)?;
        if response.status == 100 {
            asked.expectation = Expectation::None;
        }
        self.sending = Sending::Due(asked);
        Ok(())
    }

    fn send_response(
        &mut self,
        response: &Response<'_>,
        transmit: &mut Buffer,
    ) -> Result<(), Unsendable> {
        let status = response.status;
        if !matches!(status, 101 | 200..=999) {
            return Err(Unsendable::Status(status));
        }
        let asked = match self.sending {
            Sending::Due(asked) => asked,
            Sending::Rest if status >= 400 && self.awaits_head() => Asked::NOTHING,
            Sending::Rest => return Err(Unsendable::Unasked),
            Sending::Message { .. } | Sending::AwaitingAnswer | Sending::Tunnel => {
                return Err(Unsendable::OutOfTurn);
            }
            Sending::Over => return Err(Unsendable::Over),
        };
        if status == 101 && asked.offer != Offer::Upgrade {
            return Err(Unsendable::UpgradeUnasked);
        }
        let announced = self.check_response(response, asked)?;
        let is_tunnel = status == 101 || asked.kind.is_tunnel(status);
        let body = if asked.kind.is_bodiless(status) {
            Outgoing::NONE
        } else {
            match (announced.coding, announced.length) {
                (Coding::Chunked | Coding::Refused(_), _) => Outgoing::Chunked,
                (Coding::Plain, Some(left)) => Outgoing::Length { left },
                (Coding::Plain, None) => Outgoing::UntilClose,
            }
        };
        let is_persistent = self.persistence == Persistence::Persistent
            && asked.persistence == Persistence::Persistent
            && body != Outgoing::UntilClose
            && !announced.close
            && !self.draining
            // What the client has sent behind it, for the tunnel, must not be read as requests.
            && asked.kind != Kind::Connect
            && !self.is_body_withheld(asked);
        let added = if is_tunnel {
            None
        } else if !is_persistent {
            (!announced.close).then_some(CLOSE)
        } else {
            let is_old = asked.version.min(response.version) == Version::Http10;
            (is_old && !announced.keep_alive).then_some(KEEP_ALIVE)
        };
        self.write_response(response, added, transmit)?;

        if !is_tunnel && !is_persistent {
            self.persistence = Persistence::Ending;
        }
        let then = if is_tunnel { Then::Tunnel } else { Then::Rest };
        self.sending = Sending::Message { body, then };
        Ok(())
    }

    /// Whether no request was being read behind its head, or its head was refused.
    const fn awaits_head(&self) -> bool {
        matches!(self.receiving, Receiving::Head(_) | Receiving::Failed(_))
    }

    /// Whether the client may never send the body that it announced, because it waits for a
    /// response of 100 that no longer comes. Its next request could then be taken for the body.
    const fn is_body_withheld(&self, asked: Asked) -> bool {
        matches!(asked.expectation, Expectation::Continue)
            && matches!(&self.receiving, Receiving::Body(body) if body.is_untouched())
    }

    fn check_response(
        &self,
        response: &Response<'_>,
        asked: Asked,
    ) -> Result<Announced, Unsendable> {
        if !is_text(response.reason) {
            return Err(Unsendable::Reason);
        }
        let announced = Announced::of(&response.fields)?;
        let is_announced = announced.length.is_some() || announced.coding != Coding::Plain;
        if is_announced && asked.kind.is_unannounced(response.status) {
            return Err(Unsendable::BodyAnnounced);
        }
        announced.check_version(response.version)?;
        if announced.coding != Coding::Plain && asked.version == Version::Http10 {
            return Err(Unsendable::ChunkedToHttp10);
        }
        Ok(announced)
    }

    fn write_response(
        &self,
        response: &Response<'_>,
        added: Option<(&str, &[u8])>,
        transmit: &mut Buffer,
    ) -> Result<(), Unsendable> {
        let status = response.status;
        let digits = [status / 100, status / 10 % 10, status % 10];
        let digits = digits.map(|digit| b'0' + u8::try_from(digit).unwrap_or(0));
        let line = [response.version.name().as_bytes(), b" ", &digits, b" ", response.reason];
        self.write_head(line, &response.fields, added, transmit)
    }

    /// Writes a head, checking characters and limits.
    fn write_head(
        &self,
        line: [&[u8]; 5],
        fields: &Fields<'_>,
        added: Option<(&str, &[u8])>,
        transmit: &mut Buffer,
    ) -> Result<(), Unsendable> {
        let before = transmit.len();
        let [a, b, c, d, e] = line;
        transmit.extend_from_slices([a, b, c, d, e, b"\r\n"]);
        let max = self.limits.head_len_max.saturating_sub(2);
        let limit =
            Unsendable::Limit { part: HttpPart::Head, max: self.limits.head_len_max as u64 };
        self.write_fields(fields.iter().chain(added), before, max, limit, transmit)?;
        transmit.extend_from_slice(b"\r\n");
        Ok(())
    }

    /// Writes field lines, as long as no more than `len_max` bytes are behind `before`.
    fn write_fields<'f>(
        &self,
        fields: impl Iterator<Item = (&'f str, &'f [u8])>,
        before: usize,
        len_max: usize,
        limit: Unsendable,
        transmit: &mut Buffer,
    ) -> Result<(), Unsendable> {
        let count_max = self.limits.field_count_max();
        for (count, (name, value)) in fields.enumerate() {
            lines::check_field(name.as_bytes(), value)?;
            if count >= count_max {
                return Err(Unsendable::Limit { part: HttpPart::Fields, max: count_max as u64 });
            }
            transmit.extend_from_slices([name.as_bytes(), b": ", value, b"\r\n"]);
            if transmit.len() - before > len_max {
                return Err(limit);
            }
        }
        if transmit.len() - before > len_max { Err(limit) } else { Ok(()) }
    }

    fn send_body(&mut self, piece: &[u8], transmit: &mut Buffer) -> Result<(), EncodeError> {
        let Sending::Message { body, .. } = &mut self.sending else {
            return Err(Unsendable::OutOfTurn.into());
        };
        check_piece(piece)?;
        let len = piece.len() as u64;
        match body {
            _ if piece.is_empty() => {}
            Outgoing::Length { left } => {
                let Some(rest) = left.checked_sub(len) else {
                    return Err(Unsendable::BodyTooLong { len, left: *left }.into());
                };
                transmit.extend_from_slice(piece);
                *left = rest;
            }
            Outgoing::Chunked => {
                let (digits, from) = hex(len);
                let size = digits.get(from..).unwrap_or(&[]);
                transmit.extend_from_slices([size, b"\r\n", piece, b"\r\n"]);
            }
            Outgoing::UntilClose => transmit.extend_from_slice(piece),
            Outgoing::Trailed => return Err(Unsendable::OutOfTurn.into()),
        }
        Ok(())
    }

    fn send_trailers(
        &mut self,
        fields: &Fields<'_>,
        transmit: &mut Buffer,
    ) -> Result<(), Unsendable> {
        let Sending::Message { body, then } = self.sending else {
            return Err(Unsendable::OutOfTurn);
        };
        match body {
            Outgoing::Chunked => {}
            Outgoing::Trailed => return Err(Unsendable::OutOfTurn),
            Outgoing::Length { .. } | Outgoing::UntilClose => {
                return Err(Unsendable::TrailersUnchunked);
            }
        }
        if fields.iter().any(|(name, _)| lines::is_forbidden_trailer(name)) {
            return Err(Unsendable::Violation(Violation::TrailerField));
        }
        transmit.extend_from_slice(b"0\r\n");
        let max = self.limits.trailers_len_max;
        let limit = Unsendable::Limit { part: HttpPart::Trailers, max: max as u64 };
        self.write_fields(fields.iter(), transmit.len(), max, limit, transmit)?;
        transmit.extend_from_slice(b"\r\n");
        self.sending = Sending::Message { body: Outgoing::Trailed, then };
        Ok(())
    }

    fn send_end(&mut self, transmit: &mut Buffer) -> Result<(), Unsendable> {
        let Sending::Message { body, then } = self.sending else {
            return Err(Unsendable::OutOfTurn);
        };
        match body {
            Outgoing::Length { left: 0 } | Outgoing::UntilClose | Outgoing::Trailed => {}
            Outgoing::Length { left } => return Err(Unsendable::BodyTooShort { left }),
            Outgoing::Chunked => transmit.extend_from_slice(b"0\r\n\r\n"),
        }
        let is_waiting = self.receiving == Receiving::Waiting;
        self.sending = match (then, self.role) {
            (Then::Tunnel, _) => {
                if is_waiting {
                    self.receiving = Receiving::Tunnel;
                }
                Sending::Tunnel
            }
            (Then::AwaitingAnswer, _) => Sending::AwaitingAnswer,
            (Then::Rest, Role::Server) if self.persistence == Persistence::Ending => Sending::Over,
            (Then::Rest, Role::Server) => {
                if is_waiting {
                    self.receiving = self.head();
                }
                Sending::Rest
            }
            (Then::Rest, Role::Client) => Sending::Rest,
        };
        Ok(())
    }
}

const fn check_piece(piece: &[u8]) -> Result<(), EncodeError> {
    if piece.len() > PIECE_LEN_MAX {
        return Err(EncodeError::TooLong { len: piece.len(), max: PIECE_LEN_MAX });
    }
    Ok(())
}

/// Hexadecimal digits of `len`, and where they begin.
fn hex(mut len: u64) -> ([u8; 16], usize) {
    let mut digits = [b'0'; 16];
    let mut from = digits.len();
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b"0123456789abcdef".get((len & 0xf) as usize).copied().unwrap_or(b'0');
        from = at;
        len >>= 4;
        if len == 0 {
            break;
        }
    }
    (digits, from)
}

impl From<Violation> for Unsendable {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn sizes_of_chunks_are_hexadecimal() {
        for len in [1, 9, 10, 15, 16, 255, 256, 0x10000, u64::MAX] {
            let (digits, from) = hex(len);
            assert_eq!(&digits[from..], format!("{len:x}").as_bytes());
        }
    }
}
