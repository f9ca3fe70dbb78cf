use alloc::string::ToString;

use crate::script::{self, Bounds, Script};

/// Bytes that a replay may take for each of its text: a frame of a byte becomes two steps, and a
/// connection of a short line has buffers.
const REPLAY_FACTOR: usize = 2048;

/// Bytes that it may take however short the text is: the buffers of one connection at work.
const POOL_LEN: usize = 256 * 1024;

/// Parses `data` as a script. What is accepted prints itself as a text that is the same script and
/// prints itself, and is replayed or not, the same each time, in memory in proportion; what is
/// refused names a line that there is.
///
/// # Panics
/// When that does not hold.
pub fn script(data: &[u8]) {
    let mut bounds = Bounds::new();
    bounds.entries_max = 1000;
    bounds.line_len_max = 10_000;
    let script = match Script::parse(data, &bounds) {
        Ok(script) => script,
        Err(error) => {
            let lines = data.split(|byte| *byte == b'\n').count();
            assert!((1..=lines).contains(&error.line), "{error} of {lines} lines");
            return;
        }
    };
    assert!(script.entries.len() <= bounds.entries_max, "more entries than there may be");
    let text = script.to_string();
    // Printed it may be longer, for escapes that need not be written.
    let again = Script::parse(text.as_bytes(), &Bounds::new());
    assert_eq!(again.as_ref(), Ok(&script), "{text}");
    assert_eq!(again.map(|again| again.to_string()), Ok(text.clone()));
    let replay = script::replay(&script);
    if let Ok(replay) = &replay {
        let (len, max) = (replay.memory_len(), REPLAY_FACTOR * text.len() + POOL_LEN);
        assert!(len <= max, "a replay of {} bytes took {len}", text.len());
    }
    assert_eq!(replay, script::replay(&script), "twice is not the same");
}
