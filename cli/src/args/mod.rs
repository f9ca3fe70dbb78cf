//! The command line, as clap derives it. No meaning here beyond the grammar.

mod framing;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

pub(crate) use framing::FramingArguments;

/// What stands before the help of the command itself.
const EXAMPLES: &str = "\
Examples:
  drywire frames --framing u32be capture.bin     show the frames in a file";

/// What stands behind its long help, and in its manual page.
pub(crate) const NOTES: &str = "\
Exit codes:
  0  ok
  2  the command line, or a file that it names, cannot be used
  6  the file breaks the protocol
  8  local input or output failed, for example because the disk is full

A reader of standard output that goes away early, as head does, is no failure.

With --json every line on standard output and standard error is one JSON object. Its `event` is
  frame        len, base64, text (null unless UTF-8), offset, wire_len
  error        exit, kind, message, sometimes offset; on standard error, last
and the rest of this line its other members. Lengths and offsets are in bytes.

Environment:
  NO_COLOR       when set and not empty, no colours";

/// Frames of byte streams
#[derive(Debug, Parser)]
#[command(name = "drywire", version, before_help = EXAMPLES, after_long_help = NOTES)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    /// Print JSON lines instead of text, errors too
    #[arg(long, global = true, display_order = 900)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Frames(FramesArguments),
    Completions(CompletionsArguments),
    Man(ManArguments),
}

/// Cut a file or standard input into frames and show each with its place
///
/// For people a frame is a line: offset, length of the payload, and the payload with everything
/// escaped that is not printable. What is wrong with the input is told with its offset, exit 6.
/// Memory does not depend on how long the input is.
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  drywire frames --framing netstring log.bin
  printf '\\0\\5hello' | drywire frames --framing u16be --json")]
pub(crate) struct FramesArguments {
    #[command(flatten)]
    pub(crate) framing: FramingArguments,

    /// What to read; standard input if it is not given or -
    pub(crate) file: Option<PathBuf>,
}

/// Print a completion script for a shell
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  drywire completions bash > ~/.local/share/bash-completion/completions/drywire
  drywire completions fish > ~/.config/fish/completions/drywire.fish")]
pub(crate) struct CompletionsArguments {
    pub(crate) shell: Shell,
}

/// Print a manual page
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  drywire man > drywire.1
  drywire man send | man -l -")]
pub(crate) struct ManArguments {
    /// The command whose page to print; that of drywire itself if it is not given
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Option<String>,
}
