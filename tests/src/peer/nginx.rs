use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::Process;

/// nginx with one server of HTTP, on a port that the system chose. Dropping it ends it.
#[derive(Debug)]
pub struct Nginx {
    process: Process,
    address: SocketAddr,
    folder: TempDir,
}

impl Nginx {
    /// Starts it with `directives` for its one server, in which `{root}` stands for
    /// [`root`](Self::root). `listen_options` are those of the directive `listen`, such as `ssl`.
    ///
    /// # Panics
    /// If it does not come up.
    #[must_use]
    pub fn start(listen_options: &str, directives: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let base = folder.path().to_str().expect("a name in Unicode").to_owned();
        fs::create_dir(folder.path().join("root")).expect("a folder");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("bound");
        let directives = directives.replace("{root}", &format!("{base}/root"));
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|name| format!("{name}_temp_path {base}/{name};\n"))
            .collect();
        // Whoever is root would else serve as nobody, who may not read the folder.
        let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
        let configuration = format!(
            "daemon off; pid {base}/pid; error_log stderr notice; worker_processes 1; {user}
             events {{ worker_connections 1024; }}
             http {{
                 access_log off;
                 {temporary}
                 server {{ listen {address} {listen_options}; root {base}/root; {directives} }}
             }}"
        );
        let file = folder.path().join("nginx.conf");
        fs::write(&file, configuration).expect("a file");
        let mut command = Command::new("nginx");
        // It takes the socket from a predecessor: descriptor 0.
        command.env("NGINX", "0;").args(["-e", "stderr", "-p", &base, "-c"]).arg(&file);
        let mut process = Process::serve("nginx", command, listener);
        process.expect("start worker process ");
        Self { process, address, folder }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The folder whose files it serves.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// Puts a file into the folder that it serves.
    ///
    /// # Panics
    /// If the folder is full.
    pub fn put(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        fs::write(self.root().join(name), bytes).expect("a file");
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its worker would stay if it were killed.
        self.process.terminate();
        let _ = self.process.wait();
    }
}
