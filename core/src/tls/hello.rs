//! What a server learns from the ClientHello before its session begins.
//!
//! rustls' unbuffered server tells neither the name that the client asked for, nor lets the
//! configuration depend on the hello. Its `Acceptor` does both; it reads a copy of the same first
//! bytes and is then dropped.

use alloc::boxed::Box;
use alloc::sync::Arc;

use rustls::server::Acceptor;

use super::configuration::ServerTls;

pub(super) struct HelloReader {
    acceptor: Acceptor,
    tls: ServerTls,
    /// Bytes that the acceptor has been given.
    read_len: usize,
}

pub(super) enum Greeting {
    /// The hello is not whole yet.
    Waiting,
    Chosen {
        config: Arc<rustls::ServerConfig>,
        server_name: Option<Box<str>>,
    },
}

impl HelloReader {
    pub(super) fn new(tls: ServerTls) -> Self {
        Self { acceptor: Acceptor::default(), tls, read_len: 0 }
    }

    /// Looks at all bytes that have arrived. A hello that is not acceptable chooses the default
    /// configuration, whose session then finds the same fault and makes the alert.
    pub(super) fn read(&mut self, ciphertext: &[u8]) -> Greeting {
        let mut fresh = ciphertext.get(self.read_len..).unwrap_or(&[]);
        while !fresh.is_empty() {
            match self.acceptor.read_tls(&mut fresh) {
                Ok(len) if len > 0 => self.read_len = self.read_len.saturating_add(len),
                Ok(_) | Err(_) => return self.default_choice(),
            }
            match self.acceptor.accept() {
                Ok(None) => {}
                Ok(Some(accepted)) => {
                    let hello = accepted.client_hello();
                    return Greeting::Chosen {
                        config: self.tls.choose(&hello),
                        server_name: hello.server_name().map(Into::into),
                    };
                }
                Err(_) => return self.default_choice(),
            }
        }
        Greeting::Waiting
    }

    fn default_choice(&self) -> Greeting {
        Greeting::Chosen { config: self.tls.current(), server_name: None }
    }
}
