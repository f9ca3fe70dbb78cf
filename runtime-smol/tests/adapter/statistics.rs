//! What a server counts.

use std::io::Write;

use drywire::{CloseKind, CloseReason, Limits};

use crate::peer::{Raw, dial, expect, expect_echo, expect_end, reset};
use crate::serving::obey;

#[test]
fn counts_add_up() {
    let server = obey(Limits::new());
    let mut one = dial(server.at());
    one.write_all(b"12345678\n").unwrap();
    expect(&mut one, b"12345678\n");
    let mut two = dial(server.at());
    expect_echo(&mut two);
    let statistics = server.handle.statistics();
    assert_eq!((statistics.accepted, statistics.active), (2, 2));

    one.write_all(b"close\n").unwrap();
    expect(&mut one, b"closing\n");
    one.finish();
    expect_end(&mut one);
    assert_eq!(server.closed(), CloseReason::Closed);
    reset(two);
    assert_eq!(server.closed(), CloseReason::Reset);

    server.handle.drain();
    let statistics = server.ended().statistics;
    assert_eq!((statistics.accepted, statistics.active, statistics.refused), (2, 0, 0));
    assert_eq!(statistics.closed_as(CloseKind::Closed), 1);
    assert_eq!(statistics.closed_as(CloseKind::Reset), 1);
    assert_eq!(statistics.closed.iter().sum::<u64>(), 2);
    assert_eq!((statistics.received_len, statistics.transmitted_len), (9 + 5 + 6, 9 + 5 + 8));
}
