use std::path::PathBuf;

use clap::Args;

use super::SessionArguments;

/// Whom a client believes in TLS, and what it says of itself.
#[derive(Args, Debug)]
pub(crate) struct ClientTlsArguments {
    #[command(flatten)]
    pub(crate) session: SessionArguments,

    /// Believe servers with a certificate of these authorities, in PEM, and no others
    #[arg(long, value_name = "PEM", conflicts_with = "insecure", help_heading = "TLS")]
    pub(crate) ca: Option<PathBuf>,

    /// Believe any server: whoever is in between can read and change everything
    #[arg(long, help_heading = "TLS")]
    pub(crate) insecure: bool,

    /// The name to ask the server for and to verify, instead of the host in the address
    #[arg(long, value_name = "NAME", help_heading = "TLS")]
    pub(crate) server_name: Option<String>,
}

impl ClientTlsArguments {
    /// An option that was given: it means nothing without TLS.
    pub(crate) fn first_option(&self) -> Option<&'static str> {
        self.session
            .first_option()
            .or_else(|| self.ca.as_ref().map(|_| "--ca"))
            .or_else(|| self.insecure.then_some("--insecure"))
            .or_else(|| self.server_name.as_ref().map(|_| "--server-name"))
    }
}
