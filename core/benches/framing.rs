//! Framings against the least that anybody must do: copy the bytes, or look for their line feeds.
//!
//! `cargo bench -p drywire --bench framing`, all of it, or with `-- "u32be, 64 B" …` some

mod common;
#[path = "common/filter.rs"]
mod filter;

use std::hint::black_box;
use std::sync::Arc;

use common::pair;
use drywire::buffer::{Buffer, Pool};
use drywire::framing::{
    ByteFraming, Delimiter, Fixed, Framing, LengthPrefix, Lines, Netstring, Payload, Scan, Varint,
    VarintFormat, Whole,
};
use drywire::protocol::Echo;
use drywire::{Connection, Instant, Limits, pump};
use filter::is_wanted;

/// Bytes that every round handles.
const INPUT_LEN: usize = 1024 * 1024;
/// What one read brings in the echo.
const CHUNK_LEN: usize = 64 * 1024;

fn main() {
    for frame_len in [64, 16 * 1024] {
        for_framing("u32be", LengthPrefix::u32be(), frame_len);
        for_framing("varint", Varint::new(VarintFormat::Leb128 { canonical: true }), frame_len);
        for_framing("netstring", Netstring::new(), frame_len);
        for_framing("lines", Lines::new(), frame_len);
        for_framing("delimiter", Delimiter::new(b"\r\n.\r\n").expect("not empty"), frame_len);
        let fixed = Fixed::new(frame_len.try_into().expect("not zero"));
        for_framing("fixed", fixed, frame_len);
    }
}

fn for_framing<F: ByteFraming + Clone>(name: &str, framing: F, frame_len: usize)
where
    Whole<Payload>: From<Whole<F::Found>>,
{
    if !is_wanted(&format!("{name}, {frame_len} B")) {
        return;
    }
    let payload = vec![b'x'; frame_len];
    let count = INPUT_LEN / frame_len;
    let mut encoder = framing.clone();
    let mut encoded = Buffer::new();
    for _ in 0..count {
        encoder.encode(&payload, &mut encoded).expect("within the limit");
    }
    let input = encoded.filled().to_vec();
    let mut copy = vec![0; input.len()];

    // Decoding: find every frame. The limit is memchr for lines, a copy for the others.
    let mut decoder = framing.clone();
    assert_eq!(decode(&mut decoder, &input), (count, count * frame_len), "{name} decodes");
    let decode_all = || decode(&mut decoder, &input).0;
    let title = format!("{name} decode, {frame_len} B");
    if name == "lines" {
        let limit = || memchr::memchr_iter(b'\n', black_box(&input)).count();
        pair(&title, input.len(), count, decode_all, "memchr", limit);
    } else {
        let limit = || copied(&mut copy, &input);
        pair(&title, input.len(), count, decode_all, "memcpy", limit);
    }

    // Encoding: write every frame. The limit is one copy of the same bytes.
    let mut output = Buffer::new();
    let encode_all = || {
        output.clear();
        for _ in 0..count {
            encoder.encode(black_box(&payload), &mut output).expect("within the limit");
        }
        output.len()
    };
    let limit = || copied(&mut copy, &input);
    pair(&format!("{name} encode, {frame_len} B"), input.len(), count, encode_all, "memcpy", limit);
    assert_eq!(output.filled(), input, "{name} encodes");

    // A whole connection: reads of 64 KiB in, echo out. The limit is the copy that it must make.
    let mut echo = EchoInMemory::new(framing);
    let mut echoed = Vec::new();
    echo.round(&input, |bytes| echoed.extend_from_slice(bytes));
    assert!(echoed == input, "{name} echoes");
    let echo_all = || {
        echo.round(&input, |bytes| {
            black_box(bytes);
        })
    };
    let limit = || copied(&mut copy, &input);
    pair(&format!("{name} echo, {frame_len} B"), input.len(), count, echo_all, "memcpy", limit);
}

fn copied(copy: &mut [u8], input: &[u8]) -> usize {
    copy.copy_from_slice(black_box(input));
    black_box(copy).len()
}

/// Frames and payload bytes in `input`, which holds whole frames only.
fn decode<F: Framing>(framing: &mut F, input: &[u8]) -> (usize, usize)
where
    Whole<Payload>: From<Whole<F::Found>>,
{
    let (mut rest, mut frames, mut len_sum) = (input, 0, 0);
    while !rest.is_empty() {
        let Ok(Scan::Found(whole)) = framing.scan(rest) else {
            break;
        };
        let Whole { len, found } = Whole::<Payload>::from(whole);
        frames += 1;
        len_sum += found.of(rest).len();
        rest = &rest[len..];
    }
    (frames, len_sum)
}

struct EchoInMemory<F: ByteFraming + Clone> {
    connection: Connection<F>,
    echo: Echo<F>,
    pool: Pool,
}

impl<F: ByteFraming + Clone> EchoInMemory<F> {
    fn new(framing: F) -> Self {
        let limits = Arc::new(Limits::new());
        Self {
            connection: Connection::plain(framing.clone(), limits, Instant::ZERO),
            echo: Echo::new(framing),
            pool: Pool::default(),
        }
    }

    /// Feeds `input` as reads bring it; `sink` gets what each write takes. Returns the bytes sent.
    fn round(&mut self, input: &[u8], mut sink: impl FnMut(&[u8])) -> usize {
        let (mut rest, mut sent, now) = (input, 0, Instant::ZERO);
        loop {
            self.connection.lease(&mut self.pool);
            let room = self.connection.receive_buffer();
            let len = room.len().min(rest.len()).min(CHUNK_LEN);
            room[..len].copy_from_slice(&rest[..len]);
            rest = &rest[len..];
            self.connection.received(len, now).expect("lent");
            pump(&mut self.connection, &mut self.echo);
            let output = self.connection.transmit();
            let len = output.len();
            sink(output);
            sent += len;
            self.connection.transmitted(len, now).expect("shown");
            self.connection.settle(&mut self.pool);
            if rest.is_empty() && len == 0 {
                return sent;
            }
        }
    }
}
