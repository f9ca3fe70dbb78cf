//! One use of everything that `core/clippy.toml` disallows. `.ci/purity` lints it in a crate of its own and fails
//! unless every entry is reported. It is compiled, never run.

use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, ServerConfig};
use std::net::ToSocketAddrs;
use std::os::unix::net as unix;
use std::path::Path;
use std::time::Duration;
use std::{env, fs, io, net, panic, process, thread};

pub fn clocks_and_threads() {
    let _ = std::time::Instant::now().elapsed();
    let _ = std::time::SystemTime::now().elapsed();
    let _ = rustls::pki_types::UnixTime::now();
    let _ = thread::spawn(|| ());
    thread::scope(|_| ());
    let _ = thread::Builder::new().spawn(|| ());
    thread::sleep(Duration::ZERO);
    thread::park();
    thread::park_timeout(Duration::ZERO);
    thread::yield_now();
    let _ = thread::current();
    let _ = thread::available_parallelism();
}

pub fn sockets_and_names(address: net::SocketAddr, path: &Path) {
    let _ = net::TcpStream::connect(address);
    let _ = net::TcpStream::connect_timeout(&address, Duration::ZERO);
    let _ = net::TcpListener::bind(address);
    let _ = net::UdpSocket::bind(address);
    let _ = unix::UnixStream::connect(path);
    let _ = unix::UnixStream::pair();
    let _ = unix::UnixListener::bind(path);
    let _ = unix::UnixDatagram::bind(path);
    let _ = unix::UnixDatagram::unbound();
    let _ = unix::UnixDatagram::pair();
    let _ = "localhost:7".to_socket_addrs();
}

pub fn files(path: &Path, permissions: fs::Permissions) {
    let _ = fs::File::open(path);
    let _ = fs::File::create(path);
    let _ = fs::File::create_new(path);
    let _ = fs::File::options();
    let _ = fs::OpenOptions::new().open(path);
    let _ = fs::DirBuilder::new();
    let _ = fs::canonicalize(path);
    let _ = fs::copy(path, path);
    let _ = fs::create_dir(path);
    let _ = fs::create_dir_all(path);
    let _ = fs::exists(path);
    let _ = fs::hard_link(path, path);
    let _ = fs::metadata(path);
    let _ = fs::read(path);
    let _ = fs::read_dir(path);
    let _ = fs::read_link(path);
    let _ = fs::read_to_string(path);
    let _ = fs::remove_dir(path);
    let _ = fs::remove_dir_all(path);
    let _ = fs::remove_file(path);
    let _ = fs::rename(path, path);
    let _ = fs::set_permissions(path, permissions);
    let _ = fs::symlink_metadata(path);
    let _ = fs::write(path, "");
}

pub fn environment_processes_terminal(path: &Path) {
    let _ = env::args();
    let _ = env::args_os();
    let _ = env::current_dir();
    let _ = env::current_exe();
    let _ = env::home_dir();
    let _ = env::set_current_dir(path);
    let _ = env::temp_dir();
    let _ = env::var("");
    let _ = env::var_os("");
    let _ = env::vars();
    let _ = env::vars_os();
    let _ = process::Command::new("");
    let _ = process::id();
    let _ = io::stdin();
    let _ = io::stdout();
    let _ = io::stderr();
    print!("");
    println!();
    eprint!("");
    eprintln!();
    dbg!();
}

pub fn end(code: i32) {
    if code == 0 {
        process::abort();
    }
    process::exit(code);
}

std::thread_local!(static LOCAL: u8 = const { 0 });

pub fn state(provider: CryptoProvider) {
    let _ = std::hash::RandomState::new();
    panic::set_hook(panic::take_hook());
    let _ = ClientConfig::builder();
    let _ = ServerConfig::builder();
    let _ = ClientConfig::builder_with_protocol_versions(&[]);
    let _ = ServerConfig::builder_with_protocol_versions(&[]);
    let _ = CryptoProvider::get_default();
    let _ = provider.install_default();
    let _ = LOCAL.with(|local| *local);
}

pub struct Types<'a> {
    pub instant: std::time::Instant,
    pub system_time: std::time::SystemTime,
    pub builder: std::thread::Builder,
    pub join_handle: std::thread::JoinHandle<()>,
    pub thread: std::thread::Thread,
    pub barrier: std::sync::Barrier,
    pub condvar: std::sync::Condvar,
    pub receiver: std::sync::mpsc::Receiver<()>,
    pub sender: std::sync::mpsc::Sender<()>,
    pub sync_sender: std::sync::mpsc::SyncSender<()>,
    pub lazy_lock: std::sync::LazyLock<()>,
    pub once: std::sync::Once,
    pub local_key: &'a std::thread::LocalKey<()>,
    pub tcp_stream: std::net::TcpStream,
    pub tcp_listener: std::net::TcpListener,
    pub udp_socket: std::net::UdpSocket,
    pub unix_stream: std::os::unix::net::UnixStream,
    pub unix_listener: std::os::unix::net::UnixListener,
    pub unix_datagram: std::os::unix::net::UnixDatagram,
    pub owned_fd: std::os::fd::OwnedFd,
    pub file: std::fs::File,
    pub open_options: std::fs::OpenOptions,
    pub dir_builder: std::fs::DirBuilder,
    pub command: std::process::Command,
    pub child: std::process::Child,
    pub stdin: std::io::Stdin,
    pub stdout: std::io::Stdout,
    pub stderr: std::io::Stderr,
    pub hash_map: std::collections::HashMap<(), ()>,
    pub hash_set: std::collections::HashSet<()>,
    pub random_state: std::hash::RandomState,
}
