//! The pump: one task per recording that takes the upstream's bytes and publishes them. It runs whether or not
//! anybody reads, and leaves when the recording ends.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use durablefetch_protocol::life::{Event, Keep};
use durablefetch_protocol::recording::End;
use durablefetch_protocol::response_head::Head;
use durablefetch_protocol::{ErrorCode, ProtocolError, kept};
use tokio::time::{Instant, Sleep, sleep};

use super::commit::Cargo;
use super::ship::{self, NotSent};
use crate::clock::now_ms;
use crate::error::StoreError;
use crate::key_map::Entry;
use crate::observe::redact;
use crate::recorder::Recorder;
use crate::recording::waiting::Wake;
use crate::recording::{Recording, Start};
use crate::storage::rows::Freight;
use crate::upstream::opened::{NotOpened, Opened};
use crate::upstream::source::{Source, SourceBody};

/// Chunks that are published before their readers are woken, where the upstream has as many ready.
const BURST: usize = 32;

/// Starts the pump of a new recording.
pub(crate) fn spawn(recorder: Arc<Recorder>, entry: Arc<Entry>, recording: Arc<Recording>, source: Source) {
    tokio::spawn(async move {
        let mut guard = Guard { recorder, entry, recording, armed: true };
        let kept = record(&guard.recorder, &guard.entry, &guard.recording, source).await;
        // Boxed, as all that is done once: its room is not taken while the recording lives.
        Box::pin(finish(&guard.recorder, &guard.entry, &guard.recording, kept)).await;
        guard.armed = false;
    });
}

/// Ends the recording where the pump panics, so that nobody waits for it.
struct Guard {
    recorder: Arc<Recorder>,
    entry: Arc<Entry>,
    recording: Arc<Recording>,
    armed: bool,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        self.recording.end(End::Fail(ErrorCode::Internal));
        let (recorder, entry, recording) =
            (Arc::clone(&self.recorder), Arc::clone(&self.entry), Arc::clone(&self.recording));
        // Without a runtime the process is ending, and the next start finds the recording interrupted.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { finish(&recorder, &entry, &recording, None).await });
        }
    }
}

/// Runs the recording to its end. Returns the whole body of a short answer that is passed through.
async fn record(
    recorder: &Arc<Recorder>,
    entry: &Arc<Entry>,
    recording: &Arc<Recording>,
    source: Source,
) -> Option<Vec<u8>> {
    let opened = match open(recorder, recording, source).await {
        Some(Ok(opened)) => opened,
        Some(Err(NotOpened { error, heard })) => {
            let code = error.code;
            recording.explain(error);
            if recording.end(End::Fail(code)) && !heard {
                recording.set_unheard();
            }
            return None;
        }
        None => return None,
    };
    let Opened { head, cookies, body, .. } = opened;
    let recorded = Head::is_recorded(head.status);
    recording.put_cookies(cookies);
    let event = Event::Answered { id: recording.id, recorded, volatile: head.volatile };
    let freight = Arc::new(Freight { head: Some(head), ..Freight::default() });
    let cargo = Cargo { freight, own: Some(Arc::clone(recording)), ..Cargo::default() };
    if let Err(error) = Box::pin(entry.act(recorder, event, cargo)).await {
        recording.end(End::Fail(error.code));
        return None;
    }
    let mut stream = Stream {
        recorder,
        recording,
        body,
        idle: Idle::new(recorder.config.limits.idle_timeout),
        len: 0,
        kept: (!recorded).then(Vec::new),
        wake: Vec::new(),
    };
    let end = poll_fn(|cx| stream.poll(cx)).await;
    if let Some(end) = end {
        recording.end(end);
    }
    stream.kept.take()
}

/// Brings the end of a recording to disk, which shows it. `body` is all of a short answer that was passed through.
async fn finish(
    recorder: &Arc<Recorder>,
    entry: &Arc<Entry>,
    recording: &Arc<Recording>,
    body: Option<Vec<u8>>,
) {
    let id = recording.id;
    if recording.progress().state().is_live()
        && matches!(recording.start(), Start::Recorded | Start::Unrecorded)
        && let Err(error) = written(recorder, recording).await
    {
        tracing::error!(recording = %id, "storage: {}", error.message);
        recorder.metrics.storage_error(error.code);
        recording.fail_storage(error.code);
    }
    let (mut rest, mut is_away) = (None, false);
    if let Some(cluster) = &recorder.cluster
        && recording.progress().state().is_live()
    {
        match ship::rest(cluster, recording).await {
            Ok(left) => rest = left,
            Err(why) => {
                let (why, away) = match why {
                    NotSent::Away(why) => (why, true),
                    NotSent::Failed(why) => (why, false),
                };
                tracing::error!(recording = %id, "the cluster's store has not all of its bytes: {why}");
                recorder.metrics.storage_error(ErrorCode::StorageFailed);
                recording.fail_storage(ErrorCode::StorageFailed);
                is_away = away;
            }
        }
    }
    recording.touch(now_ms());
    let answer = body.and_then(|body| Some(kept::to_stored(recording.head()?, &body)));
    let freight = Arc::new(Freight { answer, ..Freight::default() });
    let cargo =
        || Cargo { freight: Arc::clone(&freight), own: Some(Arc::clone(recording)), ..Cargo::default() };
    let end = recording.decided().unwrap_or(End::Fail(ErrorCode::Internal));
    let keep = if recording.is_given_up() { Keep::Nothing } else { Keep::All };
    let event = match end {
        End::Fail(code) if recording.is_unheard() => Event::GivenUp { id, code },
        _ => Event::Ended { id, end, keep },
    };
    let last = rest.as_mut().and_then(|rest| rest.piece.take());
    let committed = if is_away {
        // Its readers have waited for long enough.
        Err(ErrorCode::StorageFailed.into())
    } else {
        entry.act(recorder, event, Cargo { last, ..cargo() }).await
    };
    let Err(error) = committed else { return };
    drop(rest);
    tracing::error!(recording = %id, "storage took no end: {}", error.message);
    recording.fail_storage(error.code);
    if recorder.cluster.is_none() {
        recorder.end_later([Arc::clone(recording)]);
    } else {
        // It is interrupted for those who ask once the store is back.
        entry.set_unsure();
    }
    if let Err(error) = entry.act(recorder, Event::Unwritable { id, code: error.code }, cargo()).await {
        // The key cannot even be looked at: nobody is left waiting all the same.
        tracing::error!(recording = %id, "storage: {}", error.message);
        recorder.lands(id);
        recording.seal(End::Fail(error.code));
    }
}

async fn written(recorder: &Recorder, recording: &Arc<Recording>) -> Result<(), StoreError> {
    poll_fn(|cx| {
        recording.register_pump(cx);
        recording.poll_written(&recorder.writer)
    })
    .await
}

/// Waits for the head. `None` where the recording has ended meanwhile.
async fn open(
    recorder: &Recorder,
    recording: &Recording,
    source: Source,
) -> Option<Result<Opened<SourceBody>, NotOpened>> {
    // Boxed, so that what asking takes lasts until there is an answer, and not as long as the recording.
    let rules = recorder.rules();
    let mut opening = Box::pin(source.open(&rules.upstreams, recorder.config.limits.header_timeout));
    poll_fn(|cx| {
        recording.register_pump(cx);
        if recording.has_ended() {
            return Poll::Ready(None);
        }
        opening.as_mut().poll(cx).map(Some)
    })
    .await
}

struct Stream<'a> {
    recorder: &'a Recorder,
    recording: &'a Arc<Recording>,
    body: SourceBody,
    idle: Idle,
    /// Bytes so far.
    len: u64,
    /// The body so far, while it is short enough to be kept for its request id.
    kept: Option<Vec<u8>>,
    wake: Vec<Wake>,
}

impl Stream<'_> {
    /// Publishes what there is. Ready with the end, or with `None` where somebody else has ended it.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<End>> {
        self.recording.register_pump(cx);
        let polled = self.poll_burst(cx);
        self.wake.drain(..).for_each(Wake::wake);
        polled
    }

    fn poll_burst(&mut self, cx: &mut Context<'_>) -> Poll<Option<End>> {
        let mut room = false;
        for _ in 0..BURST {
            if self.recording.has_ended() {
                return Poll::Ready(None);
            }
            if !room {
                if self.recorder.usage.is_over(&self.recording.account) && !self.recording.is_given_up() {
                    // Who makes room wakes it, or ends it.
                    return Poll::Pending;
                }
                match self.recording.poll_room(&self.recorder.writer) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(error)) => {
                        return Poll::Ready(Some(End::Fail(ProtocolError::from(error).code)));
                    }
                    Poll::Pending => return Poll::Pending,
                }
            }
            match self.body.poll_chunk(cx) {
                Poll::Ready(Some(Ok(chunk))) => {
                    self.idle.reset();
                    if self.len == 0 {
                        let now_ms = now_ms();
                        self.recording.set_first_byte(now_ms);
                        self.recorder.metrics.first_byte(now_ms.saturating_sub(self.recording.started_ms));
                    }
                    self.len += chunk.len() as u64;
                    self.recorder.metrics.bytes_in.increment(chunk.len() as u64);
                    if self.len > self.recorder.config.limits.recording_bytes {
                        return Poll::Ready(Some(End::Fail(ErrorCode::RecordingTooLarge)));
                    }
                    if let Some(kept) = &mut self.kept {
                        kept.extend_from_slice(&chunk);
                        if kept.len() > durablefetch_protocol::limits::KEPT_ANSWER_MAX {
                            self.kept = None;
                        }
                    }
                    self.recorder.disk_grows(self.recording, chunk.len() as u64);
                    let ring = self.recorder.memory.ring();
                    room = self.recording.publish(chunk, ring, &self.recorder.writer, &mut self.wake)
                        && !self.recorder.usage.is_over(&self.recording.account);
                }
                Poll::Ready(Some(Err(error))) => {
                    let why = error.to_string();
                    tracing::debug!(recording = %self.recording.id, "the upstream broke: {}", redact::text(&why));
                    return Poll::Ready(Some(End::Fail(ErrorCode::UpstreamFailed)));
                }
                Poll::Ready(None) => return Poll::Ready(Some(End::Complete)),
                Poll::Pending => {
                    return self.idle.poll(cx).map(|()| Some(End::Fail(ErrorCode::UpstreamIdle)));
                }
            }
        }
        // Others want their turn.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Stream<'_> {
    /// Nobody is left asleep, even by a panic.
    fn drop(&mut self) {
        self.wake.drain(..).for_each(Wake::wake);
    }
}

/// A timer that is set anew for every chunk, which costs one look at the clock.
struct Idle {
    after: Duration,
    last: Instant,
    timer: Pin<Box<Sleep>>,
    /// It will wake the pump, as it has been told before; a task's wakers are all the same.
    is_set: bool,
}

impl Idle {
    fn new(after: Duration) -> Self {
        Self { after, last: Instant::now(), timer: Box::pin(sleep(after)), is_set: false }
    }

    fn reset(&mut self) {
        self.last = Instant::now();
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.is_set && !self.timer.is_elapsed() {
                return Poll::Pending;
            }
            self.is_set = self.timer.as_mut().poll(cx).is_pending();
            if self.is_set {
                return Poll::Pending;
            }
            let due = self.last + self.after;
            if due <= Instant::now() {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(due);
        }
    }
}

#[cfg(test)]
mod tests {
    use durablefetch_protocol::{Ask, Fetch, Fingerprint, Mode, State};

    use super::*;
    use crate::config::Config;
    use crate::keys::admit::{self, Admitted};

    fn ask(mode: Mode) -> Ask {
        Ask::Fetch(Fetch::new(mode, Fingerprint([0; 32])))
    }

    #[tokio::test]
    async fn a_pump_that_panics_leaves_nobody_waiting() {
        let data = tempfile::tempdir().unwrap();
        let (recorder, threads) = Recorder::open(Config::new(data.path()), 1).unwrap();
        let target = durablefetch_protocol::address::Target::Demo("x".into());
        let entry = recorder.keys.entry(&target.key("").unwrap()).unwrap();

        let refused =
            admit::admit(&recorder, Arc::clone(&entry), ask(Mode::Join), Source::Panic { at: 0 }, None).await;
        assert_eq!(refused.unwrap_err().code, ErrorCode::Internal);

        let served =
            admit::admit(&recorder, Arc::clone(&entry), ask(Mode::Join), Source::Panic { at: 1 }, None).await;
        let Admitted::Body { reading, .. } = served.unwrap() else { panic!("a body is served") };
        let recording = Arc::clone(&reading.recording);
        recording.sealed().await;
        assert_eq!(
            (recording.progress().state(), recording.progress().cause()),
            (State::Failed, Some(ErrorCode::Internal))
        );
        recorder.quiet().await;
        tokio::task::spawn_blocking(move || threads.close(&recorder)).await.unwrap();
    }
}
