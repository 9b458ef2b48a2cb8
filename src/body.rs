//! The app's body: what a session delivers, as a stream for wasm-streams.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use wasm_bindgen::JsValue;
use wasm_streams::ReadableStream;

use crate::session::{Session, Step};

/// A stream of chunks, each a JavaScript handle. Dropping it lets go of the connection.
struct Body(Option<Session>);

impl Stream for Body {
    type Item = Result<JsValue, JsValue>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(session) = &mut self.0 else { return Poll::Ready(None) };
        let Poll::Ready(step) = session.poll(cx) else { return Poll::Pending };
        if let Step::Chunk(chunk) = step {
            return Poll::Ready(Some(Ok(chunk)));
        }
        self.0 = None;
        Poll::Ready(match step {
            Step::Failed(error) => Some(Err(error)),
            _ => None,
        })
    }
}

/// The `ReadableStream` of a session that has its head. It reads only when it is read from.
pub(crate) fn stream(session: Session) -> JsValue {
    ReadableStream::from_stream(Body(Some(session))).into_raw().into()
}
