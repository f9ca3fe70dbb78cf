//! Laws of datagram endpoints and of requests over datagrams.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use crate::datagram::{
    Answer, DatagramEndpoint, DatagramLimits, DatagramSendError, DatagramStatistics, DatagramStep,
    Dropped, Overflow, RequestError, RequestLimits, Requests, SamePayload, TransmittedTooMany,
};
use crate::error::Fault;
use crate::time::Instant;

/// Steps after which an endpoint that still has some is said to spin.
const STEPS_MAX: usize = 10_000;

type Datagram = (SocketAddr, Vec<u8>);

/// Reads numbers from any bytes, zeros when they have ended.
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn address(&mut self) -> SocketAddr {
        let number = self.next();
        let ports = [0, 53, 1023, 1024, 5000, 7007, 5001, 5002];
        let port = ports[usize::from(number % 8)];
        SocketAddr::new(Ipv4Addr::new(192, 0, 2, number / 8).into(), port)
    }

    fn bytes(&mut self) -> Vec<u8> {
        let len = usize::from(self.next());
        let with = self.next();
        (0..len).map(|at| with.wrapping_add(at as u8)).collect()
    }

    fn fault(&mut self) -> Fault {
        Fault::ALL[usize::from(self.next()) % Fault::COUNT]
    }

    /// A time, mostly later than `now`.
    fn time(&mut self, now: Instant) -> Instant {
        match self.next() {
            255 => Instant::MAX,
            254 => Instant::ZERO,
            millis => now + Duration::from_millis(millis.into()),
        }
    }
}

/// What was received is accounted for, with `waiting` datagrams waiting; likewise what was queued.
///
/// # Panics
/// When it is not.
pub fn conserved(statistics: &DatagramStatistics, waiting: usize, queued: usize) {
    let received = statistics.yielded + statistics.dropped_in_all() + waiting as u64;
    assert_eq!(statistics.received, received, "received datagrams: {statistics:?}");
    let sent = statistics.transmitted + statistics.failed + statistics.discarded + queued as u64;
    assert_eq!(statistics.queued, sent, "queued datagrams: {statistics:?}");
}

/// Makes calls on an endpoint as `script` chooses and compares it with plain lists: any order is
/// legal, nothing is lost without a word, queues keep their bounds, deadlines move forward, and
/// there is an end of steps.
///
/// # Panics
/// When that does not hold.
pub fn endpoint_is_two_lists(limits: &DatagramLimits, script: &[u8]) {
    let mut numbers = Numbers(script);
    let mut subject = Subject {
        endpoint: DatagramEndpoint::new(limits, Instant::ZERO)
            .with_local(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 7007)),
        limits: limits.clone(),
        received: VecDeque::new(),
        queued: VecDeque::new(),
        now: Instant::ZERO,
        is_closed: false,
        is_over: false,
    };
    while !numbers.0.is_empty() {
        subject.act(&mut numbers);
        subject.check();
    }
    subject.endpoint.abort();
    subject.queued.clear();
    subject.is_closed = true;
    while subject.endpoint.next().is_some() {}
    assert!(subject.endpoint.is_closed(), "an aborted endpoint is over");
    conserved(subject.endpoint.statistics(), 0, 0);
}

struct Subject {
    endpoint: DatagramEndpoint<SocketAddr>,
    limits: DatagramLimits,
    received: VecDeque<Datagram>,
    queued: VecDeque<Datagram>,
    now: Instant,
    is_closed: bool,
    is_over: bool,
}

impl Subject {
    fn act(&mut self, numbers: &mut Numbers<'_>) {
        let now = numbers.time(self.now);
        match numbers.next() % 16 {
            0..=4 => self.receive(numbers, now),
            5 => {
                self.now = self.now.max(now);
                self.endpoint.received_truncated(70_000, now);
            }
            6 | 7 => {
                let (to, bytes) = (numbers.address(), numbers.bytes());
                let sent = self.endpoint.send(to, &bytes);
                self.sent((to, bytes), sent);
            }
            8 | 9 => {
                self.now = self.now.max(now);
                let (count, queued) = (usize::from(numbers.next() % 4), self.queued.len());
                let transmitted = self.endpoint.transmitted(count, now);
                if count > queued {
                    assert_eq!(transmitted, Err(TransmittedTooMany { count, queued }));
                } else {
                    self.queued.drain(..count);
                }
            }
            10 => {
                self.now = self.now.max(now);
                self.endpoint.transmit_failed(numbers.fault(), now);
                self.queued.pop_front();
            }
            11 => {
                self.now = self.now.max(now);
                self.endpoint.socket_failed(numbers.fault(), now);
            }
            12 => {
                self.now = self.now.max(now);
                self.endpoint.handle_timeout(now);
                if self.is_closed && self.endpoint.queued().0 == 0 {
                    // The socket had its time.
                    self.queued.clear();
                }
                let deadline = self.endpoint.interest().deadline;
                assert!(deadline.is_none_or(|at| at > self.now), "{deadline:?} at {}", self.now);
            }
            13 => self.endpoint.set_timer(Some(now)),
            14 => {
                if numbers.next() < 16 {
                    self.endpoint.close();
                    self.is_closed = true;
                }
            }
            _ => self.take_steps(numbers),
        }
    }

    fn receive(&mut self, numbers: &mut Numbers<'_>, now: Instant) {
        self.now = self.now.max(now);
        let (from, bytes) = (numbers.address(), numbers.bytes());
        let before = *self.endpoint.statistics();
        self.endpoint.received(from, &bytes, now);
        let after = *self.endpoint.statistics();
        let news = |reason| after.dropped_as(reason) - before.dropped_as(reason);
        let is_too_long = bytes.len() > self.limits.datagram_len_max;
        let is_dropped = after.dropped_in_all() > before.dropped_in_all();
        if self.is_closed {
            assert_eq!(news(Dropped::Closed), 1, "what comes after the end is dropped");
        } else if is_too_long {
            assert_eq!(news(Dropped::TooLong), 1, "{} bytes are too long", bytes.len());
        } else if news(Dropped::QueueFull) > 0 && self.limits.overflow == Overflow::DropOldest {
            self.received.drain(..news(Dropped::QueueFull) as usize);
            self.received.push_back((from, bytes));
        } else if !is_dropped {
            self.received.push_back((from, bytes));
        }
    }

    fn sent(&mut self, datagram: Datagram, sent: Result<(), DatagramSendError>) {
        let (len, max) = (datagram.1.len(), self.limits.datagram_len_max);
        let queued_len: usize = self.queued.iter().map(|(_, bytes)| bytes.len()).sum();
        let has_room = self.queued.len() < self.limits.transmit_datagrams_max.max(1)
            && queued_len + len <= self.limits.transmit_len_max.max(max);
        let expected = if self.is_closed {
            Err(DatagramSendError::Closed)
        } else if len > max {
            Err(DatagramSendError::TooLong { len, max })
        } else if !has_room {
            Err(DatagramSendError::Full)
        } else {
            self.queued.push_back(datagram);
            Ok(())
        };
        assert_eq!(sent, expected);
    }

    /// Takes all steps, and sends back what comes.
    fn take_steps(&mut self, numbers: &mut Numbers<'_>) {
        if self.is_closed {
            self.received.clear();
        }
        for count in 0.. {
            assert!(count < STEPS_MAX, "steps without an end");
            let Some(step) = self.endpoint.next() else { return };
            assert!(!self.is_over, "a step after the last");
            let replied = match step {
                DatagramStep::Datagram { from, bytes, mut handle } => {
                    let datagram = (from, bytes.to_vec());
                    assert_eq!(self.received.pop_front().as_ref(), Some(&datagram));
                    if numbers.next() % 8 == 0 {
                        handle.decline(Dropped::Unwanted);
                        handle.decline(Dropped::Unwanted);
                    }
                    let reply = handle.send(from, bytes);
                    assert_eq!(reply, Ok(()), "a reply fits");
                    Some(datagram)
                }
                DatagramStep::Timer(mut handle) => {
                    let at = handle.now();
                    handle.set_timer(Some(at));
                    None
                }
                DatagramStep::Closed => {
                    self.is_over = true;
                    None
                }
                _ => None,
            };
            self.queued.extend(replied);
        }
    }

    fn check(&self) {
        let queued: Vec<_> =
            self.endpoint.transmit_all().map(|(to, bytes)| (*to, bytes.to_vec())).collect();
        assert!(queued.iter().eq(&self.queued), "{queued:?} is to be sent, not {:?}", self.queued);
        let (waiting, waiting_len) = self.endpoint.waiting();
        assert!(waiting <= self.limits.receive_datagrams_max.max(1));
        let len_max = self.limits.receive_len_max.max(self.limits.datagram_len_max);
        assert!(waiting_len <= len_max, "{waiting_len} bytes wait, at most {len_max} may");
        assert_eq!(self.endpoint.interest().write, !self.queued.is_empty());
        assert_eq!(self.endpoint.interest().read, !self.is_closed);
        conserved(self.endpoint.statistics(), waiting, queued.len());
    }
}

/// Makes calls on requests as `script` chooses: any order is legal, each request ends once, with
/// its own reply or not at all, after as many attempts as may be, nothing is lost without a word,
/// and deadlines move forward.
///
/// # Panics
/// When that does not hold.
pub fn requests_end_once(limits: &RequestLimits, script: &[u8]) {
    let mut numbers = Numbers(script);
    let mut requests = Requests::new(SamePayload, limits.clone(), Instant::ZERO);
    let mut now = Instant::ZERO;
    let mut asked = Vec::new();
    while !numbers.0.is_empty() {
        let told = numbers.time(now);
        match numbers.next() % 8 {
            0 | 1 => {
                now = now.max(told);
                let (to, bytes) = (numbers.address(), numbers.bytes());
                match requests.request(to, &bytes, told) {
                    Ok(id) => asked.push((id, bytes)),
                    Err(RequestError::Full { max }) => assert!(requests.active() >= max),
                    Err(RequestError::TooLong { len, max }) => assert!(len > max),
                }
            }
            2 => {
                now = now.max(told);
                let to = requests.transmit().map(|(to, bytes)| (*to, bytes.to_vec()));
                requests.transmitted(told);
                // An echo, sometimes twice.
                for _ in 0..numbers.next() % 3 {
                    if let Some((to, bytes)) = &to {
                        requests.received(to, bytes, told);
                    }
                }
            }
            3 => {
                now = now.max(told);
                requests.transmit_failed(numbers.fault(), told);
            }
            4 => {
                now = now.max(told);
                let (from, bytes) = (numbers.address(), numbers.bytes());
                requests.received(&from, &bytes, told);
            }
            5 => {
                now = now.max(told);
                requests.handle_timeout(told);
                let deadline = requests.deadline();
                assert!(deadline.is_none_or(|at| at > now), "{deadline:?} at {now}");
            }
            6 => {
                now = now.max(told);
                requests.socket_failed(numbers.fault(), told);
                if let (4, Some((id, _))) = (numbers.next() % 16, asked.first()) {
                    requests.cancel(*id);
                    asked.remove(0);
                }
            }
            _ => take_answers(&mut requests, &mut asked, limits.attempts_max.max(1)),
        }
        conserve_requests(&requests, limits, asked.len());
    }
    // Whatever happened, all of them end in time.
    now = now + limits.request_timeout.saturating_mul(2) + Duration::from_nanos(1);
    requests.handle_timeout(now);
    take_answers(&mut requests, &mut asked, limits.attempts_max.max(1));
    assert!(now == Instant::MAX || asked.is_empty(), "{} requests have no end", asked.len());
}

fn conserve_requests(
    requests: &Requests<SocketAddr, SamePayload>,
    limits: &RequestLimits,
    active: usize,
) {
    assert_eq!(requests.active(), active, "requests without an answer");
    assert!(active <= limits.requests_max.max(1));
    let statistics = requests.statistics();
    let taken = statistics.yielded + statistics.dropped_in_all();
    assert_eq!(statistics.received, taken, "received datagrams: {statistics:?}");
    let sent = statistics.transmitted + statistics.failed + statistics.discarded;
    assert!(sent <= statistics.queued, "queued datagrams: {statistics:?}");
    assert_eq!(sent == statistics.queued, requests.transmit().is_none(), "{statistics:?}");
}

fn take_answers(
    requests: &mut Requests<SocketAddr, SamePayload>,
    asked: &mut Vec<(crate::datagram::RequestId, Vec<u8>)>,
    attempts_max: u32,
) {
    while let Some(answer) = requests.next() {
        let (id, attempts) = match answer {
            Answer::Reply { id, bytes, attempts, .. } => {
                let request = asked.iter().find(|(asked, _)| *asked == id);
                assert!(request.is_some_and(|(_, request)| request == bytes), "a reply is its own");
                assert!(attempts > 0, "a reply without a request");
                (id, attempts)
            }
            Answer::TimedOut { id, attempts, .. } => (id, attempts),
        };
        assert!(attempts <= attempts_max, "{attempts} attempts");
        let at = asked.iter().position(|(asked, _)| *asked == id);
        asked.remove(at.expect("a request ends once"));
    }
}
