//! What is in `cli/deploy`, put to the tools that it is for.
#![forbid(unsafe_code)]

#[allow(dead_code, reason = "the tests of the command need more of it")]
#[path = "cli/process.rs"]
mod process;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Instant;

use process::{Folder, Lines, PATIENCE, Process, drywire, run};
use rustix::process::Signal;

const UNITS: [&str; 2] = ["drywire.service", "drywire.socket"];

fn read(name: &str) -> String {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    fs::read_to_string(deploy.join(name)).unwrap()
}

/// A folder with the units, which start the command that was built here.
fn units(change: impl Fn(String) -> String) -> (Folder, Vec<String>) {
    let folder = Folder::new();
    let write = |name: &str| {
        let unit = read(name);
        folder.write(name, change(unit.replace("/usr/bin/drywire", env!("CARGO_BIN_EXE_drywire"))))
    };
    let files = UNITS.iter().map(|name| write(name)).collect();
    (folder, files)
}

fn analyze(arguments: &[&str], files: &[String]) -> Output {
    Command::new("systemd-analyze").args(arguments).args(files).output().unwrap()
}

/// What `systemd-analyze verify` says; nothing when all is well.
fn complaints(files: &[String]) -> String {
    // The manual page is where it is installed.
    let output = analyze(&["verify", "--man=no"], files);
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[test]
fn units_are_verified() {
    let (_folder, files) = units(|unit| unit);
    assert_eq!(complaints(&files), "");
    // It would say so if there were something.
    let (_folder, files) = units(|unit| unit.replace("KillMode", "KillMood"));
    assert!(complaints(&files).contains("KillMood"));
}

#[test]
fn the_service_can_do_little_else() {
    let (_folder, files) = units(|unit| unit);
    // 100 is a service that may do anything.
    let security = ["security", "--offline=true", "--threshold=10"];
    let output = analyze(&security, &files[..1]);
    assert!(output.status.success(), "{output:?}");
}

/// The command line of the unit, started as systemd starts it when somebody connects.
#[test]
fn the_service_serves_sockets_that_systemd_hands_over() {
    let (folder, files) = units(|unit| unit);
    let unit = fs::read_to_string(&files[0]).unwrap();
    let command = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let path = folder.file("s");
    let mut activate = Command::new("systemd-socket-activate");
    activate.args(["--listen", &path]).args(command.split(' ')).arg("--json");
    let mut process = Process::start(&mut activate);
    let begin = Instant::now();
    let mut stream = loop {
        match UnixStream::connect(&path) {
            Ok(stream) => break stream,
            Err(error) => assert!(begin.elapsed() < PATIENCE, "{error}"),
        }
    };
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"hello").unwrap();
    let mut echoed = [0; 5];
    stream.read_exact(&mut echoed).unwrap();
    assert_eq!(&echoed, b"hello");
    drop(stream);
    let stdout = Lines::of(process.stdout.take().unwrap());
    let listening = stdout.next();
    assert_eq!(listening, format!(r#"{{"address":"unix:{path}","event":"listening"}}"#));
    process.signal(Signal::TERM);
    stdout.find(r#""drained":true"#);
    process.finish().assert(0, "");
}

/// `drywire serve` by what is deployed, but for ports and files. The process, and its addresses in
/// their order, with the admin listener last.
fn serve(arguments: &[String], certificate: &Certificate) -> (Process, Vec<String>) {
    let adapt = |(index, argument): (usize, &String)| match index
        .checked_sub(1)
        .and_then(|before| arguments.get(before))
        .map(String::as_str)
    {
        Some("--cert") => certificate.cert.clone(),
        Some("--key") => certificate.key.clone(),
        Some("--listen" | "--admin") => format!("{}:0", argument.rsplit_once(':').unwrap().0),
        _ => argument.clone(),
    };
    let mut process = Process::start(&mut drywire(arguments.iter().enumerate().map(adapt)));
    let stdout = Lines::of(process.stdout.take().unwrap());
    let mut addresses = Vec::new();
    while addresses.len() <= values(arguments, "--listen").len() {
        let line = stdout.next();
        let (_, place) = line.split_once("://").unwrap();
        addresses.push(place.trim_end_matches('/').to_owned());
    }
    (process, addresses)
}

/// The values of an option.
fn values<'a>(arguments: &'a [String], option: &str) -> Vec<&'a str> {
    let pairs = arguments.windows(2).filter(|pair| pair[0] == option);
    pairs.map(|pair| pair[1].as_str()).collect()
}

fn port(address: &str) -> &str {
    address.rsplit_once(':').unwrap().1
}

/// A certificate for 127.0.0.1, in files.
struct Certificate {
    cert: String,
    key: String,
    _folder: Folder,
}

impl Certificate {
    fn new() -> Self {
        let folder = Folder::new();
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let (cert, key) = (
            folder.write("server.pem", made.cert.pem()),
            folder.write("server.key", made.signing_key.serialize_pem()),
        );
        Self { cert, key, _folder: folder }
    }
}

/// The list of strings after each `name`, in the order of the file. They are written as JSON has
/// them.
fn lists(manifest: &str, name: &str) -> Vec<Vec<String>> {
    let name = format!("{name}: ");
    let values = manifest.split(&name).skip(1);
    let lists = values.map(|value| serde_json::Deserializer::from_str(value).into_iter().next());
    lists.map(|list| list.unwrap().unwrap()).collect()
}

/// The numbers after each `name`.
fn numbers<'a>(manifest: &'a str, name: &str) -> Vec<&'a str> {
    let lines = manifest.lines().map(|line| line.trim().trim_start_matches("- "));
    lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect()
}

#[test]
fn the_manifest_says_what_the_command_does() {
    let manifest = read("kubernetes.yaml");
    let arguments = lists(&manifest, "args").remove(0);
    let listen: Vec<_> = values(&arguments, "--listen").into_iter().map(port).collect();
    assert_eq!(numbers(&manifest, "containerPort"), listen);
    let names = numbers(&manifest, "targetPort");
    assert!(
        names.iter().all(|name| manifest.contains(&format!("- name: {name}\n              c")))
    );
    let seconds = |name| values(&arguments, name)[0].parse::<u32>().unwrap();
    let grace: u32 = numbers(&manifest, "terminationGracePeriodSeconds")[0].parse().unwrap();
    assert!(grace >= seconds("--drain-pause") + seconds("--drain-timeout") + 5);

    let certificate = Certificate::new();
    let (process, addresses) = serve(&arguments, &certificate);
    let admin = values(&arguments, "--admin")[0];
    let commands = lists(&manifest, "command");
    assert!(commands.iter().all(|command| command[0] == "/usr/bin/drywire"));
    let probe = |path: &str| {
        let command = commands.iter().find(|command| command.last().unwrap().ends_with(path));
        run(command.unwrap()[1..].iter().map(|word| word.replace(admin, &addresses[2])), "").code
    };
    assert_eq!((probe("/readyz"), probe("/livez")), (Some(0), Some(0)));
    let send = |scheme: &str, address: &str| {
        let address = format!("{scheme}://127.0.0.1:{}", port(address));
        run(["send", "--timeout", "60", "--ca", &certificate.cert, &address, "x"], "").code
    };
    assert_eq!(send("tls", &addresses[1]), Some(0));
    // It is not ready any more, alive, and serves.
    process.signal(Signal::TERM);
    let begin = Instant::now();
    while probe("/readyz") != Some(1) {
        assert!(begin.elapsed() < PATIENCE, "it is still ready");
    }
    assert_eq!((probe("/livez"), send("tls", &addresses[1])), (Some(0), Some(0)));
    process.signal(Signal::TERM);
    process.finish().assert(0, "");
}

/// An echo that comes back through the balancer.
fn echo(place: &str) {
    let mut stream = TcpStream::connect(place).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"hello").unwrap();
    let mut echoed = [0; 5];
    stream.read_exact(&mut echoed).unwrap();
    assert_eq!(&echoed, b"hello");
}

fn haproxy(options: &[&str], file: &str) -> Command {
    let mut command = Command::new("haproxy");
    // A warning is an error.
    command.arg("-dW").args(options).args(["-f", file]);
    command
}

#[test]
fn haproxy_takes_its_configuration() {
    let folder = Folder::new();
    let text = read("haproxy.cfg");
    for (text, is_valid) in [
        (text.clone(), true),
        (text.replace("send-proxy-v2", "send-proxy-v3"), false),
        (text.replace("    timeout client 6m\n", ""), false),
    ] {
        let file = folder.write("haproxy.cfg", text);
        let output = haproxy(&["-c"], &file).output().unwrap();
        assert_eq!(output.status.success(), is_valid, "{output:?}");
    }
}

#[test]
fn haproxy_goes_on_when_an_instance_ends() {
    let (folder, certificate) = (Folder::new(), Certificate::new());
    let mut text = read("haproxy.cfg");
    let commands: Vec<Vec<String>> = text
        .lines()
        .filter_map(|line| line.strip_prefix("#   drywire "))
        .map(|command| command.split(' ').map(str::to_owned).collect())
        .collect();
    let mut instances = Vec::new();
    for command in &commands {
        let (process, addresses) = serve(command, &certificate);
        let named = values(command, "--listen").into_iter().chain(values(command, "--admin"));
        for (named, address) in named.zip(&addresses) {
            for before in ["127.0.0.1:", "port "] {
                let (old, new) = (port(named), port(address));
                text = text.replace(&format!("{before}{old}"), &format!("{before}{new}"));
            }
        }
        instances.push(process);
    }
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [plain, tls] = [0, 1].map(|index| listeners[index].local_addr().unwrap().to_string());
    text = text.replace("bind :7007", "bind fd@0").replace("bind :7008", "bind fd@1");
    assert!(!text.lines().any(|line| !line.starts_with('#') && line.contains(":7")), "{text}");
    let file = folder.write("haproxy.cfg", text);
    let [input, output] = listeners.map(OwnedFd::from);
    let mut command = haproxy(&["-db"], &file);
    command.stdin(Stdio::from(input)).stdout(Stdio::from(output)).stderr(Stdio::null());
    let _balancer = Process::spawn(&mut command);
    drop(command);
    let over_tls = || {
        let address = format!("tls://{tls}");
        run(["send", "--ca", &certificate.cert, &address, "hello"], "").assert(0, "");
    };
    // Both are served in turn.
    (0..4).for_each(|_| echo(&plain));
    (0..4).for_each(|_| over_tls());
    let one = instances.remove(0);
    one.signal(Signal::TERM);
    let ending = thread::spawn(|| one.finish());
    while !ending.is_finished() {
        echo(&plain);
    }
    ending.join().unwrap().assert(0, "");
    (0..4).for_each(|_| echo(&plain));
    (0..4).for_each(|_| over_tls());
}
