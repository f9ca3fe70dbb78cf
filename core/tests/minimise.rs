//! A script is made as small as what it shows allows, with bounded work.
#![cfg(feature = "record")]

use drywire::Instant;
use drywire::script::{self, Begin, Call, Effort, Entry, Payload, Role, Script};

const HEAD: &str = "drywire-script 1\n";

fn parsed(lines: &str) -> Script {
    format!("{HEAD}{lines}").parse().unwrap()
}

fn small(lines: &str, shows: impl FnMut(&Script) -> bool) -> String {
    let small = script::minimise(&parsed(lines), shows, &Effort::new()).unwrap();
    assert!(small.is_minimal);
    small.script.to_string().strip_prefix(HEAD).unwrap().to_owned()
}

fn received(script: &Script) -> Vec<u8> {
    let payloads = script.entries.iter().filter_map(|entry| entry.call.payload());
    payloads.flat_map(|payload| payload.bytes().unwrap().to_vec()).collect()
}

#[test]
fn what_is_not_needed_goes() {
    let lines = "1 +3 begin server\n2 +4 begin client\n1 +5 received \"abc\"\n2 +0 received \"x\"\n\
                 1 +0 step open\n1 +0 look\n1 +6 received \"def\"\n1 +9 timeout\n1 +0 dropped\n";
    let has = |bytes: &'static [u8]| {
        move |script: &Script| {
            let all = received(script);
            bytes.iter().all(|byte| all.contains(byte))
        }
    };
    assert_eq!(small(lines, has(b"ae")), "1 +0 begin server\n1 +0 received \"ae\"\n");
    assert_eq!(small(lines, has(b"x")), "2 +0 begin client\n2 +0 received \"x\"\n");
    assert_eq!(small(lines, |_| true), "");
}

#[test]
fn what_is_needed_stays() {
    let lines = "1 +0 begin server\n1 +5 received \"a\"\n1 +5 received \"b\"\n1 +0 timeout\n";
    // The cut between the two, and the pause before the second.
    let shows = |script: &Script| {
        let mut entries = script.of(1).filter(|entry| entry.call.payload().is_some());
        let (Some(one), Some(other)) = (entries.next(), entries.next()) else { return false };
        other.at > one.at
    };
    let expected = "1 +0 begin server\n1 +0 received \"\"\n1 +5 received \"\"\n";
    assert_eq!(small(lines, shows), expected);
}

#[test]
fn what_does_not_show_it_is_none_and_tries_are_bounded() {
    let script = parsed("1 +0 begin server\n1 +5 received \"abcdefgh\"\n1 +5 eof\n");
    assert_eq!(script::minimise(&script, |_| false, &Effort::new()), None);
    // The entries, and the eight bytes.
    let len = 3 * 64 + 8;
    // What was received is needed, so that there is something to do.
    let asking = |effort: &Effort| {
        let (mut asked, mut asked_len) = (0, 0);
        let shows = |script: &Script| {
            let bytes = received(script);
            asked += 1;
            asked_len += 64 * script.entries.len() as u64 + bytes.len() as u64;
            bytes.contains(&b'c') && bytes.contains(&b'g')
        };
        let small = script::minimise(&script, shows, effort);
        if let Some(small) = &small {
            assert_eq!((small.tried, small.tried_len), (asked, asked_len));
            assert!(asked <= effort.tries_max && asked_len <= effort.len_max);
        }
        small
    };
    let all = asking(&Effort::new()).unwrap();
    assert!(all.is_minimal && all.tried > 10);
    assert_eq!(all.script, parsed("1 +0 begin server\n1 +0 received \"cg\"\n"));
    for tries_max in 0..=all.tried + 1 {
        let mut effort = Effort::new();
        effort.tries_max = tries_max;
        let small = asking(&effort);
        assert_eq!(small.is_some(), tries_max > 0);
        let is_minimal = small.is_some_and(|small| small.is_minimal);
        assert_eq!(is_minimal, tries_max >= all.tried, "{tries_max}");
    }
    for (len_max, is_found, is_minimal) in [
        (len - 1, false, false),
        (len, true, false),
        (all.tried_len - 1, true, false),
        (all.tried_len, true, true),
    ] {
        let mut effort = Effort::new();
        effort.len_max = len_max;
        let small = asking(&effort);
        assert_eq!(small.is_some(), is_found, "{len_max}");
        assert_eq!(small.is_some_and(|small| small.is_minimal), is_minimal, "{len_max}");
    }
}

/// For every set of entries that may be needed together, none that is needed goes and none
/// that is not stays: exhaustively, for a script of 7 entries.
#[test]
fn nothing_can_be_left_out_of_the_result() {
    let words = ["eof", "finish", "close", "drain", "stop", "retain", "decouple"];
    let lines: String = words.iter().map(|word| format!("1 +1 {word}\n")).collect();
    let whole = parsed(&format!("1 +0 begin server\n{lines}"));
    for needed in 0_u32..1 << words.len() {
        // One of two sets is enough: the needed ones, or all of the others with the first.
        let is_in = |word: &str, set: u32| {
            words.iter().position(|other| *other == word).is_some_and(|at| set >> at & 1 == 1)
        };
        let sets = [needed, !needed & 0x7f | 1];
        let shows = |script: &Script| {
            let has: Vec<_> = script.entries.iter().map(|entry| entry.call.to_string()).collect();
            sets.iter().any(|set| {
                words
                    .iter()
                    .filter(|word| is_in(word, *set))
                    .all(|word| has.contains(&(*word).to_owned()))
            })
        };
        let small = script::minimise(&whole, shows, &Effort::new()).unwrap();
        assert!(small.is_minimal && shows(&small.script));
        for at in 0..small.script.entries.len() {
            let mut less = small.script.clone();
            less.entries.remove(at);
            let is_beginning = at == 0 && !less.entries.is_empty();
            assert!(is_beginning || !shows(&less), "{needed:b}: {}", small.script);
        }
        let again = script::minimise(&whole, shows, &Effort::new());
        assert_eq!(again, Some(small), "twice is not the same");
    }
}

/// A script of `connections` with `per_connection` entries each, no two at the same time.
fn long(connections: u64, per_connection: u32) -> Script {
    let mut script = Script::new();
    let mut nanos = 0;
    for turn in 0..per_connection {
        for connection in 1..=connections {
            nanos += 1;
            let call = match turn {
                0 => Call::Begin(Box::new(Begin::new(Role::Server))),
                turn if turn % 3 == 0 => Call::Transmitted(4),
                turn => Call::Received(turn.to_be_bytes().to_vec().into()),
            };
            script.push(connection, Instant::from_nanos(nanos), call);
        }
    }
    script
}

/// What a few entries show is found in few tries, however long the script is: the work is
/// counted, in tries and in entries of all scripts that were tried.
#[test]
fn few_things_of_many_are_found_in_few_tries() {
    let is_frame = |number: u32| {
        move |entry: &Entry<'_>| {
            let bytes = entry.call.payload().and_then(Payload::bytes);
            bytes.is_some_and(|bytes| bytes.windows(4).any(|bytes| bytes == number.to_be_bytes()))
        }
    };
    for (connections, per_connection) in [(1, 10_000), (1, 100_000), (100, 100), (1000, 100)] {
        let script = long(connections, per_connection);
        let len = script.entries.len();
        let last = per_connection - 1 - u32::from(per_connection % 3 == 1);
        // Three of one connection: near its beginning, in the middle and at the end.
        let needed = [1, last / 2 / 3 * 3 + 1, last];
        let mut entries = 0;
        let shows = |script: &Script| {
            entries += script.entries.len();
            needed.iter().all(|number| script.of(1).any(is_frame(*number)))
        };
        let small = script::minimise(&script, shows, &Effort::new()).unwrap();
        let (tried, whole) = (small.tried, entries.div_ceil(len));
        assert!(small.is_minimal, "{small:?}");
        assert_eq!(small.script.entries.len(), 2, "{}", small.script);
        // Less than three numbers, if the end of one is the beginning of another.
        assert!(received(&small.script).len() <= 12, "{}", small.script);
        // Three things in a tree of pieces, for each of the kinds.
        let depth = len.ilog2() as usize;
        assert!(tried < 20 * depth, "{tried} tries for {len} entries");
        assert!(whole < 20, "{len} entries were played {whole} times over");
    }
}

/// Where most is needed there is no short way, and the effort ends the search.
#[test]
fn what_needs_everything_ends_with_the_effort() {
    let script = long(10, 1000);
    let mut entries = 0_u64;
    let count = script.entries.len();
    // Any three quarters of it.
    let shows = |script: &Script| {
        entries += script.entries.len() as u64;
        script.entries.len() >= count / 2 + count / 4
    };
    let mut effort = Effort::new();
    effort.len_max = 20_000_000;
    let small = script::minimise(&script, shows, &effort).unwrap();
    assert!(!small.is_minimal);
    assert!(small.script.entries.len() < count, "what was found is kept");
    assert!(small.tried_len <= effort.len_max && entries * 64 <= effort.len_max);
}
