//! What a request costs a server: those of Drywire, and peers that are not, each in its best form.
//!
//! The measure is the server's processor time for a request, relative to an echo written by hand
//! over epoll. A server is a process of its own on one core, the load is on another. See
//! [`measure`] for how, and the section *Benchmarks* of the README for what came out. To do it all
//! again, and write that section:
//!
//! ```sh
//! cargo bench --package drywire-conformance --bench table
//! ```
//!
//! Some of it, printed only:
//!
//! ```sh
//! cargo bench --package drywire-conformance --bench table -- --rows 64,tls-64 --servers tokio \
//!     --rounds 3 --seconds 0.2
//! cargo bench --package drywire-conformance --bench table -- --quick
//! cargo bench --package drywire-conformance --bench table -- serve tokio u32be tls
//! ```
//!
//! Allocations for a request, which the other figures must not be measured with:
//!
//! ```sh
//! cargo bench --package drywire-conformance --bench table --features count-allocations -- --quick
//! ```
//!
//! Without `--bench`, as the tests run it, each server answers a few requests of each row.
#![forbid(unsafe_code)]
#![allow(clippy::cast_possible_truncation, reason = "slots and sizes, all of them small")]

mod allocations;
mod arguments;
mod calls;
mod chart;
mod cores;
mod frames;
mod load;
mod measure;
mod options;
mod ours;
mod peers;
mod readme;
mod report;
mod rows;
mod serve;
mod server;
mod tls;

use std::env;

use arguments::Arguments;
use report::Report;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> =
        env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [role, rest @ ..] = &arguments[..] {
        if role == "serve" {
            serve::run(rest);
            return Ok(());
        }
    }
    let arguments = Arguments::parse(&arguments)?;
    let effort = &arguments.effort;
    cores::pin(effort.cores[1]);
    let mut report = Report::new(&arguments);
    for row in &arguments.rows {
        report.rows.push((*row, measure::row(row, &arguments.servers, effort)?));
    }
    if arguments.is_whole {
        for server in &arguments.servers {
            report.idle.push(measure::idle_len(*server, effort)?);
            report.scaling.push(measure::scaling(*server, effort)?);
        }
    }
    if arguments.counts {
        report.count(&arguments)?;
    }
    println!("{}\n{}", readme::machine(), report.markdown());
    if let Some(path) = &arguments.chart {
        std::fs::write(path, chart::draw(&report))?;
    }
    if arguments.writes {
        readme::write(&report)?;
    }
    Ok(())
}
