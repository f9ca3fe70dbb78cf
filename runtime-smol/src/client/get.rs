//! One resource over HTTP: does what [`HttpGet`] orders, over connections of the client's.

use drywire::http1::{Frame, Http1};
use drywire::protocol::http_get::{Application, Connected, Event, HttpGet, Order};
use drywire_std::{GetFailure, Ready};

use super::Client;
use crate::framed::Framed;

impl Client {
    /// Asks for what `get` describes, follows redirects, and tells `application` of the answer.
    ///
    /// `application` is called in the task and should not block it for long.
    ///
    /// The [server name](Self::server_name) that was set is for the first server, and for no other
    /// that a redirect leads to.
    ///
    /// # Errors
    /// [`GetFailure`]. What `application` was told before remains true.
    /// # Cancel safety
    /// Dropping the future closes the connection. Polling `get` again would go on without one:
    /// begin with a new one.
    /// # Examples
    /// ```no_run
    /// use std::convert::Infallible;
    /// use drywire_smol::Client;
    /// use drywire_smol::drywire::protocol::http_get::{Application, Event, HttpGet};
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
    /// smol::block_on(Client::new().get(&mut get, &mut length))?;
    /// println!("{} bytes", length.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn get<A: Application>(
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
                client.connect(address, Http1::client()).await.map_err(GetFailure::Connect)?;
            let connected = Connected {
                address,
                peer: framed.peer(),
                negotiated: framed.negotiated(),
                timings: framed.timings(),
            };
            application.told(Event::Connected(connected)).map_err(GetFailure::Application)?;
            get.connected();
            exchange(&mut framed, get, application).await?;
        }
        Ok(())
    }
}

/// One request and its answer.
async fn exchange<A: Application>(
    framed: &mut Framed<Http1>,
    get: &mut HttpGet,
    application: &mut A,
) -> Result<(), GetFailure<A::Error>> {
    let mut piece = Vec::new();
    loop {
        if get.is_sending() && is_answered_first(framed).await? {
            receive(framed, get, application).await?;
            continue;
        }
        match get.next() {
            Order::Send(outgoing) => match framed.send(outgoing.frame(&outgoing.fields())).await {
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
                let sent = if len > 0 { framed.send(Frame::Body(bytes)).await } else { Ok(()) };
                match sent {
                    Ok(()) => get.piece(bytes.len()).map_err(GetFailure::Get)?,
                    Err(error) => {
                        GetFailure::unsent(error)?;
                        get.unsent();
                    }
                }
            }
            Order::Receive => receive(framed, get, application).await?,
            Order::Leave => {
                // The answer is whole: what becomes of our end no longer matters.
                let _ = framed.finish().await;
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
async fn is_answered_first<E>(framed: &mut Framed<Http1>) -> Result<bool, GetFailure<E>> {
    match framed.ready().await {
        Ok(ready) => Ok(ready == Ready::Receive),
        Err(error) => GetFailure::reason_of(error).map(|_| true),
    }
}

async fn receive<A: Application>(
    framed: &mut Framed<Http1>,
    get: &mut HttpGet,
    application: &mut A,
) -> Result<(), GetFailure<A::Error>> {
    let received = match framed.recv().await {
        Ok(frame) => Ok(frame),
        Err(error) => Err(GetFailure::reason_of(error)?),
    };
    match get.received(received).map_err(GetFailure::Get)? {
        Some(event) => application.told(event).map_err(GetFailure::Application),
        None => Ok(()),
    }
}
