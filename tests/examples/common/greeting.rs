//! A client's protocol, the same for every adapter.

use drywire::framing::Lines;
use drywire::tls::Negotiated;
use drywire::{Handle, Protocol};

/// Greets in three languages, prints what comes back, and closes.
#[derive(Default)]
pub(crate) struct Greeting {
    answers: usize,
}

const GREETINGS: [&str; 3] = ["hello", "bonjour", "moin"];

impl Protocol for Greeting {
    type Framing = Lines;

    fn framing(&self) -> Lines {
        Lines::new()
    }

    fn on_open(&mut self, _: Option<&Negotiated>, handle: &mut Handle<'_, Lines>) {
        for greeting in GREETINGS {
            handle.send(greeting.as_bytes()).expect("room for three short lines");
        }
    }

    fn on_frame(&mut self, line: &[u8], handle: &mut Handle<'_, Lines>) {
        println!("{}", line.escape_ascii());
        self.answers += 1;
        if self.answers == GREETINGS.len() {
            handle.close();
        }
    }
}
