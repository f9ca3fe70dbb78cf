//! The ways in which an adapter is wrong.

/// What may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// Whoever is accepted is served to the end before the next is.
    AcceptsOneByOne,
    /// Every connection is admitted.
    AdmitsAll,
    /// To drain is to stop.
    DrainStops,
    /// The peer's end ends the connection.
    EndEndsAll,
    /// The peer's end is taken for a reset.
    EndIsReset,
    /// That the peer has ended its side counts before what it has sent is read.
    HangUpIsEnd,
    /// What a read brings is looked at when the next one brings more.
    HoldsInput,
    /// Connections are not told that the server drains.
    IgnoresDrain,
    /// Failures of the stream count as "not now".
    IgnoresErrors,
    /// Our side of the stream is never ended.
    IgnoresShutdown,
    /// Connections are not told that the server stops.
    IgnoresStop,
    /// A wait that is interrupted is taken for a failure.
    InterruptionIsFailure,
    /// Buffers are leased and never given back.
    KeepsBuffers,
    /// The stream is kept when the connection is over.
    LeaksStreams,
    /// What is read when a future is dropped is lost.
    LosesDropped,
    /// A failure ends the stream before what was queued is written.
    NoFlushOnFailure,
    /// The connection is never told the time.
    NoTimeouts,
    /// Without descriptors the server ends.
    QuitsWithoutDescriptors,
    /// What the connection does not want to read is read, and thrown away.
    ReadsAlways,
    /// Nothing is read as long as there is something to write.
    ReadsAfterWriting,
    /// A system that refuses to connect is taken for a reset.
    RefusalIsReset,
    /// A read that does not fill the buffer is the last.
    ShortReadIsLast,
    /// All is taken to be written, whatever the system says.
    ShortWriteIsWhole,
    /// Both sides of the stream are ended where it is ours.
    ShutsBoth,
    /// No wait waits.
    Spins,
    /// No wait for room waits.
    SpinsForRoom,
    /// Urgent bytes are among the others.
    UrgentInline,
    /// After a read that does not fill the buffer nothing is read before the system tells of more.
    WaitsForAnEdge,
    /// A read that would block is taken for a failure.
    WouldBlockIsFailure,
    /// Every end is told as one that we asked for.
    WrongReason,
}
