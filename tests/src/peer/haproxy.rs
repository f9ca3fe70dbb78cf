use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Command;

use tempfile::TempDir;

use super::Process;

/// HAProxy that passes streams on to one server, from a port that the system chose. Dropping it
/// ends it.
#[derive(Debug)]
pub struct Haproxy {
    _process: Process,
    address: SocketAddr,
    _folder: TempDir,
}

impl Haproxy {
    /// Starts it with `bind_options` for its side, such as `accept-proxy`, and `server_options`,
    /// such as `send-proxy`, for the `server`. `{file}` stands for a file that has `text` in it.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start(
        bind_options: &str,
        server: SocketAddr,
        server_options: &str,
        text: impl AsRef<[u8]>,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let text_file = folder.path().join("text");
        fs::write(&text_file, text).expect("a file");
        let bind_options =
            bind_options.replace("{file}", text_file.to_str().expect("a name in Unicode"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("bound");
        let configuration = format!(
            "defaults
                 mode tcp
                 timeout connect 10s
                 timeout client 60s
                 timeout server 60s
             frontend in
                 bind fd@0 {bind_options}
                 unique-id-format id-%fp
                 default_backend out
             backend out
                 server one {server} {server_options}\n"
        );
        let file = folder.path().join("haproxy.cfg");
        fs::write(&file, configuration).expect("a file");
        let mut command = Command::new("haproxy");
        command.args(["-db", "-f"]).arg(&file);
        let process = Process::serve("haproxy", command, listener);
        Self { _process: process, address, _folder: folder }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}
