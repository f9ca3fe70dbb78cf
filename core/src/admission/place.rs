use alloc::boxed::Box;
use core::net::IpAddr;

/// A place that is kept for one accept. Turn it in with [`Admission::accepted`],
/// [`accept_failed`] or [`unused`].
///
/// Nobody else can have the place meanwhile, and a server that drains waits for it: reserve for a
/// call that does not block, when somebody is there. A driver that held one for each of its
/// listeners while it waits would let nobody in at the others once as few places are left. A future
/// must not hold one across an await, where it may be dropped.
///
/// [`Admission::accepted`]: super::Admission::accepted
/// [`accept_failed`]: super::Admission::accept_failed
/// [`unused`]: super::Admission::unused
#[derive(Debug)]
#[must_use = "a reservation that is dropped takes a place for ever"]
pub struct Reservation(pub(super) ());

/// The place of one connection in the counts. Give it back with [`Admission::closed`] or
/// [`Admission::thread_failed`].
///
/// [`Admission::closed`]: super::Admission::closed
/// [`Admission::thread_failed`]: super::Admission::thread_failed
#[derive(Debug)]
#[must_use = "a permit that is dropped counts as a connection for ever"]
pub struct Permit {
    /// None without an address or without a limit for one. In a box, because most have none and a
    /// driver has a permit for each idle connection.
    pub(super) address: Option<Box<IpAddr>>,
}
