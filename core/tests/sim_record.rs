//! Simulated connections, recorded as scripts that replay.
#![cfg(all(feature = "testkit", feature = "tls"))]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use drywire::framing::Netstring;
use drywire::protocol::Echo;
use drywire::script::{self, Begin, Call, Role, Script, StepKind};
use drywire::testkit::sim::{Direction, Fault, Link, Party, Sim};
use drywire::testkit::{Talker, Then, Traced};
use drywire::{CloseKind, CloseReason, Instant};
use support::{EVERYTHING, Over};

/// A conversation over a bad network, whose two sides are recorded.
fn recorded(seed: u64, over: Over, fault: Option<Fault>) -> (Script, Vec<Vec<u8>>, CloseReason) {
    let ms = Duration::from_millis;
    let link = Link::new().latency(ms(20)).jitter(ms(5)).segments(1..=90).reads(1..=40);
    let mut sim = Sim::new(seed).link(link);
    fault.into_iter().for_each(|fault| sim.add_fault(fault));
    let script = Arc::new(Mutex::new(Script::new()));
    let begin = |role, protocol: Option<&str>| {
        let mut begin = Begin::new(role);
        begin.framing = Some("netstring".to_owned());
        begin.protocol = protocol.map(str::to_owned);
        begin
    };
    let frames = vec![b"hello".to_vec(), vec![b'x'; 300]];
    let client = Traced::new(Talker::new(Netstring::new(), frames, Then::Finish));
    let server = Echo::new(Netstring::new());
    let (client, server) = match over {
        Over::Plain => (Party::plain("client", client), Party::plain("server", server)),
        Over::Tls(version) => {
            let (one, other) = support::sessions(version);
            (Party::tls("client", one, client), Party::tls("server", other, server))
        }
    };
    let client = client.recorded(Arc::clone(&script) as _, begin(Role::Client, None));
    let server = server.recorded(Arc::clone(&script) as _, begin(Role::Server, Some("echo")));
    let (client, server) = sim.connect(client, server);
    sim.run().unwrap();
    let heard = sim[client].protocol.trace.frames().iter().map(|frame| frame.to_vec()).collect();
    let reason = sim[server].connection.close_reason().unwrap().clone();
    let script = script.lock().unwrap().clone();
    (script, heard, reason)
}

#[test]
fn a_recorded_side_replays_without_a_network() {
    for over in EVERYTHING {
        let (script, heard, reason) = recorded(1, over, None);
        assert_eq!(reason, CloseReason::Finished);
        let replay = script::replay(&script).unwrap();
        assert!(replay.differences().is_empty(), "{over:?}: {:?}", replay.differences());
        let wire: Vec<_> = heard
            .iter()
            .flat_map(|frame| [format!("{}:", frame.len()).as_bytes(), frame, b","].concat())
            .collect();
        assert_eq!((replay.sent(0), replay.sent(1)), (wire.clone(), wire));
        // It is text that comes back as it was.
        assert_eq!(script.to_string().parse(), Ok(script));
    }
}

#[test]
fn a_recorded_failure_replays_as_that_failure() {
    // In the middle of the second answer.
    let fault = || Some(Fault::reset(0).after(Direction::Back, 100));
    let (script, _, reason) = recorded(2, Over::Plain, fault());
    assert_eq!(reason, CloseReason::Reset);
    let replay = script::replay(&script).unwrap();
    assert!(replay.differences().is_empty(), "{:?}", replay.differences());
    let closed =
        script.of(1).find(|entry| entry.call == Call::Step(StepKind::Closed(CloseKind::Reset)));
    assert!(closed.unwrap().at >= Instant::from_elapsed(Duration::from_millis(20)));
    // The same seed is the same script, byte for byte; another is another.
    assert_eq!(recorded(2, Over::Plain, fault()).0.to_string(), script.to_string());
    assert_ne!(recorded(3, Over::Plain, fault()).0.to_string(), script.to_string());
}
