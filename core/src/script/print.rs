//! Scripts to text.

use alloc::collections::BTreeMap;
use core::fmt::{self, Display, Formatter, Write};

use super::call::{Begin, Call, Ending, Payload, Role, StepKind};
use super::names::limits;
use super::{Entry, Script, VERSION};
use crate::limits::Limits;
use crate::time::Instant;

/// Writes entries as they come: remembers the time of each connection's last entry.
///
/// ```
/// use drywire::script::{Begin, Call, Entry, Lines, Role};
/// use drywire::Instant;
///
/// let mut text = Lines::header().to_string();
/// let mut lines = Lines::new();
/// let begin = Call::Begin(Box::new(Begin::new(Role::Client)));
/// for (nanos, call) in [(5, begin), (9, Call::Opened)] {
///     let entry = Entry::new(3, Instant::from_nanos(nanos), call);
///     lines.write(&entry, &mut text)?;
/// }
/// assert_eq!(text, "drywire-script 1\n3 +5 begin client\n3 +4 opened\n");
/// # Ok::<(), core::fmt::Error>(())
/// ```
///
/// # Bounds
/// Holds 16 bytes for each connection that has begun and not been dropped.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    latest: BTreeMap<u64, Instant>,
}

impl Lines {
    /// Begins with the first entry.
    #[must_use]
    pub const fn new() -> Self {
        Self { latest: BTreeMap::new() }
    }

    /// The first line, with its ending.
    #[must_use]
    pub fn header() -> impl Display {
        struct Header;
        impl Display for Header {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                writeln!(f, "drywire-script {VERSION}")
            }
        }
        Header
    }

    /// Appends the line of `entry`, with its ending, to `text`.
    ///
    /// # Errors
    /// Those of `text`.
    pub fn write(&mut self, entry: &Entry<'_>, text: &mut impl Write) -> fmt::Result {
        let Entry { connection, at, call } = entry;
        let before = self.latest.get(connection).copied().unwrap_or(Instant::ZERO);
        let after = at.saturating_duration_since(before).as_nanos();
        if let Call::Dropped = call {
            self.latest.remove(connection);
        } else {
            self.latest.insert(*connection, (*at).max(before));
        }
        writeln!(text, "{connection} +{after} {call}")
    }
}

impl Display for Script {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Lines::header().fmt(f)?;
        let mut lines = Lines::new();
        self.entries.iter().try_for_each(|entry| lines.write(entry, f))
    }
}

impl Display for Call<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::Begin(begin) => return write!(f, "begin {begin}"),
            Self::Ended(Ending::Limit { max }) => return write!(f, "ended limit {max}"),
            Self::Ended(Ending::Overrun) => "ended overrun",
            Self::Dropped => "dropped",
            Self::Opened => "opened",
            Self::Received(payload) => return write!(f, "received {payload}"),
            Self::Eof => "eof",
            Self::Cut => "cut",
            Self::TlsFailed => "tls_failed",
            Self::Transmitted(len) => return write!(f, "transmitted {len}"),
            Self::ShutDown => "shut_down",
            Self::TransportFailed(fault) => {
                return write!(f, "transport_failed {}", fault.name());
            }
            Self::TransmitFailed(fault) => {
                return write!(f, "transmit_failed {}", fault.name());
            }
            Self::Timeout => "timeout",
            Self::Sent(payload) => return write!(f, "sent {payload}"),
            Self::Finish => "finish",
            Self::Close => "close",
            Self::Abort => "abort",
            Self::Fail(code) => return write!(f, "fail {code}"),
            Self::SetTimer(Some(after)) => return write!(f, "timer {}", after.as_nanos()),
            Self::SetTimer(None) => "timer none",
            Self::Retain => "retain",
            Self::Decouple => "decouple",
            Self::Upgrade => "upgrade",
            Self::Drain => "drain",
            Self::Stop => "stop",
            Self::Lease => "lease",
            Self::Settle => "settle",
            Self::Look => "look",
            Self::Step(step) => return write!(f, "step {step}"),
        };
        f.write_str(word)
    }
}

impl Display for StepKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Frame { len } => return write!(f, "frame {len}"),
            Self::Timer => "timer",
            Self::Writable => "writable",
            Self::Finished => "finished",
            Self::Failed(kind) => return write!(f, "failed {kind}"),
            Self::Closed(kind) => return write!(f, "closed {kind}"),
        })
    }
}

impl Display for Role {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Server => "server",
        })
    }
}

/// As a sentence for people; the [call](Call) prints what a script says.
impl Display for Ending {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit { max } => write!(f, "size limit of {max} bytes reached"),
            Self::Overrun => f.write_str("could not be written as fast as things happened"),
        }
    }
}

impl Display for Begin {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.role)?;
        if self.is_tls {
            f.write_str(" tls")?;
        }
        for (key, value) in [("framing", &self.framing), ("protocol", &self.protocol)] {
            write_text(f, key, value.as_deref())?;
        }
        if let Some(max) = self.frame_len_max {
            write!(f, " frame_len_max={max}")?;
        }
        for (key, value) in [("peer", &self.peer), ("local", &self.local)] {
            write_text(f, key, value.as_deref())?;
        }
        if let Some(begun) = self.begun {
            // Until the year 2554.
            write!(f, " begun={}", u64::try_from(begun.as_nanos()).unwrap_or(u64::MAX))?;
        }
        let (mut these, mut defaults) = (self.limits.clone(), Limits::new());
        for ((key, this), (_, default)) in limits(&mut these).iter().zip(&limits(&mut defaults)) {
            if this.value() == default.value() {
                continue;
            }
            write!(f, " {key}=")?;
            if this.is_never() { f.write_str("none")? } else { this.value().fmt(f)? }
        }
        Ok(())
    }
}

fn write_text(f: &mut Formatter<'_>, key: &str, value: Option<&str>) -> fmt::Result {
    match value {
        None => Ok(()),
        Some(token) if !token.is_empty() && token.bytes().all(is_token_byte) => {
            write!(f, " {key}={token}")
        }
        Some(text) => {
            write!(f, " {key}=")?;
            write_string(f, text.as_bytes())
        }
    }
}

pub(super) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'_' | b':' | b'/' | b'[' | b']' | b'%' | b'@' | b'+')
}

impl Display for Payload<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let bytes = match self {
            Self::Bytes(bytes) => bytes,
            Self::Withheld(len) => return write!(f, "*{len}"),
        };
        let escaped_len: usize = bytes.iter().map(|byte| escaped_len(*byte)).sum();
        // Both have two more.
        if escaped_len <= 2 * bytes.len() {
            return write_string(f, bytes);
        }
        f.write_str("0x")?;
        bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

const fn escaped_len(byte: u8) -> usize {
    match byte {
        b'\n' | b'\r' | b'\t' | b'\\' | b'"' => 2,
        b' '..=b'~' => 1,
        _ => 4,
    }
}

fn write_string(f: &mut Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    f.write_char('"')?;
    let mut rest = bytes;
    while !rest.is_empty() {
        // What is printed as it is goes out in one piece.
        let plain = rest.iter().take_while(|byte| escaped_len(**byte) == 1).count();
        let (piece, behind) = rest.split_at(plain);
        f.write_str(core::str::from_utf8(piece).map_err(|_| fmt::Error)?)?;
        rest = behind;
        if let Some((byte, behind)) = rest.split_first() {
            match byte {
                b'\n' => f.write_str("\\n")?,
                b'\r' => f.write_str("\\r")?,
                b'\t' => f.write_str("\\t")?,
                b'\\' => f.write_str("\\\\")?,
                b'"' => f.write_str("\\\"")?,
                byte => write!(f, "\\x{byte:02x}")?,
            }
            rest = behind;
        }
    }
    f.write_char('"')
}
