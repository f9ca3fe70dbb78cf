use std::io;

use drywire::Peer;
use drywire::framing::AnyFraming;
use drywire::tls::Negotiated;
use drywire_std::Error;

/// An open connection of either runtime.
pub(super) struct Link {
    pub(super) peer: Peer,
    pub(super) negotiated: Option<Negotiated>,
    pub(super) sender: Box<dyn Sender>,
    pub(super) receiver: Box<dyn Receiver>,
}

/// The half that sends.
pub(super) trait Sender: Send {
    fn send(&mut self, frame: &[u8]) -> Result<(), Error>;
    fn flush(&mut self) -> Result<(), Error>;
    fn finish(&mut self) -> Result<(), Error>;
}

/// The half that receives.
pub(super) trait Receiver: Send {
    /// Waits for a frame and shows it; false when the peer has finished.
    fn recv(&mut self, show: &mut dyn FnMut(&[u8])) -> Result<bool, Error>;
}

impl Link {
    pub(super) fn std(framed: drywire_std::Framed<AnyFraming>) -> io::Result<Self> {
        let (peer, negotiated) = (framed.peer(), framed.negotiated().cloned());
        let (sender, receiver) = framed.split()?;
        Ok(Self { peer, negotiated, sender: Box::new(sender), receiver: Box::new(receiver) })
    }

    pub(super) fn smol(framed: drywire_smol::Framed<AnyFraming>) -> Self {
        let (peer, negotiated) = (framed.peer(), framed.negotiated().cloned());
        let (sender, receiver) = framed.split();
        Self { peer, negotiated, sender: Box::new(sender), receiver: Box::new(receiver) }
    }
}

impl Sender for drywire_std::Sender<AnyFraming> {
    fn send(&mut self, frame: &[u8]) -> Result<(), Error> {
        Self::send(self, frame)
    }

    fn flush(&mut self) -> Result<(), Error> {
        Self::flush(self)
    }

    fn finish(&mut self) -> Result<(), Error> {
        Self::finish(self)
    }
}

impl Receiver for drywire_std::Receiver<AnyFraming> {
    fn recv(&mut self, show: &mut dyn FnMut(&[u8])) -> Result<bool, Error> {
        self.recv_with(show).map(|shown| shown.is_some())
    }
}

/// Each half waits in the thread that uses it.
impl Sender for drywire_smol::Sender<AnyFraming> {
    fn send(&mut self, frame: &[u8]) -> Result<(), Error> {
        smol::block_on(Self::send(self, frame))
    }

    fn flush(&mut self) -> Result<(), Error> {
        smol::block_on(Self::flush(self))
    }

    fn finish(&mut self) -> Result<(), Error> {
        smol::block_on(Self::finish(self))
    }
}

impl Receiver for drywire_smol::Receiver<AnyFraming> {
    fn recv(&mut self, show: &mut dyn FnMut(&[u8])) -> Result<bool, Error> {
        smol::block_on(self.recv_with(show)).map(|shown| shown.is_some())
    }
}
