//! The app's body: what a session delivers, as a stream for wasm-streams.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use js_sys::Object;
use wasm_bindgen::JsValue;
use wasm_streams::ReadableStream;

use crate::fetch::session::{Session, Step};
use crate::js::sys;

/// A stream of chunks, each a JavaScript handle. Dropping it lets go of the connection.
struct Body {
    session: Option<Session>,
    /// Where the response looks for what broke its body.
    ending: Object,
}

impl Stream for Body {
    type Item = Result<JsValue, JsValue>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(session) = &mut self.session else { return Poll::Ready(None) };
        let Poll::Ready(step) = session.poll(cx) else { return Poll::Pending };
        if let Step::Chunk(chunk) = step {
            return Poll::Ready(Some(Ok(chunk)));
        }
        self.session = None;
        Poll::Ready(match step {
            Step::Failed(error) => {
                sys::set(&self.ending, "error", &error);
                Some(Err(error))
            }
            _ => None,
        })
    }
}

/// The `ReadableStream` of a session that has its head. It reads only once it is read from, and then one chunk
/// ahead. What breaks it is also left in `ending`.
pub(crate) fn stream(session: Session, ending: &Object) -> JsValue {
    let body = Body { session: Some(session), ending: ending.clone() };
    ReadableStream::from_stream(body).into_raw().into()
}
