/// What a simulation takes in memory, in bytes, told apart.
///
/// Sizes of values and of buffers are exact; of maps and queues of the simulator the entries are
/// counted. What rustls and the protocols allocate for themselves is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Memory {
    /// Nodes: two of them make a stream.
    pub nodes: usize,
    /// The connections and endpoints themselves.
    pub state_len: usize,
    /// Their buffers.
    pub buffers_len: usize,
    /// The values of the protocols.
    pub protocols_len: usize,
    /// Free buffers of the one pool that all connections share.
    pub pool_len: usize,
    /// The simulator's own: links, what is under way, the agenda.
    pub simulator_len: usize,
}

impl Memory {
    /// Connections and their buffers, per node.
    #[must_use]
    pub const fn per_node(&self) -> usize {
        (self.state_len + self.buffers_len) / if self.nodes == 0 { 1 } else { self.nodes }
    }
}
