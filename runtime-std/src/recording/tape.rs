//! What waits to be written, between the connections and the thread that writes.

use std::fmt;
use std::io::{self, Write};
use std::mem;
use std::ops::ControlFlow;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use drywire::Instant;
use drywire::script::{Call, Ending, Entry, Lines, Recorder};

/// Bytes that may wait to be written. A file system that is slower than the connections for longer
/// than this lasts ends the recording, and not the connections.
const WAITING_LEN_MAX: usize = 16 * 1024 * 1024;

/// Memory that is kept for what comes next, once it is written.
const KEPT_LEN_MAX: usize = 64 * 1024;

/// What is kept free for the line that says that the recording ends.
const ENDING_LEN_MAX: u64 = 64;

/// What the connections and the thread that writes share.
pub(super) struct Tape {
    len_max: u64,
    keeps_secrets: bool,
    state: Mutex<State>,
    /// There is something to write, or nothing more to come.
    changed: Condvar,
}

struct State {
    lines: Lines,
    /// What waits to be written.
    text: String,
    /// Bytes that are being written.
    writing_len: usize,
    /// Bytes of the script, written or not.
    len: u64,
    /// Nothing more is recorded.
    is_over: bool,
}

impl Tape {
    pub(super) fn new(len_max: u64, keeps_secrets: bool) -> Self {
        let text = Lines::header().to_string();
        let state = State {
            lines: Lines::new(),
            len: text.len() as u64,
            text,
            writing_len: 0,
            is_over: false,
        };
        Self { len_max, keeps_secrets, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Records nothing more.
    pub(super) fn finish(&self) {
        self.state().is_over = true;
        self.changed.notify_all();
    }

    /// No call within panics, so that a poisoned lock means nothing.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what comes, until nothing more does.
    pub(super) fn write(&self, mut file: impl Write) -> io::Result<()> {
        let mut text = String::new();
        loop {
            text.clear();
            if text.capacity() > KEPT_LEN_MAX {
                text = String::new();
            }
            {
                let mut state = self.state();
                state.writing_len = 0;
                while state.text.is_empty() && !state.is_over {
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                if state.text.is_empty() {
                    return Ok(());
                }
                mem::swap(&mut text, &mut state.text);
                state.writing_len = text.len();
            }
            if let Err(error) = file.write_all(text.as_bytes()).and_then(|()| file.flush()) {
                let mut state = self.state();
                state.is_over = true;
                state.text = String::new();
                return Err(error);
            }
        }
    }
}

impl Recorder for Tape {
    fn record(&self, entry: Entry<'_>) -> ControlFlow<()> {
        let mut state = self.state();
        if state.is_over {
            return ControlFlow::Break(());
        }
        let (before, was_idle, at) = (state.text.len(), state.text.is_empty(), entry.at);
        let State { lines, text, .. } = &mut *state;
        let _ = lines.write(&entry, text);
        let line_len = (state.text.len() - before) as u64;
        let max = self.len_max;
        let flow = if state.len + line_len + ENDING_LEN_MAX > max {
            state.text.truncate(before);
            state.end(at, Ending::Limit { max })
        } else if state.writing_len + state.text.len() > WAITING_LEN_MAX {
            state.text.truncate(before);
            state.end(at, Ending::Overrun)
        } else {
            state.len += line_len;
            ControlFlow::Continue(())
        };
        if was_idle {
            self.changed.notify_one();
        }
        flow
    }

    fn keeps_secrets(&self) -> bool {
        self.keeps_secrets
    }
}

impl State {
    /// Appends a line that says why the recording ends here.
    fn end(&mut self, at: Instant, ending: Ending) -> ControlFlow<()> {
        self.is_over = true;
        let ended = Entry::new(0, at, Call::Ended(ending));
        // Writing to a string does not fail.
        let _ = self.lines.write(&ended, &mut self.text);
        ControlFlow::Break(())
    }
}

/// Not what waits, which may be long and secret.
impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tape")
            .field("len_max", &self.len_max)
            .field("keeps_secrets", &self.keeps_secrets)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};
    use std::thread;

    use drywire::script::{Begin, Role, Script};
    use drywire::{Connection, Peer};

    use super::*;
    use crate::recording::{Recording, RecordingOptions};

    /// Collects what is written, for a test to look at.
    #[derive(Clone, Default)]
    struct Sheet(Arc<Mutex<Vec<u8>>>);

    impl Write for Sheet {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Sheet {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    fn connection() -> Connection<drywire::framing::Lines> {
        Connection::plain(drywire::framing::Lines::new(), Arc::default(), Instant::ZERO)
    }

    /// Records `turns` turns of one connection; returns the text.
    fn recorded(len_max: u64, turns: usize) -> String {
        let sheet = Sheet::default();
        let timeless = |_: &Peer, begin: &mut Begin| begin.begun = None;
        let options = RecordingOptions::new().len_max(len_max).describing(timeless);
        let recording = Recording::to(sheet.clone(), options).unwrap();
        let mut connection = connection();
        recording.attach(&mut connection, &Peer::unix(), Role::Server);
        for _ in 0..turns {
            connection.handle_timeout(Instant::ZERO);
        }
        drop(connection);
        recording.finish().unwrap();
        sheet.text()
    }

    #[test]
    fn the_file_keeps_its_limit_and_says_that_it_ends() {
        let whole = recorded(1000, 10);
        assert!(whole.ends_with("1 +0 timeout\n1 +0 dropped\n"), "{whole}");
        let enough = whole.len() as u64 + ENDING_LEN_MAX;
        assert_eq!(recorded(enough, 10), whole);
        assert_eq!(recorded(enough + 1, 10), whole);
        for len_max in whole.len() as u64..enough {
            let text = recorded(len_max, 10);
            assert!(text.len() as u64 <= len_max, "{} of {len_max}", text.len());
            let script: Script = text.parse().unwrap();
            assert_eq!(script.ending(), Some(Ending::Limit { max: len_max }));
        }
    }

    #[test]
    fn connections_of_several_threads_share_a_file() {
        let sheet = Sheet::default();
        let recording = Recording::to(sheet.clone(), RecordingOptions::new()).unwrap();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let mut connection = connection();
                        recording.attach(&mut connection, &Peer::unix(), Role::Server);
                        for nanos in 0..20 {
                            connection.handle_timeout(Instant::from_nanos(nanos));
                        }
                    }
                });
            }
        });
        recording.finish().unwrap();
        let script: Script = sheet.text().parse().unwrap();
        assert_eq!(script.connections().count(), 200);
        for (number, _) in script.connections() {
            let times: Vec<_> = script.of(number).map(|entry| entry.at.as_nanos()).collect();
            assert_eq!(times[1..21], (0..20).collect::<Vec<_>>());
            assert_eq!(times.len(), 22);
        }
    }

    #[test]
    fn a_failure_to_write_is_told_once_and_ends_the_recording_only() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (tell, told) = mpsc::channel();
        let options =
            RecordingOptions::new().on_error(move |error| tell.send(error.kind()).unwrap());
        let recording = Recording::to(Full, options).unwrap();
        assert_eq!(told.recv(), Ok(io::ErrorKind::StorageFull));
        let mut connection = connection();
        recording.attach(&mut connection, &Peer::unix(), Role::Server);
        connection.handle_timeout(Instant::ZERO);
        assert_eq!(recording.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert!(told.try_recv().is_err());
        assert!(connection.interest().read);
    }

    #[test]
    fn a_file_that_takes_nothing_ends_the_recording_and_keeps_nobody_waiting() {
        /// Is stuck until the test says so.
        struct Stuck(mpsc::Receiver<()>, Sheet);
        impl Write for Stuck {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let _ = self.0.recv();
                self.1.write(bytes)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (release, stuck) = mpsc::channel();
        let sheet = Sheet::default();
        let stuck = Stuck(stuck, sheet.clone());
        let recording = Recording::to(stuck, RecordingOptions::new()).unwrap();
        let mut connection = connection();
        recording.attach(&mut connection, &Peer::unix(), Role::Server);
        for _ in 0..WAITING_LEN_MAX / 12 {
            connection.handle_timeout(Instant::ZERO);
        }
        assert!(recording.shared.tape.state().is_over);
        drop(release);
        drop(connection);
        recording.finish().unwrap();
        let script: Script = sheet.text().parse().unwrap();
        assert_eq!(script.ending(), Some(Ending::Overrun));
    }

    #[test]
    fn what_is_being_written_counts_and_its_memory_is_not_kept() {
        /// Tells what it is given, and is stuck until the test says so.
        struct Slow(mpsc::Sender<usize>, mpsc::Receiver<()>);
        impl Write for Slow {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let _ = self.0.send(bytes.len());
                let _ = self.1.recv();
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (tell, told) = mpsc::channel();
        let (release, stuck) = mpsc::channel();
        let recording = Recording::to(Slow(tell, stuck), RecordingOptions::new()).unwrap();
        told.recv().unwrap();
        let mut connection = connection();
        recording.attach(&mut connection, &Peer::unix(), Role::Server);
        // Lines of 13 bytes, three quarters of what may wait.
        let mut fill = || {
            for _ in 0..WAITING_LEN_MAX / 13 / 4 * 3 {
                connection.handle_timeout(Instant::ZERO);
            }
        };
        fill();
        assert!(!recording.shared.tape.state().is_over);
        release.send(()).unwrap();
        let writing_len = told.recv().unwrap();
        assert!(writing_len > WAITING_LEN_MAX / 2);
        fill();
        {
            let state = recording.shared.tape.state();
            assert!(state.is_over);
            let unwritten_len = writing_len + state.text.len();
            assert!(unwritten_len <= WAITING_LEN_MAX + 64, "{unwritten_len}");
        }
        release.send(()).unwrap();
        told.recv().unwrap();
        assert!(recording.shared.tape.state().text.capacity() <= KEPT_LEN_MAX);
        drop(release);
        recording.finish().unwrap();
    }

    #[test]
    fn the_least_limit_that_is_kept_is_81() {
        let min = Lines::header().to_string().len() as u64 + ENDING_LEN_MAX;
        assert_eq!(min, 81);
        for len_max in 0..=min + 1 {
            let text = recorded(len_max, 10);
            assert!(text.len() as u64 <= len_max.max(min), "{} of {len_max}", text.len());
            let script: Script = text.parse().unwrap();
            assert_eq!(script.ending(), Some(Ending::Limit { max: len_max }));
        }
    }
}
