//! Three network namespaces in a row, made by `ip` of iproute2 and removed with the test.
//!
//! ```text
//!  client                       router                        server
//!  192.0.2.1, 2001:db8:1::1 ─── 192.0.2.2, 2001:db8:1::2
//!                               198.51.100.1, 2001:db8:2::1 ─── 198.51.100.2, 2001:db8:2::2
//! ```
//!
//! Beyond the router 203.0.113.0/26 and 2001:db8:3::/64 are unreachable, 203.0.113.64/26 is
//! prohibited, and 203.0.113.128/26 and 2001:db8:5::/64 swallow everything.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{self, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// How the names of all of ours begin; behind it the process and a number.
const PREFIX: &str = "drywire";

/// A row of namespaces. Dropping it removes them.
pub(crate) struct Namespaces {
    client: String,
    router: String,
    server: String,
}

impl Namespaces {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        remove_those_of_the_dead();
        let row = format!("{PREFIX}-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        // A value before there is anything, so that whatever fails is removed.
        let namespaces = Self {
            client: format!("{row}-client"),
            router: format!("{row}-router"),
            server: format!("{row}-server"),
        };
        namespaces.build();
        namespaces
    }

    fn build(&self) {
        let Self { client, router, server } = self;
        for name in [client, router, server] {
            ip(&format!("netns add {name}"));
            ip(&format!("-n {name} link set lo up"));
        }
        ip(&format!("-n {client} link add near type veth peer name far netns {router}"));
        ip(&format!("-n {server} link add near type veth peer name further netns {router}"));
        for (name, link, addresses) in [
            (client, "near", ["192.0.2.1/24", "2001:db8:1::1/64"]),
            (router, "far", ["192.0.2.2/24", "2001:db8:1::2/64"]),
            (router, "further", ["198.51.100.1/24", "2001:db8:2::1/64"]),
            (server, "near", ["198.51.100.2/24", "2001:db8:2::2/64"]),
        ] {
            for address in addresses {
                let nodad = if address.contains(':') { "nodad" } else { "" };
                ip(&format!("-n {name} address add {address} dev {link} {nodad}"));
            }
            ip(&format!("-n {name} link set {link} up"));
        }
        within(router, || {
            set("net/ipv4/ip_forward", "1");
            set("net/ipv6/conf/all/forwarding", "1");
            // Errors are limited to one a second otherwise. For destinations without a route
            // there is another limit, which lets five at once pass.
            set("net/ipv4/icmp_ratemask", "0");
            set("net/ipv6/icmp/ratelimit", "0");
        });
        for (name, route) in [
            (client, "default via 192.0.2.2"),
            (client, "default via 2001:db8:1::2"),
            (server, "default via 198.51.100.1"),
            (server, "default via 2001:db8:2::1"),
            (router, "unreachable 203.0.113.0/26"),
            (router, "prohibit 203.0.113.64/26"),
            (router, "blackhole 203.0.113.128/26"),
            (router, "unreachable 2001:db8:3::/64"),
            (router, "prohibit 2001:db8:4::/64"),
            (router, "blackhole 2001:db8:5::/64"),
        ] {
            let family = if route.contains("db8") { "-6" } else { "-4" };
            ip(&format!("{family} -n {name} route add {route}"));
        }
    }

    /// Makes the link behind the router one that takes no packet of more than `mtu` bytes.
    pub(crate) fn narrow(&self, mtu: u32) {
        ip(&format!("-n {} link set further mtu {mtu}", self.router));
        ip(&format!("-n {} link set near mtu {mtu}", self.server));
    }

    /// Grants datagram sockets of ICMP to everybody in the client's namespace.
    pub(crate) fn grant_datagram_sockets(&self) {
        within(&self.client, || set("net/ipv4/ping_group_range", "0 2147483647"));
    }

    /// Does something in the client's namespace, in a thread of its own.
    pub(crate) fn as_client<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        within(&self.client, work)
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for name in [&self.client, &self.router, &self.server] {
            remove(name);
        }
    }
}

fn remove(name: &str) {
    // It may not have come to be.
    let _ = Command::new("ip").args(["netns", "delete", name]).output();
}

/// Removes what processes have left that were killed.
fn remove_those_of_the_dead() {
    for name in fs::read_dir("/run/netns").into_iter().flatten().flatten() {
        let name = name.file_name().to_string_lossy().into_owned();
        let mut parts = name.split('-');
        if parts.next() == Some(PREFIX) {
            // Whatever else is called so is not ours.
            let process = parts.next().and_then(|process| process.parse::<u32>().ok());
            if process.is_some_and(|id| !Path::new("/proc").join(id.to_string()).exists()) {
                remove(&name);
            }
        }
    }
}

fn ip(arguments: &str) {
    let output = Command::new("ip").args(arguments.split_whitespace()).output();
    let output = output.expect("ip of iproute2 is installed");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {arguments}: {stderr}");
}

fn set(name: &str, value: &str) {
    let path = Path::new("/proc/sys").join(name);
    fs::write(&path, value).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn within<T: Send>(name: &str, work: impl FnOnce() -> T + Send) -> T {
    let namespace = File::open(Path::new("/run/netns").join(name)).unwrap();
    let work = move || {
        let kind = Some(LinkNameSpaceType::Network);
        move_into_link_name_space(namespace.as_fd(), kind).unwrap();
        work()
    };
    thread::scope(|scope| match scope.spawn(work).join() {
        Ok(value) => value,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}
