//! The server's side of a session alone: open a record, seal its echo. Ours, rustls' two ways to do
//! it in their best form, and what nobody can leave out, the AEAD.

use std::hint::black_box;
use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant as Clock};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use drywire::buffer::Pool;
use drywire::framing::Raw;
use drywire::protocol::Echo;
use drywire::tls::{ServerTls, TlsSession};
use drywire::{Connection, Instant, Limits, pump};
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, UnbufferedStatus};
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection, Stream};

use crate::common::{is_bench, median};

const NOW: Instant = Instant::ZERO;
/// What a record takes beyond its plaintext (RFC 8446, section 5.2): header, type and tag.
const RECORD_OVERHEAD: usize = 5 + 1 + 16;

/// Bytes of plaintext that are sent and timed at a time: few enough for the caches.
const BATCH_LEN: usize = 128 * 1024;

/// Batches that one of the four takes before the next has its turn, and turns.
const BATCHES: usize = 40;
const ROUNDS: usize = 25;

/// A server that echoes records.
trait Server {
    /// Takes what one read brings, and writes what is to be written.
    fn turn(&mut self, input: &[u8], output: &mut impl Write);
}

/// Where writes go that nobody looks at: like a socket, it takes them from where they lie.
struct Sink(usize);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += black_box(bytes).len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Ours {
    connection: Connection<Raw>,
    echo: Echo<Raw>,
    pool: Pool,
}

impl Ours {
    fn new(config: &Arc<ServerConfig>) -> Self {
        let session = TlsSession::server(&ServerTls::new(config.clone()).expect("no early data"));
        let limits = Arc::new(Limits::new());
        let connection = Connection::tls(session, Raw::new(), limits, NOW);
        Self { connection, echo: Echo::new(Raw::new()), pool: Pool::default() }
    }
}

impl Server for Ours {
    fn turn(&mut self, input: &[u8], output: &mut impl Write) {
        self.connection.lease(&mut self.pool);
        self.connection.receive_buffer()[..input.len()].copy_from_slice(input);
        self.connection.received(input.len(), NOW).expect("lent");
        pump(&mut self.connection, &mut self.echo);
        let sent = self.connection.transmit();
        let len = sent.len();
        output.write_all(sent).expect("into memory");
        self.connection.transmitted(len, NOW).expect("shown");
        self.connection.settle(&mut self.pool);
    }
}

struct Buffered {
    tls: ServerConnection,
    plaintext: Vec<u8>,
}

impl Buffered {
    fn new(config: &Arc<ServerConfig>) -> Self {
        let tls = ServerConnection::new(Arc::clone(config)).expect("usable");
        Self { tls, plaintext: vec![0; 64 * 1024] }
    }
}

impl Server for Buffered {
    fn turn(&mut self, mut input: &[u8], output: &mut impl Write) {
        while !input.is_empty() {
            self.tls.read_tls(&mut input).expect("from memory");
            let state = self.tls.process_new_packets().expect("in order");
            let len = state.plaintext_bytes_to_read();
            let plaintext = &mut self.plaintext[..len];
            self.tls.reader().read_exact(plaintext).expect("there");
            self.tls.writer().write_all(plaintext).expect("room");
        }
        while self.tls.wants_write() {
            self.tls.write_tls(output).expect("into memory");
        }
    }
}

/// As its documentation shows it: a stream that is read and written.
struct Streamed {
    tls: ServerConnection,
    plaintext: Vec<u8>,
}

impl Streamed {
    fn new(config: &Arc<ServerConfig>) -> Self {
        let tls = ServerConnection::new(Arc::clone(config)).expect("usable");
        Self { tls, plaintext: vec![0; 16 * 1024] }
    }
}

impl Server for Streamed {
    fn turn(&mut self, input: &[u8], output: &mut impl Write) {
        let mut socket = Socket { input, output };
        let mut stream = Stream::new(&mut self.tls, &mut socket);
        loop {
            match stream.read(&mut self.plaintext) {
                Ok(len) => stream.write_all(&self.plaintext[..len]).expect("room"),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    return;
                }
            }
        }
    }
}

/// A socket that has received `input`.
struct Socket<'a, W> {
    input: &'a [u8],
    output: &'a mut W,
}

impl<W> Read for Socket<'_, W> {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        if self.input.is_empty() {
            Err(ErrorKind::WouldBlock.into())
        } else {
            self.input.read(room)
        }
    }
}

impl<W: Write> Write for Socket<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.output.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.output.flush()
    }
}

struct Unbuffered {
    tls: UnbufferedServerConnection,
    /// What was read, `held` bytes of it.
    ciphertext: Vec<u8>,
    held: usize,
    plaintext: Vec<u8>,
    sealed: Vec<u8>,
}

impl Unbuffered {
    fn new(config: &Arc<ServerConfig>) -> Self {
        let tls = UnbufferedServerConnection::new(Arc::clone(config)).expect("usable");
        let (ciphertext, sealed) = (vec![0; 65 * 1024], vec![0; 65 * 1024]);
        Self { tls, ciphertext, held: 0, plaintext: Vec::new(), sealed }
    }
}

impl Server for Unbuffered {
    fn turn(&mut self, input: &[u8], output: &mut impl Write) {
        self.ciphertext[self.held..][..input.len()].copy_from_slice(input);
        self.held += input.len();
        let (mut start, mut sealed_len) = (0, 0);
        loop {
            let held = &mut self.ciphertext[start..self.held];
            let UnbufferedStatus { mut discard, state } = self.tls.process_tls_records(held);
            let mut waits = false;
            match state.expect("in order") {
                ConnectionState::ReadTraffic(mut traffic) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record.expect("whole");
                        discard += record.discard;
                        self.plaintext.extend_from_slice(record.payload);
                    }
                }
                ConnectionState::EncodeTlsData(mut data) => {
                    sealed_len += data.encode(&mut self.sealed[sealed_len..]).expect("room");
                }
                ConnectionState::TransmitTlsData(data) => data.done(),
                ConnectionState::WriteTraffic(mut traffic) => {
                    let room = &mut self.sealed[sealed_len..];
                    sealed_len += traffic.encrypt(&self.plaintext, room).expect("room");
                    self.plaintext.clear();
                    waits = true;
                }
                _ => waits = true,
            }
            start += discard;
            if waits {
                break;
            }
        }
        self.ciphertext.copy_within(start..self.held, 0);
        self.held -= start;
        output.write_all(&self.sealed[..sealed_len]).expect("into memory");
    }
}

/// A server and a client that sends it records.
struct Talk<S> {
    server: S,
    client: ClientConnection,
    output: Vec<u8>,
    back: Vec<u8>,
}

impl<S: Server> Talk<S> {
    fn new(server: S, config: &Arc<ClientConfig>) -> Self {
        let name = "localhost".try_into().expect("a name");
        let mut client = ClientConnection::new(Arc::clone(config), name).expect("usable");
        client.set_buffer_limit(None);
        let mut talk = Self { server, client, output: Vec::new(), back: Vec::new() };
        while talk.client.is_handshaking() || talk.client.wants_write() {
            let mut input = Vec::new();
            while talk.client.wants_write() {
                talk.client.write_tls(&mut input).expect("into memory");
            }
            talk.server.turn(&input, &mut talk.output);
            talk.take_output();
        }
        talk
    }

    fn take_output(&mut self) {
        let mut output = self.output.as_slice();
        while !output.is_empty() {
            self.client.read_tls(&mut output).expect("from memory");
            let state = self.client.process_new_packets().expect("in order");
            let start = self.back.len();
            self.back.resize(start + state.plaintext_bytes_to_read(), 0);
            self.client.reader().read_exact(&mut self.back[start..]).expect("there");
        }
        self.output.clear();
    }

    /// Fills `input` with what the client sends: `message` so many times, a record each. One after
    /// the other and into the same vector: otherwise the heap would grow and be given back between
    /// batches, and whoever comes next would pay for its pages.
    fn fill(&mut self, input: &mut Vec<u8>, message: &[u8], count: usize) {
        input.clear();
        for _ in 0..count {
            self.client.writer().write_all(message).expect("room");
            while self.client.wants_write() {
                self.client.write_tls(input).expect("into memory");
            }
        }
        assert_eq!(input.len(), count * (message.len() + RECORD_OVERHEAD), "a record each");
    }

    /// Checks that what is sent comes back.
    fn check(&mut self, message: &[u8]) {
        self.back.clear();
        let mut input = Vec::new();
        self.fill(&mut input, message, 20);
        for read in input.chunks(message.len() + RECORD_OVERHEAD) {
            self.server.turn(read, &mut self.output);
            self.take_output();
        }
        assert!(self.back.chunks(message.len()).eq((0..20).map(|_| message)), "an echo");
    }

    /// The seconds that the server takes for a record. The client does not look at the echo.
    fn time(&mut self, message: &[u8], batches: usize) -> f64 {
        let count = BATCH_LEN / message.len();
        let (mut time, mut sink) = (Duration::ZERO, Sink(0));
        let mut input = Vec::with_capacity(count * (message.len() + RECORD_OVERHEAD));
        for _ in 0..batches {
            self.fill(&mut input, message, count);
            let start = Clock::now();
            for read in input.chunks(message.len() + RECORD_OVERHEAD) {
                self.server.turn(read, &mut sink);
            }
            time += start.elapsed();
        }
        let records = batches * count;
        assert_eq!(sink.0, records * (message.len() + RECORD_OVERHEAD), "records of echo");
        time.as_secs_f64() / records as f64
    }
}

/// Opens and seals with the bare cipher.
fn aead(message: &[u8], count: usize) -> f64 {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32]).expect("32 bytes"));
    let nonce = || Nonce::assume_unique_for_key([1; 12]);
    let mut record = message.to_vec();
    key.seal_in_place_append_tag(nonce(), Aad::empty(), &mut record).expect("sealed");
    let start = Clock::now();
    for _ in 0..count {
        key.open_in_place(nonce(), Aad::empty(), &mut record).expect("opened");
        record.truncate(message.len());
        key.seal_in_place_append_tag(nonce(), Aad::empty(), &mut record).expect("sealed");
    }
    black_box(record);
    start.elapsed().as_secs_f64() / count as f64
}

/// Compares the four for records of `len` bytes, by the median of the ratios of rounds that they
/// take in turns.
pub(crate) fn compare(len: usize, server: &Arc<ServerConfig>, client: &Arc<ClientConfig>) {
    let message: Vec<u8> = (0..=250).cycle().take(len).collect();
    let mut ours = Talk::new(Ours::new(server), client);
    let mut buffered = Talk::new(Buffered::new(server), client);
    let mut streamed = Talk::new(Streamed::new(server), client);
    let mut unbuffered = Talk::new(Unbuffered::new(server), client);
    ours.check(&message);
    buffered.check(&message);
    streamed.check(&message);
    unbuffered.check(&message);
    if !is_bench() {
        return;
    }
    let mut all = || {
        [
            ours.time(&message, BATCHES),
            buffered.time(&message, BATCHES),
            streamed.time(&message, BATCHES),
            unbuffered.time(&message, BATCHES),
            aead(&message, BATCHES * BATCH_LEN / len),
        ]
    };
    let rounds: Vec<_> = (0..ROUNDS).map(|_| all()).collect();
    let ns = median(rounds.iter().map(|[ours, ..]| ours * 1e9).collect());
    println!("tls session, {len} B records: open and seal in {ns:.0} ns");
    for (at, name) in
        ["rustls buffered", "rustls Stream", "rustls unbuffered", "AES-256-GCM"].iter().enumerate()
    {
        let mut ratios: Vec<_> = rounds.iter().map(|round| round[at + 1] / round[0]).collect();
        ratios.sort_by(f64::total_cmp);
        let (low, high) = (ratios[ratios.len() / 4], ratios[ratios.len() * 3 / 4]);
        println!("  {:>6.2} x as fast as {name} ({low:.2} to {high:.2})", median(ratios));
    }
}
