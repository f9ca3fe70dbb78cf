//! What a second worker process is worth: echoes in a second with two workers, in proportion to
//! those with one.
//!
//! ```text
//! cargo run --release -p drywire-smol --example workers -- [PAIRS [SECONDS]]
//! ```
//!
//! Four clients in this process connect, send 16 times 64 KiB of short lines, wait each time until
//! they are back, compare them, and connect again: so that work goes to the worker that has none.
//! One worker and two take turns, `PAIRS` times (7) for `SECONDS` (2) each, and the median of the
//! ratios is printed. A worker serves with one thread for all tasks (`smol`), or with a thread for
//! each connection (`std`), where one process has all processors already.
//!
//! The clients need processors too. On two, two workers cannot be twice as fast as one: with one,
//! the clients have a processor to themselves.

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::num::NonZeroUsize;
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use drywire_smol::drywire::Peer;
use drywire_smol::drywire::address::Endpoint;
use drywire_smol::drywire::framing::Lines;
use drywire_smol::drywire::protocol::Echo;
use drywire_smol::drywire::shutdown::Request;
use drywire_smol::drywire::supervisor::SupervisorLimits;
use drywire_std::Listener;
use drywire_std::processes::{Event, Supervisor, Worker, this_program};

type Failure = Box<dyn Error + Send + Sync>;

const CLIENTS: usize = 4;

/// What a client sends at once.
const CHUNK_LEN: usize = 64 * 1024;

/// How often it does, by one connection.
const CHUNKS: u64 = 16;

fn main() -> Result<(), Failure> {
    if let Some(worker) = Worker::inherited()? {
        return serve(worker);
    }
    let mut arguments = std::env::args().skip(1);
    let pairs: usize = arguments.next().map_or(Ok(7), |count| count.parse())?;
    let seconds: f64 = arguments.next().map_or(Ok(2.0), |count| count.parse())?;
    let duration = Duration::try_from_secs_f64(seconds)?;
    for runtime in ["smol", "std"] {
        let mut ratios = Vec::new();
        for pair in 1..=pairs.max(1) {
            let one = measure(runtime, 1, duration)?;
            let two = measure(runtime, 2, duration)?;
            println!("{runtime} {pair}: {one:.0} MiB/s by one worker, {two:.0} by two");
            ratios.push(two / one);
        }
        ratios.sort_by(f64::total_cmp);
        let (median, least) = (ratios.get(ratios.len() / 2), ratios.first());
        if let (Some(median), Some(least), Some(most)) = (median, least, ratios.last()) {
            println!("{runtime}: {median:.2} times as much, {least:.2} to {most:.2}");
        }
    }
    Ok(())
}

/// What a worker process does.
fn serve(mut worker: Worker) -> Result<(), Failure> {
    let sockets = worker.take_sockets();
    let echo = |_: &Peer| Echo::new(Lines::new());
    // Both are told alike what to do.
    macro_rules! serve {
        ($server:expr, $run:expr) => {{
            let mut server = $server;
            for socket in sockets {
                server = server.listen(socket.listener()?);
            }
            let (orders, counts) = (server.handle(), server.handle());
            let obey = move |request| orders.request(request);
            let farewell = worker.serve(obey, move || counts.statistics())?;
            let summary = $run(server)?;
            farewell.finish(summary.statistics);
        }};
    }
    if worker.payload() == b"smol" {
        let server = drywire_smol::Server::new(echo).threads(NonZeroUsize::MIN);
        serve!(server, |server: drywire_smol::Server<_>| smol::block_on(server.run()));
    } else {
        serve!(drywire_std::Server::new(echo), drywire_std::Server::run);
    }
    exit(0)
}

/// MiB in a second that so many workers send back.
fn measure(runtime: &str, workers: usize, duration: Duration) -> Result<f64, Failure> {
    let listener = Listener::bind(&"tcp://127.0.0.1:0".parse()?)?;
    let Endpoint::Internet(place) = listener.address().endpoint() else { unreachable!() };
    let place = format!("127.0.0.1:{}", place.port);
    let mut limits = SupervisorLimits::new();
    limits.workers = workers;
    let (tell, ready) = channel();
    let supervisor = Supervisor::new(this_program()?)?
        .limits(limits)
        .listen(listener)
        .payload(runtime.into())
        .on_event(move |event| {
            if let Event::Ready { .. } = event {
                let _ = tell.send(());
            }
        });
    let handle = supervisor.handle();
    let supervising = thread::spawn(move || supervisor.run());
    for _ in 0..workers {
        ready.recv_timeout(Duration::from_secs(10))?;
    }
    let rate = load(&place, duration);
    handle.request(Request::Interrupt);
    supervising.join().map_err(|_| "the supervisor panicked")??;
    rate
}

/// MiB in a second that all clients get back.
fn load(place: &str, duration: Duration) -> Result<f64, Failure> {
    let (is_over, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let begin = Instant::now();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (place, is_over, count) = (place.to_owned(), is_over.clone(), count.clone());
            thread::spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    converse(&place, &count)?;
                }
                Ok::<_, Failure>(())
            })
        })
        .collect();
    // The only purpose of the time is to pass.
    thread::sleep(duration);
    let (chunks, elapsed) = (count.load(Ordering::Relaxed), begin.elapsed());
    is_over.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().map_err(|_| "a client panicked")??;
    }
    let mebibytes = chunks as f64 * CHUNK_LEN as f64 / (1024.0 * 1024.0);
    Ok(mebibytes / elapsed.as_secs_f64())
}

fn converse(place: &str, count: &AtomicU64) -> Result<(), Failure> {
    let chunk = b"a line\n\n".repeat(CHUNK_LEN / 8);
    let mut back = vec![0; CHUNK_LEN];
    let mut stream = TcpStream::connect(place)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    for _ in 0..CHUNKS {
        stream.write_all(&chunk)?;
        stream.read_exact(&mut back)?;
        if back != chunk {
            return Err("the echo is another".into());
        }
        count.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}
