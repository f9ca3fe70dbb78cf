//! HAProxy in front of two instances of `drywire serve`: PROXY protocol, health checks, and a
//! restart of one after the other under load.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use drywire_conformance::peer::{Haproxy, Process};

use crate::command::RUNTIMES;

/// How many clients are there at any time.
const CLIENTS: usize = 6;

/// How many conversations there are at least between two events.
const CONVERSATIONS: usize = 200;

/// An instance, and how to start it again at the same place: an address of the loopback network
/// that nobody else has, so that its port stays free meanwhile.
struct Instance {
    process: Process,
    options: Vec<String>,
    listen: String,
    admin: String,
}

impl Instance {
    fn start(runtime: &str, host: &str) -> Self {
        let options = ["serve", "--runtime", runtime, "--framing", "lines", "--proxy-protocol"];
        let balanced = ["--trust", "127.0.0.0/8", "--drain-pause", "0.5", "--drain-timeout", "20"];
        let options = options.iter().chain(&balanced).map(ToString::to_string).collect();
        let any = format!("{host}:0");
        Self::at(options, &any, &any)
    }

    fn at(options: Vec<String>, listen: &str, admin: &str) -> Self {
        let places = [format!("--listen=tcp://{listen}"), format!("--admin={admin}")];
        let arguments = options.iter().chain(&places);
        let mut process = Process::start(env!("CARGO_BIN_EXE_drywire"), arguments);
        let listen = process.expect("listening tcp://");
        let admin = process.expect("admin http://").trim_end_matches('/').to_owned();
        Self { process, options, listen, admin }
    }

    /// Ends it in order, and starts it again at the same place.
    fn restart(self) -> Self {
        let Self { mut process, options, listen, admin } = self;
        process.terminate();
        let status = process.wait();
        assert!(status.success(), "not drained: {status}: {process}");
        Self::at(options, &listen, &admin)
    }

    fn directive(&self, name: &str) -> String {
        let (listen, (host, port)) = (&self.listen, self.admin.rsplit_once(':').unwrap());
        format!(
            "server {name} {listen} send-proxy-v2 check addr {host} port {port} inter 50ms fall 1 rise 1"
        )
    }
}

/// Clients that talk through the balancer for as long as this lives.
struct Load {
    over: Arc<AtomicBool>,
    conversations: Arc<AtomicUsize>,
    clients: Vec<thread::JoinHandle<()>>,
}

impl Load {
    fn start(balancer: SocketAddr) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let conversations = Arc::new(AtomicUsize::new(0));
        let clients = (0..CLIENTS)
            .map(|_| {
                let (over, conversations) = (over.clone(), conversations.clone());
                thread::spawn(move || {
                    while !over.load(Ordering::Relaxed) {
                        converse(balancer);
                        conversations.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        Self { over, conversations, clients }
    }

    /// Waits for more conversations; those of clients that fail do not come.
    fn go_on(&self) {
        let until = self.conversations.load(Ordering::Relaxed) + CONVERSATIONS;
        while self.conversations.load(Ordering::Relaxed) < until {
            assert!(self.clients.iter().all(|client| !client.is_finished()), "a client failed");
            thread::yield_now();
        }
    }

    fn end(self) {
        self.over.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().expect("every echo arrived");
        }
    }
}

/// A conversation of several lines; every one comes back.
fn converse(balancer: SocketAddr) {
    let mut stream = TcpStream::connect(balancer).expect("nobody is refused");
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    for line in 0..10 {
        let sent = format!("line {line} of {:?}\n", stream.local_addr().unwrap());
        stream.write_all(sent.as_bytes()).expect("the line is taken");
        let mut back = String::new();
        reader.read_line(&mut back).expect("the line comes back");
        assert_eq!(back, sent);
    }
}

#[test]
fn a_rolling_restart_under_load_loses_nothing() {
    for runtime in RUNTIMES {
        let mut instances =
            ["127.0.1.1", "127.0.1.2"].map(|host| Some(Instance::start(runtime, host)));
        let names = ["one", "two"];
        let servers = [0, 1].map(|at| instances[at].as_ref().unwrap().directive(names[at]));
        let check = "balance roundrobin\noption httpchk GET /readyz\nhttp-check expect status 200";
        let mut balancer = Haproxy::balance(&format!("{check}\n{}\n{}", servers[0], servers[1]));
        let load = Load::start(balancer.address());
        load.go_on();
        for (at, name) in names.iter().enumerate() {
            instances[at] = Some(instances[at].take().unwrap().restart());
            balancer.expect_server(name, "DOWN");
            balancer.expect_server(name, "UP");
            load.go_on();
        }
        load.end();
        for mut instance in instances.into_iter().flatten() {
            instance.process.terminate();
            let status = instance.process.wait();
            assert!(status.success(), "not drained: {status}: {}", instance.process);
        }
    }
}
