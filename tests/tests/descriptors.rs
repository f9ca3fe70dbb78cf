//! Out of descriptors a server waits, and goes on when there are some. The limit is one of the whole
//! process, hence a file of its own, and one test at a time.

use std::fs::File;
use std::sync::{Mutex, PoisonError};

use drywire_conformance::adapter::{Adapter, Setup};
use drywire_conformance::both;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

static ALONE: Mutex<()> = Mutex::new(());

fn a_server_without_descriptors_waits_for_some(adapter: &dyn Adapter) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(100), ..limit }).unwrap();

    let server = Setup::echo("lines").serve(adapter);
    let mut witness = server.connect();
    witness.send(b"before\n");
    witness.expect(b"before\n");

    let mut hoard: Vec<File> = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        hoard.push(file);
    }
    drop(hoard.pop());
    let mut waiting = server.connect();
    waiting.send(b"waiting\n");
    // The others are served meanwhile.
    witness.send(b"meanwhile\n");
    witness.expect(b"meanwhile\n");
    assert_eq!(server.statistics().accepted, 1);

    drop(hoard);
    waiting.expect(b"waiting\n");
    setrlimit(Resource::Nofile, limit).unwrap();
}

both!(a_server_without_descriptors_waits_for_some);
