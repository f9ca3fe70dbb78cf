//! The command as its users meet it: real processes, real sockets, ports chosen by the system.
#![forbid(unsafe_code)]

mod bench;
mod certificates;
mod conversations;
mod datagrams;
mod exit_codes;
mod frames;
mod get;
mod help;
mod http;
mod json;
mod limits;
mod log;
mod ping;
mod pipes;
mod process;
mod proxy;
mod replay;
mod scripted;
mod service;
mod signals;
mod terminal;
mod workers;
