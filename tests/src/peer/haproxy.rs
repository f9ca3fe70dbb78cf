use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Command;

use tempfile::TempDir;

use super::Process;

/// HAProxy, which passes streams on from a port that the system chose. Dropping it ends it.
#[derive(Debug)]
pub struct Haproxy {
    process: Process,
    address: SocketAddr,
    _folder: TempDir,
}

impl Haproxy {
    /// Starts it before one server, with `bind_options` for its side, such as `accept-proxy`, and
    /// `server_options`, such as `send-proxy`, for the `server`. `{file}` stands for a file that
    /// has `text` in it.
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
        Self::run(folder, &bind_options, &format!("server one {server} {server_options}"))
    }

    /// Starts it with `directives` for its one backend, `out`.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn balance(directives: &str) -> Self {
        Self::run(tempfile::tempdir().expect("a folder"), "", directives)
    }

    fn run(folder: TempDir, bind_options: &str, directives: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("bound");
        let configuration = format!(
            "global
                 log stderr format raw daemon
             defaults
                 log global
                 mode tcp
                 option redispatch
                 timeout connect 10s
                 timeout client 60s
                 timeout server 60s
             frontend in
                 bind fd@0 {bind_options}
                 unique-id-format id-%fp
                 default_backend out
             backend out
                 {directives}\n"
        );
        let file = folder.path().join("haproxy.cfg");
        fs::write(&file, configuration).expect("a file");
        let mut command = Command::new("haproxy");
        command.args(["-db", "-f"]).arg(&file);
        Self { process: Process::serve("haproxy", command, listener), address, _folder: folder }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until it has found that the server `name` is `UP` or `DOWN`, after the last such
    /// finding that was waited for.
    ///
    /// # Panics
    /// If it does not.
    pub fn expect_server(&mut self, name: &str, state: &str) {
        let _ = self.process.expect(&format!("Server out/{name} is {state}"));
    }
}
