//! A naive reader of HTTP/1.1, messages for it, and the framing's two sides for laws.
//!
//! [`requests`] and [`responses`] read a whole stream at once, with vectors and loops that are
//! meant to be obviously right. They share nothing with [`http1`](crate::http1) but the names of
//! the errors. Where they see several reasons to refuse a message they name them all: the framing
//! may name any of them, but has to refuse there and nowhere else.

mod body;
mod generate;
mod head;
mod owned;
mod side;

mod stream;

pub use generate::{message, stream, turns, written};

pub use side::Side;
pub use stream::{Account, Answer, Asked, Ending, Event, Fault, Field, Head, requests, responses};
