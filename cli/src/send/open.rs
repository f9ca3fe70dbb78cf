use serde_json::{Value, json};

use super::link::Link;
use crate::args::SendArguments;
use crate::development_certificate::sha256;
use crate::exit::Stop;
use crate::output::Output;
use crate::text::Escaped;

/// Tells that the connection is open: programs everything, people only what they must know.
pub(super) fn tell(arguments: &SendArguments, link: &Link, output: Output) -> Result<(), Stop> {
    if arguments.tls.insecure {
        let certificates = link.negotiated.iter().flat_map(|tls| &tls.peer_certificates);
        let fingerprint = certificates.map(|der| sha256(der)).next().unwrap_or_default();
        output.warn(format_args!(
            "warning: the server is not verified (--insecure); its certificate's SHA-256 is \
             {fingerprint}"
        ));
    }
    if output.is_json() {
        output.record("", &json(link))?;
    }
    Ok(())
}

fn json(link: &Link) -> Value {
    let tls = link.negotiated.as_ref().map(|tls| {
        json!({
            "version": tls.version.to_string(),
            "suite": tls.suite_name,
            "alpn": tls.alpn.as_ref().map(|alpn| Escaped(alpn).to_string()),
            "resumed": tls.resumed,
        })
    });
    json!({ "event": "open", "peer": link.peer.to_string(), "tls": tls })
}
