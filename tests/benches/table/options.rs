//! What is served, by whom.

use std::str::FromStr;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Raw,
    U32be,
}

impl Framing {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::U32be => "u32be",
        }
    }

    pub(crate) const fn header_len(self) -> usize {
        match self {
            Self::Raw => 0,
            Self::U32be => 4,
        }
    }
}

macro_rules! servers {
    ($($variant:ident $name:literal $title:literal $is_ours:literal),+ $(,)?) => {
        /// A server of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum ServerKind {
            $($variant),+
        }

        impl ServerKind {
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),+];

            /// On the command line.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// In the table.
            pub(crate) const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }

            /// Whether it is a server of Drywire.
            pub(crate) const fn is_ours(self) -> bool {
                match self { $(Self::$variant => $is_ours),+ }
            }
        }
    };
}

servers! {
    Epoll "epoll" "epoll by hand" false,
    DrywireEvented "drywire-evented" "**evented**" true,
    DrywireSmol "drywire-smol" "**drywire-smol**" true,
    DrywirePortable "drywire-portable" "**drywire-smol, portable**" true,
    DrywireThreads "drywire-threads" "**threads**" true,
    Tokio "tokio" "tokio by hand" false,
    TokioFramed "tokio-framed" "tokio-util Framed" false,
    Smol "smol" "smol by hand" false,
    SmolCodec "smol-codec" "smol, asynchronous-codec" false,
    Threads "threads" "threads by hand" false,
}

impl ServerKind {
    /// Codecs are for frames.
    pub(crate) fn serves(self, framing: Framing) -> bool {
        framing == Framing::U32be || !matches!(self, Self::TokioFramed | Self::SmolCodec)
    }
}

impl FromStr for ServerKind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|server| server.name() == name);
        found.copied().ok_or_else(|| format!("no server {name}"))
    }
}

impl FromStr for Framing {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = [Self::Raw, Self::U32be].into_iter().find(|framing| framing.name() == name);
        found.ok_or_else(|| format!("no framing {name}"))
    }
}
