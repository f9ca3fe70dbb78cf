//! Resources over HTTP. What becomes of an answer is the core's and tested there; here it is that
//! the adapter does what it orders, over real sockets.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use drywire::connection::Timer;
use drywire::protocol::http_get::{Application, Event, GetError, HttpGet, Upload};
use drywire::{CloseReason, Limits};

use crate::adapter::{Client, ConnectError, GetFailure};
use crate::getter::get;

const PATIENCE: Duration = Duration::from_secs(10);

/// Answers one connection after the other, each once all of `expected` has come, and returns what
/// came. A server without an answer leaves its client waiting.
fn serve(exchanges: Vec<(&'static str, String)>) -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = thread::spawn(move || {
        let serve = |(end, answer): (&str, String)| {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut request = Vec::new();
            while !request.ends_with(end.as_bytes()) {
                let mut bytes = [0; 1024];
                let len = stream.read(&mut bytes).unwrap();
                assert_ne!(len, 0, "{request:?}");
                request.extend_from_slice(&bytes[..len]);
            }
            if answer.is_empty() {
                let _ = stream.read(&mut [0]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(request).unwrap()
        };
        exchanges.into_iter().map(serve).collect()
    });
    (port, serving)
}

/// Keeps the body, and stops when it is told to stop.
#[derive(Default)]
struct Keep {
    body: Vec<u8>,
    connections: usize,
    upload: &'static [u8],
    left: &'static [u8],
    room: Option<usize>,
}

#[derive(Debug, PartialEq)]
struct Full;

impl Application for Keep {
    type Error = Full;

    fn told(&mut self, event: Event<'_>) -> Result<(), Full> {
        match event {
            Event::Connected(connected) => {
                assert!(connected.timings.connected > Duration::ZERO);
                self.connections += 1;
            }
            Event::Body(bytes) => self.body.extend_from_slice(bytes),
            _ => {}
        }
        if self.room.is_some_and(|room| self.body.len() > room) { Err(Full) } else { Ok(()) }
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Full> {
        let len = buffer.len().min(self.left.len());
        let (bytes, left) = self.left.split_at(len);
        buffer[..len].copy_from_slice(bytes);
        self.left = left;
        Ok(len)
    }

    fn rewind(&mut self) -> Result<(), Full> {
        self.left = self.upload;
        Ok(())
    }
}

fn asking(port: u16) -> HttpGet {
    HttpGet::new(format!("http://127.0.0.1:{port}/").parse().unwrap()).unwrap()
}

#[test]
fn an_upload_goes_again_where_a_redirect_leads() {
    let redirect = "HTTP/1.1 307 x\r\nlocation: /there\r\ncontent-length: 0\r\n\r\n";
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
    let (port, serving) = serve(vec![("data", redirect.into()), ("data", answer.into())]);
    let upload = Upload { len: Some(4), is_repeatable: true };
    let mut asking = asking(port).method("PUT").unwrap().upload(upload);
    let mut keep = Keep { upload: b"data", left: b"data", ..Keep::default() };
    get(&Client::new(), &mut asking, &mut keep).unwrap();
    assert_eq!((&keep.body[..], keep.connections), (&b"hello"[..], 2));
    assert!(asking.is_done());
    let requests = serving.join().unwrap();
    assert!(requests[0].starts_with("PUT / HTTP/1.1\r\n"), "{requests:?}");
    assert!(requests[1].starts_with("PUT /there HTTP/1.1\r\n"), "{requests:?}");
}

#[test]
fn a_body_that_is_cut_says_how_much_came() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello";
    let (port, serving) = serve(vec![("\r\n\r\n", answer.into())]);
    let mut keep = Keep::default();
    match get(&Client::new(), &mut asking(port), &mut keep) {
        Err(GetFailure::Get(GetError::Incomplete { received: 5, expected: Some(9), .. })) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(keep.body, b"hello");
    serving.join().unwrap();
}

#[test]
fn an_application_can_stop() {
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}", "x".repeat(9));
    let (port, serving) = serve(vec![("\r\n\r\n", answer)]);
    let mut keep = Keep { room: Some(3), ..Keep::default() };
    let stopped = get(&Client::new(), &mut asking(port), &mut keep);
    assert!(matches!(stopped, Err(GetFailure::Application(Full))), "{stopped:?}");
    serving.join().unwrap();
}

#[test]
fn silence_and_nobody_are_told_apart() {
    let (port, serving) = serve(vec![("\r\n\r\n", String::new())]);
    let mut limits = Limits::new();
    limits.idle_timeout = Duration::from_millis(50);
    let silence = get(&Client::new().limits(limits), &mut asking(port), &mut Keep::default());
    let reason = Some(CloseReason::TimedOut(Timer::Idle));
    match silence {
        Err(GetFailure::Get(error)) => assert_eq!(error, GetError::NoResponse { reason }),
        other => panic!("{other:?}"),
    }
    serving.join().unwrap();
    let nobody = get(&Client::new(), &mut asking(port), &mut Keep::default());
    assert!(matches!(nobody, Err(GetFailure::Connect(ConnectError::Connector(_)))), "{nobody:?}");
}

/// A body that is sent as a pattern and held nowhere.
struct Pattern {
    sent: usize,
    len: usize,
    received: usize,
    status: u16,
    /// How much had been sent when the first of the answer came.
    sent_before: Option<usize>,
}

impl Pattern {
    const fn new(len: usize) -> Self {
        Self { sent: 0, len, received: 0, status: 0, sent_before: None }
    }

    const fn byte(at: usize) -> u8 {
        (at % 251).to_le_bytes()[0]
    }

    fn asking(&self, port: u16) -> HttpGet {
        let upload = Upload { len: Some(self.len as u64), is_repeatable: false };
        asking(port).method("PUT").unwrap().upload(upload)
    }
}

impl Application for Pattern {
    type Error = Full;

    fn told(&mut self, event: Event<'_>) -> Result<(), Full> {
        match event {
            Event::Response { response, .. } => self.status = response.status,
            Event::Body(bytes) => {
                self.sent_before.get_or_insert(self.sent);
                for byte in bytes {
                    assert_eq!(*byte, Self::byte(self.received));
                    self.received += 1;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Full> {
        let len = (self.len - self.sent).min(buffer.len());
        for byte in &mut buffer[..len] {
            *byte = Self::byte(self.sent);
            self.sent += 1;
        }
        Ok(len)
    }
}

/// Accepts one client, reads the head of what it asks and passes on the rest of what came with it.
fn serve_one(
    serve: impl FnOnce(std::net::TcpStream, Vec<u8>) + Send + 'static,
) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        let mut came = Vec::new();
        let end = loop {
            if let Some(at) = came.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            let mut bytes = [0; 1024];
            let len = stream.read(&mut bytes).unwrap();
            assert_ne!(len, 0, "{came:?}");
            came.extend_from_slice(&bytes[..len]);
        };
        serve(stream, came.split_off(end));
    });
    (port, serving)
}

const LARGE_LEN: usize = 16 << 20;

#[test]
fn an_answer_that_echoes_is_received_while_the_body_is_sent() {
    let (port, serving) = serve_one(|mut stream, mut bytes| {
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {LARGE_LEN}\r\n\r\n").unwrap();
        let mut left = LARGE_LEN;
        while left > 0 {
            stream.write_all(&bytes).unwrap();
            left -= bytes.len();
            bytes.resize(65_536, 0);
            let len = if left > 0 { stream.read(&mut bytes).unwrap() } else { 0 };
            bytes.truncate(len);
        }
    });
    let mut pattern = Pattern::new(LARGE_LEN);
    get(&Client::new(), &mut pattern.asking(port), &mut pattern).unwrap();
    assert_eq!((pattern.status, pattern.received), (200, LARGE_LEN));
    assert!(pattern.sent_before < Some(LARGE_LEN), "{:?}", pattern.sent_before);
    serving.join().unwrap();
}

/// A refusal whose body is the pattern's beginning.
const REFUSAL: &[u8] = b"HTTP/1.1 413 x\r\ncontent-length: 3\r\n\r\n\x00\x01\x02";

#[test]
fn a_refusal_before_a_reset_is_the_answer() {
    let (port, serving) = serve_one(|mut stream, _| {
        stream.write_all(REFUSAL).unwrap();
        // More has come than is read, so that leaving resets the connection.
        stream.read_exact(&mut [0; 1024]).unwrap();
    });
    let mut pattern = Pattern::new(LARGE_LEN);
    get(&Client::new(), &mut pattern.asking(port), &mut pattern).unwrap();
    assert_eq!((pattern.status, pattern.received), (413, 3));
    assert!(pattern.sent < LARGE_LEN);
    serving.join().unwrap();
}

#[test]
fn a_refusal_of_one_who_reads_no_more_is_the_answer_at_once() {
    let (leave, left) = std::sync::mpsc::channel::<()>();
    let (port, serving) = serve_one(move |mut stream, _| {
        stream.write_all(REFUSAL).unwrap();
        // Until the client has gone.
        let _ = left.recv();
    });
    let mut pattern = Pattern::new(LARGE_LEN);
    let began = std::time::Instant::now();
    get(&Client::new(), &mut pattern.asking(port), &mut pattern).unwrap();
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    assert_eq!((pattern.status, pattern.received), (413, 3));
    assert!(pattern.sent < LARGE_LEN);
    drop(leave);
    serving.join().unwrap();
}

/// Has the body's pieces follow what the server does.
struct Paced {
    pattern: Pattern,
    /// The server reads no more.
    is_shut: std::sync::mpsc::Receiver<()>,
    /// To the server: the first piece could not be written.
    failed: std::sync::mpsc::Sender<()>,
}

impl Application for Paced {
    type Error = Full;

    fn told(&mut self, event: Event<'_>) -> Result<(), Full> {
        self.pattern.told(event)
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Full> {
        if self.pattern.sent == 0 {
            self.is_shut.recv().unwrap();
        } else {
            self.failed.send(()).unwrap();
        }
        self.pattern.read(buffer)
    }
}

#[test]
fn what_comes_after_a_write_has_failed_is_the_answer() {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener};
    use std::sync::mpsc::channel;

    let name = format!("drywire-getting-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let listener = UnixListener::bind_addr(&address).unwrap();
    let (shut, is_shut) = channel();
    let (failed, has_failed) = channel();
    let serving = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.read_exact(&mut [0; 16]).unwrap();
        stream.shutdown(std::net::Shutdown::Read).unwrap();
        shut.send(()).unwrap();
        has_failed.recv_timeout(PATIENCE).unwrap();
        stream.write_all(REFUSAL).unwrap();
    });
    let pattern = Pattern::new(LARGE_LEN);
    let upload = Upload { len: Some(LARGE_LEN as u64), is_repeatable: false };
    let url = format!("http+unix:@{name}:/").parse().unwrap();
    let mut asking = HttpGet::new(url).unwrap().method("PUT").unwrap().upload(upload);
    let mut paced = Paced { pattern, is_shut, failed };
    get(&Client::new(), &mut asking, &mut paced).unwrap();
    assert_eq!((paced.pattern.status, paced.pattern.received), (413, 3));
    serving.join().unwrap();
}
