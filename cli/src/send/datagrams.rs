//! `drywire send` to a datagram socket: each frame once, in a datagram of its own, and whatever
//! comes back.

use std::io::Write;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use drywire::Fault;
use drywire::address::Endpoint;
use drywire_std::ConnectError;
use drywire_std::datagram::DatagramError;
use serde_json::json;

use super::input::{Input, Outgoing, Place};
use super::rendering::Rendering;
use crate::args::{Runtime, SendArguments};
use crate::certificate::Witness;
use crate::exit::{Exit, Stop};
use crate::failure::not_connected;
use crate::output::{Data, Output};

/// How long a reply is waited for when nothing is said.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Datagrams and bytes that may be under way. A datagram more than the sockets between can hold is
/// one that is lost.
const UNDER_WAY_MAX: usize = 32;
const UNDER_WAY_LEN_MAX: usize = 64 * 1024;

/// How long more than that waits for replies. A peer that never replies is sent the rest all the
/// same.
const PACE: Duration = Duration::from_millis(100);

/// How often the input is looked at while a reply may come.
const GLANCE: Duration = Duration::from_millis(10);

/// What the input has come to.
enum Read {
    Frame(Vec<u8>, Place),
    Stopped(Stop),
}

pub(super) fn run(arguments: &SendArguments, output: Output) -> Result<Exit, Stop> {
    let input = Input::for_datagrams(&arguments.data, &arguments.framing)?;
    let mut talk = connect(arguments)?;
    if output.is_json() {
        // As connections have it.
        let peer = match arguments.address.endpoint() {
            Endpoint::Internet(place) => place.to_string(),
            Endpoint::Unix(name) => name.to_string(),
        };
        output.record("", &json!({ "event": "open", "peer": peer, "tls": null }))?;
    }
    let (sender, frames) = sync_channel(UNDER_WAY_MAX);
    thread::Builder::new()
        .name("input".to_owned())
        .spawn(move || read(&input, &sender))
        .map_err(|error| Stop::new(Exit::Local, format_args!("cannot start a thread: {error}")))?;
    let mut exchange = Exchange {
        talk: &mut *talk,
        rendering: Rendering::new(&arguments.framing.framing(), output.is_json()),
        data: Output::data(),
        last: None,
        timeout: arguments.timeout.map_or(TIMEOUT, |timeout| timeout.0),
        sent: 0,
        received: 0,
        under_way: 0,
        under_way_len: 0,
        fault: None,
    };
    let ran = exchange.run(&frames);
    Output::end_line(exchange.last)?;
    ran?;
    exchange.conclude(arguments)
}

fn connect(arguments: &SendArguments) -> Result<Box<dyn Talk>, Stop> {
    let address = &arguments.address;
    let connected: Result<Box<dyn Talk>, ConnectError> = match arguments.runtime {
        Runtime::Std => match drywire_std::datagram::DatagramClient::connect(address) {
            Ok(client) => Ok(Box::new(client)),
            Err(error) => Err(error),
        },
        Runtime::Smol => {
            match smol::block_on(drywire_smol::datagram::DatagramClient::connect(address)) {
                Ok(client) => Ok(Box::new(client)),
                Err(error) => Err(error),
            }
        }
    };
    connected.map_err(|error| not_connected(&error, super::intent(arguments, &Witness::default())))
}

/// Reads the input to its end, or until nobody wants it any more.
fn read(input: &Input, sender: &SyncSender<Read>) {
    let gone = || Stop::new(Exit::Ok, "nobody reads the input any more");
    let outcome = input.send_all(&mut |outgoing| match outgoing {
        Outgoing::Frame { bytes, place } => {
            sender.send(Read::Frame(bytes.to_vec(), place)).map_err(|_| gone())
        }
        Outgoing::Pause => Ok(()),
    });
    if let Err(stop) = outcome {
        // Who is gone does not hear it.
        let _ = sender.send(Read::Stopped(stop));
    }
}

/// A client of either runtime.
trait Talk {
    fn send(&mut self, bytes: &[u8]) -> Result<(), DatagramError>;
    fn recv(&mut self, timeout: Duration) -> Result<Option<Vec<u8>>, DatagramError>;
}

impl Talk for drywire_std::datagram::DatagramClient {
    fn send(&mut self, bytes: &[u8]) -> Result<(), DatagramError> {
        Self::send(self, bytes)
    }

    fn recv(&mut self, timeout: Duration) -> Result<Option<Vec<u8>>, DatagramError> {
        Self::recv(self, timeout)
    }
}

impl Talk for drywire_smol::datagram::DatagramClient {
    fn send(&mut self, bytes: &[u8]) -> Result<(), DatagramError> {
        smol::block_on(Self::send(self, bytes))
    }

    fn recv(&mut self, timeout: Duration) -> Result<Option<Vec<u8>>, DatagramError> {
        smol::block_on(Self::recv(self, timeout))
    }
}

struct Exchange<'a> {
    talk: &'a mut dyn Talk,
    rendering: Rendering,
    data: Data,
    /// The last byte that was printed.
    last: Option<u8>,
    timeout: Duration,
    sent: u64,
    received: u64,
    /// Sent, and neither answered nor given up.
    under_way: usize,
    under_way_len: usize,
    fault: Option<Fault>,
}

impl Exchange<'_> {
    /// Sends all frames, then waits for what is still to come.
    fn run(&mut self, frames: &Receiver<Read>) -> Result<(), Stop> {
        loop {
            let read = match frames.try_recv() {
                Ok(read) => read,
                Err(TryRecvError::Disconnected) => break,
                Err(TryRecvError::Empty) if self.received < self.sent => {
                    self.receive(GLANCE)?;
                    continue;
                }
                // Nothing is to come: more input, or a datagram that was not asked for.
                Err(TryRecvError::Empty) => match frames.recv_timeout(10 * GLANCE) {
                    Ok(read) => read,
                    Err(RecvTimeoutError::Timeout) => {
                        self.receive(Duration::ZERO)?;
                        continue;
                    }
                    Err(RecvTimeoutError::Disconnected) => break,
                },
            };
            match read {
                Read::Frame(bytes, place) => self.send(&bytes, place)?,
                Read::Stopped(stop) => return Err(stop),
            }
        }
        let mut heard_at = Instant::now();
        while self.received < self.sent && !self.is_refused() {
            let left = self.timeout.saturating_sub(heard_at.elapsed());
            if left.is_zero() {
                break;
            }
            if self.receive(left)? {
                heard_at = Instant::now();
            }
        }
        Ok(())
    }

    fn send(&mut self, bytes: &[u8], place: Place) -> Result<(), Stop> {
        let begin = Instant::now();
        while self.under_way > 0
            && (self.under_way >= UNDER_WAY_MAX
                || self.under_way_len + bytes.len() > UNDER_WAY_LEN_MAX)
        {
            let left = PACE.saturating_sub(begin.elapsed());
            if left.is_zero() {
                // They are lost, or the peer does not reply.
                (self.under_way, self.under_way_len) = (0, 0);
            } else {
                self.receive(left)?;
            }
        }
        self.talk.send(bytes).map_err(|error| match error {
            DatagramError::Send(error) => place.refused(error),
            error => Stop::new(Exit::Local, error),
        })?;
        self.sent += 1;
        self.under_way += 1;
        self.under_way_len += bytes.len();
        Ok(())
    }

    /// Waits for a datagram and prints it. Returns whether one came.
    fn receive(&mut self, timeout: Duration) -> Result<bool, Stop> {
        let bytes = match self.talk.recv(timeout) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(false),
            Err(DatagramError::Fault(fault)) => {
                self.fault = Some(fault);
                return Ok(false);
            }
            Err(error) => return Err(Stop::new(Exit::Local, error)),
        };
        self.received += 1;
        self.under_way = self.under_way.saturating_sub(1);
        self.under_way_len = self.under_way_len.saturating_sub(bytes.len());
        let mut rendered = Vec::new();
        self.rendering.append(&bytes, &mut rendered);
        self.last = rendered.last().copied().or(self.last);
        let printed = self.data.write_all(&rendered).and_then(|()| self.data.flush());
        printed.map_err(|error| Stop::output(&error))?;
        Ok(true)
    }

    /// Whether nobody is there, as far as is known.
    const fn is_refused(&self) -> bool {
        self.received == 0 && matches!(self.fault, Some(Fault::Refused))
    }

    fn conclude(&self, arguments: &SendArguments) -> Result<Exit, Stop> {
        let (address, sent, received) = (&arguments.address, self.sent, self.received);
        if received >= sent {
            return Ok(Exit::Ok);
        }
        Err(match (received, self.fault) {
            (0, Some(fault)) => {
                Stop::new(Exit::Failed, format_args!("{address}: no reply: {fault}"))
            }
            (0, None) => Stop::new(Exit::Failed, format_args!("{address}: no reply")),
            _ => {
                let what = format_args!("{address}: {received} replies to {sent} datagrams");
                Stop::new(Exit::Timeout, what)
            }
        })
    }
}
