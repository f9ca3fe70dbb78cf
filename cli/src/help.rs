//! `drywire completions` and `drywire man`: made from the definition of the command line.

use std::io::{self, Write};

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::args::{Arguments, CompletionsArguments, ManArguments};
use crate::exit::{Exit, Stop};
use crate::output::Output;

pub(crate) fn completions(arguments: &CompletionsArguments) -> Result<Exit, Stop> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "drywire", &mut script);
    print(&script)
}

pub(crate) fn man(arguments: &ManArguments) -> Result<Exit, Stop> {
    let mut command = Arguments::command();
    command.build();
    let command = match &arguments.command {
        None => command,
        Some(name) => page_of(&command, name)?,
    };
    let mut page = Vec::new();
    write_page(command, &mut page).map_err(|error| Stop::output(&error))?;
    print(&page)
}

fn page_of(command: &Command, name: &str) -> Result<Command, Stop> {
    let names: Vec<_> = command.get_subcommands().map(Command::get_name).collect();
    let unknown = || format!("there is no command {name}, only {}", names.join(", "));
    command.find_subcommand(name).cloned().ok_or_else(|| Stop::usage(unknown()))
}

/// Like [`Man::render`], and the examples.
fn write_page(command: Command, page: &mut dyn Write) -> io::Result<()> {
    let examples = command.get_before_help().map(ToString::to_string).unwrap_or_default();
    let has_options = command.get_arguments().any(|argument| !argument.is_hide_set());
    let has_commands = command.has_subcommands();
    let has_notes = command.get_after_long_help().is_some();
    let man = Man::new(command).manual("Drywire Manual");
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    if has_options {
        man.render_options_section(page)?;
    }
    if has_commands {
        man.render_subcommands_section(page)?;
    }
    let mut section = Roff::new();
    section.control("SH", ["EXAMPLES"]).control("nf", []);
    for example in examples.lines().skip(1) {
        section.text([roman(example.trim_start())]);
    }
    section.control("fi", []);
    section.to_writer(page)?;
    if has_notes {
        man.render_extra_section(page)?;
    }
    Ok(())
}

fn print(text: &[u8]) -> Result<Exit, Stop> {
    let mut data = Output::data();
    data.write_all(text).and_then(|()| data.flush()).map_err(|error| Stop::output(&error))?;
    Ok(Exit::Ok)
}
