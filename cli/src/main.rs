//! The command of Drywire. Arguments in, text out: what happens on the wire is decided in the core,
//! and how sockets are driven in the adapters.
#![forbid(unsafe_code)]

mod args;
mod bench;
mod canvas;
mod certificate;
mod clients;
mod descriptors;
mod development_certificate;
mod exit;
mod failure;
mod frames;
mod get;
mod help;
mod log;
mod notify;
mod output;
mod pieces;
mod ping;
mod recording;
mod replay;
mod send;
mod serve;
mod signals;
mod text;
mod tls_files;

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use args::{Arguments, Command};
use exit::{Exit, Stop};
use output::Output;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return refuse(&error).into(),
    };
    let output = Output::new(arguments.json);
    // Whoever asks for many connections is not to be kept from them by what shells begin with.
    let _ = drywire_std::raise_descriptor_limit();
    let ended = match arguments.command {
        Command::Serve(arguments) => serve::run(&arguments, output),
        Command::Send(arguments) => send::run(&arguments, output),
        Command::Get(arguments) => get::run(&arguments, output),
        Command::Ping(arguments) => ping::run(&arguments, output),
        Command::Bench(arguments) => bench::run(&arguments, output),
        Command::Frames(arguments) => frames::run(&arguments, output),
        Command::Replay(arguments) => replay::run(&arguments, output),
        Command::Completions(_) | Command::Man(_) if arguments.json => {
            Err(Stop::usage("--json is not for completions and man, which print one text"))
        }
        Command::Completions(arguments) => help::completions(&arguments),
        Command::Man(arguments) => help::man(&arguments),
    };
    let exit = ended.unwrap_or_else(|stop| {
        output.stop(&stop);
        stop.exit
    });
    exit.into()
}

/// Prints help, the version, or what is wrong with the command line.
fn refuse(error: &clap::Error) -> Exit {
    let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if is_help {
        let printed = error.print().and_then(|()| io::stdout().flush());
        return printed.map_or_else(|error| Stop::output(&error).exit, |()| Exit::Ok);
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = error.print();
        return Exit::Usage;
    }
    // The flag could not be parsed with the rest, and is still meant.
    let is_json =
        env::args_os().take_while(|argument| argument != "--").any(|argument| argument == "--json");
    Output::new(is_json).stop(&Stop::usage(sentence(&error.render().to_string())));
    Exit::Usage
}

/// What is wrong, in one line, of what clap says about it.
fn sentence(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let lines = text.lines().map(str::trim).take_while(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ")
}
