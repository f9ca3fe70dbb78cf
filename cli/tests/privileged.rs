//! `drywire ping` by icmp, with and without privileges, in a network namespace of the test's own.
//! Needs root, ip and setpriv: `cargo test -p drywire-cli --features privileged --test privileged`

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};

const RUNTIMES: [&str; 2] = ["std", "smol"];

/// A namespace with a loopback, and the command where everybody may run it. Both go with the value.
struct Namespace {
    name: String,
    folder: PathBuf,
}

impl Namespace {
    fn new(purpose: &str) -> Self {
        let name = format!("drywire-{}-{purpose}", std::process::id());
        let folder = std::env::temp_dir().join(&name);
        fs::create_dir(&folder).unwrap();
        let namespace = Self { name, folder };
        for path in [&namespace.folder, &namespace.command()] {
            if path != &namespace.folder {
                fs::copy(env!("CARGO_BIN_EXE_drywire"), path).unwrap();
            }
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        ip(&["netns", "add", &namespace.name]);
        ip(&["-n", &namespace.name, "link", "set", "lo", "up"]);
        namespace
    }

    fn command(&self) -> PathBuf {
        self.folder.join("drywire")
    }

    /// Which groups may have datagram sockets of ICMP. At first none.
    fn grant(&self, groups: &str) {
        let script = format!("echo {groups} > /proc/sys/net/ipv4/ping_group_range");
        ip(&["netns", "exec", &self.name, "sh", "-c", &script]);
    }

    fn run(&self, as_whom: &[&str], arguments: &[&str]) -> Output {
        Command::new("ip")
            .args(["netns", "exec", &self.name])
            .args(as_whom)
            .arg(self.command())
            .args(arguments)
            .output()
            .unwrap()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // It may not have come to be.
        let _ = Command::new("ip").args(["netns", "delete", &self.name]).output();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn ip(arguments: &[&str]) {
    let output = Command::new("ip").args(arguments).output().expect("ip of iproute2 is installed");
    assert!(output.status.success(), "ip {arguments:?}: {output:?}");
}

const AS_NOBODY: [&str; 6] = [
    "setpriv",
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
    "--inh-caps=-all",
    "--bounding-set=-all",
];

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn without_privileges_the_refusal_says_which_are_missing() {
    let namespace = Namespace::new("refused");
    for runtime in RUNTIMES {
        for address in ["127.0.0.1", "::1"] {
            let arguments = ["ping", "--count", "1", "--runtime", runtime, address];
            let output = namespace.run(&AS_NOBODY, &arguments);
            let stderr = text(&output.stderr);
            assert_eq!(output.status.code(), Some(4), "{output:?}");
            let sentence = "the system grants no ICMP socket: neither does \
                            net.ipv4.ping_group_range include a group of this process";
            assert!(stderr.contains(sentence), "{stderr}");
            assert!(stderr.contains("nor has it the capability CAP_NET_RAW"), "{stderr}");
            assert_eq!(stderr.lines().count(), 1, "{stderr}");
        }
        // The others are pinged all the same.
        let targets = ["127.0.0.1", "tcp://127.0.0.1:9"];
        let output = namespace.run(
            &AS_NOBODY,
            &[&["ping", "--count", "1", "--runtime", runtime][..], &targets].concat(),
        );
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(text(&output.stdout).contains("seq=0 connection refused"), "{output:?}");
    }
}

#[test]
fn a_group_that_is_granted_sockets_needs_no_privileges() {
    let namespace = Namespace::new("granted");
    namespace.grant("65534 65534");
    for runtime in RUNTIMES {
        let arguments = [
            "ping",
            "--count",
            "3",
            "--interval",
            "0.01",
            "--runtime",
            runtime,
            "127.0.0.1",
            "::1",
        ];
        let output = namespace.run(&AS_NOBODY, &arguments);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        for address in ["127.0.0.1", "::1"] {
            let line = format!("--- {address} ping statistics ---\n3 sent, 3 received, 0% lost\n");
            assert!(text(&output.stdout).contains(&line), "{output:?}");
        }
    }
}

#[test]
fn root_has_raw_sockets() {
    let namespace = Namespace::new("root");
    for runtime in RUNTIMES {
        let arguments = ["ping", "--json", "--count", "1", "--runtime", runtime, "127.0.0.1"];
        let output = namespace.run(&[], &arguments);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let reply = text(&output.stdout).lines().find(|line| line.contains("\"reply\"")).unwrap();
        let reply: serde_json::Value = serde_json::from_str(reply).unwrap();
        // Raw sockets see the header, datagram sockets do not.
        assert_eq!((&reply["from"], &reply["hop_limit"]), (&"127.0.0.1".into(), &64.into()));
        assert_eq!((&reply["number"], &reply["connect"]), (&0.into(), &serde_json::Value::Null));

        // There is no route.
        let output =
            namespace.run(&[], &["ping", "--count", "1", "--runtime", runtime, "192.0.2.1"]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let line = "192.0.2.1: seq=0 cannot send: network is unreachable\n";
        assert!(text(&output.stdout).contains(line), "{output:?}");
    }
}
