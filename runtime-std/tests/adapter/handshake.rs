//! TLS handshakes beside other connections, and certificates that change.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;

use crate::adapter::Server;
use drywire::Peer;
use drywire::tls::TlsConfigError;
use rustls::ClientConfig;

use crate::certificate::Certificate;
use crate::obey::Obey;
use crate::peer::{dial, expect_echo, handshake};
use crate::serving::{Running, loopback, run};

#[test]
fn silent_ones_keep_nobody_waiting() {
    let certificate = Certificate::new();
    let listener = loopback().with_tls(certificate.server());
    let server = run(Server::new(|_: &Peer| Obey), vec![listener, loopback()]);
    let mut silent: Vec<TcpStream> = (0..10).map(|_| dial(server.at())).collect();
    silent.iter_mut().for_each(|peer| peer.write_all(&[0x16, 3]).unwrap());
    expect_echo(&mut handshake(dial(server.at()), &certificate.client_config()));
    server.stop();
}

#[test]
fn a_certificate_is_exchanged_while_the_server_runs() {
    let [old, new] = [Certificate::new(), Certificate::new()];
    let tls = old.server();
    let listener = loopback().with_tls(tls.clone());
    let server = run(Server::new(|_: &Peer| Obey), vec![listener]);
    let session = |server: &Running, config: &Arc<ClientConfig>| {
        let mut peer = handshake(dial(server.at()), config);
        expect_echo(&mut peer);
        peer
    };
    // Each client trusts one certificate only, so that a handshake that succeeds tells which.
    let mut before = session(&server, &old.client_config());

    tls.replace(new.server_config()).unwrap();
    session(&server, &new.client_config());
    expect_echo(&mut before);

    // One that cannot be used changes nothing.
    let mut bad = old.server_config();
    bad.max_early_data_size = 1;
    assert_eq!(tls.replace(bad), Err(TlsConfigError::EarlyData));
    session(&server, &new.client_config());
    server.stop();
}
