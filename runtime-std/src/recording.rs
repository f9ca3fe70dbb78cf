//! Recordings of connections into a file, as [scripts](drywire::script).

use std::fmt;
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::mem;
use std::ops::ControlFlow;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use drywire::framing::Framing;
use drywire::peer::Ends;
use drywire::script::{Begin, Call, Ending, Entry, Lines, Recorder, Role};
use drywire::{Connection, Instant, Peer};

/// Bytes that a recording may have by default.
pub const RECORDING_LEN_MAX: u64 = 64 * 1024 * 1024;

/// Bytes that may wait to be written. A file system that is slower than the connections for longer
/// than this lasts ends the recording, and not the connections.
const WAITING_LEN_MAX: usize = 16 * 1024 * 1024;

/// Memory that is kept for what comes next, once it is written.
const KEPT_LEN_MAX: usize = 64 * 1024;

/// What is kept free for the line that says that the recording ends.
const ENDING_LEN_MAX: u64 = 64;

/// A file that connections are recorded into, from any threads, for `drywire replay`.
///
/// Copies are of the same recording. A thread of its own writes, whole lines only, so that
/// connections do not wait for the file; it ends with [`finish`](Self::finish).
///
/// What is within TLS is recorded by its lengths only, unless [told
/// otherwise](RecordingOptions::secrets).
///
/// # Bounds
/// The file's length; then its last line says that it ends there. As long as it is written more
/// slowly than things happen, 16 MiB of text that is not written, for which twice as much memory may
/// be reserved; beyond them it ends likewise.
///
/// # Examples
/// ```
/// use drywire::framing::Lines;
/// use drywire::protocol::Echo;
/// use drywire_std::{Listener, Recording, RecordingOptions, Server};
///
/// let file = std::env::temp_dir().join(format!("drywire-example-{}.script", std::process::id()));
/// let options = RecordingOptions::new().describing(|_, begin| {
///     begin.framing = Some("lines".into());
///     begin.protocol = Some("echo".into());
/// });
/// let recording = Recording::create(&file, options)?;
/// let server = Server::new(|_peer: &_| Echo::new(Lines::new()))
///     .listen(Listener::bind(&"tcp://127.0.0.1:0".parse()?)?)
///     .record(recording.clone());
/// server.handle().drain();
/// server.run()?;
/// recording.finish()?;
/// assert_eq!(std::fs::read_to_string(&file)?, "drywire-script 1\n");
/// # std::fs::remove_file(&file)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Recording {
    tape: Arc<Tape>,
}

/// How a recording is made.
pub struct RecordingOptions {
    len_max: u64,
    keeps_secrets: bool,
    describe: Box<Describe>,
    on_error: Box<OnError>,
}

/// Says what a connection's beginning is to say.
type Describe = dyn Fn(&Peer, &mut Begin) + Send + Sync;

/// Is told, once, that the file cannot be written.
type OnError = dyn Fn(&io::Error) + Send + Sync;

impl RecordingOptions {
    /// At most [`RECORDING_LEN_MAX`] bytes, without secrets.
    #[must_use]
    pub fn new() -> Self {
        Self {
            len_max: RECORDING_LEN_MAX,
            keeps_secrets: false,
            describe: Box::new(|_, _| {}),
            on_error: Box::new(|_| {}),
        }
    }

    /// Sets how many bytes the file may have: at least 81, for how a script begins and ends. With
    /// less, the file has up to 81 all the same.
    #[must_use]
    pub fn len_max(self, len_max: u64) -> Self {
        Self { len_max, ..self }
    }

    /// Records what is within TLS too: the plaintext, never the keys.
    #[must_use]
    pub fn secrets(self, keeps_secrets: bool) -> Self {
        Self { keeps_secrets, ..self }
    }

    /// Lets `describe` say which framing and protocol a connection has, which a replay needs. Role
    /// and addresses are there already.
    #[must_use]
    pub fn describing(self, describe: impl Fn(&Peer, &mut Begin) + Send + Sync + 'static) -> Self {
        Self { describe: Box::new(describe), ..self }
    }

    /// Tells `observer` of the first failure to write, in the thread that writes. Nothing is
    /// recorded after it.
    #[must_use]
    pub fn on_error(self, observer: impl Fn(&io::Error) + Send + Sync + 'static) -> Self {
        Self { on_error: Box::new(observer), ..self }
    }
}

impl Default for RecordingOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// What the connections and the thread that writes share.
struct Tape {
    options: RecordingOptions,
    /// Connections so far.
    count: AtomicU64,
    state: Mutex<State>,
    /// There is something to write, or nothing more to come.
    changed: Condvar,
    writer: Mutex<Option<JoinHandle<()>>>,
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
    error: Option<io::Error>,
}

impl Recording {
    /// Records into a new file at `path`, or in place of what is in the one that is there.
    ///
    /// Only its owner may open it for reading from then on, whatever mode it had. A symbolic link is
    /// followed, as `/dev/stdout` is one: let nobody else make links in the directory. What is not
    /// a regular file, as a pipe or a device, keeps its mode.
    ///
    /// # Errors
    /// Those of the system, which must provide the file and a thread. A file of somebody else, whose
    /// mode may not be changed, is left as it is.
    pub fn create(path: &Path, options: RecordingOptions) -> io::Result<Self> {
        let mut open = File::options();
        // Nothing is lost of a file that cannot be recorded into.
        let file = open.write(true).create(true).truncate(false).mode(0o600).open(path)?;
        if file.metadata()?.is_file() {
            file.set_permissions(Permissions::from_mode(0o600))?;
            file.set_len(0)?;
        }
        Self::to(file, options)
    }

    /// Records into `file`, from where it stands.
    ///
    /// # Errors
    /// Those of the system, which must provide a thread.
    pub fn to(file: impl Write + Send + 'static, options: RecordingOptions) -> io::Result<Self> {
        let text = Lines::header().to_string();
        let state = State {
            lines: Lines::new(),
            len: text.len() as u64,
            text,
            writing_len: 0,
            is_over: false,
            error: None,
        };
        let tape = Arc::new(Tape {
            options,
            count: AtomicU64::new(0),
            state: Mutex::new(state),
            changed: Condvar::new(),
            writer: Mutex::new(None),
        });
        let writing = Arc::clone(&tape);
        let writer = thread::Builder::new().name("drywire-record".to_owned());
        let writer = writer.spawn(move || writing.write(file))?;
        *tape.writer.lock().unwrap_or_else(PoisonError::into_inner) = Some(writer);
        Ok(Self { tape })
    }

    /// Records `connection`, to which nothing has happened yet.
    pub fn attach<F: Framing>(&self, connection: &mut Connection<F>, peer: &Peer, role: Role) {
        let mut begin = Begin::new(role);
        if let Ends::Ip { remote, local } = peer.ends() {
            begin.peer = Some(remote.to_string());
            begin.local = Some(local.to_string());
        }
        (self.tape.options.describe)(peer, &mut begin);
        let number = self.tape.count.fetch_add(1, Ordering::Relaxed) + 1;
        connection.record(Arc::clone(&self.tape) as Arc<dyn Recorder>, number, begin);
    }

    /// Ends the recording and waits until all of it is written.
    ///
    /// # Errors
    /// The first failure to write.
    pub fn finish(self) -> io::Result<()> {
        self.tape.state().is_over = true;
        self.tape.changed.notify_all();
        let writer = self.tape.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(_)) = writer.map(JoinHandle::join) {
            return Err(io::Error::other("the thread that writes has panicked"));
        }
        self.tape.state().error.take().map_or(Ok(()), Err)
    }
}

impl Tape {
    /// No call within panics, so that a poisoned lock means nothing.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what comes, until nothing more does.
    fn write(&self, mut file: impl Write) {
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
                    return;
                }
                mem::swap(&mut text, &mut state.text);
                state.writing_len = text.len();
            }
            if let Err(error) = file.write_all(text.as_bytes()).and_then(|()| file.flush()) {
                (self.options.on_error)(&error);
                let mut state = self.state();
                (state.is_over, state.error) = (true, Some(error));
                state.text = String::new();
                return;
            }
        }
    }
}

impl State {
    /// Appends a line that says why the recording ends here.
    fn end(&mut self, at: Instant, ending: Ending) -> ControlFlow<()> {
        self.is_over = true;
        let ended = Entry { connection: 0, at, call: Call::Ended(ending) };
        // Writing to a string does not fail.
        let _ = self.lines.write(&ended, &mut self.text);
        ControlFlow::Break(())
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
        let max = self.options.len_max;
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
        self.options.keeps_secrets
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording").field("options", &self.tape.options).finish_non_exhaustive()
    }
}

impl fmt::Debug for RecordingOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordingOptions")
            .field("len_max", &self.len_max)
            .field("keeps_secrets", &self.keeps_secrets)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use drywire::script::Script;

    use super::*;

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
        let options = RecordingOptions::new().len_max(len_max);
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
        assert!(recording.tape.state().is_over);
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
        assert!(!recording.tape.state().is_over);
        release.send(()).unwrap();
        let writing_len = told.recv().unwrap();
        assert!(writing_len > WAITING_LEN_MAX / 2);
        fill();
        {
            let state = recording.tape.state();
            assert!(state.is_over);
            let unwritten_len = writing_len + state.text.len();
            assert!(unwritten_len <= WAITING_LEN_MAX + 64, "{unwritten_len}");
        }
        release.send(()).unwrap();
        told.recv().unwrap();
        assert!(recording.tape.state().text.capacity() <= KEPT_LEN_MAX);
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
