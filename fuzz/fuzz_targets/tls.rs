//! As `connection`, on both sides of TLS sessions, with records damaged, forged and withheld.
#![no_main]

#[path = "../../core/tests/support/mod.rs"]
mod support;

fn init() {
    // The one panic of rustls that a session catches (see the head of its source) is no finding.
    let abort = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let is_known = panic.to_string().contains("!self.sent_fatal_alert");
        if !is_known {
            abort(panic)
        }
    }));
}

libfuzzer_sys::fuzz_target!(init: init(), |data: &[u8]| {
    drywire::testkit::fuzz::tls(data, |is_new| support::sessions(support::Version::of(is_new)));
});
