//! Writes what came out into the section *Benchmarks* of the README.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::chart;
use crate::report::Report;

const BEGIN: &str = "<!-- benchmarks: begin -->";
const END: &str = "<!-- benchmarks: end -->";

/// Puts tables and picture in their places.
pub(crate) fn write(report: &Report) -> io::Result<()> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::write(tests.join("benches/table.svg"), chart::draw(report))?;
    let path: PathBuf = tests.join("../README.md");
    let text = fs::read_to_string(&path)?;
    let place = text.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let (before, after) =
        place.ok_or_else(|| io::Error::other("README.md has no marks for the benchmarks"))?;
    let tables = format!("{}\n{}", machine(), report.markdown());
    fs::write(&path, format!("{before}{BEGIN}\n{tables}{END}{after}"))
}

/// A sentence about where and when.
pub(crate) fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").ok();
    let model = cpu.as_deref().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    let is_core = |line: &&str| line.starts_with("processor");
    let cores = cpu.iter().flat_map(|text| text.lines()).filter(is_core).count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let model = model.unwrap_or_else(|| "an unknown processor".to_owned());
    let versions = versions();
    format!(
        "Measured on {}, on {cores} cores of {model}, Linux {}, with {} and {versions}.\n",
        output("date", &["+%Y-%m-%d"]),
        kernel.trim(),
        output("rustc", &["--version"]),
    )
}

/// Of the crates that are compared, as the lock file has them.
fn versions() -> String {
    let lock = include_str!("../../../Cargo.lock");
    let wanted = [
        "rustls",
        "aws-lc-rs",
        "tokio",
        "tokio-util",
        "tokio-rustls",
        "async-io",
        "futures-rustls",
    ];
    let version = |name: &&str| {
        let entry = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?.1;
        Some(format!("{name} {}", entry.split('"').next()?))
    };
    wanted.iter().filter_map(version).collect::<Vec<_>>().join(", ")
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_else(|_| format!("an unknown {program}"))
}
