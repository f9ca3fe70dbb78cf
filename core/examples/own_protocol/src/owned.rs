use drywire::testkit::OwnedFrames;

use crate::{Resp, Value};

/// A value that borrows nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnedValue {
    /// See [`Value::Simple`].
    Simple(Vec<u8>),
    /// See [`Value::Error`].
    Error(Vec<u8>),
    /// See [`Value::Bulk`].
    Bulk(Vec<u8>),
}

impl OwnedFrames for Resp {
    type Owned = OwnedValue;

    fn own(frame: &Value<'_>) -> OwnedValue {
        match *frame {
            Value::Simple(text) => OwnedValue::Simple(text.to_vec()),
            Value::Error(text) => OwnedValue::Error(text.to_vec()),
            Value::Bulk(bytes) => OwnedValue::Bulk(bytes.to_vec()),
        }
    }

    fn item<R>(frame: &OwnedValue, take: impl FnOnce(Value<'_>) -> R) -> R {
        take(match frame {
            OwnedValue::Simple(text) => Value::Simple(text),
            OwnedValue::Error(text) => Value::Error(text),
            OwnedValue::Bulk(bytes) => Value::Bulk(bytes),
        })
    }

    fn frame_from(&self, bytes: &[u8]) -> Option<OwnedValue> {
        let (kind, rest) = bytes.split_first()?;
        Some(match kind % 3 {
            0 => OwnedValue::Simple(rest.to_vec()),
            1 => OwnedValue::Error(rest.to_vec()),
            _ => OwnedValue::Bulk(rest.to_vec()),
        })
    }
}
