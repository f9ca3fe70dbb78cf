use alloc::vec::Vec;

use super::head::trim;
use super::stream::{Event, Field, Head};
use crate::http1::{Fields, Frame, Http1, Request, Response, Version};
use crate::testkit::OwnedFrames;

impl OwnedFrames for Http1 {
    type Owned = Event;

    fn own(frame: &Frame<'_>) -> Event {
        owned(frame)
    }

    fn item<R>(event: &Event, take: impl FnOnce(Frame<'_>) -> R) -> R {
        match event {
            Event::Request(head) => {
                let fields = slices(&head.fields);
                take(Frame::Request(request(&head.method, &head.target, head.minor, &fields)))
            }
            Event::Informational(head) => {
                let fields = slices(&head.fields);
                take(Frame::Informational(response(head, &fields)))
            }
            Event::Response(head) => {
                let fields = slices(&head.fields);
                take(Frame::Response(response(head, &fields)))
            }
            Event::Body(bytes) => take(Frame::Body(bytes)),
            Event::Trailers(fields) => take(Frame::Trailers(Fields::new(&slices(fields)))),
            Event::End => take(Frame::End),
            Event::Tunnel(bytes) => take(Frame::Tunnel(bytes)),
        }
    }

    /// Values are heard without the white space around them, and a response may be heard with the
    /// field that says whether the connection goes on.
    fn is_heard_as(said: &Event, heard: &Event) -> bool {
        let (mut said, mut heard) = (said.clone(), heard.clone());
        match &mut said {
            Event::Request(Head { fields, .. })
            | Event::Informational(Head { fields, .. })
            | Event::Response(Head { fields, .. })
            | Event::Trailers(fields) => {
                for (_, value) in fields {
                    *value = trim(value).to_vec();
                }
            }
            Event::Body(_) | Event::End | Event::Tunnel(_) => {}
        }
        if let (Event::Response(said), Event::Response(heard)) = (&said, &mut heard) {
            if heard.fields.len() == said.fields.len() + 1 {
                let added = heard.fields.pop();
                let added = added.as_ref().map(|(name, value)| (name.as_str(), &value[..]));
                if !matches!(added, Some(("connection", b"close" | b"keep-alive"))) {
                    return false;
                }
            }
        }
        said == heard
    }

    fn join(&self, last: Option<&mut Event>, next: &Event) -> bool {
        match (last, next) {
            (Some(Event::Body(last)), Event::Body(next))
            | (Some(Event::Tunnel(last)), Event::Tunnel(next)) => {
                last.extend_from_slice(next);
                true
            }
            (_, Event::Body(next) | Event::Tunnel(next)) => next.is_empty(),
            (_, Event::Trailers(fields)) => fields.is_empty(),
            _ => false,
        }
    }
}

fn slices(fields: &[Field]) -> Vec<(&str, &[u8])> {
    fields.iter().map(|(name, value)| (name.as_str(), &value[..])).collect()
}

fn version(minor: u8) -> Version {
    if minor == 0 { Version::Http10 } else { Version::Http11 }
}

pub(super) fn request<'a>(
    method: &'a str,
    target: &'a str,
    minor: u8,
    fields: &'a [(&'a str, &'a [u8])],
) -> Request<'a> {
    Request { method, target, version: version(minor), fields: Fields::new(fields) }
}

pub(super) fn response<'a>(head: &'a Head, fields: &'a [(&'a str, &'a [u8])]) -> Response<'a> {
    Response {
        version: version(head.minor),
        status: head.status,
        reason: &head.reason,
        fields: Fields::new(fields),
    }
}

fn owned(frame: &Frame<'_>) -> Event {
    match frame {
        Frame::Request(request) => Event::Request(Head {
            method: request.method.into(),
            target: request.target.into(),
            minor: minor(request.version),
            fields: fields(request.fields),
            ..Head::default()
        }),
        Frame::Informational(response) => Event::Informational(owned_response(response)),
        Frame::Response(response) => Event::Response(owned_response(response)),
        Frame::Body(bytes) => Event::Body(bytes.to_vec()),
        Frame::Trailers(trailers) => Event::Trailers(fields(*trailers)),
        Frame::End => Event::End,
        Frame::Tunnel(bytes) => Event::Tunnel(bytes.to_vec()),
    }
}

fn owned_response(response: &Response<'_>) -> Head {
    Head {
        status: response.status,
        reason: response.reason.to_vec(),
        minor: minor(response.version),
        fields: fields(response.fields),
        ..Head::default()
    }
}

fn minor(version: Version) -> u8 {
    match version {
        Version::Http10 => 0,
        Version::Http11 => 1,
    }
}

fn fields(fields: Fields<'_>) -> Vec<Field> {
    fields.iter().map(|(name, value)| (name.into(), value.to_vec())).collect()
}
