//! A panic of what is checked is seen with its place in the code of whoever wrote it. Alone in its
//! process, for the panic hook is everybody's.
#![cfg(feature = "testkit")]

use std::panic::{catch_unwind, set_hook, take_hook};
use std::sync::Mutex;

use drywire::framing::Netstring;
use drywire::testkit::check;
use drywire::{Handle, Protocol};

struct Indexes;

impl Protocol for Indexes {
    type Framing = Netstring;

    fn framing(&self) -> Netstring {
        Netstring::new()
    }

    fn on_frame(&mut self, frame: &[u8], handle: &mut Handle<'_, Netstring>) {
        assert!(frame[0] < 255, "of an empty frame there is no first byte");
        let _ = handle.send(frame);
    }
}

static PLACES: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[test]
fn a_panic_is_seen_with_its_place() {
    set_hook(Box::new(|panic| {
        let place = panic.location().map(|location| location.file().to_owned());
        PLACES.lock().unwrap().extend(place);
    }));
    let outcome = catch_unwind(|| check::protocol(|| Indexes));
    let _ = take_hook();
    let report = outcome.unwrap_err().downcast::<String>().unwrap();
    assert!(report.contains("index out of bounds"), "{report}");
    assert!(report.contains("Check::protocol(…).replay(b\""), "{report}");
    // The panic in the handler, and that of the check, in the name of its caller.
    let places = PLACES.lock().unwrap();
    assert_eq!(places.len(), 2, "{places:?}");
    assert!(places.iter().all(|place| place.ends_with("check_panics.rs")), "{places:?}");
}
