//! What the service manager is told, if it has asked: sd_notify(3).

use sd_notify::NotifyState;

use crate::output::Output;

/// Something that a service manager wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Ready,
    Reloading,
    Stopping,
}

/// Tells the service manager. That it cannot be told is no reason not to serve.
pub(crate) fn notify(state: State, output: Output) {
    let told = match state {
        State::Ready => sd_notify::notify(&[NotifyState::Ready]),
        // The time tells this reload from earlier ones.
        State::Reloading => NotifyState::monotonic_usec_now()
            .and_then(|now| sd_notify::notify(&[NotifyState::Reloading, now])),
        State::Stopping => sd_notify::notify(&[NotifyState::Stopping]),
    };
    if let Err(error) = told {
        output.warn(format_args!(
            "the service manager cannot be told: {}",
            crate::exit::cause(&error)
        ));
    }
}
