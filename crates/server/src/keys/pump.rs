//! The pump: one task per recording that takes the upstream's bytes and publishes them. It runs whether or not
//! anybody reads, and leaves when the recording ends.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use durablefetch_protocol::recording::End;
use durablefetch_protocol::response_head::Head;
use durablefetch_protocol::{ErrorCode, ProtocolError};
use tokio::time::{Instant, Sleep, sleep, timeout};

use crate::keys::Entry;
use crate::keys::finish;
use crate::recorder::Recorder;
use crate::recording::waiting::Wake;
use crate::recording::{Recording, Start};
use crate::storage::rows;
use crate::upstream::source::{Opened, Source, SourceBody};

/// Chunks that are published before their readers are woken, where the upstream has as many ready.
const BURST: usize = 32;

/// Starts the pump of a new recording.
pub(crate) fn spawn(recorder: Arc<Recorder>, entry: Arc<Entry>, recording: Arc<Recording>, source: Source) {
    tokio::spawn(async move {
        let mut guard = Guard { recorder, entry, recording, armed: true };
        let kept = record(&guard.recorder, &guard.entry, &guard.recording, source).await;
        finish::finish(&guard.recorder, &guard.entry, &guard.recording, kept).await;
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
            runtime.spawn(async move { finish::finish(&recorder, &entry, &recording, None).await });
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
        Some(Err(error)) => {
            let code = error.code;
            recording.explain(error);
            recording.end(End::Fail(code));
            return None;
        }
        None => return None,
    };
    let Opened { head, cookies, body, .. } = opened;
    let recorded = Head::is_recorded(head.status);
    recording.put_cookies(cookies);
    if recorded {
        let (id, stored) = (recording.id, head.clone());
        if let Err(error) = recorder.db.call(move |db| rows::set_head(db, id, &stored)).await {
            recording.end(End::Fail(ProtocolError::from(error).code));
            return None;
        }
        recording.set_head(head, Start::Recorded);
    } else {
        if let Err(error) = finish::pass_through(recorder, entry, recording).await {
            recording.end(End::Fail(ProtocolError::from(error).code));
            return None;
        }
        recording.set_head(head, Start::Unrecorded);
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

/// Waits for the head. `None` where the recording has ended meanwhile.
async fn open(
    recorder: &Recorder,
    recording: &Recording,
    source: Source,
) -> Option<Result<Opened, ProtocolError>> {
    let opening = timeout(recorder.config.limits.header_timeout, source.open(&recorder.upstreams));
    tokio::pin!(opening);
    poll_fn(|cx| {
        recording.register_pump(cx);
        if recording.has_ended() {
            return Poll::Ready(None);
        }
        opening.as_mut().poll(cx).map(|opened| Some(opened.unwrap_or(Err(ErrorCode::UpstreamTimeout.into()))))
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
                if self.recorder.is_over_quota() && !self.recording.is_given_up() {
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
                        && !self.recorder.is_over_quota();
                }
                Poll::Ready(Some(Err(error))) => {
                    tracing::debug!(recording = %self.recording.id, "the upstream broke: {error}");
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
    use durablefetch_protocol::{Ask, Fingerprint, Mode, State};

    use super::*;
    use crate::config::Config;
    use crate::keys::admit::{self, Admitted};

    fn ask(mode: Mode) -> Ask {
        Ask::Fetch { mode, request: None, fingerprint: Fingerprint([0; 32]) }
    }

    #[tokio::test]
    async fn a_pump_that_panics_leaves_nobody_waiting() {
        let data = tempfile::tempdir().unwrap();
        let (recorder, threads) = Recorder::open(Config::new(data.path()), 1).unwrap();
        let target = durablefetch_protocol::address::Target::Demo("x".into());
        let entry = recorder.keys.entry(&target.key("").unwrap());

        let refused =
            admit::admit(&recorder, Arc::clone(&entry), ask(Mode::Join), Source::Panic { at: 0 }).await;
        assert_eq!(refused.unwrap_err().code, ErrorCode::Internal);

        let served =
            admit::admit(&recorder, Arc::clone(&entry), ask(Mode::Join), Source::Panic { at: 1 }).await;
        let Admitted::Body { recording, .. } = served.unwrap() else { panic!("a body is served") };
        recording.sealed().await;
        assert_eq!(
            (recording.progress().state(), recording.progress().cause()),
            (State::Failed, Some(ErrorCode::Internal))
        );
        recorder.quiet().await;
        tokio::task::spawn_blocking(move || threads.close(&recorder)).await.unwrap();
    }
}
