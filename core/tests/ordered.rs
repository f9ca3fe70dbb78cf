//! Framings that order the two directions, know of events without bytes, and know when all is said.

use drywire::buffer::Buffer;
use drywire::framing::{Framing, Scan, Whole};
use drywire::{CloseReason, Connection, DecodeError, EncodeError, Instant, Step};

const NOW: Instant = Instant::ZERO;

/// Questions of one byte. Each is followed by an empty frame, its end, and the next one is not
/// shown before an answer was sent. `*` is a question that the end of the stream ends. `bye` is the
/// last answer.
#[derive(Debug, Default)]
struct Questions {
    end: End,
    is_asked: bool,
    is_over: bool,
}

#[derive(Debug, Default, PartialEq)]
enum End {
    #[default]
    Told,
    Due,
    WithStream,
}

impl Framing for Questions {
    type Found = ();
    type Frame<'a> = &'a [u8];
    type Item<'a> = &'a [u8];

    fn scan(&mut self, input: &[u8]) -> Result<Scan<()>, DecodeError> {
        if self.end == End::Due {
            self.end = End::Told;
            return Ok(Scan::Found(Whole { len: 0, found: () }));
        }
        if self.end == End::WithStream {
            return Ok(Scan::Need(input.len() + 1));
        }
        if self.is_asked {
            return Ok(Scan::Hold);
        }
        let Some(question) = input.first() else { return Ok(Scan::Need(1)) };
        self.end = if *question == b'*' { End::WithStream } else { End::Due };
        self.is_asked = true;
        Ok(Scan::Found(Whole { len: 1, found: () }))
    }

    fn scan_end(&mut self, input: &[u8]) -> Result<Option<Whole<()>>, DecodeError> {
        if self.end == End::WithStream {
            self.end = End::Told;
            return Ok(Some(Whole { len: input.len(), found: () }));
        }
        assert!(input.is_empty());
        Ok(None)
    }

    fn view((): (), bytes: &mut [u8]) -> &[u8] {
        bytes
    }

    fn encode(&mut self, item: &[u8], transmit: &mut Buffer) -> Result<(), EncodeError> {
        self.is_asked = false;
        self.is_over = item == b"bye";
        transmit.extend_from_slice(item);
        Ok(())
    }

    fn wire_len_max(&self) -> usize {
        1
    }

    fn is_over(&self) -> bool {
        self.is_over
    }
}

fn asked(input: &[u8]) -> Connection<Questions> {
    let mut connection = Connection::plain(Questions::default(), Default::default(), NOW);
    receive(&mut connection, input);
    assert_eq!(steps(&mut connection)[0], "open");
    connection
}

fn receive(connection: &mut Connection<Questions>, input: &[u8]) {
    connection.receive_buffer()[..input.len()].copy_from_slice(input);
    connection.received(input.len(), NOW).unwrap();
}

/// Names all steps that there are; of the first ones, only the opening.
fn steps(connection: &mut Connection<Questions>) -> Vec<String> {
    let mut steps = Vec::new();
    while let Some(step) = connection.next() {
        steps.push(match step {
            Step::Open(..) => "open".into(),
            Step::Frame(frame, _) => String::from_utf8_lossy(frame).into_owned(),
            Step::Finished(_) => "finished".into(),
            Step::Closed(reason) => format!("{reason:?}"),
            other => panic!("{other:?}"),
        });
        if steps == ["open"] {
            break;
        }
    }
    steps
}

#[test]
fn the_next_frame_waits_for_an_answer_and_so_does_the_end() {
    let mut connection = asked(b"12");
    assert_eq!(steps(&mut connection), ["1", ""]);
    connection.received_eof(NOW).unwrap();
    assert_eq!(steps(&mut connection), [""; 0]);
    assert!(!connection.interest().again);
    connection.send(b"one").unwrap();
    assert_eq!(steps(&mut connection), ["2", ""]);
    connection.send(b"two").unwrap();
    assert_eq!(steps(&mut connection), ["finished"]);
    assert_eq!(connection.transmit(), b"onetwo");
}

#[test]
fn an_answer_from_within_a_step_lets_the_next_one_follow() {
    let mut connection = asked(b"12");
    let mut seen = Vec::new();
    while let Some(step) = connection.next() {
        let Step::Frame(frame, mut handle) = step else { panic!("{step:?}") };
        seen.push(frame.to_vec());
        if frame.is_empty() {
            handle.send(b"answer").unwrap();
        }
    }
    assert_eq!(seen, [b"1", &b""[..], b"2", b""]);
}

#[test]
fn while_a_frame_is_held_back_reading_goes_on_to_its_bound() {
    let mut connection = asked(b"1");
    assert_eq!(steps(&mut connection), ["1", ""]);
    let mut len = 0;
    while connection.interest().read {
        connection.receive_buffer().fill(b'2');
        let room = connection.receive_buffer().len();
        connection.received(room, NOW).unwrap();
        assert_eq!(steps(&mut connection), [""; 0]);
        len += room;
    }
    let backlog_max = drywire::Limits::new().receive_backlog_max;
    assert!((backlog_max..=connection.memory_len_max()).contains(&len), "{len}");
    connection.send(b"one").unwrap();
    assert_eq!(steps(&mut connection), ["2", ""]);
}

#[test]
fn the_end_of_the_stream_can_be_a_frame_of_no_bytes() {
    let mut connection = asked(b"*");
    assert_eq!(steps(&mut connection), ["*"]);
    connection.send(b"early").unwrap();
    connection.received_eof(NOW).unwrap();
    assert_eq!(steps(&mut connection), ["", "finished"]);
}

#[test]
fn a_framing_that_is_over_closes_the_connection() {
    let mut connection = asked(b"12");
    assert_eq!(steps(&mut connection), ["1", ""]);
    connection.send(b"bye").unwrap();
    assert_eq!(connection.send(b"more"), Err(drywire::SendError::Closed));
    assert_eq!(steps(&mut connection), [""; 0]);
    assert_eq!(connection.transmit(), b"bye");
    connection.transmitted(3, NOW).unwrap();
    assert!(connection.interest().shutdown);
    connection.shut_down(NOW).unwrap();
    connection.received_eof(NOW).unwrap();
    assert_eq!(steps(&mut connection), [format!("{:?}", CloseReason::Closed)]);
}

#[test]
fn what_awaits_an_answer_that_can_no_longer_be_sent_ends_the_connection() {
    let mut connection = asked(b"12");
    assert_eq!(steps(&mut connection), ["1", ""]);
    connection.send(b"one").unwrap();
    connection.transmit_failed(drywire::Fault::Reset, NOW);
    assert_eq!(steps(&mut connection), ["2", "", "Reset"]);

    let mut connection = asked(b"12");
    assert_eq!(steps(&mut connection), ["1", ""]);
    connection.finish();
    assert_eq!(steps(&mut connection), [""; 0]);
    connection.shut_down(NOW).unwrap();
    connection.received_eof(NOW).unwrap();
    assert_eq!(steps(&mut connection), ["Closed"]);
}

#[test]
fn an_answer_without_bytes_outside_of_a_step_is_told_to_the_driver() {
    let mut connection = asked(b"12");
    assert_eq!(steps(&mut connection), ["1", ""]);
    assert!(!connection.interest().again);
    connection.send(b"").unwrap();
    assert!(connection.interest().again && !connection.interest().write);
    assert_eq!(steps(&mut connection), ["2", ""]);
    assert!(!connection.interest().again);
}
