//! The call that the adapters wait for differently.

use drywire::protocol::http_get::{Application, HttpGet};

use crate::adapter::{Client, GetFailure};

pub(crate) fn get<A: Application>(
    client: &Client,
    asking: &mut HttpGet,
    application: &mut A,
) -> Result<(), GetFailure<A::Error>> {
    smol::block_on(client.get(asking, application))
}
