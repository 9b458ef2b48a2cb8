//! What a recording's pump and readers need of the object that the recording belongs to.

use std::rc::Rc;

use bytes::Bytes;
use durablefetch_protocol::ProtocolError;
use durablefetch_protocol::recording::End;

use super::Recording;
use crate::config::Config;
use crate::store::Store;

/// The Durable Object of the recording's key.
pub(crate) trait Owner: 'static {
    /// The configuration. The router lets nobody through where there is none.
    fn config(&self) -> Result<&Config, ProtocolError>;

    /// Where the bytes are stored.
    fn store(&self) -> &Store;

    /// The upstream's answer is passed through: it is not the key's current recording.
    fn passes(&self, recording: &Rc<Recording>);

    /// Publishes a chunk and sees to it that it is written. False where the recording has ended.
    fn publish(self: &Rc<Self>, recording: &Rc<Recording>, chunk: Bytes) -> bool;

    /// Ends a live recording. Nothing happens where it has ended, or is about to.
    fn end(self: &Rc<Self>, recording: &Rc<Recording>, end: End);

    /// A reader has left. The last one of an answer that is not kept takes its bytes along.
    fn left(&self, recording: &Rc<Recording>);
}
