use core::time::Duration;

/// What a reply is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The first one, in time.
    Reply(Reply),
    /// The request was answered before.
    Duplicate {
        /// Which.
        number: u64,
    },
    /// The request had been given up, or had failed.
    Late {
        /// Which.
        number: u64,
        /// From the request to this reply.
        round_trip: Duration,
    },
    /// It answers nothing that is remembered, or its payload is not what was sent.
    Foreign,
}

/// The first reply to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Which request.
    pub number: u64,
    /// From the request to this reply.
    pub round_trip: Duration,
    /// What of it went where.
    pub laps: Laps,
    /// A request that was sent later has been answered before.
    pub is_reordered: bool,
}

/// How long each stage of a request took. Without connections there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Laps {
    /// To the connection.
    pub connect: Option<Duration>,
    /// From there to the end of the TLS handshake.
    pub handshake: Option<Duration>,
    /// From there to the echo.
    pub echo: Option<Duration>,
}

/// What a request over a connection goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The connection is there.
    Connect,
    /// The TLS handshake is done.
    Handshake,
    /// The echo has come back. Report it before the answer.
    Echo,
}
