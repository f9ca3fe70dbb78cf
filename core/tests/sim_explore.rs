//! Exploring seeds: a planted bug that needs a particular order of things is found, and what shows
//! it is made small.
#![cfg(feature = "testkit")]

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use drywire::framing::{ByteFraming, Lines};
use drywire::testkit::sim::{Fault, Link, Party, Plan, Sim, Violation, explore};
use drywire::testkit::{Talker, Then};
use drywire::{CloseReason, Handle, Protocol};

const MS: Duration = Duration::from_millis(1);

/// An account that several connections draw from: each asks for the balance, and takes what it was
/// told to be there. Between the two another one may have taken it: the bug.
#[derive(Debug, Default)]
struct Account {
    balance: i64,
}

struct Teller {
    account: Rc<RefCell<Account>>,
    /// What this connection was told.
    told: i64,
}

impl Protocol for Teller {
    type Framing = Lines;

    fn framing(&self) -> Lines {
        Lines::new()
    }

    fn on_frame(&mut self, frame: &[u8], handle: &mut Handle<'_, Lines>) {
        match frame {
            b"balance" => {
                self.told = self.account.borrow().balance;
                handle.send(self.told.to_string().as_bytes()).unwrap();
            }
            b"take" if self.told > 0 => {
                self.account.borrow_mut().balance -= 1;
                handle.send(b"taken").unwrap();
            }
            _ => handle.send(b"no").unwrap(),
        }
    }
}

/// Asks, and takes what it hears is there.
struct Taker;

impl Protocol for Taker {
    type Framing = Lines;

    fn framing(&self) -> Lines {
        Lines::new()
    }

    fn on_open(&mut self, _: Option<&drywire::tls::Negotiated>, handle: &mut Handle<'_, Lines>) {
        handle.send(b"balance").unwrap();
    }

    fn on_frame(&mut self, frame: &[u8], handle: &mut Handle<'_, Lines>) {
        match frame {
            b"taken" | b"no" | b"0" => handle.finish(),
            _ => handle.send(b"take").unwrap(),
        }
    }
}

/// The scenario: as many takers as the plan says, one unit for all of them, one after the other
/// at intervals that are longer than an undisturbed conversation takes.
fn takers(plan: &Plan) -> Result<(), Violation> {
    let account = Rc::new(RefCell::new(Account { balance: 1 }));
    let mut sim = plan.sim();
    for number in 0..plan.connection_count() {
        let at = drywire::Instant::from_elapsed(50 * MS * u32::try_from(number).unwrap());
        let teller = Teller { account: Rc::clone(&account), told: 0 };
        sim.connect_at(at, Party::plain("taker", Taker), Party::plain("teller", teller));
    }
    sim.run_checked(|_| match account.borrow().balance {
        balance if balance < 0 => Err(format!("the balance is {balance}")),
        _ => Ok(()),
    })?;
    Ok(())
}

/// Undisturbed, a conversation takes 20 to 36 ms; it must stall or lose something to overlap.
fn plan(seed: u64) -> Plan {
    let link = Link::new().latency(5 * MS).jitter(4 * MS).segments(1..=3).loss(0.001);
    Plan::new(seed)
        .connections(6)
        .link(link)
        .random_faults(3, 300 * MS)
        .lasting(Duration::from_secs(20))
}

#[test]
fn a_bug_that_needs_a_particular_order_is_found_and_made_small() {
    let failure = explore(0..2_000, plan, takers).unwrap_err();
    assert!(failure.violation.what.starts_with("the balance is -1"), "{failure}");
    // It takes two, and something that holds up one of them; jitter and segments do not matter.
    let smallest = &failure.smallest;
    assert_eq!(smallest.connection_count(), 2, "{failure}");
    let text = failure.to_string();
    assert!(text.contains(&format!("replay: {smallest}\n")), "{text}");
    assert!(text.contains(&format!("found:  {}\n", failure.found)), "{text}");
    assert!(text.contains("frame \"take\""), "the time-line is there: {text}");
    assert!(!smallest.to_string().contains("segments"), "{text}");
    assert!(smallest.to_string().matches("Fault::").count() <= 1, "{text}");
    // What was printed replays: run again, it fails in the same way.
    let again = takers(smallest).unwrap_err();
    assert_eq!((&again.what, again.at), (&failure.violation.what, failure.violation.at));
    // And it is minimal: on an ideal link nothing is wrong.
    assert_eq!(takers(&Plan::new(smallest.seed()).connections(2)), Ok(()));
}

#[test]
fn exploring_is_a_function_of_the_seeds() {
    let first = explore(0..2_000, plan, takers).unwrap_err();
    let second = explore(0..2_000, plan, takers).unwrap_err();
    assert_eq!(first, second);
}

#[test]
fn a_scenario_without_a_bug_passes_for_all_seeds() {
    let passed = explore(0..200, plan, |plan| {
        let mut sim = plan.sim();
        for _ in 0..plan.connection_count() {
            let talker = Talker::new(Lines::new(), vec![b"hello".to_vec()], Then::Finish);
            let echo = drywire::protocol::Echo::new(Lines::new());
            sim.connect(Party::plain("client", talker), Party::plain("server", echo));
        }
        sim.run_checked(|_| Ok(()))?;
        Ok(())
    });
    assert_eq!(passed, Ok(200));
}

#[test]
fn a_run_without_an_end_is_a_failure() {
    let failure = explore(
        0..1,
        |seed| Plan::new(seed).connections(4),
        |plan| {
            let mut sim = plan.sim().rounds_max(100);
            for _ in 0..plan.connection_count() {
                let echo = || drywire::protocol::Echo::new(Lines::new());
                let (one, _) = sim.connect(Party::plain("a", echo()), Party::plain("b", echo()));
                sim[one].connection.send(b"ball").unwrap();
            }
            sim.run_checked(|_| Ok(())).map(drop)
        },
    );
    let failure = failure.unwrap_err();
    assert!(failure.violation.what.contains("without an end"), "{failure}");
    assert_eq!(failure.smallest, Plan::new(0));
}

#[test]
fn a_panic_is_a_failure() {
    let plan = |seed| Plan::new(seed).fault(Fault::reset(0).at(MS));
    let failure = explore(0..1, plan, |plan| {
        let mut sim = plan.sim().link(Link::new().latency(5 * MS));
        let talker = Talker::new(Lines::new(), vec![b"hello".to_vec()], Then::Finish);
        let echo = drywire::protocol::Echo::new(Lines::new());
        let (client, _) = sim.connect(Party::plain("a", talker), Party::plain("b", echo));
        sim.run().map_err(|overrun| sim.overran(&overrun))?;
        assert_eq!(sim[client].connection.close_reason(), Some(&CloseReason::Finished));
        Ok(())
    });
    let failure = failure.unwrap_err();
    assert!(failure.violation.what.starts_with("panicked: "), "{failure}");
    assert_eq!(failure.smallest.to_string(), "Plan::new(0).fault(Fault::reset(0))");
}

#[test]
fn plans_say_how_long_a_run_lasts() {
    let plan = Plan::new(1).lasting(Duration::from_secs(3));
    assert_eq!(plan.to_string(), "Plan::new(1).lasting(Duration::from_nanos(3000000000))");
    let mut sim: Sim = plan.sim();
    let talker = || Talker::new(Lines::new(), vec![], Then::Stay);
    sim.connect(Party::plain("a", talker()), Party::plain("b", talker()));
    assert_eq!(sim.run(), Ok(drywire::testkit::sim::Ended::TimeUp));
    fn assert_lines<F: ByteFraming>(_: &F) {}
    assert_lines(&Lines::new());
}
