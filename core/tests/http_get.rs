//! The client of HTTP against scripted servers, in virtual time.

use std::collections::VecDeque;

use drywire::address::{Address, ReferenceError};
use drywire::connection::Timer;
use drywire::connector::Timings;
use drywire::http1::{Fields, Frame, Http1, Response};
use drywire::protocol::http_get::{
    Connected, Event, FieldProblem, GetError, HttpGet, INFORMATIONAL_MAX, Order, Range,
    RangeProblem, RedirectProblem, Resume, Upload, Validator,
};
use drywire::{CloseReason, Connection, Fault, Instant, Limits, Peer, SendError, Step};

/// What the server at the other end of one connection does.
struct Server {
    /// The address that must be connected to.
    at: &'static str,
    answer: Vec<u8>,
    then: Then,
}

#[derive(Clone, Copy, PartialEq)]
enum Then {
    Finish,
    /// Says no more, for ever.
    Stay,
    Reset,
    /// Resets the connection without having read anything, once the head has come.
    Refuse,
    /// Answers as soon as the head has come, reads no more, and says no more.
    Early,
    /// Answers as soon as the head has come and resets the connection: a write fails, and what
    /// came before is still to be read.
    Sever,
    /// Sends its answer in step with the request.
    Along,
}

fn server(at: &'static str, answer: impl Into<Vec<u8>>) -> Server {
    Server { at, answer: answer.into(), then: Then::Finish }
}

fn redirect(at: &'static str, status: u16, to: &str) -> Server {
    let answer = format!("HTTP/1.1 {status} x\r\nlocation: {to}\r\ncontent-length: 3\r\n\r\nbye");
    server(at, answer)
}

fn ok(at: &'static str) -> Server {
    server(at, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
}

#[derive(Debug)]
struct Outcome {
    result: Result<(), GetError>,
    /// What each server was sent.
    requests: Vec<String>,
    events: Vec<String>,
    /// How each connection was left.
    ends: Vec<&'static str>,
    body: Vec<u8>,
    /// When it ended.
    at: Instant,
    address: String,
}

impl Outcome {
    #[track_caller]
    fn ok(self) -> Self {
        assert_eq!(self.result, Ok(()), "{self:?}");
        self
    }

    fn error(self) -> GetError {
        self.result.unwrap_err()
    }
}

/// Runs `get` against `servers`, one for each connection, with an upload of `data`.
fn run_with(mut get: HttpGet, data: &[u8], servers: Vec<Server>) -> Outcome {
    let mut run = Run {
        servers: servers.into(),
        now: Instant::ZERO,
        data: data.to_vec().into(),
        all_data: data.to_vec(),
        requests: Vec::new(),
        events: Vec::new(),
        ends: Vec::new(),
        body: Vec::new(),
    };
    let mut result = Ok(());
    while let Order::Connect(address) = get.next() {
        let server = run.servers.pop_front().expect("no more connections than servers");
        assert_eq!(address.to_string(), server.at);
        run.tell(&Event::Connected(Connected {
            address,
            peer: Peer::unix(),
            negotiated: None,
            timings: Timings::default(),
        }));
        get.connected();
        result = run.exchange(&mut get, &server);
        if result.is_err() {
            break;
        }
    }
    assert_eq!(result.is_ok(), get.is_done());
    assert_eq!(run.servers.len(), 0, "a server was not asked");
    let Run { requests, events, ends, body, now, .. } = run;
    Outcome { result, requests, events, ends, body, at: now, address: get.address().to_string() }
}

fn run(get: HttpGet, servers: Vec<Server>) -> Outcome {
    run_with(get, b"", servers)
}

struct Run {
    servers: VecDeque<Server>,
    now: Instant,
    data: VecDeque<u8>,
    all_data: Vec<u8>,
    requests: Vec<String>,
    events: Vec<String>,
    ends: Vec<&'static str>,
    body: Vec<u8>,
}

impl Run {
    fn exchange(&mut self, get: &mut HttpGet, server: &Server) -> Result<(), GetError> {
        let mut wire = Wire {
            connection: Connection::plain(Http1::client(), Limits::new().into(), self.now),
            sent: Vec::new(),
            server,
            answer: server.answer.iter().copied().collect(),
            is_ended: false,
        };
        let result = loop {
            if get.is_sending() && wire.is_receiving_first(&mut self.now) {
                match get.received(wire.recv(&mut self.now)) {
                    Ok(None) => {}
                    Ok(Some(event)) => self.tell(&event),
                    Err(error) => break Err(error),
                }
                continue;
            }
            match get.next() {
                Order::Send(outgoing) => match wire.send(outgoing.frame(&outgoing.fields())) {
                    Ok(()) => get.sent(),
                    Err(SendError::Closed) => get.unsent(),
                    Err(error) => break Err(GetError::Unsendable(error)),
                },
                Order::Rewind => {
                    self.data = self.all_data.clone().into();
                    get.rewound();
                }
                Order::Read(len_max) => {
                    let len = len_max.min(self.data.len()).min(5);
                    let piece: Vec<u8> = self.data.drain(..len).collect();
                    let sent = if len > 0 { wire.send(Frame::Body(&piece)) } else { Ok(()) };
                    match sent {
                        Ok(()) => {
                            if let Err(error) = get.piece(len) {
                                break Err(error);
                            }
                        }
                        Err(SendError::Closed) => get.unsent(),
                        Err(error) => break Err(GetError::Unsendable(error)),
                    }
                }
                Order::Receive => match get.received(wire.recv(&mut self.now)) {
                    Ok(None) => {}
                    Ok(Some(event)) => self.tell(&event),
                    Err(error) => break Err(error),
                },
                Order::Leave => {
                    self.ends.push("left");
                    get.left();
                    break Ok(());
                }
                Order::Abandon => {
                    self.ends.push("abandoned");
                    get.left();
                    break Ok(());
                }
                other => panic!("{other:?}"),
            }
        };
        wire.flush(self.now);
        self.requests.push(String::from_utf8(wire.sent).unwrap());
        result
    }

    fn tell(&mut self, event: &Event<'_>) {
        self.events.push(match event {
            Event::Connected(connected) => format!("connected {}", connected.address),
            Event::Informational(response) => format!("informational {}", response.status),
            Event::Redirected { response, to } => format!("{} to {to}", response.status),
            Event::Response { response, span } => {
                format!("{} from {} len {:?}", response.status, span.offset, span.len)
            }
            Event::Body(bytes) => {
                assert!(!bytes.is_empty());
                self.body.extend_from_slice(bytes);
                return;
            }
            Event::Trailers(_) => "trailers".into(),
            Event::Complete => "complete".into(),
            Event::AlreadyComplete => "already complete".into(),
            other => panic!("{other:?}"),
        });
    }
}

/// A connection and what is at its other end.
struct Wire<'a> {
    connection: Connection<Http1>,
    sent: Vec<u8>,
    server: &'a Server,
    answer: VecDeque<u8>,
    is_ended: bool,
}

impl Wire<'_> {
    /// As the adapters' `ready`: whether a frame, or the end, is there before there is room.
    fn is_receiving_first(&mut self, now: &mut Instant) -> bool {
        let is_head_sent = !self.sent.is_empty() || self.connection.queued_len() > 0;
        match self.server.then {
            Then::Early if is_head_sent => {
                self.flush_head(*now);
                while !self.has_frame() {
                    self.hear(now);
                }
            }
            Then::Sever if is_head_sent && !self.is_ended => {
                assert!(!self.has_frame());
                self.flush(*now);
                self.is_ended = true;
                self.connection.transmit_failed(Fault::Reset, *now);
            }
            Then::Along if is_head_sent => {
                self.flush(*now);
                if !self.has_frame() && !self.answer.is_empty() {
                    self.hear(now);
                }
            }
            _ => {}
        }
        matches!(self.server.then, Then::Early | Then::Along) && self.has_frame()
    }

    /// As the adapters' `has_frame`; these servers do nothing else before there is one.
    fn has_frame(&mut self) -> bool {
        while !self.connection.has_frame() {
            match self.connection.next() {
                None => return false,
                Some(Step::Open(..)) => {}
                Some(other) => panic!("{other:?}"),
            }
        }
        true
    }

    /// What the server reads: the head, and not what is queued behind it.
    fn flush_head(&mut self, now: Instant) {
        if self.sent.is_empty() {
            self.flush(now);
        }
    }

    fn send(&mut self, frame: Frame<'_>) -> Result<(), SendError> {
        let outcome = self.connection.send(frame);
        if outcome.is_ok() && self.server.then == Then::Refuse {
            self.connection.transport_failed(Fault::Reset, Instant::ZERO);
        }
        outcome
    }

    fn flush(&mut self, now: Instant) {
        let len = self.connection.transmit().len();
        self.sent.extend_from_slice(self.connection.transmit());
        self.connection.transmitted(len, now).unwrap();
    }

    /// As the adapters' `recv`.
    fn recv(&mut self, now: &mut Instant) -> Result<Option<Frame<'_>>, CloseReason> {
        while !self.connection.has_frame() {
            match self.connection.next() {
                Some(Step::Open(..)) => {}
                Some(Step::Finished(_)) => return Ok(None),
                Some(Step::Failed(reason, _)) => return Err(reason),
                Some(Step::Closed(reason)) if reason.is_clean() => return Ok(None),
                Some(Step::Closed(reason)) => return Err(reason),
                Some(other) => panic!("{other:?}"),
                None => {
                    self.flush(*now);
                    self.hear(now);
                }
            }
        }
        match self.connection.next() {
            Some(Step::Frame(frame, _)) => Ok(Some(frame)),
            other => panic!("{other:?}"),
        }
    }

    /// A few bytes of the answer come, or what is then.
    fn hear(&mut self, now: &mut Instant) {
        if self.connection.interest().shutdown {
            self.connection.shut_down(*now).unwrap();
        }
        let bytes: Vec<u8> = self.answer.drain(..self.answer.len().min(7)).collect();
        if !bytes.is_empty() {
            self.connection.receive_buffer()[..bytes.len()].copy_from_slice(&bytes);
            self.connection.received(bytes.len(), *now).unwrap();
        } else if self.server.then == Then::Sever {
            self.connection.transport_failed(Fault::Reset, *now);
        } else if matches!(self.server.then, Then::Stay | Then::Early) || self.is_ended {
            *now = self.connection.deadline().expect("a deadline to wait for").at;
            self.connection.handle_timeout(*now);
        } else if matches!(self.server.then, Then::Finish | Then::Along) {
            self.is_ended = true;
            self.connection.received_eof(*now).unwrap();
        } else {
            self.is_ended = true;
            self.connection.transport_failed(Fault::Reset, *now);
        }
    }
}

fn get(address: &str) -> HttpGet {
    HttpGet::new(address.parse().unwrap()).unwrap()
}

/// The lines of a request's head, but for what every request has.
fn own_lines(request: &str) -> Vec<&str> {
    let (head, _) = request.split_once("\r\n\r\n").unwrap();
    let is_usual = |line: &&str| {
        ["user-agent: ", "accept: */*", "connection: close"]
            .iter()
            .any(|usual| line.to_ascii_lowercase().starts_with(usual))
    };
    head.split("\r\n").filter(|line| !is_usual(line)).collect()
}

#[test]
fn a_request_says_what_the_address_does_and_the_answer_is_streamed() {
    let outcome = run(get("http://example.com:81/a?b"), vec![ok("http://example.com:81/a?b")]).ok();
    let version = env!("CARGO_PKG_VERSION");
    let expected = format!(
        "GET /a?b HTTP/1.1\r\nhost: example.com:81\r\nuser-agent: drywire/{version}\r\n\
         accept: */*\r\nconnection: close\r\n\r\n"
    );
    assert_eq!(outcome.requests, [expected]);
    assert_eq!(outcome.body, b"ok");
    let expected = ["connected http://example.com:81/a?b", "200 from 0 len Some(2)", "complete"];
    assert_eq!(outcome.events, expected);
}

#[test]
fn own_fields_replace_or_follow_the_usual_ones() {
    let get = get("http://a/")
        .field("Host", b"b")
        .unwrap()
        .field("X-Own", b"1")
        .unwrap()
        .field("Accept", b"text/html")
        .unwrap()
        .without_field("User-Agent")
        .method("OPTIONS")
        .unwrap();
    let outcome = run(get, vec![ok("http://a/")]).ok();
    let expected = "OPTIONS / HTTP/1.1\r\nHost: b\r\nX-Own: 1\r\nAccept: text/html\r\n\
                    connection: close\r\n\r\n";
    assert_eq!(outcome.requests, [expected]);
}

#[test]
fn what_cannot_be_asked_is_refused_before_anything_is_sent() {
    let tcp: Address = "tcp://a:1".parse().unwrap();
    assert_eq!(HttpGet::new(tcp).unwrap_err(), GetError::NotHttp);
    for (name, value, problem) in [
        ("", &b""[..], FieldProblem::Name),
        ("a b", b"", FieldProblem::Name),
        ("a:", b"", FieldProblem::Name),
        ("é", b"", FieldProblem::Name),
        ("a", b"b\r\nc: d", FieldProblem::Value),
        ("a", b"\0", FieldProblem::Value),
        ("Content-Length", b"0", FieldProblem::Reserved),
        ("Transfer-Encoding", b"chunked", FieldProblem::Reserved),
        ("Connection", b"x", FieldProblem::Reserved),
    ] {
        let error = get("http://a/").field(name, value).unwrap_err();
        assert_eq!(error, GetError::Field(problem), "{name}");
    }
    for method in ["", "GET ", "CONNECT", "G\r\n"] {
        assert_eq!(get("http://a/").method(method).unwrap_err(), GetError::Method);
    }
}

#[test]
fn bodies_of_every_kind_come_whole_and_nothing_less_does() {
    let head = "HTTP/1.1 200 OK\r\n";
    let cut = |received, expected| {
        Err(GetError::Incomplete { received, expected, reason: Some(truncated()) })
    };
    /// With its number left out, which is the framing's.
    fn truncated() -> CloseReason {
        CloseReason::Truncated(drywire::connection::Truncation::Frame { len: 0 })
    }
    for (rest, expected, body) in [
        ("content-length: 5\r\n\r\nhello", Ok(()), "hello"),
        ("content-length: 0\r\n\r\n", Ok(()), ""),
        ("\r\nuntil the end", Ok(()), "until the end"),
        ("transfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", Ok(()), "hello"),
        ("transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx: y\r\n\r\n", Ok(()), "hi"),
        ("content-length: 5\r\n\r\nhell", cut(4, Some(5)), "hell"),
        ("content-length: 5\r\n\r\n", cut(0, Some(5)), ""),
        ("transfer-encoding: chunked\r\n\r\n3\r\nhel\r\n", cut(3, None), "hel"),
        ("transfer-encoding: chunked\r\n\r\n3\r\nhel\r\n0\r\n", cut(3, None), "hel"),
    ] {
        let outcome = run(get("http://a/"), vec![server("http://a/", format!("{head}{rest}"))]);
        assert_eq!(String::from_utf8_lossy(&outcome.body), body, "{rest}");
        let result = outcome.result.map_err(|error| match error {
            GetError::Incomplete { received, expected, reason: Some(_) } => {
                GetError::Incomplete { received, expected, reason: Some(truncated()) }
            }
            error => error,
        });
        assert_eq!(result, expected, "{rest}");
    }
}

#[test]
fn answers_without_a_body_have_none() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";
    let head = get("http://a/").method("HEAD").unwrap();
    let outcome = run(head, vec![server("http://a/", answer)]).ok();
    assert_eq!(outcome.events[1], "200 from 0 len Some(0)");
    let answer = "HTTP/1.1 206 x\r\ncontent-range: bytes 2-4/9\r\ncontent-length: 3\r\n\r\n";
    let range = Range::Between { first: 2, last: 4 };
    let head = get("http://a/").method("HEAD").unwrap().range(range);
    run(head, vec![server("http://a/", answer)]).ok();
    for status in [204, 304] {
        let answer = format!("HTTP/1.1 {status} x\r\n\r\n");
        let outcome = run(get("http://a/"), vec![server("http://a/", answer)]).ok();
        assert_eq!(outcome.body, b"");
    }
}

#[test]
fn a_reset_says_how_much_had_come() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello";
    let servers = vec![Server { then: Then::Reset, ..server("http://a/", answer) }];
    let error = run(get("http://a/"), servers).error();
    let reason = Some(CloseReason::Reset);
    assert_eq!(error, GetError::Incomplete { received: 5, expected: Some(10), reason });
    let expected = "the body is incomplete: 5 of 10 bytes came, then: reset by the peer";
    assert_eq!(error.to_string(), expected);

    let servers = vec![Server { then: Then::Reset, ..server("http://a/", "") }];
    let error = run(get("http://a/"), servers).error();
    assert_eq!(error, GetError::NoResponse { reason: Some(CloseReason::Reset) });
    let error = run(get("http://a/"), vec![server("http://a/", "")]).error();
    assert!(matches!(error, GetError::NoResponse { .. }), "{error:?}");
    assert_eq!(error.to_string(), "no answer came, then the server finished");
}

#[test]
fn silence_ends_when_the_limits_say() {
    let limits = Limits::new();
    let stay = |answer: &str| vec![Server { then: Then::Stay, ..server("http://a/", answer) }];
    let outcome = run(get("http://a/"), stay(""));
    assert_eq!(outcome.at, Instant::ZERO + limits.idle_timeout);
    let reason = Some(CloseReason::TimedOut(Timer::Idle));
    assert_eq!(outcome.error(), GetError::NoResponse { reason });

    let outcome = run(get("http://a/"), stay("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello"));
    assert_eq!(outcome.at, Instant::ZERO + limits.idle_timeout);
    let reason = Some(CloseReason::TimedOut(Timer::Idle));
    let expected = GetError::Incomplete { received: 5, expected: Some(9), reason };
    assert_eq!(outcome.error(), expected);

    // A head that comes to no end is late sooner.
    let outcome = run(get("http://a/"), stay("HTTP/1.1 200 OK\r\n"));
    assert_eq!(outcome.at, Instant::ZERO + limits.frame_timeout);
}

#[test]
fn redirects_change_the_method_as_the_standard_says() {
    let upload = Upload { len: Some(4), is_repeatable: true };
    for (status, method, expected, has_body) in [
        (301, "GET", "GET", false),
        (301, "POST", "GET", false),
        (301, "PUT", "PUT", true),
        (302, "POST", "GET", false),
        (302, "DELETE", "DELETE", true),
        (303, "POST", "GET", false),
        (303, "PUT", "GET", false),
        (303, "HEAD", "HEAD", false),
        (307, "POST", "POST", true),
        (308, "PUT", "PUT", true),
    ] {
        let mut get = get("http://a/x").method(method).unwrap();
        if !matches!(method, "GET" | "HEAD") {
            get = get.upload(upload).field("Content-Type", b"text/plain").unwrap();
        }
        let answer = format!("HTTP/1.1 {status} x\r\nlocation: y\r\ncontent-length: 0\r\n\r\n");
        let servers =
            vec![server("http://a/x", answer), server("http://a/y", "HTTP/1.1 204 x\r\n\r\n")];
        let outcome = run_with(get, b"data", servers).ok();
        let request = &outcome.requests[1];
        assert!(request.starts_with(&format!("{expected} /y ")), "{status} {method}: {request}");
        assert_eq!(request.ends_with("\r\n\r\ndata"), has_body, "{status} {method}: {request}");
        assert_eq!(request.contains("content-length: 4"), has_body, "{request}");
        assert_eq!(request.contains("Content-Type"), has_body, "{request}");
    }
}

#[test]
fn other_3xx_and_those_without_a_location_are_the_answer() {
    for (status, field) in
        [(300, "location: /y"), (304, "location: /y"), (305, "location: /y"), (301, "x: y")]
    {
        let answer = format!("HTTP/1.1 {status} x\r\n{field}\r\ncontent-length: 0\r\n\r\n");
        let outcome = run(get("http://a/x"), vec![server("http://a/x", answer)]).ok();
        assert_eq!(outcome.address, "http://a/x");
    }
    let outcome = run(get("http://a/x").redirects_max(0), vec![redirect("http://a/x", 301, "/y")]);
    assert_eq!(outcome.ok().body, b"bye");
}

#[test]
fn redirects_are_bounded() {
    let servers = |count: usize| {
        let mut servers: Vec<_> = (0..count).map(|_| redirect("http://a/", 302, "/")).collect();
        servers.push(ok("http://a/"));
        servers
    };
    for (max, count, is_followed) in [(2, 1, true), (2, 2, true), (2, 3, false), (10, 10, true)] {
        let mut servers = servers(count);
        if !is_followed {
            servers.pop();
        }
        let outcome = run(get("http://a/").redirects_max(max), servers);
        let expected = GetError::Redirect(RedirectProblem::TooMany { max });
        assert_eq!(outcome.result, if is_followed { Ok(()) } else { Err(expected) });
    }
}

#[test]
fn a_change_of_origin_leaves_behind_whatever_may_say_who_asks() {
    let with_fields = |address| {
        let fields: [(&str, &[u8]); 8] = [
            ("Authorization", b"secret"),
            ("Cookie", b"secret"),
            ("X-Api-Key", b"secret"),
            ("Host", b"secret"),
            ("Accept-Language", b"de"),
            ("User-Agent", b"me"),
            ("Content-Type", b"text/plain"),
            ("Acceptance", b"secret"),
        ];
        fields.iter().fold(get(address), |get, (name, value)| get.field(name, value).unwrap())
    };
    for to in ["http://b/", "http://a:81/", "https://a/", "//a.b/"] {
        let target: Address = "http://a/".parse::<Address>().unwrap().resolve(to).unwrap();
        let target: &'static str = target.to_string().leak();
        let servers = vec![redirect("http://a/", 307, to), ok(target)];
        let get = with_fields("http://a/");
        assert!(!get.has_left_origin());
        let outcome = run(get, servers).ok();
        assert!(outcome.requests[0].matches("secret").count() == 5);
        let request = &outcome.requests[1];
        assert!(!request.contains("secret"), "{request}");
        for kept in ["Accept-Language: de", "User-Agent: me", "Content-Type: text/plain"] {
            assert!(request.contains(kept), "{request}");
        }
    }
    // Within the origin all of it goes along, and after a way round nothing comes back.
    let servers = vec![redirect("http://a/", 307, "/y"), ok("http://a/y")];
    let outcome = run(with_fields("http://a/"), servers).ok();
    assert!(outcome.requests[1].matches("secret").count() == 5);
    let servers = vec![
        redirect("http://a/", 307, "//b/"),
        redirect("http://b/", 307, "//a/"),
        ok("http://a/"),
    ];
    let outcome = run(with_fields("http://a/"), servers).ok();
    assert!(!outcome.requests[2].contains("secret"));
}

#[test]
fn redirects_that_would_harm_are_refused() {
    let problem = |from: &'static str, to: &str| match run(get(from), vec![redirect(from, 301, to)])
        .error()
    {
        GetError::Redirect(problem) => problem,
        other => panic!("{other:?}"),
    };
    assert_eq!(problem("https://a/", "http://a/"), RedirectProblem::Downgrade);
    assert_eq!(problem("https+unix:/a:/", "http://a/"), RedirectProblem::Downgrade);
    assert_eq!(problem("http://a/", "http+unix:/var/run/x:/"), RedirectProblem::UnixSocket);
    assert_eq!(problem("http+unix:/a:/", "http+unix:/b:/"), RedirectProblem::UnixSocket);
    for to in ["ftp://a/", "file:///etc/passwd", "javascript:x", "tcp://a:1"] {
        let expected = RedirectProblem::Location(ReferenceError::NotHttp);
        assert_eq!(problem("http://a/", to), expected);
    }
    for to in ["http://u:p@a/", "http:///x", "//a b/"] {
        assert!(matches!(
            problem("http://a/", to),
            RedirectProblem::Location(ReferenceError::Address(_))
        ));
    }
    let servers = vec![redirect("https://a/", 301, "http://a/"), ok("http://a/")];
    run(get("https://a/").allow_downgrade(), servers).ok();
    let servers = vec![redirect("http+unix:/a:/x", 301, "y"), ok("http+unix:/a:/y")];
    run(get("http+unix:/a:/x"), servers).ok();
    let servers = vec![redirect("http+unix:/a:/x", 301, "https://b/y"), ok("https://b/y")];
    run(get("http+unix:/a:/x"), servers).ok();
}

#[test]
fn uploads_are_sent_as_long_as_they_are_announced() {
    let upload =
        |len| get("http://a/").method("POST").unwrap().upload(Upload { len, is_repeatable: false });
    let outcome = run_with(upload(Some(12)), b"hello, world", vec![ok("http://a/")]).ok();
    assert!(outcome.requests[0].ends_with("\r\n\r\nhello, world"), "{outcome:?}");
    assert!(own_lines(&outcome.requests[0]).contains(&"content-length: 12"), "{outcome:?}");
    // What grows meanwhile is not sent beyond.
    let outcome = run_with(upload(Some(5)), b"hello, world", vec![ok("http://a/")]).ok();
    assert!(outcome.requests[0].ends_with("\r\n\r\nhello"), "{outcome:?}");
    let outcome = run_with(upload(Some(0)), b"x", vec![ok("http://a/")]).ok();
    assert!(
        outcome.requests[0].ends_with("content-length: 0\r\nconnection: close\r\n\r\n"),
        "{outcome:?}"
    );
    let error = run_with(upload(Some(13)), b"hello, world", vec![server("http://a/", "")]).error();
    assert_eq!(error, GetError::UploadTooShort { sent: 12, announced: 13 });

    let outcome = run_with(upload(None), b"hello, world", vec![ok("http://a/")]).ok();
    let expected = "\r\n\r\n5\r\nhello\r\n5\r\n, wor\r\n2\r\nld\r\n0\r\n\r\n";
    assert!(outcome.requests[0].ends_with(expected), "{outcome:?}");
    let outcome = run_with(upload(None), b"", vec![ok("http://a/")]).ok();
    assert!(outcome.requests[0].ends_with("\r\n\r\n0\r\n\r\n"), "{outcome:?}");
}

#[test]
fn an_upload_is_repeated_only_if_it_can_be() {
    let servers = || vec![redirect("http://a/", 307, "/y"), ok("http://a/y")];
    let upload = |is_repeatable| {
        get("http://a/").method("PUT").unwrap().upload(Upload { len: Some(4), is_repeatable })
    };
    let outcome = run_with(upload(true), b"data", servers()).ok();
    assert!(outcome.requests.iter().all(|request| request.ends_with("\r\n\r\ndata")));
    let mut once = servers();
    once.pop();
    let error = run_with(upload(false), b"data", once).error();
    assert_eq!(error, GetError::Redirect(RedirectProblem::Unrepeatable));
}

#[test]
fn a_request_that_could_not_be_sent_has_no_answer() {
    let servers = vec![Server { then: Then::Refuse, ..server("http://a/", "") }];
    let get = get("http://a/")
        .method("PUT")
        .unwrap()
        .upload(Upload { len: Some(4), is_repeatable: false });
    let error = run_with(get, b"data", servers).error();
    assert_eq!(error, GetError::NoResponse { reason: Some(CloseReason::Reset) });
}

fn put(len: usize, is_repeatable: bool) -> HttpGet {
    let upload = Upload { len: Some(len as u64), is_repeatable };
    get("http://a/").method("PUT").unwrap().upload(upload)
}

const TOO_LARGE: &str = "HTTP/1.1 413 x\r\ncontent-length: 3\r\n\r\nno\n";

#[test]
fn an_early_refusal_ends_the_upload_and_is_the_answer() {
    let data = [b'x'; 1000];
    for then in [Then::Early, Then::Sever] {
        let servers = vec![Server { then, ..server("http://a/", TOO_LARGE) }];
        let outcome = run_with(put(data.len(), false), &data, servers).ok();
        assert_eq!(outcome.body, b"no\n");
        assert_eq!(outcome.events[1], "413 from 0 len Some(3)");
        assert_eq!(outcome.ends, ["abandoned"]);
        assert_eq!(outcome.at, Instant::ZERO, "nothing was waited for");
        assert!(outcome.requests[0].matches('x').count() < 100, "{outcome:?}");
    }
    // A refusal of what was sent whole is an answer like any other.
    let outcome = run_with(put(4, false), b"data", vec![server("http://a/", TOO_LARGE)]).ok();
    assert_eq!(outcome.ends, ["left"]);
}

#[test]
fn the_head_of_an_answer_decides_whether_sending_goes_on() {
    for status in [200, 304, 399, 400, 413, 500, 599] {
        let mut get = put(1000, false);
        get.connected();
        get.sent();
        get.piece(500).unwrap();
        assert!(get.is_sending());
        let fields = [("content-length", &b"3"[..])];
        let answer = Frame::Response(Response::new(status, Fields::new(&fields)));
        get.received(Ok(Some(answer))).unwrap();
        let goes_on = status < 400;
        assert_eq!(get.is_sending(), goes_on, "{status}");
        match get.next() {
            Order::Read(500) => assert!(goes_on, "{status}"),
            Order::Receive => assert!(!goes_on, "{status}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_answer_is_received_while_the_request_is_sent() {
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 200\r\n\r\n{}", "y".repeat(200));
    let data = [b'x'; 1000];
    // It is whole before the request is, which then stays as it is.
    let servers = vec![Server { then: Then::Along, ..server("http://a/", answer.clone()) }];
    let outcome = run_with(put(data.len(), false), &data, servers).ok();
    assert_eq!(outcome.body.len(), 200);
    let sent = outcome.requests[0].matches('x').count();
    assert!((5..500).contains(&sent), "{sent}");
    assert_eq!(outcome.ends, ["abandoned"]);
    // Or it is not.
    let servers = vec![Server { then: Then::Along, ..server("http://a/", answer) }];
    let outcome = run_with(put(10, false), &data, servers).ok();
    assert!(outcome.requests[0].ends_with("\r\n\r\nxxxxxxxxxx"), "{outcome:?}");
    assert_eq!((outcome.body.len(), &outcome.ends[..]), (200, &["left"][..]));
}

#[test]
fn an_early_redirect_has_the_body_sent_from_its_beginning() {
    let data = [b'x'; 100];
    for then in [Then::Early, Then::Sever] {
        let servers =
            || vec![Server { then, ..redirect("http://a/", 307, "/y") }, ok("http://a/y")];
        let outcome = run_with(put(data.len(), true), &data, servers()).ok();
        assert_eq!(outcome.ends, ["abandoned", "left"]);
        assert!(outcome.requests[1].ends_with(&format!("\r\n\r\n{}", "x".repeat(100))));
    }
}

#[test]
fn a_refusal_that_is_cut_off_says_so() {
    let cut = &TOO_LARGE[..TOO_LARGE.len() - 1];
    let servers = vec![Server { then: Then::Sever, ..server("http://a/", cut) }];
    let error = run_with(put(1000, false), &[b'x'; 1000], servers).error();
    let reason = Some(CloseReason::Reset);
    assert_eq!(error, GetError::Incomplete { received: 2, expected: Some(3), reason });
}

#[test]
fn informational_answers_come_before_and_are_bounded() {
    for (count, is_fine) in [(INFORMATIONAL_MAX, true), (INFORMATIONAL_MAX + 1, false)] {
        let mut answer = "HTTP/1.1 103 x\r\n\r\n".repeat(count as usize);
        answer.push_str("HTTP/1.1 204 x\r\n\r\n");
        let outcome = run(get("http://a/"), vec![server("http://a/", answer)]);
        let told = outcome.events.iter().filter(|event| *event == "informational 103").count();
        assert_eq!(told, INFORMATIONAL_MAX as usize);
        let expected = GetError::TooManyInformational { max: INFORMATIONAL_MAX };
        assert_eq!(outcome.result, if is_fine { Ok(()) } else { Err(expected) });
    }
}

fn part(status: u16, content_range: &str, body: &str) -> Vec<Server> {
    let len = body.len();
    let answer = format!(
        "HTTP/1.1 {status} x\r\ncontent-range: {content_range}\r\ncontent-length: {len}\r\n\r\n{body}"
    );
    vec![server("http://a/", answer)]
}

#[test]
fn a_range_is_the_one_that_was_asked_for() {
    let range = |text: &str| get("http://a/").range(text.parse::<Range>().unwrap());
    let outcome = run(range("2-4"), part(206, "bytes 2-4/9", "cde")).ok();
    assert!(own_lines(&outcome.requests[0]).contains(&"range: bytes=2-4"), "{outcome:?}");
    assert_eq!(outcome.events[1], "206 from 2 len Some(3)");
    for (asked, content_range, body) in [
        ("2-", "bytes 2-8/9", "cdefghi"),
        ("2-9", "bytes 2-8/9", "cdefghi"),
        ("2-4", "bytes 2-3/9", "cd"),
        ("2-4", "bytes 2-4/*", "cde"),
        ("-3", "bytes 6-8/9", "ghi"),
        ("-20", "bytes 0-8/9", "abcdefghi"),
    ] {
        run(range(asked), part(206, content_range, body)).ok();
    }
    let other = |first, last| RangeProblem::Other { first, last };
    for (asked, content_range, body, problem) in [
        ("2-4", "bytes 1-4/9", "bcde", other(1, 4)),
        ("2-4", "bytes 2-5/9", "cdef", other(2, 5)),
        ("2-", "bytes 0-8/9", "abcdefghi", other(0, 8)),
        ("-3", "bytes 5-8/9", "fghi", other(5, 8)),
        ("-3", "bytes 5-7/9", "fgh", other(5, 7)),
        ("-3", "bytes 6-8/*", "ghi", RangeProblem::Unknown),
        ("2-4", "bytes */9", "", RangeProblem::Unknown),
        ("2-4", "lines 2-4/9", "cde", RangeProblem::Unknown),
        ("2-4", "bytes 2-4/9", "cdef", RangeProblem::TooLong { len: 3 }),
    ] {
        let error = run(range(asked), part(206, content_range, body)).error();
        assert_eq!(error, GetError::Range(problem), "{asked}: {content_range}");
    }
    let error = run(range("2-4"), part(206, "bytes 2-4/9", "cd")).error();
    assert_eq!(error, GetError::Incomplete { received: 2, expected: Some(3), reason: None });
    let error = run(range("2-4"), vec![ok("http://a/")]).error();
    assert_eq!(error, GetError::Range(RangeProblem::Ignored));
    let error = run(range("9-"), part(416, "bytes */9", "")).error();
    let problem = RangeProblem::Unsatisfiable { complete_len: Some(9) };
    assert_eq!(error, GetError::Range(problem));
    // What is no answer to the range at all is an answer.
    let servers = vec![server("http://a/", "HTTP/1.1 404 x\r\ncontent-length: 0\r\n\r\n")];
    run(range("2-4"), servers).ok();
    // What the caller asks for by a field of its own is shown as what it is.
    let own = get("http://a/").field("Range", b"bytes=2-4").unwrap();
    let outcome = run(own, part(206, "bytes 2-4/9", "cde")).ok();
    assert_eq!(outcome.body, b"cde");
}

#[test]
fn a_part_that_nobody_asked_for_is_not_the_whole() {
    for method in ["GET", "HEAD"] {
        let get = get("http://a/").method(method).unwrap();
        let outcome = run(get, part(206, "bytes 5-5/10", "f"));
        assert_eq!(outcome.body, b"");
        assert_eq!(outcome.error(), GetError::Range(RangeProblem::Unasked), "{method}");
    }
    // Nor where a redirect leads to somebody who was not asked for it.
    let mut servers = vec![redirect("http://b/", 302, "http://a/")];
    servers.extend(part(206, "bytes 2-4/9", "cde"));
    let own = get("http://b/").field("Range", b"bytes=2-4").unwrap();
    assert_eq!(run(own, servers).error(), GetError::Range(RangeProblem::Unasked));
}

#[test]
fn what_came_earlier_is_gone_on_with_if_it_is_still_the_same() {
    let resume = || {
        let validator = Validator::from_bytes(b"\"v1\"").unwrap();
        get("http://a/").resume(Resume { offset: 4, validator })
    };
    let outcome = run(resume(), part(206, "bytes 4-8/9", "efghi")).ok();
    let lines = own_lines(&outcome.requests[0]);
    assert!(lines.contains(&"range: bytes=4-") && lines.contains(&"if-range: \"v1\""), "{lines:?}");
    assert_eq!(outcome.events[1], "206 from 4 len Some(5)");
    assert_eq!(outcome.body, b"efghi");
    // It has changed.
    let outcome = run(resume(), vec![ok("http://a/")]).ok();
    assert_eq!(outcome.events[1], "200 from 0 len Some(2)");
    // It was all there.
    let outcome = run(resume(), part(416, "bytes */4", "")).ok();
    assert_eq!(outcome.events[1], "already complete");
    for (content_range, body, error) in [
        ("bytes 3-8/9", "defghi", GetError::Range(RangeProblem::Other { first: 3, last: 8 })),
        (
            "bytes 4-6/9",
            "efg",
            GetError::Incomplete { received: 3, expected: Some(5), reason: None },
        ),
    ] {
        assert_eq!(run(resume(), part(206, content_range, body)).error(), error);
    }
    let problem = RangeProblem::Unsatisfiable { complete_len: Some(3) };
    assert_eq!(run(resume(), part(416, "bytes */3", "")).error(), GetError::Range(problem));
    let servers = vec![server("http://a/", "HTTP/1.1 404 x\r\ncontent-length: 0\r\n\r\n")];
    assert_eq!(run(resume(), servers).error(), GetError::Status(404));
    // The question goes along with redirects.
    let mut servers = vec![redirect("http://b/", 302, "http://a/")];
    servers.extend(part(206, "bytes 4-8/9", "efghi"));
    let validator = Validator::from_bytes(b"\"v1\"").unwrap();
    let resume = get("http://b/").resume(Resume { offset: 4, validator });
    assert_eq!(run(resume, servers).ok().body, b"efghi");
}

#[test]
fn errors_say_what_they_are() {
    for (error, expected) in [
        (
            GetError::Field(FieldProblem::Name),
            "a field's name has letters, digits and !#$%&'*+-.^_`|~ only",
        ),
        (GetError::Method, "expected the name of a method other than CONNECT"),
        (GetError::NotHttp, "expected an address of HTTP"),
        (
            GetError::Incomplete { received: 5, expected: None, reason: None },
            "the body is incomplete: 5 bytes came, then the server finished",
        ),
        (GetError::NoResponse { reason: None }, "no answer came, then the server finished"),
        (
            GetError::NoResponse { reason: Some(CloseReason::TimedOut(Timer::Idle)) },
            "no answer came, then: timed out: no byte came or went in time",
        ),
        (GetError::Range(RangeProblem::Ignored), "the server sends everything and no range"),
        (
            GetError::Range(RangeProblem::Unasked),
            "the server sends a range, and none was asked for",
        ),
        (
            GetError::Range(RangeProblem::Unsatisfiable { complete_len: Some(9) }),
            "the server has no such range, only 9 bytes",
        ),
        (GetError::Redirect(RedirectProblem::TooMany { max: 10 }), "more than 10 redirects"),
        (
            GetError::Redirect(RedirectProblem::Location(ReferenceError::NotHttp)),
            "a redirect has no usable location: it does not lead from HTTP to HTTP",
        ),
        (GetError::Redirect(RedirectProblem::Downgrade), "a redirect leads from https to http"),
        (GetError::Status(404), "the server answered 404 to the request to go on"),
        (
            GetError::UploadTooShort { sent: 1, announced: 2 },
            "the request's body ended after 1 of 2 bytes",
        ),
        (
            GetError::Unsendable(SendError::Full),
            "the request cannot be sent: the transmit queue is full",
        ),
    ] {
        assert_eq!(error.to_string(), expected);
    }
}
