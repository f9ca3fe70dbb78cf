//! One resource over HTTP: does what [`HttpGet`] orders, over connections of the client's.

use drywire::http1::{Frame, Http1};
use drywire::protocol::http_get::{Application, Connected, Event, HttpGet, Order};

use super::Client;
use crate::conversation::Ready;
use crate::error::GetFailure;
use crate::framed::Framed;

impl Client {
    /// Asks for what `get` describes, follows redirects, and tells `application` of the answer.
    ///
    /// The [server name](Self::server_name) that was set is for the first server, and for no other
    /// that a redirect leads to.
    ///
    /// # Errors
    /// [`GetFailure`]. What `application` was told before remains true.
    /// # Examples
    /// ```no_run
    /// use std::convert::Infallible;
    /// use drywire::protocol::http_get::{Application, Event, HttpGet};
    /// use drywire_std::Client;
    ///
    /// struct Length(u64);
    ///
    /// impl Application for Length {
    ///     type Error = Infallible;
    ///
    ///     fn told(&mut self, event: Event<'_>) -> Result<(), Infallible> {
    ///         if let Event::Body(bytes) = event {
    ///             self.0 += bytes.len() as u64;
    ///         }
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let mut length = Length(0);
    /// let mut get = HttpGet::new("http://localhost/".parse()?)?;
    /// Client::new().get(&mut get, &mut length)?;
    /// println!("{} bytes", length.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get<A: Application>(
        &self,
        get: &mut HttpGet,
        application: &mut A,
    ) -> Result<(), GetFailure<A::Error>> {
        while let Order::Connect(address) = get.next() {
            let mut client = self.clone();
            if get.has_left_origin() {
                client.server_name = None;
            }
            let mut framed =
                client.connect(address, Http1::client()).map_err(GetFailure::Connect)?;
            let connected = Connected {
                address,
                peer: framed.peer(),
                negotiated: framed.negotiated(),
                timings: framed.timings(),
            };
            application.told(Event::Connected(connected)).map_err(GetFailure::Application)?;
            get.connected();
            exchange(&mut framed, get, application)?;
        }
        Ok(())
    }
}

/// One request and its answer.
fn exchange<A: Application>(
    framed: &mut Framed<Http1>,
    get: &mut HttpGet,
    application: &mut A,
) -> Result<(), GetFailure<A::Error>> {
    let mut piece = Vec::new();
    loop {
        if get.is_sending() && is_answered_first(framed)? {
            receive(framed, get, application)?;
            continue;
        }
        match get.next() {
            Order::Send(outgoing) => match framed.send(outgoing.frame(&outgoing.fields())) {
                Ok(()) => get.sent(),
                Err(error) => {
                    GetFailure::unsent(error)?;
                    get.unsent();
                }
            },
            Order::Rewind => {
                application.rewind().map_err(GetFailure::Application)?;
                get.rewound();
            }
            Order::Read(len_max) => {
                piece.resize(len_max, 0);
                let len = application.read(&mut piece).map_err(GetFailure::Application)?;
                let bytes = piece.get(..len).unwrap_or(&piece);
                let sent = if len > 0 { framed.send(Frame::Body(bytes)) } else { Ok(()) };
                match sent {
                    Ok(()) => get.piece(bytes.len()).map_err(GetFailure::Get)?,
                    Err(error) => {
                        GetFailure::unsent(error)?;
                        get.unsent();
                    }
                }
            }
            Order::Receive => receive(framed, get, application)?,
            Order::Leave => {
                // The answer is whole: what becomes of our end no longer matters.
                let _ = framed.finish();
                get.left();
                return Ok(());
            }
            Order::Abandon => {
                get.left();
                return Ok(());
            }
            _ => return Ok(()),
        }
    }
}

/// Whether a frame, or the end, comes before there is room.
fn is_answered_first<E>(framed: &mut Framed<Http1>) -> Result<bool, GetFailure<E>> {
    match framed.ready() {
        Ok(ready) => Ok(ready == Ready::Receive),
        Err(error) => GetFailure::reason_of(error).map(|_| true),
    }
}

fn receive<A: Application>(
    framed: &mut Framed<Http1>,
    get: &mut HttpGet,
    application: &mut A,
) -> Result<(), GetFailure<A::Error>> {
    let received = match framed.recv() {
        Ok(frame) => Ok(frame),
        Err(error) => Err(GetFailure::reason_of(error)?),
    };
    match get.received(received).map_err(GetFailure::Get)? {
        Some(event) => application.told(event).map_err(GetFailure::Application),
        None => Ok(()),
    }
}
