//! Our servers and `nc`, which ends its side when its input ends (`-N`) and prints what comes back.

use drywire::CloseReason;
use drywire_conformance::adapter::{Adapter, Running, Setup};
use drywire_conformance::both;
use drywire_conformance::peer::{Place, Process, Reach};
use drywire_conformance::protocol::Behaviour;
use drywire_conformance::wire::SAMPLES;

fn nc(server: &Running) -> Process {
    let to = match server.place() {
        Place::Tcp(address) => vec![address.ip().to_string(), address.port().to_string()],
        Place::Unix(path) => vec!["-U".to_owned(), path.display().to_string()],
    };
    Process::start("nc", ["-N".to_owned()].iter().chain(&to))
}

fn every_framing_is_echoed_after_a_half_close(adapter: &dyn Adapter) {
    for (at, sample) in SAMPLES.iter().enumerate() {
        let server = Setup::echo(sample.framing).reach(Reach::ALL[at % 3]).serve(adapter);
        let mut client = nc(&server);
        client.write(sample.bytes);
        assert_eq!(client.succeed(), sample.bytes, "{sample:?}");
        assert_eq!(server.reason(), CloseReason::Finished);
    }
}

/// The server answers only when the client has finished.
fn what_is_sent_after_the_peers_half_close_arrives(adapter: &dyn Adapter) {
    for reach in Reach::ALL {
        let setup = Setup::echo("lines").behaving(Behaviour::Count).reach(reach);
        let server = setup.serve(adapter);
        let mut client = nc(&server);
        client.write(b"one\ntwo\nthree\n");
        assert_eq!(client.succeed(), b"3\n");
        assert_eq!(server.reason(), CloseReason::Finished);
    }
}

fn four_mebibytes_come_back(adapter: &dyn Adapter) {
    for reach in Reach::ALL {
        let server = Setup::echo("raw").reach(reach).serve(adapter);
        let sent: Vec<u8> = (0..4 << 20).map(|at: u32| (at % 251) as u8).collect();
        let mut client = nc(&server);
        client.write_in_background(sent.clone());
        assert!(client.succeed() == sent, "other bytes came back over {reach:?}");
        assert_eq!(server.reason(), CloseReason::Finished);
    }
}

both!(
    every_framing_is_echoed_after_a_half_close,
    what_is_sent_after_the_peers_half_close_arrives,
    four_mebibytes_come_back,
);
