//! A server of HTTP that does what its script says, in this process.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::thread::{self, JoinHandle};

use drywire::framing::Raw;
use drywire::tls::{ServerTls, pem};
use drywire_std::{Framed, Stream};

/// What it does on one connection, once a request has come.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) answer: Vec<u8>,
    pub(crate) then: Then,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// Closes in order.
    Finish,
    /// Drops the connection.
    Cut,
    /// Waits until the client goes.
    Stay,
}

/// An answer and nothing behind it.
pub(crate) fn answer(text: impl Into<Vec<u8>>) -> Script {
    Script { answer: text.into(), then: Then::Finish }
}

/// 200, with `fields` and a body of known length.
pub(crate) fn ok(fields: &str, body: &str) -> Script {
    answer(format!("HTTP/1.1 200 OK\r\n{fields}content-length: {}\r\n\r\n{body}", body.len()))
}

impl Script {
    pub(crate) fn then(self, then: Then) -> Self {
        Self { then, ..self }
    }
}

/// A server that is running.
pub(crate) struct Scripted {
    pub(crate) place: String,
    serving: JoinHandle<Vec<String>>,
}

impl Scripted {
    /// On a port, for one connection after the other; with TLS if there is a certificate and its
    /// key, in PEM.
    pub(crate) fn start(scripts: Vec<Script>, identity: Option<&(String, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = listener.local_addr().unwrap().to_string();
        let accept = move || Stream::try_from(listener.accept().unwrap().0).unwrap();
        Self { place, serving: serve(scripts, identity, accept) }
    }

    /// On a Unix socket.
    pub(crate) fn unix(
        path: &str,
        scripts: Vec<Script>,
        identity: Option<&(String, String)>,
    ) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let accept = move || Stream::try_from(listener.accept().unwrap().0).unwrap();
        Self { place: path.to_owned(), serving: serve(scripts, identity, accept) }
    }

    pub(crate) fn http(&self, path: &str) -> String {
        format!("http://{}{path}", self.place)
    }

    pub(crate) fn https(&self, path: &str) -> String {
        format!("https://{}{path}", self.place)
    }

    /// The requests, once all connections have come.
    pub(crate) fn requests(self) -> Vec<String> {
        self.serving.join().unwrap()
    }
}

fn serve(
    scripts: Vec<Script>,
    identity: Option<&(String, String)>,
    accept: impl Fn() -> Stream + Send + 'static,
) -> JoinHandle<Vec<String>> {
    let tls = identity.map(|(certificate, key)| {
        let identity = pem::Identity { certificates: certificate.as_bytes(), key: key.as_bytes() };
        let provider = drywire_std::tls::provider();
        let alpn: [&[u8]; 1] = [b"http/1.1"];
        ServerTls::new(pem::server_config(identity, None, &alpn, &provider).unwrap()).unwrap()
    });
    thread::spawn(move || {
        let mut requests = Vec::new();
        for script in scripts {
            let stream = accept();
            let framed = match &tls {
                None => Framed::plain(stream, Raw::new(), Default::default()),
                Some(tls) => Framed::server(stream, tls, Raw::new(), Default::default()),
            };
            // Whoever does not believe the certificate asks nothing.
            requests.push(framed.map_or_else(|_| String::new(), |framed| act(framed, &script)));
        }
        requests
    })
}

fn act(mut framed: Framed<Raw>, script: &Script) -> String {
    let mut request = Vec::new();
    while !is_whole(&request) {
        match framed.recv() {
            Ok(Some(bytes)) => request.write_all(bytes).unwrap(),
            _ => break,
        }
    }
    let sent = script.answer.chunks(16 * 1024).try_for_each(|bytes| framed.send(bytes));
    // The client may have heard enough.
    if sent.and_then(|()| framed.flush()).is_ok() {
        match script.then {
            Then::Finish => drop(framed.close()),
            Then::Cut => framed.abort(),
            Then::Stay => while let Ok(Some(_)) = framed.recv() {},
        }
    }
    String::from_utf8(request).expect("a request of text")
}

/// Whether a request has come to its end, for those that these tests bring about.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    if head.contains("transfer-encoding: chunked") {
        return body.ends_with("0\r\n\r\n");
    }
    let len = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= len.map_or(0, |len| len.parse().unwrap())
}
