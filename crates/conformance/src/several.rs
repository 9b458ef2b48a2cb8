//! Several recordings of one key.

use serde_json::Value;

use crate::check::{Checked, same};
use crate::client::{Request, Response};
use crate::context::Context;
use crate::scenario::Live;
use crate::upstream::Endpoint;

/// An id that no recording has.
pub(crate) const NEVER_GIVEN_OUT: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

impl Context {
    /// A POST of this body with a request id of its own, which makes it a `match`.
    pub(crate) fn asks(&self, at: &Endpoint, body: &str) -> Request {
        self.post(at, body).id(&self.uuid())
    }

    /// Sends a request that must reach the upstream. That answers with a 200 and `first`, which the reader has read.
    pub(crate) async fn live(&self, at: &Endpoint, request: Request, first: &str) -> Checked<Live> {
        let open = request.open().await?;
        let call = at.accept().await?.begins(first).await?;
        let mut reader = open.response().await?;
        reader.is(200)?.state("streaming")?;
        reader.next(first).await?;
        let recording = reader.recording()?;
        Ok(Live { at: at.clone(), call, reader, recording })
    }
}

/// Checks that this request is answered with this recording from byte 0, which begins with these bytes.
pub(crate) async fn follows(request: Request, recording: &str, first: &str) -> Checked<Response> {
    let mut reader = request.send().await?;
    reader.is(200)?.has("durablefetch-recording", recording)?.has("durablefetch-offset", "0")?;
    reader.next(first).await?;
    Ok(reader)
}

/// The recordings that a status lists as live.
pub(crate) fn live_in(status: &Value) -> Vec<&str> {
    let live = status["live"].as_array().into_iter().flatten();
    live.filter_map(|live| live["recording"].as_str()).collect()
}

/// Checks these fields of a status.
pub(crate) fn fields(status: &Value, expected: &[(&str, Value)]) -> Checked {
    expected.iter().try_for_each(|(field, value)| {
        same(field, &status[*field], value).map_err(|oops| oops.context(format!("the status: {status}")))
    })
}
