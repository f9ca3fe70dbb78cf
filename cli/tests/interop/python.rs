//! Python's `http.client` against `drywire serve`, and `drywire get` against its `http.server`.

use drywire_conformance::certificates::Certificates;
use drywire_conformance::peer::python;

use crate::command::{RUNTIMES, Served, got, pattern};

/// A connection that is kept: lengths, chunks, a HEAD, an answer of 2 MB.
const CLIENT: &str = r#"
import http.client, ssl, sys
port, authority = int(sys.argv[1]), sys.argv[2]
if authority:
    context = ssl.create_default_context(cafile=authority)
    connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=60)
else:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
connection.connect()
kept = connection.sock
def exchange(method, body, **options):
    connection.request(method, "/a?b=c", body, **options)
    answer = connection.getresponse()
    return answer.status, answer.read()
assert exchange("POST", b"hello") == (200, b"hello")
big = bytes(range(256)) * 8192
assert exchange("PUT", big) == (200, big)
chunks = [b"one", b"two" * 50000, b"three"]
assert exchange("POST", iter(chunks), encode_chunked=True) == (200, b"".join(chunks))
assert exchange("HEAD", None)[1] == b""
assert exchange("GET", None) == (200, b"")
assert connection.sock is kept
connection.request("GET", "/", headers={"Connection": "close"})
answer = connection.getresponse()
assert answer.will_close and answer.read() == b""
print("all is well")
"#;

#[test]
fn http_client_is_answered() {
    let certificates = Certificates::new();
    let authority = certificates.file("authority");
    for runtime in RUNTIMES {
        let served = Served::start(runtime, &certificates, &[]);
        for (url, authority) in [(&served.http, ""), (&served.https, authority.as_str())] {
            let port = url.rsplit(':').next().unwrap();
            let printed = python(CLIENT, &[port, authority]).succeed();
            assert_eq!(String::from_utf8_lossy(&printed).trim(), "all is well", "{url}");
        }
        served.end();
    }
}

/// Serves a folder on a port that the system chose, with or without TLS, as HTTP/1.0, whose bodies
/// end with the stream, or 1.1.
const SERVER: &str = r#"
import functools, http.server, ssl, sys
folder, certificate, key, version = sys.argv[1:5]
class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = version
handler = functools.partial(Handler, directory=folder)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
if certificate:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
print("serving", server.server_address[1])
server.serve_forever()
"#;

#[test]
fn http_server_is_read_from() {
    let certificates = Certificates::new();
    let body = pattern(1_000_003);
    std::fs::write(certificates.folder().join("file"), &body).unwrap();
    let folder = certificates.folder().to_str().unwrap();
    let authority = certificates.file("authority");
    let pair = [certificates.file("server"), certificates.file("server-key")];
    for version in ["HTTP/1.0", "HTTP/1.1"] {
        for (scheme, pair) in [("http", ["", ""]), ("https", [&*pair[0], &*pair[1]])] {
            let mut server = python(SERVER, &[folder, pair[0], pair[1], version]);
            let port = server.expect("serving ");
            let url = format!("{scheme}://localhost:{port}/file");
            for runtime in RUNTIMES {
                let answer = got(&["--runtime", runtime, "--ca", &authority, &url]);
                assert!(answer == body, "{url} {version} {runtime}: {} bytes", answer.len());
            }
        }
    }
}
