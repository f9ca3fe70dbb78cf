//! Puts an adapter through the conformance kit and prints the report, each line when its case ends.
//!
//! ```text
//! cargo run -p drywire-conformance --example report -- [std|evented|smol|mio|tokio] [CASE...]
//! ```

#[path = "../mio/kit.rs"]
mod mio_example;
#[path = "../tokio/kit.rs"]
mod tokio_example;

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use drywire_conformance::adapter::{Evented, Smol, Std};
use drywire_conformance::kit::{Check, Runtime};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "std".into());
    let runtime: Arc<dyn Runtime> = match &*name {
        "std" => Arc::new(Std),
        "evented" => Arc::new(Evented),
        "mio" => Arc::new(mio_example::Mio),
        "smol" => Arc::new(Smol),
        "tokio" => Arc::new(tokio_example::Tokio),
        name => {
            eprintln!("there is no adapter {name}: name std, evented, smol, mio or tokio");
            return ExitCode::from(2);
        }
    };
    let chosen: Vec<String> = arguments.collect();
    let mut check = Check::new(runtime);
    if !chosen.is_empty() {
        let is_chosen = |name: &String| chosen.iter().any(|part| name.contains(part));
        let names: Vec<_> = Check::names().filter(is_chosen).collect();
        if names.is_empty() {
            eprintln!("no case is called so; they are:");
            Check::names().for_each(|name| eprintln!("  {name}"));
            return ExitCode::from(2);
        }
        check = check.cases(names);
    }
    match check.run_to(io::stdout()) {
        Ok(report) if report.is_passed() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the report cannot be written: {error}");
            ExitCode::FAILURE
        }
    }
}
