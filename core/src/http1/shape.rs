//! Where the parts of a received frame lie, and how it is shown.

use super::fields::Fields;
use super::frame::{Frame, Request, Response};
use super::parse::{REASON_START, RequestHead, ResponseHead};

/// A frame that was found, independent of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found(pub(super) Shape);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Request(RequestHead),
    Informational(ResponseHead),
    Response(ResponseHead),
    /// From `start` to the end of the bytes.
    Body {
        start: usize,
    },
    /// Lines from `start` to the empty line at the end of the bytes.
    Trailers {
        start: usize,
    },
    End,
    Tunnel,
}

impl Shape {
    #[inline]
    pub(super) fn view(self, bytes: &[u8]) -> Frame<'_> {
        match self {
            Self::Request(head) => Frame::Request(request(head, bytes)),
            Self::Informational(head) => Frame::Informational(response(head, bytes)),
            Self::Response(head) => Frame::Response(response(head, bytes)),
            Self::Body { start } => Frame::Body(bytes.get(start..).unwrap_or(&[])),
            Self::Trailers { start } => Frame::Trailers(fields(bytes, start)),
            Self::End => Frame::End,
            Self::Tunnel => Frame::Tunnel(bytes),
        }
    }
}

/// Lines from `start` to the empty line that `bytes` end with.
fn fields(bytes: &[u8], start: usize) -> Fields<'_> {
    let end = bytes.len().saturating_sub(2);
    Fields::from_wire(bytes.get(start..end).unwrap_or(&[]))
}

fn text(bytes: &[u8], start: usize, len: usize) -> &str {
    let bytes = bytes.get(start..start.saturating_add(len)).unwrap_or(&[]);
    core::str::from_utf8(bytes).unwrap_or("")
}

fn request(head: RequestHead, bytes: &[u8]) -> Request<'_> {
    Request {
        method: text(bytes, head.start, head.method_len),
        target: text(bytes, head.start + head.method_len + 1, head.target_len),
        version: head.version,
        fields: fields(bytes, head.fields_start),
    }
}

fn response(head: ResponseHead, bytes: &[u8]) -> Response<'_> {
    let reason = bytes.get(REASON_START..head.fields_start.saturating_sub(2)).unwrap_or(&[]);
    Response {
        version: head.version,
        status: head.status,
        reason,
        fields: fields(bytes, head.fields_start),
    }
}
