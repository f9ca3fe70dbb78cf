use std::collections::BTreeMap;

use drywire::{Handle, Protocol, SendError};

use crate::{Resp, Value};

/// Longest value, in bytes.
const BULK_LEN_MAX: usize = 64 * 1024;

/// Most keys of one conversation.
const KEYS_MAX: usize = 1000;

/// A key and its value.
type Pair<'a> = (&'a [u8], &'a [u8]);

/// A server that keeps values for as long as a conversation lasts.
#[derive(Clone, Debug, Default)]
pub struct Store {
    values: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Store {
    /// An empty one.
    #[must_use]
    pub const fn new() -> Self {
        Self { values: BTreeMap::new() }
    }

    /// What is answered, and what is to be kept once it is.
    fn answer<'a>(&'a self, request: &'a [u8]) -> (Value<'a>, Option<Pair<'a>>) {
        let mut words = request.splitn(3, |byte| *byte == b' ');
        match (words.next(), words.next(), words.next()) {
            (Some(b"GET"), Some(key), None) => match self.values.get(key) {
                Some(value) => (Value::Bulk(value), None),
                None => (Value::Error(b"no such key"), None),
            },
            (Some(b"SET"), Some(key), Some(value)) => {
                if self.values.len() == KEYS_MAX && !self.values.contains_key(key) {
                    return (Value::Error(b"too many keys"), None);
                }
                (Value::Simple(b"OK"), Some((key, value)))
            }
            _ => (Value::Error(b"unknown request"), None),
        }
    }
}

impl Protocol for Store {
    type Framing = Resp;

    fn framing(&self) -> Resp {
        Resp::new(BULK_LEN_MAX)
    }

    fn on_frame(&mut self, frame: Value<'_>, handle: &mut Handle<'_, Resp>) {
        let Value::Bulk(request) = frame else { return handle.fail(1) };
        let (reply, kept) = self.answer(request);
        match (handle.send(reply), kept) {
            (Ok(()), Some((key, value))) => {
                let (key, value) = (key.to_vec(), value.to_vec());
                self.values.insert(key, value);
            }
            // No room for the reply: show the request again when there is.
            (Err(SendError::Full), _) => handle.retain(),
            // Too late, or a value that was too long to be kept.
            (Ok(()) | Err(_), _) => {}
        }
    }
}
