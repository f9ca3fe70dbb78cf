//! A capture of what went over the transport: packets made up around the bytes of a script.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, BufWriter, Write};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use drywire::script::{Begin, Call, Entry, Replay, Role, Script};
use etherparse::PacketBuilder;
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketBlock;
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::{DataLink, PcapError};

/// Bytes of one packet's payload: what an Ethernet carries.
const SEGMENT_LEN: usize = 1440;

/// What both sides say that they have room for.
const WINDOW_LEN: u16 = u16::MAX;

/// Times are in nanoseconds: ten to the minus nine.
const NANOSECONDS: u8 = 9;

/// Writes a capture of `script` and what `replay` sent in it.
pub(super) fn write(script: &Script, replay: &Replay, file: impl Write) -> io::Result<()> {
    let mut capture = Capture::begin(BufWriter::new(file)).map_err(failed)?;
    // The time of day at the epoch, as the first connection knows it that was told.
    let epoch = script.connections().find_map(|(number, begin)| {
        let began_at = script.of(number).next()?.at;
        begin.begun?.checked_sub(Duration::from_nanos(began_at.as_nanos()))
    });
    let epoch = epoch.unwrap_or_default();
    let mut streams: BTreeMap<u64, Stream> = BTreeMap::new();
    let mut played = replay.played().iter().peekable();
    for (index, entry) in script.entries.iter().enumerate() {
        let time = epoch.saturating_add(Duration::from_nanos(entry.at.as_nanos()));
        if let Call::Begin(begin) = &entry.call {
            let mut stream = Stream::new(entry.connection, begin);
            stream.open(&mut capture, time).map_err(failed)?;
            streams.insert(entry.connection, stream);
        } else if let Some(stream) = streams.get_mut(&entry.connection) {
            stream.happened(entry, &mut capture, time).map_err(failed)?;
        }
        while let Some(played) = played.next_if(|played| played.index == index) {
            let Call::Sent(payload) = &played.entry.call else { continue };
            if let Some(stream) = streams.get_mut(&played.entry.connection) {
                stream.queue.extend(payload.bytes().unwrap_or_default());
            }
        }
    }
    capture.writer.into_inner().flush()
}

fn failed(error: PcapError) -> io::Error {
    match error {
        PcapError::IoError(error) => error,
        error => io::Error::other(error.to_string()),
    }
}

struct Capture<W: Write> {
    writer: PcapNgWriter<W>,
}

impl<W: Write> Capture<W> {
    fn begin(file: W) -> Result<Self, PcapError> {
        let mut writer = PcapNgWriter::new(file)?;
        writer.write_pcapng_block(InterfaceDescriptionBlock {
            linktype: DataLink::RAW,
            snaplen: 0,
            options: vec![InterfaceDescriptionOption::IfTsResol(NANOSECONDS)],
        })?;
        Ok(Self { writer })
    }

    fn packet(&mut self, time: Duration, data: &[u8]) -> Result<(), PcapError> {
        self.writer.write_pcapng_block(EnhancedPacketBlock {
            interface_id: 0,
            timestamp: time,
            original_len: u32::try_from(data.len()).unwrap_or(u32::MAX),
            data: Cow::Borrowed(data),
            options: Vec::new(),
        })?;
        Ok(())
    }
}

/// What a packet says beside its payload.
#[derive(Clone, Copy, Default)]
struct Flags {
    syn: bool,
    ack: bool,
    push: bool,
    fin: bool,
    reset: bool,
}

const ACK: Flags = Flags { syn: false, ack: true, push: false, fin: false, reset: false };

/// One end of a stream: where it is and the number of its next byte.
#[derive(Clone, Copy)]
struct End {
    address: SocketAddr,
    sequence: u32,
    has_finished: bool,
}

/// One connection, as the two ends see it.
struct Stream {
    ours: End,
    theirs: End,
    role: Role,
    /// What was sent and is not transmitted.
    queue: VecDeque<u8>,
}

impl Stream {
    fn new(number: u64, begin: &Begin) -> Self {
        let known = |address: &Option<String>| address.as_deref()?.parse::<SocketAddr>().ok();
        let end = |address| End { address, sequence: 0, has_finished: false };
        let (ours, theirs) = match (known(&begin.local), known(&begin.peer)) {
            (Some(local), Some(peer)) if local.is_ipv4() == peer.is_ipv4() => (local, peer),
            _ => made_up(number, begin.role),
        };
        Self { ours: end(ours), theirs: end(theirs), role: begin.role, queue: VecDeque::new() }
    }

    /// The three packets that a stream begins with.
    fn open<W: Write>(
        &mut self,
        capture: &mut Capture<W>,
        time: Duration,
    ) -> Result<(), PcapError> {
        let is_ours = self.role == Role::Client;
        self.send(is_ours, Flags { syn: true, ..Flags::default() }, &[], capture, time)?;
        self.send(!is_ours, Flags { syn: true, ..ACK }, &[], capture, time)?;
        self.send(is_ours, ACK, &[], capture, time)
    }

    fn happened<W: Write>(
        &mut self,
        entry: &Entry<'_>,
        capture: &mut Capture<W>,
        time: Duration,
    ) -> Result<(), PcapError> {
        match &entry.call {
            Call::Received(payload) => {
                self.data(false, payload.bytes().unwrap_or_default(), capture, time)
            }
            Call::Transmitted(len) => {
                let len = (*len).min(self.queue.len());
                let bytes: Vec<u8> = self.queue.drain(..len).collect();
                self.data(true, &bytes, capture, time)
            }
            Call::Eof | Call::Cut => self.finish(false, capture, time),
            Call::ShutDown => self.finish(true, capture, time),
            Call::TransportFailed(_) => self.reset(false, capture, time),
            Call::Dropped => self.reset(true, capture, time),
            _ => Ok(()),
        }
    }

    fn data<W: Write>(
        &mut self,
        is_ours: bool,
        bytes: &[u8],
        capture: &mut Capture<W>,
        time: Duration,
    ) -> Result<(), PcapError> {
        for segment in bytes.chunks(SEGMENT_LEN) {
            self.send(is_ours, Flags { push: true, ..ACK }, segment, capture, time)?;
        }
        if bytes.is_empty() { Ok(()) } else { self.send(!is_ours, ACK, &[], capture, time) }
    }

    fn finish<W: Write>(
        &mut self,
        is_ours: bool,
        capture: &mut Capture<W>,
        time: Duration,
    ) -> Result<(), PcapError> {
        let end = if is_ours { &mut self.ours } else { &mut self.theirs };
        if std::mem::replace(&mut end.has_finished, true) {
            return Ok(());
        }
        self.send(is_ours, Flags { fin: true, ..ACK }, &[], capture, time)?;
        self.send(!is_ours, ACK, &[], capture, time)
    }

    /// Ends a stream that has not ended on both sides.
    fn reset<W: Write>(
        &mut self,
        is_ours: bool,
        capture: &mut Capture<W>,
        time: Duration,
    ) -> Result<(), PcapError> {
        if self.ours.has_finished && self.theirs.has_finished {
            return Ok(());
        }
        (self.ours.has_finished, self.theirs.has_finished) = (true, true);
        self.send(is_ours, Flags { reset: true, ..ACK }, &[], capture, time)
    }

    fn send<W: Write>(
        &mut self,
        is_ours: bool,
        flags: Flags,
        payload: &[u8],
        capture: &mut Capture<W>,
        time: Duration,
    ) -> Result<(), PcapError> {
        let (from, to) =
            if is_ours { (&mut self.ours, &self.theirs) } else { (&mut self.theirs, &self.ours) };
        let packet = packet(*from, *to, flags, payload)?;
        let counted = u32::from(flags.syn) + u32::from(flags.fin);
        // Numbers go round, as they do on the wire; a segment is short.
        let len = u32::try_from(payload.len()).unwrap_or_default() + counted;
        from.sequence = from.sequence.wrapping_add(len);
        capture.packet(time, &packet)
    }
}

/// A packet with its checksums.
fn packet(from: End, to: End, flags: Flags, payload: &[u8]) -> Result<Vec<u8>, PcapError> {
    const HOPS: u8 = 64;
    let builder = match (from.address.ip(), to.address.ip()) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            PacketBuilder::ipv4(one.octets(), other.octets(), HOPS)
        }
        (one, other) => PacketBuilder::ipv6(octets(one), octets(other), HOPS),
    };
    let (source, destination) = (from.address.port(), to.address.port());
    let mut builder = builder.tcp(source, destination, from.sequence, WINDOW_LEN);
    if flags.ack {
        builder = builder.ack(to.sequence);
    }
    if flags.syn {
        builder = builder.syn();
    }
    if flags.push {
        builder = builder.psh();
    }
    if flags.fin {
        builder = builder.fin();
    }
    if flags.reset {
        builder = builder.rst();
    }
    let mut packet = Vec::with_capacity(builder.size(payload.len()));
    let written = builder.write(&mut packet, payload);
    written.map_err(|error| PcapError::IoError(io::Error::other(error.to_string())))?;
    Ok(packet)
}

const fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// Ours and the peer's address where none is known, of those that are for documentation
/// (RFC 5737), with ports that tell connections apart.
fn made_up(number: u64, role: Role) -> (SocketAddr, SocketAddr) {
    const FIRST_PORT: u16 = 1024;
    const SERVER_PORT: u16 = 7;
    let ports = u64::from(u16::MAX - FIRST_PORT) + 1;
    let port = FIRST_PORT + u16::try_from(number % ports).unwrap_or_default();
    let server = SocketAddr::from(([192, 0, 2, 1], SERVER_PORT));
    let client = SocketAddr::from(([192, 0, 2, 2], port));
    match role {
        Role::Server => (server, client),
        Role::Client => (client, server),
    }
}
