//! A server to be started.

use std::sync::Arc;
use std::sync::mpsc::channel;

use drywire::Limits;
use drywire::admission::AdmissionLimits;
use drywire::framing::AnyFraming;
use drywire::proxy::ProxyPolicy;
use drywire::tls::ServerTls;
use drywire_std::Listener;
use tempfile::TempDir;

use super::{Adapter, Orders, Running};
use crate::peer::Reach;
use crate::protocol::{Behaviour, Scripts};

/// A server to be started.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Setup {
    /// Addresses to listen on.
    pub addresses: Vec<String>,
    /// The framing.
    pub framing: AnyFraming,
    /// What it does.
    pub behaviour: Behaviour,
    /// Limits of connections.
    pub limits: Limits,
    /// Limits of the server.
    pub admission: AdmissionLimits,
    /// TLS, on all addresses.
    pub tls: Option<ServerTls>,
    /// Who must begin with a PROXY header, on all addresses.
    pub proxy: Option<ProxyPolicy>,
    /// Where the files of Unix sockets are.
    folder: Option<Arc<TempDir>>,
}

impl Setup {
    /// An echo of frames, over IPv4, without TLS.
    ///
    /// # Panics
    /// If there is no such framing.
    #[must_use]
    pub fn echo(framing: &str) -> Self {
        Self {
            addresses: vec![IPV4.into()],
            framing: framing.parse().expect("a framing"),
            behaviour: Behaviour::Echo,
            limits: Limits::new(),
            admission: AdmissionLimits::new(),
            tls: None,
            proxy: None,
            folder: None,
        }
    }

    /// Behaves in another way.
    #[must_use]
    pub const fn behaving(mut self, behaviour: Behaviour) -> Self {
        self.behaviour = behaviour;
        self
    }

    /// Listens elsewhere.
    #[must_use]
    pub fn at(mut self, address: impl Into<String>) -> Self {
        self.addresses = vec![address.into()];
        self
    }

    /// Listens on a socket of this kind.
    ///
    /// # Panics
    /// If there is no folder for temporary files.
    #[must_use]
    pub fn reach(mut self, reach: Reach) -> Self {
        let address = match reach {
            Reach::V4 => IPV4.to_owned(),
            Reach::V6 => IPV6.to_owned(),
            Reach::Unix => {
                let folder = Arc::new(tempfile::tempdir().expect("a folder"));
                let address = format!("unix:{}", folder.path().join("socket").display());
                self.folder = Some(folder);
                address
            }
        };
        self.at(address)
    }

    /// Speaks TLS.
    #[must_use]
    pub fn tls(mut self, tls: &ServerTls) -> Self {
        self.tls = Some(tls.clone());
        self
    }

    /// Requires PROXY headers.
    #[must_use]
    pub fn behind(mut self, policy: ProxyPolicy) -> Self {
        self.proxy = Some(policy);
        self
    }

    /// Changes the limits of connections.
    #[must_use]
    pub fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.limits);
        self
    }

    /// Changes the limits of the server.
    #[must_use]
    pub fn admission(mut self, change: impl FnOnce(&mut AdmissionLimits)) -> Self {
        change(&mut self.admission);
        self
    }

    /// Limits frames.
    #[must_use]
    pub fn frame_len_max(mut self, frame_len_max: usize) -> Self {
        self.framing = self.framing.with_frame_len_max(frame_len_max);
        self
    }

    /// Starts it.
    ///
    /// # Panics
    /// If it cannot listen.
    #[must_use]
    pub fn serve(self, adapter: &dyn Adapter) -> Running {
        let listen = |address: &String| {
            let listener = Listener::bind(&address.parse().expect("an address"));
            let listener = listener.expect("the address is free");
            let listener = match &self.tls {
                None => listener,
                Some(tls) => listener.with_tls(tls.clone()),
            };
            match &self.proxy {
                None => listener,
                Some(policy) => listener.with_proxy(policy.clone()),
            }
        };
        let listeners: Vec<_> = self.addresses.iter().map(listen).collect();
        let addresses = listeners.iter().map(|listener| listener.address().clone()).collect();
        let (events_sender, events) = channel();
        let (closes_sender, closes) = channel();
        let (summary_sender, summary) = channel();
        let scripts = Scripts::new(self.framing, self.behaviour, events_sender);
        let control = adapter.serve(Orders {
            listeners,
            limits: self.limits,
            admission: self.admission,
            scripts,
            closes: closes_sender,
            summary: summary_sender,
        });
        Running {
            control,
            addresses,
            events,
            closes,
            summary,
            is_ended: false,
            _folder: self.folder,
        }
    }
}

/// Any port of the loopback, over IPv4.
pub const IPV4: &str = "tcp://127.0.0.1:0";

/// Any port of the loopback, over IPv6.
pub const IPV6: &str = "tcp://[::1]:0";
