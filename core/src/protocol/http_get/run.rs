use alloc::vec::Vec;

use super::REDIRECTS_MAX;
use super::error::GetError;
use super::exchange::{Exchange, State};
use super::range::Range;
use super::redirect::Redirects;
use super::request::{Asking, Part, Upload};
use super::validator::Resume;
use crate::address::Address;

/// A request for one resource, and what is made of the answers to it.
///
/// See the [module](super) for what it decides and who drives it.
///
/// # Examples
/// ```
/// use drywire::protocol::http_get::{HttpGet, Order};
///
/// let mut get = HttpGet::new("http://example.com/a".parse()?)?.field("accept", b"text/html")?;
/// assert!(matches!(get.next(), Order::Connect(address) if !address.is_tls()));
/// get.connected();
/// let Order::Send(outgoing) = get.next() else { unreachable!() };
/// println!("{:?}", outgoing.frame(&outgoing.fields()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "it does nothing by itself"]
pub struct HttpGet {
    pub(super) asking: Asking,
    pub(super) redirects: Redirects,
    pub(super) exchange: Exchange,
}

/// What is asked for.
impl HttpGet {
    /// Asks for the resource at `address`, by GET.
    ///
    /// # Errors
    /// [`GetError::NotHttp`].
    pub fn new(address: Address) -> Result<Self, GetError> {
        let Address::Http { .. } = address else { return Err(GetError::NotHttp) };
        let asking = Asking {
            address,
            has_left_origin: false,
            method: "GET".into(),
            fields: Vec::new(),
            omitted: Vec::new(),
            upload: None,
            part: Part::Whole,
        };
        let redirects = Redirects { max: REDIRECTS_MAX, followed: 0, may_downgrade: false };
        Ok(Self { asking, redirects, exchange: Exchange::new() })
    }

    /// Sets the method.
    ///
    /// # Errors
    /// [`GetError::Method`] if it is none, or CONNECT.
    pub fn method(mut self, method: &str) -> Result<Self, GetError> {
        self.asking.set_method(method)?;
        Ok(self)
    }

    /// Adds a field. `host`, `user-agent` and `accept` replace our own.
    ///
    /// # Errors
    /// [`GetError::Field`].
    pub fn field(mut self, name: &str, value: &[u8]) -> Result<Self, GetError> {
        self.asking.add_field(name, value)?;
        Ok(self)
    }

    /// Leaves out `name`, if that is `user-agent` or `accept`.
    pub fn without_field(mut self, name: &str) -> Self {
        self.asking.omitted.push(name.into());
        self
    }

    /// Has a body sent, which the [`Application`](super::Application) is asked for. The method
    /// stays as it is.
    pub fn upload(mut self, upload: Upload) -> Self {
        self.asking.upload = Some(upload);
        self
    }

    /// Asks for a part only. An answer that is not this part is an error.
    pub fn range(mut self, range: Range) -> Self {
        self.asking.part = Part::Range(range);
        self
    }

    /// Asks for what is missing of an earlier answer, or for everything if the resource has
    /// changed.
    pub fn resume(mut self, resume: Resume) -> Self {
        self.asking.part = Part::Rest(resume);
        self
    }

    /// Sets how many redirects are followed; with 0 a redirect is the answer. Default
    /// [`REDIRECTS_MAX`].
    pub fn redirects_max(mut self, max: u32) -> Self {
        self.redirects.max = max;
        self
    }

    /// Lets redirects lead from `https` to `http`, where everybody on the way can read and change
    /// what is sent.
    pub fn allow_downgrade(mut self) -> Self {
        self.redirects.may_downgrade = true;
        self
    }

    /// What is asked now: where the last redirect led.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.asking.address
    }

    /// How many redirects were followed.
    #[must_use]
    pub const fn redirects_followed(&self) -> u32 {
        self.redirects.followed
    }

    /// Whether a redirect led to another origin than the first one, even if a later one led back.
    /// What the caller said of the first server, such as the name to verify, then means nothing.
    #[must_use]
    pub const fn has_left_origin(&self) -> bool {
        self.asking.has_left_origin
    }

    /// Whether the answer is whole.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.exchange.state == State::Done
    }
}
