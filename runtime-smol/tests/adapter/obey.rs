//! A protocol that does what its peer says.

use drywire::framing::Lines;
use drywire::{CloseReason, Handle, Protocol, SendError};

/// Echoes lines, except for those that are commands.
pub(crate) struct Obey;

impl Protocol for Obey {
    type Framing = Lines;

    fn framing(&self) -> Lines {
        Lines::new().with_frame_len_max(100)
    }

    fn on_frame(&mut self, line: &[u8], handle: &mut Handle<'_, Lines>) {
        match line {
            b"close" => {
                handle.send(b"closing").unwrap();
                handle.close();
            }
            b"abort" => handle.abort(),
            b"fail" => handle.fail(7),
            b"panic" => panic!("asked to"),
            b"finish" => {
                handle.send(b"finishing").unwrap();
                handle.finish();
            }
            _ => match handle.send(line) {
                Ok(()) | Err(SendError::Closed | SendError::Finished) => {}
                Err(SendError::Full) => handle.retain(),
                Err(error) => panic!("{error}"),
            },
        }
    }

    fn on_failed(&mut self, _: &CloseReason, handle: &mut Handle<'_, Lines>) {
        let _ = handle.send(b"failed");
    }
}
