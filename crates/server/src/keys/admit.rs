//! Admission of fetches and continuations: asks the protocol what becomes of one, and does it.

use std::sync::Arc;

use durablefetch_protocol::admission::{self, Decision, Ending, Part};
use durablefetch_protocol::{Ask, ErrorCode, ProtocolError, RequestId};

use crate::clock::now_ms;
use crate::keys::Entry;
use crate::keys::start;
use crate::recorder::Recorder;
use crate::recording::{Recording, Start};
use crate::storage::rows;
use crate::upstream::source::Source;

/// What a fetch or continuation is answered with.
#[derive(Debug)]
pub(crate) enum Admitted {
    /// A body of a recording.
    Body {
        recording: Arc<Recording>,
        entry: Arc<Entry>,
        from: u64,
        ending: Ending,
        part: Part,
        /// Whether the answer is passed through and not recorded.
        unrecorded: bool,
    },
    /// An answer that was passed through and kept, as it is stored.
    Again(Vec<u8>),
    /// There is nothing to resume.
    NoContent,
}

/// Decides, and starts or waits where that is the decision.
pub(crate) async fn admit(
    recorder: &Arc<Recorder>,
    entry: Arc<Entry>,
    ask: Ask,
    source: Source,
) -> Result<Admitted, ProtocolError> {
    let (request, named) = match &ask {
        Ask::Fetch { request, .. } => (request.as_ref(), None),
        Ask::Continue { recording, .. } => (None, Some(*recording)),
    };
    let state = entry.lock(recorder, now_ms()).await?;
    if let Some(recording) = state.passing(request).cloned() {
        drop(state);
        return waited(&ask, entry, recording, Part::Follower).await;
    }
    match admission::decide(&state.view(request, named), &ask) {
        Decision::Start => {
            let Ask::Fetch { request, fingerprint, .. } = &ask else {
                return Err(ErrorCode::Internal.into());
            };
            let wanted = start::Wanted { request: request.clone(), fingerprint: *fingerprint, source };
            let recording = start::start(recorder, &entry, state, wanted).await?;
            waited(&ask, entry, recording, Part::Starter).await
        }
        Decision::Wait(id) => {
            let Some(recording) = state.find(id).cloned() else { return Err(ErrorCode::Gone.into()) };
            drop(state);
            waited(&ask, entry, recording, Part::Follower).await
        }
        Decision::Serve { recording, from, ending } => {
            let Some(recording) = state.find(recording).cloned() else { return Err(ErrorCode::Gone.into()) };
            drop(state);
            let part = Part::Follower;
            Ok(Admitted::Body { recording, entry, from, ending, part, unrecorded: false })
        }
        Decision::AnswerAgain => {
            let Some(id) = request.cloned() else { return Err(ErrorCode::Internal.into()) };
            again(recorder, &entry, id).await
        }
        Decision::NoContent => Ok(Admitted::NoContent),
        Decision::Refuse(code) => Err(code.into()),
    }
}

/// Waits for a start, and says what becomes of who waited.
async fn waited(
    ask: &Ask,
    entry: Arc<Entry>,
    recording: Arc<Recording>,
    part: Part,
) -> Result<Admitted, ProtocolError> {
    let decision = match recording.started().await {
        Start::Unrecorded => {
            let ending = Ending::AsRecorded;
            return Ok(Admitted::Body { recording, entry, from: 0, ending, part, unrecorded: true });
        }
        Start::Recorded => admission::head_came(&recording.view(), ask),
        Start::Nothing(code) => admission::no_head(ask, code),
        Start::Pending => return Err(ErrorCode::Internal.into()),
    };
    match decision {
        Decision::Serve { from, ending, .. } => {
            Ok(Admitted::Body { recording, entry, from, ending, part, unrecorded: false })
        }
        Decision::NoContent => Ok(Admitted::NoContent),
        Decision::Refuse(code) => Err(recording.why(code)),
        Decision::Start | Decision::Wait(_) | Decision::AnswerAgain => Err(ErrorCode::Internal.into()),
    }
}

async fn again(recorder: &Recorder, entry: &Entry, id: RequestId) -> Result<Admitted, ProtocolError> {
    let key = entry.key.clone();
    match recorder.db.call(move |db| rows::answer(db, &key, &id)).await? {
        Some(answer) => Ok(Admitted::Again(answer)),
        None => Err(ErrorCode::AlreadyAnswered.into()),
    }
}
