//! Certificates, good and bad.

use std::io::{Read, Write};
use std::net::TcpStream;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

use crate::process::{Folder, PATIENCE, Process, Server, drywire, run};

const RUNTIMES: [&str; 2] = ["std", "smol"];

/// Issues certificates.
pub(crate) struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for `names` and its key, both in PEM.
    pub(crate) fn issue(&self, names: &[&str]) -> (String, String) {
        self.issue_with(names, |_| {})
    }

    pub(crate) fn issue_with(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> (String, String) {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

/// A folder with `ca.pem`, `cert.pem` and `key.pem`.
fn folder(pair: &(String, String), authority: &Authority) -> (Folder, [String; 3]) {
    let folder = Folder::new();
    let files = [
        folder.write("ca.pem", authority.pem()),
        folder.write("cert.pem", &pair.0),
        folder.write("key.pem", &pair.1),
    ];
    (folder, files)
}

#[test]
fn a_server_that_does_not_verify_is_5_and_says_which_flag_is_meant() {
    let authority = Authority::new("authority");
    let expired = |params: &mut CertificateParams| params.not_after = date_time_ymd(2001, 1, 1);
    let early = |params: &mut CertificateParams| params.not_before = date_time_ymd(2999, 1, 1);
    let good = authority.issue(&["127.0.0.1"]);
    for (pair, trusts, sentence) in [
        (authority.issue(&["example.org"]), true, "is for another name; it is for"),
        (authority.issue(&["example.org"]), true, "; --server-name sets the name"),
        (authority.issue(&["example.org"]), true, "; it is for example.org; "),
        (authority.issue_with(&["127.0.0.1"], expired), true, "has expired"),
        (authority.issue_with(&["127.0.0.1"], expired), true, "valid until 2001-01-01T00:00:00Z"),
        (authority.issue_with(&["127.0.0.1"], early), true, "is not valid yet"),
        (authority.issue_with(&["127.0.0.1"], early), true, "; --insecure goes on"),
        (good.clone(), false, "is not issued by a trusted authority"),
        (good.clone(), false, "; its issuer is CN=authority; "),
        (good.clone(), false, "; --ca FILE trusts an authority, --insecure goes on"),
        (good, true, ""),
    ] {
        let (_folder, [ca, cert, key]) = folder(&pair, &authority);
        let server = Server::start(&["tls://127.0.0.1:0"], ["--cert", &cert, "--key", &key]);
        for runtime in RUNTIMES {
            let ca: &[&str] = if trusts { &["--ca", &ca] } else { &[] };
            let options = ["send", "--runtime", runtime, server.address(), "hello"];
            let finished = run(options.iter().chain(ca), "");
            finished.assert(if sentence.is_empty() { 0 } else { 5 }, sentence);
            assert!(!finished.stderr.contains("alert"), "{finished:?}");
            if finished.code == Some(5) {
                let error = run(options.iter().chain(ca).chain(&["--json"]), "").error();
                assert!(error["alert"].is_string(), "{error}");
            }
        }
    }
}

#[test]
fn the_name_to_verify_can_be_given() {
    let authority = Authority::new("authority");
    let (_folder, [ca, cert, key]) = folder(&authority.issue(&["example.org"]), &authority);
    let server = Server::start(&["tls://127.0.0.1:0"], ["--cert", &cert, "--key", &key]);
    for runtime in RUNTIMES {
        let send = |name| {
            let options = ["send", "--runtime", runtime, "--ca", &ca, "--server-name", name];
            run(options.into_iter().chain([server.address(), "hello"]), "")
        };
        send("example.org").assert(0, "");
        send("example.com").assert(5, "is for another name");
        send("not a name").assert(2, "--server-name not a name: expected a host name");
    }
}

#[test]
fn without_verification_there_is_a_warning_with_the_fingerprint() {
    let server = Server::start(&["tls://127.0.0.1:0"], [""; 0]);
    let line = server.stderr.find("SHA-256");
    let fingerprint = line.split_whitespace().last().unwrap();
    assert_eq!(fingerprint.len(), 32 * 3 - 1);
    for runtime in RUNTIMES {
        let finished =
            run(["send", "--runtime", runtime, "--insecure", server.address(), "hello"], "");
        finished.assert(0, "warning: the server is not verified");
        finished.assert(0, fingerprint);
        assert_eq!(finished.text(), "hello");
    }
}

#[test]
fn clients_are_asked_for_a_certificate() {
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let (folder, [ca, cert, key]) = folder(&servers.issue(&["127.0.0.1"]), &servers);
    let client_ca = folder.write("clients.pem", clients.pem());
    let (own_cert, own_key) = clients.issue(&["me"]);
    let (own_cert, own_key) = (folder.write("me.pem", own_cert), folder.write("me.key", own_key));
    let (bad_cert, bad_key) = servers.issue(&["me"]);
    let (bad_cert, bad_key) = (folder.write("bad.pem", bad_cert), folder.write("bad.key", bad_key));
    for runtime in RUNTIMES {
        let options =
            ["--runtime", runtime, "--cert", &cert, "--key", &key, "--client-ca", &client_ca];
        let server = Server::start(&["tls://127.0.0.1:0", "https://127.0.0.1:0"], options);
        let send = |identity: &[&str]| {
            let options = ["send", "--runtime", runtime, "--ca", &ca, server.address(), "hello"];
            run(options.iter().chain(identity), "")
        };
        let finished = send(&["--cert", &own_cert, "--key", &own_key]);
        finished.assert(0, "");
        assert_eq!(finished.text(), "hello");
        send(&[]).assert(5, "certificate_required; the server wants a certificate of ours: --cert");
        send(&["--cert", &bad_cert, "--key", &bad_key])
            .assert(5, "the server does not accept our certificate");
        server.stderr.find("the peer's certificate is missing");
        run(["get", "--runtime", runtime, "--ca", &ca, &server.addresses[1]], "")
            .assert(5, "certificate_required; the server wants a certificate of ours: --cert");
    }
}

#[test]
fn files_that_cannot_be_used_are_2() {
    let authority = Authority::new("authority");
    let (folder, [ca, cert, key]) = folder(&authority.issue(&["127.0.0.1"]), &authority);
    let other_key = folder.write("other.pem", authority.issue(&["127.0.0.1"]).1);
    let empty = folder.write("empty.pem", "");
    let missing = folder.file("missing.pem");
    let serve = |cert: &str, key: &str, client_ca: &[&str]| {
        let options = ["serve", "--listen", "tls://127.0.0.1:0", "--cert", cert, "--key", key];
        let finished = run(options.iter().chain(client_ca), "");
        assert_eq!(finished.text(), "");
        finished
    };
    serve(&cert, &other_key, &[]).assert(2, "the private key does not belong to the certificate");
    serve(&cert, &missing, &[])
        .assert(2, &format!("cannot read the private key in {missing}: no such"));
    serve(&missing, &key, &[]).assert(2, &format!("cannot read the certificate in {missing}"));
    serve(&cert, &empty, &[]).assert(2, &format!("{empty}: no private key in the PEM text"));
    serve(&empty, &key, &[]).assert(2, &format!("{empty}: no certificate in the PEM text"));
    serve(&cert, &cert, &[]).assert(2, &format!("{cert}: no private key in the PEM text"));
    serve(&cert, &key, &["--client-ca", &empty])
        .assert(2, &format!("{empty}: no certificate authority"));
    serve(&cert, &key, &["--alpn", &"x".repeat(256)]).assert(2, "has 1 to 255 bytes");
    let nobody = "tls://127.0.0.1:9";
    run(["send", "--ca", &empty, nobody, "x"], "").assert(2, "no certificate authority");
    run(["send", "--ca", &ca, "--cert", &cert, "--key", &other_key, nobody, "x"], "")
        .assert(2, "the private key does not belong to the certificate");
    let nowhere = format!("{missing}/dev.pem");
    run(["serve", "--listen", "tls://127.0.0.1:0", "--dev-cert", &nowhere], "")
        .assert(2, &format!("cannot write {nowhere}"));
}

#[test]
fn garbage_at_a_tls_port_ends_its_connection_and_no_other() {
    for runtime in RUNTIMES {
        let folder = Folder::new();
        let ca = folder.file("dev.pem");
        let options = ["--runtime", runtime, "--dev-cert", &ca];
        let server = Server::start(&["tls://127.0.0.1:0"], options);
        let mut other = Process::start(&mut drywire(["send", "--ca", &ca, server.address()]));
        let mut echo = |bytes: &[u8; 1]| {
            other.stdin.as_mut().unwrap().write_all(bytes).unwrap();
            assert_eq!(other.read(1), bytes);
        };
        echo(b"a");
        let mut garbage = TcpStream::connect(server.place()).unwrap();
        garbage.set_read_timeout(Some(PATIENCE)).unwrap();
        garbage.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        garbage.read_to_end(&mut answer).unwrap();
        // A fatal alert (RFC 8446, section 6).
        assert_eq!((answer.first(), answer.get(5)), (Some(&0x15), Some(&2)));
        server.stderr.find("127.0.0.1");
        echo(b"b");
        drop(other.stdin.take());
        other.finish().assert(0, "");
    }
}

#[test]
fn application_protocols_are_agreed_on_or_refused() {
    let folder = Folder::new();
    let ca = folder.file("dev.pem");
    for runtime in RUNTIMES {
        let options = ["--runtime", runtime, "--alpn", "one,two", "--dev-cert", &ca];
        let server = Server::start(&["tls://127.0.0.1:0"], options);
        let send = |alpn| {
            let options = ["send", "--json", "--runtime", runtime, "--ca", &ca, "--alpn", alpn];
            run(options.into_iter().chain([server.address(), "x"]), "")
        };
        assert_eq!(send("three,two").records()[0]["tls"]["alpn"], "two");
        send("three").assert(5, "--alpn names application protocols");
    }
}

#[test]
fn secrets_are_logged_only_when_that_is_asked_for() {
    let folder = Folder::new();
    let ca = folder.file("dev.pem");
    let server = Server::start(&["tls://127.0.0.1:0"], ["--dev-cert", &ca]);
    for (option, is_logged) in [(None, false), (Some("--key-log"), true)] {
        let log = folder.file("keys");
        let mut command = drywire(["send", "--ca", &ca, server.address(), "hello"]);
        command.args(option).env("SSLKEYLOGFILE", &log);
        Process::start(&mut command).finish().assert(0, "");
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        assert_eq!(text.contains("CLIENT_TRAFFIC_SECRET_0"), is_logged, "{text}");
    }
}

#[test]
fn secrets_that_cannot_be_logged_are_2() {
    let folder = Folder::new();
    let nowhere = folder.file("none/keys");
    let nobody = "tls://127.0.0.1:9";
    for arguments in [
        &["send", "--insecure", "--key-log", nobody, "x"][..],
        &["get", "--insecure", "--key-log", "https://127.0.0.1:9/"],
        &["ping", "--insecure", "--key-log", "--count", "1", nobody],
        &["serve", "--listen", "tls://127.0.0.1:0", "--key-log"],
    ] {
        run(arguments, "").assert(2, "--key-log needs a file: SSLKEYLOGFILE names none");
        let finished = Process::start(drywire(arguments).env("SSLKEYLOGFILE", &nowhere)).finish();
        finished.assert(2, &format!("cannot open {nowhere}, which SSLKEYLOGFILE names: no such"));
        assert_eq!(finished.text(), "");
    }
}
