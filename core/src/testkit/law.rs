//! The laws by name.

use core::fmt;

macro_rules! laws {
    ($($(#[$meta:meta])* $law:ident: $name:literal, $sentence:literal;)*) => {
        /// What a framing, a protocol or a connection must keep, whatever comes.
        ///
        /// [`check`](super::check) says which were broken; each is known to be able to fail, because
        /// a framing, a protocol or a connection that breaks it is among the tests.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Law {
            $(#[doc = $sentence] #[doc = ""] $(#[$meta])* $law,)*
        }

        impl Law {
            /// All of them, in the order in which they are checked.
            pub const ALL: &[Self] = &[$(Self::$law,)*];

            /// Its name, in lower case.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$law => $name,)* }
            }

            /// What it says, in one sentence.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$law => $sentence,)* }
            }
        }
    };
}

laws! {
    /// Of a framing.
    Total: "total",
        "Any bytes come to frames and an end or an error of the peer, and every scan says a number that can be.";
    /// Of a framing.
    SplitInvariance: "split invariance",
        "However the input is cut, the same frames and the same error come of it.";
    /// Of a framing with whole frames.
    PrefixIncomplete: "prefix is incomplete",
        "The beginning of a frame needs more bytes, and never more than the frame has.";
    /// Of a framing.
    RoundTrip: "round trip",
        "What encode accepts is decoded to the same frames, whatever was sent before.";
    /// Of a framing.
    SameLimits: "same limits both ways",
        "A frame that was received may be sent, unless it contains its own terminator.";
    /// Of a framing.
    LinearTime: "linear time",
        "Each byte of a frame is looked at once over all scans but the last, a header of bounded length excepted.";
    /// Of a framing, compared with a naive twin.
    EqualsModel: "equal to the model",
        "The framing decodes what its model decodes.";
    /// Of a framing, and of two protocols that are joined.
    Conservation: "byte conservation",
        "What one end sends, the other is told of once, in order.";
    /// Of a protocol.
    Deterministic: "deterministic",
        "The same calls come to the same steps and the same output.";
    /// Of a protocol.
    InputCut: "input cut",
        "How the input is cut changes neither the steps nor the output.";
    /// Of a protocol.
    OutputCut: "output cut",
        "In which portions the output is taken changes neither the steps nor the output.";
    /// Of a protocol.
    Turns: "turns",
        "Whether it works in turns, with buffers that it gives back, changes neither the steps nor the output.";
    /// Of a protocol.
    EndAfterData: "end of stream after data",
        "An end of the stream that comes with the last bytes is told after the frames, and loses none.";
    /// Of a protocol.
    FullLosesNothing: "full loses nothing",
        "A queue that is full at times delays the output and loses nothing of it.";
    /// Of a connection.
    BoundedMemory: "bounded memory",
        "Buffers and queue stay within what was said, whatever the peer sends and however little it reads.";
    /// Of a connection with its protocol.
    DeadlinesMoveForward: "deadlines move forward",
        "After a timeout is handled every deadline lies ahead, and timers do not follow each other without time passing.";
    /// Of a connection with its protocol.
    AnyOrder: "any call order",
        "Any call is legal in any order and state, and once the transport is gone the connection ends.";
    /// Of a connection.
    MisuseChangesNothing: "misuse changes nothing",
        "A call that says more than can be is refused and changes nothing.";
    /// Of a connection.
    StickyErrors: "sticky errors",
        "A failure is final and told once: whatever comes then yields nothing but the end, for the same reason.";
    /// Of a connection.
    FlushedAfterError: "flushed after an error",
        "What is queued when the connection fails is still transmitted.";
    /// Of a connection.
    EndsWithTransport: "ends with its transport",
        "Once the transport takes nothing and the peer's stream has ended, the connection ends without a timer.";
    /// Of two protocols that are joined.
    Joined: "joined ends",
        "How the bytes between two ends are cut, portioned and delayed changes nothing of what either is told.";
    /// Of a protocol, or of two that are joined, when sessions are given.
    TlsTransparency: "with TLS as without",
        "With TLS both ends are told the same as without.";
}

/// The name.
impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
