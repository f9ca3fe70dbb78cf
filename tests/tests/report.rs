//! What the conformance kit's report says, and when.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use drywire::CloseReason;
use drywire_conformance::kit::{
    Call, CallError, Check, Runtime, Server, Serving, Unsupported, Verdict,
};

const CASE: &str = "servers: stop while busy";

/// What is written, for many to see.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An adapter that offers nothing, and looks at the page when it is asked.
struct Reads(Page);

impl Runtime for Reads {
    fn name(&self) -> &'static str {
        "reads"
    }

    fn serve(&self, _: Serving) -> Result<Box<dyn Server>, Unsupported> {
        assert!(self.0.text().ends_with("servers\n  stop while busy                           "));
        Err(Unsupported("it only reads"))
    }

    fn call(&self, _: Call) -> Result<CloseReason, CallError> {
        Err(Unsupported("it only reads").into())
    }
}

#[test]
fn a_line_is_begun_before_its_case_and_ended_behind_it() {
    let page = Page::default();
    let check = Check::new(Arc::new(Reads(page.clone()))).cases([CASE]);
    let report = check.run_to(page.clone()).unwrap();
    assert_eq!(page.text(), format!("{report}\n"));
    assert_eq!(report.failures().count(), 0, "{report}");
    // Nothing that is checked is nothing that is right.
    assert!(!report.is_passed(), "{report}");
    let text = report.to_string();
    assert!(text.contains("- (1) - (1) - (1) - (1)     - (2) - (2) - (2) - (2) "), "{text}");
    assert!(text.contains("\n(1) does not apply: it only reads\n"), "{text}");
    assert!(text.contains("\nreads: 0 passed, 0 failed, 8 not applicable, "), "{text}");
}

/// An adapter that is not done with anything before the other end of the channel is gone.
struct Hangs(Mutex<Receiver<()>>);

impl Runtime for Hangs {
    fn name(&self) -> &'static str {
        "hangs"
    }

    fn serve(&self, _: Serving) -> Result<Box<dyn Server>, Unsupported> {
        let _ = self.0.lock().unwrap().recv();
        Err(Unsupported("it hangs"))
    }

    fn call(&self, _: Call) -> Result<CloseReason, CallError> {
        Err(Unsupported("it hangs").into())
    }
}

#[test]
fn a_case_that_hangs_is_left_behind_and_told_with_the_call_that_did_not_return() {
    let (hold, held) = channel::<()>();
    let time_max = Duration::from_millis(20);
    let others = ["servers: drain while idle", CASE];
    let check = Check::new(Arc::new(Hangs(Mutex::new(held)))).case_time_max(time_max).cases(others);
    let report = check.run();
    drop(hold);
    assert_eq!(report.outcomes().len(), others.len());
    for outcome in report.outcomes() {
        let failed = outcome.verdicts().filter(|(_, verdict)| match verdict {
            Verdict::Failed(failure) => {
                assert_eq!(failure.expected, "Runtime::serve to return");
                assert!(failure.seen.contains("20ms"), "{failure}");
                assert!(failure.at.starts_with("server.rs:"), "{failure}");
                true
            }
            _ => false,
        });
        assert_eq!(failed.count(), 4, "{report}");
    }
}
