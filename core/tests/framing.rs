//! Laws, known bytes, limits and errors of every framing in the box.

use core::num::NonZeroUsize;

use drywire::buffer::Buffer;
use drywire::error::{DecodeError, EncodeError, Expected, RemoteError};
use drywire::framing::{
    AnyFraming, Endian, Framing, LengthPrefix, LengthPrefixError, LineEnding, ParseFramingError,
    Scan, Unterminated,
};
use drywire::testkit::fuzz;
use drywire::testkit::laws::framing as laws;
use drywire::testkit::model::{Decoded, Model, Prefix};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::FileFailurePersistence;

/// A plain length prefix of four bytes.
const U32BE: Prefix =
    Prefix { width: 4, endian: Endian::Big, offset: 0, adjustment: 0, skip: None };

fn lines(max: usize) -> Model {
    let (line_ending, unterminated) = (LineEnding::Lf, Unterminated::Refuse);
    Model::Lines { max, line_ending, unterminated }
}

fn delimiter(max: usize, delimiter: &[u8]) -> Model {
    Model::Delimiter { max, delimiter: delimiter.to_vec() }
}

fn fixed(max: usize, len: usize) -> Model {
    Model::Fixed { max, len: NonZeroUsize::new(len).unwrap() }
}

/// Every framing with the limit `max`, a length prefix of four bytes among them.
fn with_limit(max: usize) -> [Model; 11] {
    [
        delimiter(max, b"\r\n"),
        delimiter(max, b"\0"),
        fixed(max, 3),
        Model::Leb128 { max, canonical: false },
        Model::Leb128 { max, canonical: true },
        Model::LengthPrefix { max, prefix: U32BE },
        lines(max),
        Model::Lines { max, line_ending: LineEnding::CrLf, unterminated: Unterminated::Yield },
        Model::Netstring { max },
        Model::Quic { max },
        Model::Raw { max },
    ]
}

// Laws.

fn prefixes() -> impl Strategy<Value = Prefix> {
    let adjustments =
        [0, 0, 0, 1, -1, 2, -2, 4, -4, 9, -9, 300, -0x0102, -0x0102_0304, i64::MAX, i64::MIN];
    let skips = [None, None, None, Some(0), Some(1), Some(3), Some(4), Some(9), Some(40)];
    (
        1..=8_u8,
        select(&[Endian::Big, Endian::Little]),
        select(&[0, 0, 1, 2, 5]),
        select(adjustments.to_vec()),
        select(skips.to_vec()),
    )
        .prop_map(|(width, endian, offset, adjustment, skip)| Prefix {
            width,
            endian,
            offset,
            adjustment,
            skip,
        })
}

fn models() -> impl Strategy<Value = Model> {
    let maxima = [0, 1, 2, 3, 9, 10, 63, 64, 127, 128, 255, 256, usize::MAX];
    select(maxima.to_vec()).prop_flat_map(|max| {
        prop_oneof![
            vec(letters(), 1..=4).prop_map(move |delimiter| Model::Delimiter { max, delimiter }),
            (1..10_usize).prop_map(move |len| fixed(max, len)),
            any::<bool>().prop_map(move |canonical| Model::Leb128 { max, canonical }),
            prefixes().prop_map(move |prefix| Model::LengthPrefix { max, prefix }),
            (any::<bool>(), any::<bool>()).prop_map(move |(crlf, is_yielded)| Model::Lines {
                max,
                line_ending: if crlf { LineEnding::CrLf } else { LineEnding::Lf },
                unterminated: if is_yielded { Unterminated::Yield } else { Unterminated::Refuse },
            }),
            Just(Model::Netstring { max }),
            Just(Model::Quic { max }),
            Just(Model::Raw { max }),
        ]
    })
}

/// Bytes that mean something to some framing, and any others.
fn letters() -> impl Strategy<Value = u8> {
    prop_oneof![4 => select(b"ab\r\n0123:,\0\x01\x80".as_slice()), 1 => any::<u8>()]
}

fn frames() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let lengths = prop_oneof![8 => 0..12_usize, 1 => select(&[63, 64, 65, 127, 128, 129, 256])];
    let frame = lengths.prop_flat_map(|len| vec(letters(), len));
    vec(frame, 0..5)
}

/// What damage there is to the input, if any.
#[derive(Clone, Debug)]
enum Damage {
    None,
    Append(Vec<u8>),
    Change(Index, u8),
    Cut(Index),
    Insert(Index, u8),
    Remove(Index),
}

impl Damage {
    fn inflict(self, input: &mut Vec<u8>) {
        match self {
            Self::Append(bytes) => input.extend(bytes),
            _ if input.is_empty() => {}
            Self::None => {}
            Self::Change(at, byte) => *at.get_mut(input) = byte,
            Self::Cut(at) => input.truncate(at.index(input.len())),
            Self::Insert(at, byte) => input.insert(at.index(input.len()), byte),
            Self::Remove(at) => drop(input.remove(at.index(input.len()))),
        }
    }
}

fn damages() -> impl Strategy<Value = Damage> {
    prop_oneof![
        10 => Just(Damage::None),
        1 => vec(letters(), 1..20).prop_map(Damage::Append),
        1 => (any::<Index>(), letters()).prop_map(|(at, byte)| Damage::Change(at, byte)),
        1 => any::<Index>().prop_map(Damage::Cut),
        1 => (any::<Index>(), letters()).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        1 => any::<Index>().prop_map(Damage::Remove),
    ]
}

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_law_holds_for_mostly_valid_input(
        model in models(),
        frames in frames(),
        damage in damages(),
        cuts in vec(0..300_usize, 0..4),
    ) {
        let mut input: Vec<_> =
            frames.iter().filter_map(|frame| model.write(frame)).flatten().collect();
        damage.inflict(&mut input);
        laws::in_box(&model, &frames, &input, &cuts);
    }

    #[test]
    fn every_law_holds_for_whatever_the_fuzz_body_makes_of_noise(data in vec(any::<u8>(), 0..200)) {
        fuzz::in_box(&data);
    }
}

#[test]
fn every_law_holds_for_every_short_input_and_every_cut() {
    let cases: [(&[u8], usize, Vec<Model>); 7] = [
        (b"a\r\n", 6, with_limit(2)[6..8].to_vec()),
        (b"ab", 8, vec![delimiter(2, b"a"), delimiter(2, b"aa"), delimiter(3, b"abab")]),
        (b"ab", 8, vec![fixed(2, 2), fixed(2, 3), Model::Raw { max: 2 }]),
        (b"\x00\x01\x02\x80\xFF", 4, with_limit(2)[3..5].to_vec()),
        (b"\x00\x01\x02\x40\x80", 4, vec![Model::Quic { max: 1 }]),
        (b"012:,", 5, vec![Model::Netstring { max: 2 }, Model::Netstring { max: 10 }]),
        (b"\x00\x01\x02\xFF", 5, short_prefixes()),
    ];
    for (alphabet, len_max, models) in cases {
        for input in words(alphabet, len_max) {
            for model in &models {
                laws::in_box(model, std::slice::from_ref(&input), &input, &[]);
            }
        }
    }
}

/// Length prefixes of one byte with each option at its smallest.
fn short_prefixes() -> Vec<Model> {
    let plain = Prefix { width: 1, ..U32BE };
    [
        plain,
        Prefix { offset: 1, ..plain },
        Prefix { offset: 1, skip: Some(0), ..plain },
        Prefix { width: 2, endian: Endian::Little, skip: Some(1), ..plain },
        Prefix { skip: Some(2), ..plain },
        Prefix { adjustment: -1, ..plain },
        Prefix { adjustment: 1, skip: Some(0), ..plain },
    ]
    .map(|prefix| Model::LengthPrefix { max: 2, prefix })
    .to_vec()
}

/// Every word of at most `len_max` letters.
fn words(alphabet: &[u8], len_max: usize) -> Vec<Vec<u8>> {
    let mut words = vec![Vec::new()];
    let mut longest = words.clone();
    for _ in 0..len_max {
        longest = longest
            .iter()
            .flat_map(|word| alphabet.iter().map(|letter| [word, [*letter].as_slice()].concat()))
            .collect();
        words.extend_from_slice(&longest);
    }
    words
}

// Known bytes.

/// Checks all laws on `wire`, that it decodes to `frames`, and that these are sent as `wire`.
#[track_caller]
fn assert_vector(model: &Model, wire: &[u8], frames: &[&[u8]]) {
    assert_received(model, wire, frames);
    let mut transmit = Buffer::new();
    for frame in frames {
        model.framing().encode(frame, &mut transmit).unwrap();
    }
    assert_eq!(transmit.filled(), wire);
}

/// Checks all laws on `wire` and that it decodes to `frames`, when it is not the only form.
#[track_caller]
fn assert_received(model: &Model, wire: &[u8], frames: &[&[u8]]) {
    let frames: Vec<_> = frames.iter().map(|frame| frame.to_vec()).collect();
    let expected = Decoded { frames: frames.clone(), end: Ok(()) };
    laws::equals_model(&model.framing(), wire, &[], |_| expected.clone());
    laws::in_box(model, &frames, wire, &[]);
}

#[test]
fn netstrings_of_the_specification() {
    let model = Model::Netstring { max: 12 };
    // D. J. Bernstein, "Netstrings": the example, and the empty one.
    assert_vector(&model, b"12:hello world!,", &[b"hello world!"]);
    assert_vector(&model, b"0:,", &[b""]);
}

#[test]
fn leb128_of_protobuf() {
    let canonical = Model::Leb128 { max: 200, canonical: true };
    let padded = Model::Leb128 { max: 200, canonical: false };
    // Protocol Buffers, "Encoding": 150 is 96 01; and the message 08 96 01, delimited.
    let long = [b"\x96\x01".as_slice(), &[b'x'; 150]].concat();
    assert_vector(&canonical, &long, &[&[b'x'; 150]]);
    assert_vector(&canonical, b"\x03\x08\x96\x01\x00", &[b"\x08\x96\x01", b""]);
    assert_received(&padded, b"\x81\x80\x80\x80\x80\x80\x80\x80\x80\x00x", &[b"x"]);
}

#[test]
fn quic_integers_of_rfc_9000() {
    // RFC 9000, appendix A.1: 37 in one and in two bytes, 15,293 in two.
    let model = Model::Quic { max: 15_293 };
    let short = [b"\x25".as_slice(), &[b'x'; 37]].concat();
    assert_vector(&model, &short, &[&[b'x'; 37]]);
    let padded = [b"\x40\x25".as_slice(), &[b'x'; 37]].concat();
    assert_received(&model, &padded, &[&[b'x'; 37]]);
    let long = [b"\x7B\xBD".as_slice(), &[b'x'; 15_293]].concat();
    assert_eq!(model.decode(&long).frames, [[b'x'; 15_293]]);
    let mut framing = model.framing();
    assert!(matches!(framing.scan(&long), Ok(Scan::Found(whole)) if whole.len == long.len()));
    // Its other samples, 494,878,333 and 151,288,809,941,952,652, are refused with their value.
    for (bytes, len) in [
        (b"\x9D\x7F\x3E\x7D".as_slice(), 494_878_333),
        (b"\xC2\x19\x7C\x5E\xFF\x14\xE8\x8C", 151_288_809_941_952_652),
    ] {
        assert_eq!(framing.scan(bytes), Err(DecodeError::TooLong { len, max: 15_293 }));
    }
}

#[test]
fn length_prefixes_of_known_protocols() {
    let model = |prefix| Model::LengthPrefix { max: 64, prefix };
    // RFC 1035, section 4.2.2: two bytes before each message over TCP.
    let dns = Prefix { width: 2, ..U32BE };
    assert_vector(&model(dns), b"\x00\x03abc\x00\x00", &[b"abc", b""]);
    // RFC 8446, section 5.1: a type, a version, two bytes of length.
    let tls = Prefix { offset: 3, width: 2, ..U32BE };
    assert_received(&model(tls), b"\x16\x03\x01\x00\x05hello", &[b"hello"]);
    // RFC 9113, section 4.1: three bytes of length, then six that it does not count. The
    // acknowledgement of settings, its header dropped and yielded.
    let http2 = Prefix { width: 3, skip: Some(9), ..U32BE };
    let settings_ack = b"\x00\x00\x00\x04\x01\x00\x00\x00\x00";
    assert_received(&model(http2), settings_ack, &[b""]);
    let http2 = Prefix { width: 3, skip: Some(0), adjustment: 9, ..U32BE };
    assert_vector(&model(http2), settings_ack, &[settings_ack]);
    // RFC 4271, section 4.1: sixteen bytes, a length that counts all, a type. A keep-alive.
    let bgp = Prefix { offset: 16, width: 2, skip: Some(0), ..U32BE };
    let keep_alive = [[0xFF; 16].as_slice(), b"\x00\x13\x04"].concat();
    assert_vector(&model(bgp), &keep_alive, &[&keep_alive]);
    // PostgreSQL's protocol 3.0: a type, a length that counts itself. Ready for query.
    let postgres = Prefix { offset: 1, adjustment: -4, ..U32BE };
    assert_received(&model(postgres), b"Z\x00\x00\x00\x05I", &[b"I"]);
    // MongoDB's wire protocol: a length that counts itself, least significant byte first.
    let mongo = Prefix { endian: Endian::Little, skip: Some(0), ..U32BE };
    assert_vector(&model(mongo), b"\x05\x00\x00\x00x", &[b"\x05\x00\x00\x00x"]);
}

#[test]
fn length_fields_of_every_width_have_every_byte_in_its_place() {
    for width in 1..=8_u8 {
        let mut field: Vec<u8> = (1..=width).collect();
        let value = field.iter().fold(0_i64, |value, byte| value << 8 | i64::from(*byte));
        // The field says `value` before a payload of two bytes.
        for endian in [Endian::Big, Endian::Little] {
            let prefix = Prefix { width, endian, adjustment: 2 - value, ..U32BE };
            let wire = [field.as_slice(), b"ab"].concat();
            assert_vector(&Model::LengthPrefix { max: 2, prefix }, &wire, &[b"ab"]);
            field.reverse();
        }
    }
}

#[test]
fn lines_of_known_protocols() {
    let crlf =
        Model::Lines { max: 64, line_ending: LineEnding::CrLf, unterminated: Unterminated::Refuse };
    // RFC 5321, appendix D.1.
    assert_vector(&crlf, b"250 OK\r\nDATA\r\n", &[b"250 OK", b"DATA"]);
    assert_vector(&crlf, b"one CR stays\r\r\n", &[b"one CR stays\r"]);
    assert_vector(&lines(64), b"\n\na\rb\n", &[b"", b"", b"a\rb"]);
    assert_received(&lines(64), b"a\r\nb\n\r\n", &[b"a", b"b", b""]);
    let (max, line_ending, unterminated) = (2, LineEnding::Lf, Unterminated::Yield);
    let last = Model::Lines { max, line_ending, unterminated };
    assert_received(&last, b"a\nb\r", &[b"a", b"b\r"]);
    assert_received(&last, b"a\n", &[b"a"]);
}

#[test]
fn delimiters_of_known_protocols() {
    // RFC 6242, section 4.3: NETCONF's end of message. What nearly is one does not end it.
    let netconf = delimiter(64, b"]]>]]>");
    assert_vector(&netconf, b"<hello/>]]>]]>", &[b"<hello/>"]);
    assert_vector(&netconf, b"<![CDATA[]]>]>]]>]]>", &[b"<![CDATA[]]>]>"]);
    // An overlap that does not complete the delimiter early is no reason to refuse.
    assert_vector(&delimiter(64, b"aba"), b"bbaba", &[b"bb"]);
    // STOMP 1.2: frames end in NUL.
    assert_vector(&delimiter(64, b"\0"), b"SEND\n\na\0\0", &[b"SEND\n\na", b""]);
}

#[test]
fn fixed_frames_and_raw_chunks() {
    assert_vector(&fixed(64, 3), b"abcdef", &[b"abc", b"def"]);
    assert_vector(&Model::Raw { max: 64 }, b"anything", &[b"anything"]);
}

#[test]
fn once_the_length_is_known_all_of_the_frame_is_needed() {
    let skipping = Prefix { skip: Some(9), ..U32BE };
    for (model, bytes, need) in [
        (Model::LengthPrefix { max: 9, prefix: U32BE }, b"\0\0\0\x05".as_slice(), 9),
        (Model::LengthPrefix { max: 9, prefix: skipping }, b"\0\0\0\x05", 14),
        (Model::Leb128 { max: 9, canonical: true }, b"\x05", 6),
        (Model::Quic { max: 9 }, b"\x40\x05", 7),
        (Model::Netstring { max: 9 }, b"5:", 8),
        (fixed(9, 5), b"a", 5),
    ] {
        assert_eq!(model.framing().scan(bytes), Ok(Scan::Need(need)), "{model:?}");
    }
}

// Limits.

#[test]
fn limits_are_the_same_both_ways_at_and_around_the_maximum() {
    for max in [1, 3, 9, 10, 127, 128] {
        for model in with_limit(max) {
            for len in (max - 1..=max + 1).filter(|len| *len > 0) {
                // A frame of fixed length cannot have another.
                let model = match model {
                    Model::Fixed { .. } => fixed(max, len),
                    ref model => model.clone(),
                };
                let frame = vec![b'x'; len];
                let sent = model.framing().encode(&frame, &mut Buffer::new());
                let received = model.framing().scan(&model.write(&frame).unwrap());
                let context = format!("{model:?}, {len} bytes");
                if len <= max {
                    assert_eq!(sent, Ok(()), "{context}");
                    assert!(matches!(received, Ok(Scan::Found(_))), "{context}");
                    continue;
                }
                assert_eq!(sent, Err(EncodeError::TooLong { len, max }), "{context}");
                if let Model::Raw { .. } = model {
                    // A longer chunk is yielded in pieces.
                    assert!(matches!(received, Ok(Scan::Found(whole)) if whole.len == max));
                } else {
                    let (len, max) = (len as u64, max as u64);
                    assert_eq!(received, Err(DecodeError::TooLong { len, max }), "{context}");
                }
            }
        }
    }
}

#[test]
fn what_a_frame_takes_on_the_wire_is_bounded_by_its_limit() {
    let max = 100;
    let prefix = |prefix| Model::LengthPrefix { max, prefix };
    for (model, len) in [
        (delimiter(max, b"----"), 104),
        (fixed(max, 9), 9),
        (fixed(8, 9), 8),
        (Model::Leb128 { max, canonical: false }, 110),
        (prefix(U32BE), 104),
        (prefix(Prefix { offset: 2, skip: Some(1), ..U32BE }), 101),
        (prefix(Prefix { offset: 2, skip: Some(9), ..U32BE }), 109),
        (prefix(Prefix { offset: 200, skip: Some(1), ..U32BE }), 204),
        (lines(max), 102),
        (Model::Netstring { max }, 105),
        (Model::Quic { max }, 108),
        (Model::Raw { max }, 100),
    ] {
        assert_eq!(model.framing().wire_len_max(), len, "{model:?}");
    }
}

#[test]
fn a_limit_of_nothing_leaves_empty_frames() {
    for model in with_limit(0) {
        let (empty, byte) = (Vec::new(), b"x".to_vec());
        laws::in_box(&model, &[empty, byte.clone()], &model.write(&byte).unwrap(), &[]);
    }
}

#[test]
fn what_is_too_long_is_refused_at_the_first_byte_that_makes_it_so() {
    let prefix = Model::LengthPrefix { max: 9, prefix: U32BE };
    let adjusted = |adjustment, skip| {
        let prefix = Prefix { adjustment, skip, ..U32BE };
        Model::LengthPrefix { max: 9, prefix }
    };
    let cases: [(Model, &[u8], u64); 13] = [
        (prefix.clone(), b"\x00\x00\x00\x0A", 10),
        (prefix, b"\xFF\xFF\xFF\xFF", u64::from(u32::MAX)),
        // The limit is for what is yielded: checked after the adjustment, not before.
        (adjusted(-4, None), b"\x00\x00\x00\x0E", 10),
        (adjusted(4, Some(0)), b"\x00\x00\x00\x06", 10),
        (Model::Leb128 { max: 9, canonical: true }, b"\x0A", 10),
        (Model::Leb128 { max: 9, canonical: true }, b"\x80\x80\x80\x80\x10", 1 << 32),
        (Model::Quic { max: 9 }, b"\x0A", 10),
        (Model::Netstring { max: 9 }, b"10", 10),
        (Model::Netstring { max: 123 }, b"124", 124),
        (lines(2), b"abc", 3),
        (lines(2), b"ab\rc", 3),
        (delimiter(2, b"--"), b"abc", 3),
        (delimiter(2, b"--"), b"ab-c", 3),
    ];
    for (model, bytes, len) in cases {
        let (before, _) = bytes.split_at(bytes.len() - 1);
        let scan = model.framing().scan(before);
        assert!(matches!(scan, Ok(Scan::Need(_))), "{model:?}: {scan:?}");
        let max = match model {
            Model::Netstring { max } | Model::Lines { max, .. } | Model::Delimiter { max, .. } => {
                max
            }
            _ => 9,
        } as u64;
        let error = DecodeError::TooLong { len, max };
        assert_eq!(model.framing().scan(bytes), Err(error), "{model:?}");
    }
    // In a frame of fixed length every byte is too much; before the first, nothing has happened.
    assert!(matches!(fixed(2, 3).framing().scan(b""), Ok(Scan::Need(_))));
    let error = DecodeError::TooLong { len: 3, max: 2 };
    assert_eq!(fixed(2, 3).framing().scan(b"a"), Err(error));
}

#[test]
fn the_largest_limit_is_no_special_case() {
    let longest = usize::MAX;
    for model in with_limit(longest) {
        laws::in_box(&model, &[b"abc".to_vec()], &model.write(b"abc").unwrap(), &[]);
    }
    let out_of_range = Err(DecodeError::Invalid(RemoteError::LengthOutOfRange));
    let prefix = Prefix { width: 8, ..U32BE };
    for (model, bytes) in [
        (Model::LengthPrefix { max: longest, prefix }, [0xFF; 8].as_slice()),
        (Model::Netstring { max: longest }, b"18446744073709551615:"),
        (Model::Netstring { max: longest }, b"18446744073709551616"),
        (
            Model::Leb128 { max: longest, canonical: true },
            b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01",
        ),
    ] {
        assert_eq!(model.framing().scan(bytes), out_of_range, "{model:?}");
        laws::in_box(&model, &[], bytes, &[]);
    }
}

// Errors.

#[test]
fn each_decode_error_says_what_was_expected_and_what_came() {
    let prefix = |adjustment, skip| {
        let prefix = Prefix { width: 2, adjustment, skip, ..U32BE };
        Model::LengthPrefix { max: 9, prefix }
    };
    let unexpected = |offset, found, expected| {
        DecodeError::Invalid(RemoteError::UnexpectedByte { offset, found, expected })
    };
    let out_of_range = DecodeError::Invalid(RemoteError::LengthOutOfRange);
    let not_canonical = |offset| DecodeError::Invalid(RemoteError::NotCanonical { offset });
    let leb128 = Model::Leb128 { max: 9, canonical: true };
    let netstring = Model::Netstring { max: 9 };
    let digit_or_colon = Expected::DigitOrColon;
    let cases: [(Model, &[u8], DecodeError, &str); 14] = [
        (
            netstring.clone(),
            b":,",
            unexpected(0, b':', Expected::Digit),
            "expected a digit at byte 0 of a frame, found 0x3a",
        ),
        (
            netstring.clone(),
            b"1;",
            unexpected(1, b';', digit_or_colon),
            "expected a digit or a colon at byte 1 of a frame, found 0x3b",
        ),
        (
            netstring.clone(),
            b"0;",
            unexpected(1, b';', Expected::Byte(b':')),
            "expected 0x3a at byte 1 of a frame, found 0x3b",
        ),
        (
            netstring.clone(),
            b"2:ab\n",
            unexpected(4, b'\n', Expected::Byte(b',')),
            "expected 0x2c at byte 4 of a frame, found 0x0a",
        ),
        (
            netstring.clone(),
            b"01:a,",
            not_canonical(0),
            "a frame's length is longer than it needs to be, at byte 0",
        ),
        (netstring.clone(), b"00:,", not_canonical(0), ""),
        (
            netstring,
            b"10:",
            DecodeError::TooLong { len: 10, max: 9 },
            "a frame of 10 bytes or more exceeds the limit of 9",
        ),
        (
            leb128.clone(),
            b"\x81\x00x",
            not_canonical(1),
            "a frame's length is longer than it needs to be, at byte 1",
        ),
        (
            leb128.clone(),
            b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02",
            out_of_range,
            "a frame's length is out of range",
        ),
        (leb128, b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x81", out_of_range, ""),
        (prefix(-3, None), b"\x00\x02", out_of_range, "a frame's length is out of range"),
        (prefix(0, Some(0)), b"\x00\x01", out_of_range, ""),
        (prefix(0, Some(0)), b"\x00\x00", out_of_range, ""),
        (
            lines(9),
            b"a\nbc\r",
            DecodeError::Truncated { len: 3 },
            "the stream ended 3 bytes into a frame",
        ),
    ];
    for (model, input, error, text) in cases {
        let decoded = model.decode(input);
        assert_eq!(decoded.end, Err(error), "{model:?}");
        laws::in_box(&model, &[], input, &[]);
        if !text.is_empty() {
            assert_eq!(error.to_string(), text);
        }
    }
}

#[test]
fn each_encode_error_says_what_is_wrong_with_the_frame() {
    let prefix = |prefix| Model::LengthPrefix { max: 400, prefix };
    let byte = Prefix { width: 1, ..U32BE };
    let cases: [(Model, &[u8], EncodeError, &str); 12] = [
        (
            lines(3),
            b"long",
            EncodeError::TooLong { len: 4, max: 3 },
            "a frame of 4 bytes exceeds the limit of 3",
        ),
        (
            lines(9),
            b"a\nb",
            EncodeError::Forbidden { offset: 1 },
            "the frame contains its own terminator at byte 1",
        ),
        (lines(9), b"a\r", EncodeError::Forbidden { offset: 1 }, ""),
        (delimiter(9, b"--"), b"a--b", EncodeError::Forbidden { offset: 1 }, ""),
        (delimiter(9, b"--"), b"ab-", EncodeError::Forbidden { offset: 2 }, ""),
        (
            fixed(9, 3),
            b"ab",
            EncodeError::WrongLength { len: 2, expected: 3 },
            "a frame of 2 bytes where every frame has 3",
        ),
        (fixed(9, 3), b"", EncodeError::WrongLength { len: 0, expected: 3 }, ""),
        (
            prefix(byte),
            &[b'x'; 256],
            EncodeError::Unrepresentable { len: 256 },
            "a frame of 256 bytes does not fit the length field",
        ),
        (
            prefix(Prefix { adjustment: 2, ..byte }),
            b"x",
            EncodeError::Unrepresentable { len: 1 },
            "",
        ),
        (
            prefix(Prefix { offset: 1, skip: Some(0), ..byte }),
            b"t\x04x",
            EncodeError::LengthMismatch { offset: 1 },
            "the length field at byte 1 of the frame does not say its length",
        ),
        (
            prefix(Prefix { skip: Some(0), ..byte }),
            b"",
            EncodeError::LengthMismatch { offset: 0 },
            "",
        ),
        (
            prefix(Prefix { width: 2, skip: Some(1), ..byte }),
            b"\x00x",
            EncodeError::LengthMismatch { offset: 0 },
            "",
        ),
    ];
    for (model, frame, error, text) in cases {
        let mut transmit = Buffer::new();
        assert_eq!(model.framing().encode(frame, &mut transmit), Err(error), "{model:?}");
        assert!(transmit.is_empty(), "nothing is written before the frame is accepted");
        laws::in_box(&model, &[frame.to_vec()], b"", &[]);
        if !text.is_empty() {
            assert_eq!(error.to_string(), text);
        }
    }
}

#[test]
fn options_that_make_no_framing_are_refused() {
    for width in [0, 9] {
        let error = LengthPrefix::new(width, Endian::Big).unwrap_err();
        assert_eq!(error, LengthPrefixError::Width { width });
        let text = format!("expected a length field of 1 to 8 bytes, found {width}");
        assert_eq!(error.to_string(), text);
    }
    for (name, error, text) in [
        (
            "line",
            ParseFramingError::UnknownName,
            "expected raw, lines, netstring, varint, quic-varint, u8, u16be, u16le, u32be, u32le, \
             u64be, u64le, fixed:N or delimiter:HEX",
        ),
        (
            "fixed:0",
            ParseFramingError::FixedLen,
            "expected a positive number of bytes after fixed:, as in fixed:512",
        ),
        (
            "delimiter:d",
            ParseFramingError::Delimiter,
            "expected 1 to 16 bytes in hexadecimal after delimiter:, as in delimiter:0d0a",
        ),
    ] {
        assert_eq!(name.parse::<AnyFraming>().unwrap_err(), error);
        assert_eq!(error.to_string(), text);
    }
}
