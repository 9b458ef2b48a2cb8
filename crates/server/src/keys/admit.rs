//! Fetches and continuations: what each is answered with.

use std::sync::Arc;

use durablefetch_protocol::admission::{self, Came, Decision, Ending, Part};
use durablefetch_protocol::life::{Event, Reply};
use durablefetch_protocol::{Ask, ErrorCode, ProtocolError, RecordingId, RequestId};

use super::commit::Cargo;
use super::pump;
use super::reading::Reading;
use super::stored;
use crate::clock::now_ms;
use crate::key_map::Entry;
use crate::observe::log::Asker;
use crate::recorder::Recorder;
use crate::upstream::source::Source;

/// What a fetch or continuation is answered with.
#[derive(Debug)]
pub(crate) enum Admitted {
    /// A body of a recording.
    Body {
        reading: Reading,
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

/// Starts or waits where that is decided, and says what the request is answered with.
pub(crate) async fn admit(
    recorder: &Arc<Recorder>,
    entry: Arc<Entry>,
    ask: Ask,
    source: Source,
    asker: Option<Arc<Asker>>,
) -> Result<Admitted, ProtocolError> {
    // A start is given its id in the commit slot.
    let event = Event::Ask { ask: &ask, new: RecordingId::ZERO };
    let pump = Box::new(|recorder, entry, recording| pump::spawn(recorder, entry, recording, source));
    let acted = entry.act(recorder, event, Cargo { pump: Some(pump), asker, ..Cargo::default() }).await?;
    match &acted.reply {
        Reply::Started(_) => recorder.elsewhere.started(&entry.key),
        Reply::Decided(Decision::NoContent | Decision::Refuse(ErrorCode::NotFound | ErrorCode::Gone)) => {
            recorder.elsewhere.missed(&entry.key, now_ms());
        }
        _ => {}
    }
    match (acted.reply, acted.reading) {
        (Reply::Started(_), Some(reading)) => waited(&ask, reading, Part::Starter).await,
        (Reply::Decided(Decision::Wait(_)), Some(reading)) => waited(&ask, reading, Part::Follower).await,
        (Reply::Decided(decision), reading) => match (decision, reading) {
            (Decision::Serve { from, ending, .. }, Some(reading)) => {
                Ok(Admitted::Body { reading, from, ending, part: Part::Follower, unrecorded: false })
            }
            (Decision::AnswerAgain, _) => again(recorder, &entry, ask.request()).await,
            (Decision::NoContent, _) => Ok(Admitted::NoContent),
            (Decision::Refuse(code), _) => Err(code.into()),
            _ => Err(ErrorCode::Internal.into()),
        },
        _ => Err(ErrorCode::Internal.into()),
    }
}

/// Waits for a start to come to something, and answers with that.
async fn waited(ask: &Ask, reading: Reading, part: Part) -> Result<Admitted, ProtocolError> {
    let start = reading.recording.started().await;
    match admission::came(start, &reading.recording.progress(), ask) {
        Came::Pass => {
            let ending = Ending::AsRecorded;
            Ok(Admitted::Body { reading, from: 0, ending, part, unrecorded: true })
        }
        Came::Serve { from, ending } => Ok(Admitted::Body { reading, from, ending, part, unrecorded: false }),
        Came::NoContent => Ok(Admitted::NoContent),
        Came::Refuse(code) => Err(reading.recording.why(code)),
    }
}

async fn again(
    recorder: &Recorder,
    entry: &Entry,
    id: Option<&RequestId>,
) -> Result<Admitted, ProtocolError> {
    let Some(id) = id.cloned() else { return Err(ErrorCode::Internal.into()) };
    match stored::answer(recorder, &entry.key, id).await? {
        Some(answer) => Ok(Admitted::Again(answer)),
        None => Err(ErrorCode::AlreadyAnswered.into()),
    }
}
