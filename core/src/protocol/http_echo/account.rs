//! What arrived, as JSON.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt::Write;
use core::mem;

use crate::http1::{Fields, Request};
use crate::json::{Bytes, Text};
use crate::peer::Peer;
use crate::tls::Negotiated;

/// Tells a certificate, in DER, apart from others: a digest, as a rule.
pub type Fingerprint = fn(&[u8]) -> String;

/// An account of one request at a time.
#[derive(Debug)]
pub(super) struct Account {
    /// What is the same for every request of the connection.
    peer: String,
    tls: String,
    fingerprint: Option<Fingerprint>,
    /// The head.
    head: String,
    body_len: u64,
    trailers: String,
}

impl Account {
    pub(super) fn new(peer: &Peer, fingerprint: Option<Fingerprint>) -> Self {
        // A name that a PROXY header gives may be any.
        let names = [peer.to_string(), peer.ends().to_string()];
        let [client, end] = names.each_ref().map(|name| Text(name));
        let via = or_null(peer.header().is_some().then_some(end));
        let local = peer.local().map(|local| local.to_string());
        let local = or_null(local.as_deref().map(Text));
        Self {
            peer: format!("\"peer\":{client},\"via\":{via},\"local\":{local}"),
            tls: "null".into(),
            fingerprint,
            head: String::new(),
            body_len: 0,
            trailers: String::new(),
        }
    }

    pub(super) fn tls(&mut self, negotiated: &Negotiated) {
        let mut tls = format!(
            "{{\"version\":\"{}\",\"suite\":{},\"alpn\":{},\"server_name\":{},\"resumed\":{},\
             \"client_certificates\":[",
            negotiated.version,
            Text(negotiated.suite_name),
            or_null(negotiated.alpn.as_deref().map(Bytes)),
            or_null(negotiated.server_name.as_deref().map(Text)),
            negotiated.resumed,
        );
        for (index, certificate) in negotiated.peer_certificates.iter().enumerate() {
            if index > 0 {
                tls.push(',');
            }
            write(&mut tls, format_args!("{{\"len\":{}", certificate.len()));
            if let Some(fingerprint) = self.fingerprint {
                let fingerprint = fingerprint(certificate);
                write(&mut tls, format_args!(",\"fingerprint\":{}", Text(&fingerprint)));
            }
            tls.push('}');
        }
        tls.push_str("]}");
        self.tls = tls;
    }

    pub(super) fn begin(&mut self, request: &Request<'_>) {
        (self.body_len, self.trailers) = (0, String::new());
        self.head = format!(
            "\"method\":{},\"target\":{},\"version\":\"{}\",\"fields\":{}",
            Text(request.method),
            Text(request.target),
            request.version.name(),
            fields_json(request.fields),
        );
    }

    pub(super) const fn body(&mut self, len: usize) {
        self.body_len = self.body_len.saturating_add(len as u64);
    }

    pub(super) fn trailers(&mut self, trailers: Fields<'_>) {
        self.trailers = fields_json(trailers);
    }

    /// The whole account. What was held of the request is given back.
    pub(super) fn end(&mut self) -> String {
        let (head, trailers) = (mem::take(&mut self.head), mem::take(&mut self.trailers));
        let trailers = if trailers.is_empty() { "[]" } else { &trailers };
        let Self { peer, tls, body_len, .. } = self;
        format!("{{{head},\"body_len\":{body_len},\"trailers\":{trailers},{peer},\"tls\":{tls}}}\n")
    }
}

/// The fields in their order, each an object with its name and value.
fn fields_json(fields: Fields<'_>) -> String {
    let mut json = String::from("[");
    for (index, (name, value)) in fields.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        let value = Bytes(value);
        write(&mut json, format_args!("{{\"name\":{},\"value\":{value}", Text(name)));
        json.push_str(if value.is_escaped() { ",\"escaped\":true}" } else { "}" });
    }
    json.push(']');
    json
}

fn or_null(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "null".into(), |value| value.to_string())
}

/// A string takes everything.
fn write(json: &mut String, text: core::fmt::Arguments<'_>) {
    let _ = json.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::TlsVersion;

    #[test]
    fn certificates_of_clients_are_told_apart() {
        let negotiated = Negotiated {
            version: TlsVersion::Tls12,
            suite: 0xc02f,
            suite_name: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            alpn: Some(b"\"\xff".as_slice().into()),
            server_name: None,
            peer_certificates: [b"abc".as_slice().into(), b"de".as_slice().into()].into(),
            resumed: true,
        };
        let digest: Fingerprint = |der| format!("#{}", der.len());
        for (fingerprint, certificates) in [
            (None, r#"[{"len":3},{"len":2}]"#),
            (Some(digest), r##"[{"len":3,"fingerprint":"#3"},{"len":2,"fingerprint":"#2"}]"##),
        ] {
            let mut account = Account::new(&Peer::unix(), fingerprint);
            account.tls(&negotiated);
            let expected = format!(
                "{{\"version\":\"TLSv1.2\",\"suite\":\"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\",\
                 \"alpn\":\"\\\"\\\\xff\",\"server_name\":null,\"resumed\":true,\
                 \"client_certificates\":{certificates}}}"
            );
            assert_eq!(account.tls, expected);
        }
    }
}
