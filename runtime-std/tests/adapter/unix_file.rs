//! The file of a Unix socket.

use std::fs;
use std::os::unix::net::UnixListener;

use crate::adapter::{BindError, Listener};

use crate::obey::Obey;
use crate::peer::{dial_unix, expect_echo};
use crate::serving::{bind, run, socket_path};

#[test]
fn a_stale_one_is_replaced_and_removed_at_the_end() {
    let path = socket_path();
    // The standard library leaves the file.
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let listener = bind(&format!("unix:{}", path.display()));
    let server = run(crate::adapter::Server::new(|_: &_| Obey), vec![listener]);
    let mut peer = dial_unix(&path);
    expect_echo(&mut peer);
    server.handle.drain();
    drop(peer);
    server.ended();
    assert!(!path.exists());
}

#[test]
fn a_live_one_is_refused_and_left_alone() {
    let path = socket_path();
    let address = format!("unix:{}", path.display()).parse().unwrap();
    let first = Listener::bind(&address).unwrap();
    let error = Listener::bind(&address).unwrap_err();
    assert!(matches!(error, BindError::InUse(_)), "{error}");
    assert_eq!(error.to_string(), format!("another process listens on {address}"));
    dial_unix(&path);
    drop(first);
    assert!(!path.exists());
}

#[test]
fn another_kind_of_file_is_refused_and_left_alone() {
    let path = socket_path();
    fs::write(&path, "precious").unwrap();
    let error = Listener::bind(&format!("unix:{}", path.display()).parse().unwrap()).unwrap_err();
    assert!(matches!(error, BindError::NotASocket(_)), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    fs::remove_file(path).unwrap();
}

#[test]
fn one_that_took_its_place_is_not_removed() {
    let path = socket_path();
    let address = format!("unix:{}", path.display());
    let first = bind(&address);
    fs::remove_file(&path).unwrap();
    let second = bind(&address);
    drop(first);
    dial_unix(&path);
    drop(second);
    assert!(!path.exists());
}
