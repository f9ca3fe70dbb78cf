/// How a conversation goes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Plan<'a> {
    /// The lengths of what one read brings, in turn.
    pub(super) cuts: &'a [u16],
    /// The lengths of what one write takes, in turn.
    pub(super) portions: &'a [u16],
    /// In turns, with buffers from a pool.
    pub(super) in_turns: bool,
    /// Nothing is written before nothing else moves.
    pub(super) holds: bool,
    /// The stream of the peer ends.
    pub(super) ends: bool,
    /// It ends together with the last bytes.
    pub(super) ends_with_data: bool,
}
