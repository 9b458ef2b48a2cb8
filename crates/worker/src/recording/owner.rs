//! What a recording's pump and readers need of the object that the recording belongs to.

use std::rc::Rc;

use bytes::Bytes;
use durablefetch_protocol::ProtocolError;
use durablefetch_protocol::recording::End;
use durablefetch_protocol::response_head::Head;
use http::HeaderValue;

use super::Recording;
use crate::config::Config;
use crate::store::Store;

/// The Durable Object of the recording's key.
pub(crate) trait Owner: 'static {
    /// The configuration. Without one, the router lets nobody through.
    fn config(&self) -> Result<&Config, ProtocolError>;

    /// Where the bytes are stored.
    fn store(&self) -> &Store;

    /// The upstream has answered. False where nobody wants to know any more.
    fn answered(self: &Rc<Self>, recording: &Rc<Recording>, head: Head, cookies: Vec<HeaderValue>) -> bool;

    /// Publishes a chunk and sees to it that it is written. False where the recording has ended.
    fn publish(self: &Rc<Self>, recording: &Rc<Recording>, chunk: Bytes) -> bool;

    /// Ends a live recording. Nothing happens where an end is decided.
    fn end(self: &Rc<Self>, recording: &Rc<Recording>, end: End);

    /// A reader has left, or a request that waited.
    fn left(self: &Rc<Self>, recording: &Rc<Recording>);
}
