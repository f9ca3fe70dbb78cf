//! Recordings of connections into a file, as [scripts](drywire::script).

mod options;
mod tape;

use std::fmt;
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{SystemTime, UNIX_EPOCH};

use drywire::framing::Framing;
use drywire::peer::Ends;
use drywire::script::{Begin, Recorder, Role};
use drywire::{Connection, Peer};

use options::Describe;
pub use options::{RECORDING_LEN_MAX, RecordingOptions};
use tape::Tape;

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
    shared: Arc<Shared>,
}

/// What all copies share.
struct Shared {
    tape: Arc<Tape>,
    describe: Box<Describe>,
    /// Connections so far.
    count: AtomicU64,
    writer: Mutex<Option<JoinHandle<io::Result<()>>>>,
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
        let RecordingOptions { len_max, keeps_secrets, describe, on_error } = options;
        let tape = Arc::new(Tape::new(len_max, keeps_secrets));
        let written = Arc::clone(&tape);
        let write = move || written.write(file).inspect_err(|error| on_error(error));
        let writer = thread::Builder::new().name("drywire-record".to_owned()).spawn(write)?;
        let (count, writer) = (AtomicU64::new(0), Mutex::new(Some(writer)));
        Ok(Self { shared: Arc::new(Shared { tape, describe, count, writer }) })
    }

    /// Records `connection`, to which nothing has happened yet.
    pub fn attach<F: Framing>(&self, connection: &mut Connection<F>, peer: &Peer, role: Role) {
        let mut begin = Begin::new(role);
        if let Ends::Ip { remote, local } = peer.ends() {
            begin.peer = Some(remote.to_string());
            begin.local = Some(local.to_string());
        }
        let Shared { tape, describe, count, .. } = &*self.shared;
        begin.begun = SystemTime::now().duration_since(UNIX_EPOCH).ok();
        describe(peer, &mut begin);
        let number = count.fetch_add(1, Ordering::Relaxed) + 1;
        connection.record(Arc::clone(tape) as Arc<dyn Recorder>, number, begin);
    }

    /// Ends the recording and waits until all of it is written.
    ///
    /// # Errors
    /// The first failure to write.
    pub fn finish(self) -> io::Result<()> {
        let Shared { tape, writer, .. } = &*self.shared;
        tape.finish();
        let writer = writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let panicked = |_| Err(io::Error::other("the thread that writes has panicked"));
        writer.map_or(Ok(()), |writer| writer.join().unwrap_or_else(panicked))
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording").field("tape", &self.shared.tape).finish_non_exhaustive()
    }
}
