//! How exchanges follow each other.

use drywire::DecodeError;
use drywire::framing::Framing;
use drywire::http1::Unsendable::*;
use drywire::http1::{Fields, Frame, Http1, Response, Violation};

use crate::support::{Side, refused, request, response};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

#[test]
fn the_next_request_is_shown_when_the_answer_is_complete() {
    let mut server = Side::server();
    let pipelined = b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(server.receive(pipelined), ["GET /1 1.1 Host=a", "end"]);
    assert_eq!(server.receive(b""), [""; 0]);
    server.send(response(200, &[("content-length", b"1")])).unwrap();
    assert_eq!(server.receive(b""), [""; 0]);
    server.send(Frame::Body(b"x")).unwrap();
    assert_eq!(server.receive(b""), [""; 0]);
    server.send(Frame::End).unwrap();
    assert_eq!(server.receive(b""), ["GET /2 1.1 Host=a", "end"]);
    server.answer(200);
    assert!(server.framing.is_keep_alive() && !server.framing.is_over());
}

/// RFC 9112, section 9.6: nothing is taken behind the last request.
#[test]
fn behind_a_request_that_closes_nothing_is_shown() {
    for request in
        ["GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"]
    {
        let mut server = Side::server();
        assert_eq!(server.receive(request.as_bytes()).len(), 2);
        assert_eq!(server.receive(GET), [""; 0]);
        assert!(!server.framing.is_over());
        server.answer(200);
        assert!(server.framing.is_over() && !server.framing.is_keep_alive());
        assert_eq!(server.receive(b""), [""; 0]);
        assert_eq!(server.send(response(200, &[])), Err(Over.into()));
    }
}

#[test]
fn an_early_answer_lets_the_rest_of_the_body_come() {
    let mut server = Side::server();
    let post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab";
    assert_eq!(server.receive(post)[1..], ["| ab"]);
    server.answer(413);
    assert_eq!(server.send(response(200, &[])), Err(Unasked.into()));
    assert_eq!(server.receive(b"cdGET")[..], ["| cd", "end"]);
    assert_eq!(server.receive(&GET[3..]), ["GET / 1.1 Host=a", "end"]);
    // One that closes ends it at once.
    let mut server = Side::server();
    server.receive(post);
    server.send(response(413, &[("connection", b"close"), ("content-length", b"0")])).unwrap();
    assert!(!server.framing.is_over());
    server.send(Frame::End).unwrap();
    assert!(server.framing.is_over());
}

/// RFC 9110, section 10.1.1.
#[test]
fn an_answer_in_place_of_100_closes_unless_the_body_comes() {
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n";
    let expecting = || {
        let mut server = Side::server();
        assert_eq!(server.receive(head).len(), 1);
        server
    };
    let mut server = expecting();
    server.answer(417);
    assert!(server.sent().contains("connection: close\r\n") && server.framing.is_over());

    let mut server = expecting();
    server.send(Frame::Informational(Response::new(100, Fields::NONE))).unwrap();
    assert_eq!(server.sent(), "HTTP/1.1 100 Continue\r\n\r\n");
    server.answer(401);
    assert!(!server.sent().contains("close"));
    assert_eq!(server.receive(b"x"), ["| x", "end"]);
    assert_eq!(server.receive(GET).len(), 2);

    let mut server = expecting();
    server.receive(b"x");
    server.answer(200);
    assert!(!server.sent().contains("close"));

    // Hints are no permission.
    let mut server = expecting();
    server.send(Frame::Informational(Response::new(103, Fields::NONE))).unwrap();
    server.answer(417);
    assert!(server.framing.is_over());

    // A client of HTTP/1.0 cannot expect it, nor one without a body.
    let mut server = Side::server();
    server.receive(b"GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n");
    server.answer(200);
    assert!(server.framing.is_keep_alive());
}

#[test]
fn responses_are_those_to_requests_in_order() {
    let mut client = Side::new(Http1::client());
    client.ask("HEAD");
    client.ask("GET");
    client.ask("HEAD");
    assert_eq!(client.framing.outstanding(), 3);
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n";
    let answers = [answer, &answer[..], b"x", answer].concat();
    let head = "1.1 200 OK Content-Length=1";
    assert_eq!(client.receive(&answers), [head, "end", head, "| x", "end", head, "end"]);
    assert_eq!(client.framing.outstanding(), 0);
    let (frames, error) = client.try_receive(b"H");
    assert_eq!((frames.len(), error), (0, Some(Violation::Unsolicited.into())));
    assert_eq!(client.send(request("GET", "/", &[("host", b"a")])), Err(Over.into()));
}

#[test]
fn as_many_requests_are_unanswered_as_may_be() {
    let mut client = Side::new(Http1::client());
    for _ in 0..32 {
        client.ask("GET");
        client.ask("HEAD");
    }
    let get = || request("GET", "/", &[("host", b"a")]);
    assert_eq!(client.send(get()), Err(Outstanding { max: 64 }.into()));
    assert_eq!(client.framing.outstanding(), 64);
    client.receive(OK);
    client.ask("GET");
    assert_eq!(client.send(get()), Err(Outstanding { max: 64 }.into()));
    for _ in 0..31 {
        client.receive(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n");
        client.receive(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
    }
    client.receive(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n");
    assert_eq!(client.framing.outstanding(), 1);
    assert_eq!(client.receive(OK).len(), 2);
}

#[test]
fn informational_responses_come_before_the_final_one() {
    let mut client = Side::client("GET");
    let input = [b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nContent-Length: 3\r\n\r\n", OK];
    assert_eq!(
        client.receive(&input.concat()),
        [
            "info 1.1 100 Continue",
            "info 1.1 103 x Content-Length=3",
            "1.1 200 OK Content-Length=0",
            "end"
        ]
    );
}

/// RFC 9112, section 9.6.
#[test]
fn a_client_is_over_with_the_last_response() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx"[..],
        b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
    ] {
        let mut client = Side::client("GET");
        client.ask("GET");
        let (head, rest) = answer.split_at(answer.len() - 1);
        client.receive(head);
        assert!(!client.framing.is_over() && !client.framing.is_keep_alive());
        assert_eq!(client.send(request("GET", "/", &[("host", b"a")])), Err(Over.into()));
        assert_eq!(client.receive(rest), ["| x", "end"]);
        assert!(client.framing.is_over());
        assert_eq!(client.receive(OK), [""; 0]);
    }
    // The client can say so itself, behind requests that are still to be answered.
    let mut client = Side::client("GET");
    client.send(request("GET", "/", &[("host", b"a"), ("connection", b"close")])).unwrap();
    client.send(Frame::End).unwrap();
    assert_eq!(client.send(request("GET", "/", &[("host", b"a")])), Err(Over.into()));
    assert_eq!(client.receive(OK).len(), 2);
    assert!(!client.framing.is_over());
    assert_eq!(client.receive(OK).len(), 2);
    assert!(client.framing.is_over());
    // Until the end of the stream.
    let mut client = Side::client("GET");
    client.receive(b"HTTP/1.1 200 OK\r\n\r\nx");
    assert!(!client.framing.is_over());
    assert_eq!(client.receive_end(), Ok(Some("end".into())));
    assert!(client.framing.is_over());
}

#[test]
fn an_early_response_leaves_the_request_to_be_finished() {
    let mut client = Side::new(Http1::client());
    client.send(request("POST", "/", &[("host", b"a"), ("content-length", b"2")])).unwrap();
    client.send(Frame::Body(b"a")).unwrap();
    assert_eq!(client.receive(OK).len(), 2);
    assert!(!client.framing.is_over());
    assert_eq!(client.send(request("GET", "/", &[("host", b"a")])), Err(OutOfTurn.into()));
    client.send(Frame::Body(b"b")).unwrap();
    client.send(Frame::End).unwrap();
    client.ask("GET");
    // One that closes makes the rest pointless.
    let mut client = Side::new(Http1::client());
    client.send(request("POST", "/", &[("host", b"a"), ("content-length", b"2")])).unwrap();
    client.receive(b"HTTP/1.1 413 x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    assert!(client.framing.is_over());
    assert_eq!(client.send(Frame::Body(b"ab")), Err(Over.into()));
}

/// RFC 9110, sections 7.8 and 9.3.6.
#[test]
fn bytes_of_no_message_follow_what_changes_protocols() {
    const OFFER: [(&str, &[u8]); 3] =
        [("host", b"a"), ("connection", b"upgrade"), ("upgrade", b"x")];
    let cases =
        [(request("GET", "/", &OFFER), 101_u16), (request("CONNECT", "a:1", &OFFER[..1]), 200)];
    for (ask, status) in cases {
        let (mut client, mut server) = (Side::new(Http1::client()), Side::server());
        client.send(ask).unwrap();
        assert_eq!(client.send(Frame::Tunnel(b"x")), Err(OutOfTurn.into()));
        client.send(Frame::End).unwrap();
        assert_eq!(client.send(request("GET", "/", &OFFER)), Err(AwaitingAnswer.into()));
        let mut sent = client.sent();
        // A server keeps what comes too early.
        sent.push_str("early");
        assert_eq!(server.receive(sent.as_bytes())[1..], ["end"]);
        server.send(response(status, &[])).unwrap();
        assert_eq!(server.receive(b""), [""; 0]);
        server.send(Frame::End).unwrap();
        assert!(server.framing.is_tunnel() && !server.framing.is_over());
        assert!(!server.framing.has_whole_frames() && !server.framing.is_keep_alive());
        assert_eq!(server.receive(b"!"), ["tunnel early!"]);
        server.send(Frame::Tunnel(b"late")).unwrap();
        assert_eq!(server.send(response(200, &[])), Err(OutOfTurn.into()));
        let sent = server.sent();
        assert!(!sent.contains("close"), "{sent}");
        assert_eq!(client.receive(sent.as_bytes())[1..], ["end", "tunnel late"]);
        assert!(client.framing.is_tunnel());
        client.send(Frame::Tunnel(b"x")).unwrap();
        assert_eq!(client.receive_end(), Ok(None));
    }
}

#[test]
fn both_messages_end_before_the_protocol_changes() {
    let offer: [(&str, &[u8]); 4] =
        [("host", b"a"), ("connection", b"Upgrade"), ("upgrade", b"x"), ("content-length", b"2")];
    let (mut client, mut server) = (Side::new(Http1::client()), Side::server());
    client.send(request("POST", "/", &offer)).unwrap();
    client.send(Frame::Body(b"a")).unwrap();
    server.receive(client.sent().as_bytes());
    server.send(response(101, &[])).unwrap();
    server.send(Frame::End).unwrap();
    assert!(!server.framing.is_tunnel());
    client.receive((server.sent() + "more").as_bytes());
    assert!(!client.framing.is_tunnel());
    client.send(Frame::Body(b"b")).unwrap();
    client.send(Frame::End).unwrap();
    assert!(client.framing.is_tunnel());
    assert_eq!(client.receive(b""), ["tunnel more"]);
    client.send(Frame::Tunnel(b"c")).unwrap();
    assert_eq!(server.receive(client.sent().as_bytes()), ["| b", "end", "tunnel c"]);
}

#[test]
fn an_offer_that_is_not_taken_changes_nothing() {
    let offer: [(&str, &[u8]); 3] = [("host", b"a"), ("connection", b"upgrade"), ("upgrade", b"x")];
    let mut client = Side::new(Http1::client());
    client.send(request("GET", "/", &offer)).unwrap();
    client.send(Frame::End).unwrap();
    assert_eq!(client.receive(OK).len(), 2);
    client.ask("GET");
    let (_, error) = client.try_receive(b"HTTP/1.1 101 x\r\n\r\n");
    assert_eq!(error, Some(Violation::UpgradeUnasked.into()));
    // Nor does an answer to a request before it.
    let mut client = Side::client("GET");
    client.send(request("GET", "/", &offer)).unwrap();
    client.send(Frame::End).unwrap();
    assert_eq!(client.receive(OK).len(), 2);
    assert_eq!(client.send(request("GET", "/", &offer)), Err(AwaitingAnswer.into()));
    let mut early = Side::client("GET");
    early.send(request("GET", "/", &offer)).unwrap();
    let (_, error) = early.try_receive(b"HTTP/1.1 101 x\r\n\r\n");
    assert_eq!(error, Some(Violation::UpgradeUnasked.into()));
    assert_eq!(client.receive(b"HTTP/1.1 101 x\r\n\r\n").len(), 2);
    assert!(client.framing.is_tunnel());
    // Half an offer is none.
    for lines in ["Upgrade: x\r\n", "Connection: upgrade\r\n"] {
        let mut server = Side::server();
        server.receive(format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n").as_bytes());
        assert_eq!(server.send(response(101, &[])), Err(UpgradeUnasked.into()));
    }
}

#[test]
fn a_refused_head_can_be_answered_once() {
    let mut server = Side::server();
    let (_, error) = server.try_receive(b"GET /\r\n\r\n");
    assert_eq!(error, Some(Violation::RequestLine.into()));
    assert_eq!(server.send(response(200, &[])), Err(Unasked.into()));
    server.answer(400);
    let expected = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    assert_eq!(server.sent(), expected);
    assert!(server.framing.is_over());
    assert_eq!(server.send(response(400, &[])), Err(Over.into()));
}

#[test]
fn a_refused_body_can_be_answered_if_its_request_is_not() {
    let post = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut server = Side::server();
    server.receive(post);
    assert_eq!(server.try_receive(b"x").1, Some(Violation::ChunkSize.into()));
    server.answer(400);
    assert!(server.sent().contains("connection: close") && server.framing.is_over());

    let mut server = Side::server();
    server.receive(post);
    server.answer(200);
    assert_eq!(server.try_receive(b"x").1, Some(Violation::ChunkSize.into()));
    assert_eq!(server.send(response(400, &[])), Err(Over.into()));

    // In the middle of the answer only its rest can be sent.
    let mut server = Side::server();
    server.receive(post);
    server.send(response(200, &[("content-length", b"1")])).unwrap();
    assert_eq!(server.try_receive(b"x").1, Some(Violation::ChunkSize.into()));
    assert_eq!(server.send(response(400, &[])), Err(OutOfTurn.into()));
    server.send(Frame::Body(b"x")).unwrap();
    server.send(Frame::End).unwrap();
    assert!(server.framing.is_over());
}

/// RFC 9110, section 15.5.9: a request that does not come is answered as well.
#[test]
fn an_error_can_be_sent_while_no_request_is_read() {
    for input in [&b""[..], b"GET / HT"] {
        let mut server = Side::server();
        server.receive(input);
        assert_eq!(server.send(response(200, &[])), Err(Unasked.into()));
        server.send(response(408, &[])).unwrap();
        // Whatever still comes is not shown.
        assert_eq!(server.receive(GET), [""; 0]);
        server.send(Frame::End).unwrap();
        assert!(server.framing.is_over());
        assert_eq!(server.receive(GET), [""; 0]);
    }
}

/// RFC 9112, section 11.2: requests that are hidden in the body of another.
#[test]
fn a_refusal_stops_all_reading() {
    let smuggled = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\
        Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /admin HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(refused(Side::server, smuggled), DecodeError::from(Violation::LengthAndCoding));
}

#[test]
fn frames_that_have_an_end_are_timed_and_pieces_are_not() {
    let mut server = Side::server();
    assert!(server.framing.has_whole_frames());
    server.receive(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert!(server.framing.has_whole_frames());
    server.receive(b"2\r\na");
    assert!(!server.framing.has_whole_frames());
    server.receive(b"b");
    assert!(server.framing.has_whole_frames());
    server.receive(b"\r\n0\r\nX");
    assert!(server.framing.has_whole_frames());
    server.receive(b":\r\n\r\n");
    assert!(!server.framing.has_whole_frames());
}
