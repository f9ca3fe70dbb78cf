use std::net::SocketAddr;

use clap::{Args, ValueEnum};
use drywire::proxy::{Networks, Version};

use super::Seconds;

/// Who a server's clients are, behind a balancer.
#[derive(Args, Debug)]
#[command(next_help_heading = "Behind a balancer")]
pub(crate) struct ProxyArguments {
    /// Require a PROXY header, of version 1 or 2 and before TLS, from those of --trust
    ///
    /// The client that it names is who is shown, counted and limited. A header that does not come,
    /// or that lies, ends its connection. There is no guessing: those of --trust must send one.
    #[arg(
        long,
        value_name = "MODE",
        value_enum,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "required"
    )]
    pub(crate) proxy_protocol: Option<ProxyMode>,

    /// Networks of balancers, such as 10.0.0.0/8 or ::1, and `unix`; may be repeated
    ///
    /// Whoever is on the list can say to be anybody. `unix` stands for all who can reach a Unix
    /// socket that is listened on.
    #[arg(long, value_name = "NET", value_parser = networks)]
    pub(crate) trust: Vec<Networks>,

    /// For the PROXY header, from the beginning of the connection [default: 5]
    #[arg(long, value_name = "SECONDS", value_parser = Seconds::positive)]
    pub(crate) proxy_timeout: Option<Seconds>,
}

/// What becomes of those who are not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProxyMode {
    /// All others are refused
    Required,
    /// Others are served as they are; a header of theirs is data
    Mixed,
}

/// Who a client says it is.
#[derive(Args, Debug)]
#[command(next_help_heading = "As a balancer")]
pub(crate) struct IntroductionArguments {
    /// Begin with a PROXY header of this version, before TLS
    #[arg(long, value_name = "VERSION", value_enum)]
    pub(crate) proxy_protocol: Option<HeaderVersion>,

    /// The client that the header names [default: ourselves]
    #[arg(long, value_name = "IP:PORT", requires = "proxy_protocol", value_parser = source)]
    pub(crate) proxy_source: Option<SocketAddr>,
}

/// The format of a PROXY header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HeaderVersion {
    /// A line of text
    V1,
    /// Binary
    V2,
}

impl From<HeaderVersion> for Version {
    fn from(version: HeaderVersion) -> Self {
        match version {
            HeaderVersion::V1 => Self::One,
            HeaderVersion::V2 => Self::Two,
        }
    }
}

/// A list with nobody on it is a mistake.
fn networks(text: &str) -> Result<Networks, String> {
    let networks: Networks = text.parse().map_err(|error| format!("{error}"))?;
    if networks.is_empty() { Err("expected a network".into()) } else { Ok(networks) }
}

fn source(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "expected an IP address and a port, such as 192.0.2.1:7 or [::1]:7")
}
