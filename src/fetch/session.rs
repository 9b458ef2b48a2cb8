//! Drives the reader state machine: promises, clock and signals in, requests and chunks out.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use durablefetch_protocol::State;
use durablefetch_protocol::follow::{Action, Answer, Event, Failure, Follower, Outset, Request, Told};
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, ReadableStreamDefaultReader, ReadableStreamReadResult, Response};

use crate::app_request::AppRequest;
use crate::error;
use crate::js::object::{Field, object};
use crate::js::wakeup::Wakeup;
use crate::js::{clock, sys};
use crate::state::ClientState;
use crate::wire::head::Seen;
use crate::wire::recorder::OpenBody;
use crate::wire::send::Lost;
use crate::wire::{request, status};

/// How long the body of a refusal may take; without it the code has to do.
const REFUSAL_MS: u64 = 5_000;

/// How long after a chunk the body may break at the earliest. Whatever pipes it (`pipeThrough`, the AI SDK) throws
/// away what it has not consumed yet when its source breaks, and a replay brings all of it at once.
const FAREWELL_MS: u64 = 100;

/// How long an idle chat tries to reach a recorder that has never answered.
const IDLE_MS: u32 = 1_000;

/// Who is told how a response goes: a chat.
pub(crate) trait Observer {
    /// Before the first request is sent.
    fn watch_abort(&self, wakeup: &Wakeup);
    /// The head has come: the recording is known.
    fn head(&self, recording: &str);
    /// The body ended clean, in this state. An error to end it with instead, if there is one.
    fn finished(&self, state: State) -> Option<JsValue>;
    /// Given up. `in_body`: after the head had come.
    fn failed(&self, in_body: bool);
    /// The recorder or the upstream said that nothing came of it, in contrast to no answer. `ended`: the recording is
    /// over and not whole.
    fn told(&self, ended: bool);
}

/// One app-side response, from the first request to the end of its body.
pub(crate) struct Session {
    client: Rc<ClientState>,
    app_request: Rc<AppRequest>,
    observer: Option<Box<dyn Observer>>,
    reader: Follower,
    wakeup: Wakeup,
    source: Source,
    /// The status is asked for.
    status: Option<Asked>,
    controller: Option<AbortController>,
    /// The app has its response; from now on everything is about the body.
    started: bool,
    last_chunk: u64,
    /// The attempt that the app was told of: this is waiting for a connection.
    announced: Option<u32>,
    /// What the connection last broke with.
    cause: JsValue,
}

type Asking = Pin<Box<dyn Future<Output = Result<(Response, Seen), Lost>>>>;
type Asked = Pin<Box<dyn Future<Output = Told>>>;
type Telling = Pin<Box<dyn Future<Output = JsValue>>>;

enum Source {
    /// Waiting for the clock, or over.
    Idle,
    Asking(Asking),
    Body(
        ReadableStreamDefaultReader,
        Option<JsFuture>,
        #[expect(dead_code, reason = "it counts for as long as it is kept")] OpenBody,
    ),
    /// A response without a body.
    Empty,
    /// The recorder said no and is saying why, until then.
    Refusal(Telling, u64),
    /// Broken, which the app learns then.
    Farewell(JsValue, u64),
}

/// What there is for the app.
pub(crate) enum Step {
    /// The head of the app's response; its body is polled from here.
    Head(Response),
    /// A response to hand on as it is.
    Pass(Response),
    Chunk(JsValue),
    Done,
    Failed(JsValue),
}

impl Session {
    /// Sends the app's request, or attaches to a recording.
    pub(crate) fn new(
        client: Rc<ClientState>,
        app_request: Rc<AppRequest>,
        observer: Option<Box<dyn Observer>>,
        attach: Option<&str>,
    ) -> Self {
        let wakeup = Wakeup::new(app_request.signal.clone());
        if let Some(observer) = &observer {
            observer.watch_abort(&wakeup);
        }
        let mut policy = client.policy;
        if app_request.is_idle {
            policy.first_answer_ms = policy.first_answer_ms.min(IDLE_MS);
        } else if client.warned.direct.get() {
            policy.first_answer_ms = 0;
        }
        let (now, seed) = (clock::now(), crate::js::id::seed());
        let reader = match attach {
            Some(recording) => Follower::attach(policy, now, seed, recording),
            None => {
                let (resendable, answered) = (app_request.is_resendable(), client.recorder.answered());
                let outset = Outset::new(resendable, answered, app_request.body_size());
                Follower::new(policy, now, seed, outset)
            }
        };
        let mut new = Self {
            client,
            app_request,
            observer,
            reader,
            wakeup,
            source: Source::Idle,
            status: None,
            controller: None,
            started: false,
            last_chunk: 0,
            announced: None,
            cause: JsValue::UNDEFINED,
        };
        new.send(new.reader.request());
        new
    }

    /// The next thing for the app before there is a body.
    pub(crate) async fn head(&mut self) -> Step {
        let step = poll_fn(|cx| {
            let step = self.poll(cx);
            // Adding a page's first listeners costs 1 ms, so it waits until the request is sent.
            self.wakeup.listen_for_wake();
            step
        })
        .await;
        self.wakeup.stop_timer();
        step
    }

    /// The next thing for the app. Silence counts from the first call after a chunk.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        let mut pull = self.started;
        loop {
            self.wakeup.attend(cx);
            if let Some(reason) = self.wakeup.aborted() {
                self.let_go();
                return Poll::Ready(Step::Failed(reason));
            }
            if std::mem::take(&mut pull)
                && let Some(step) = self.tell(Event::Pull)
            {
                return Poll::Ready(step);
            }
            let Poll::Ready(step) = self.happening(cx) else { return Poll::Pending };
            if let Some(step) = step {
                return Poll::Ready(step);
            }
        }
    }

    /// Does what the next thing that happens asks for; ready with what it means to the app, if anything.
    fn happening(&mut self, cx: &mut Context<'_>) -> Poll<Option<Step>> {
        if self.wakeup.take_woken() {
            return Poll::Ready(self.tell(Event::Woken));
        }
        if let Some(asked) = &mut self.status
            && let Poll::Ready(told) = asked.as_mut().poll(cx)
        {
            self.status = None;
            let action = self.reader.on(Event::Told(told), clock::now());
            if action == Action::Go && matches!(told, Told::Is(..)) {
                self.connected();
            }
            return Poll::Ready(self.trouble(action));
        }
        match &mut self.source {
            Source::Idle => {}
            Source::Empty => return Poll::Ready(self.tell(Event::End)),
            Source::Asking(asking) => {
                if let Poll::Ready(answer) = asking.as_mut().poll(cx) {
                    self.source = Source::Idle;
                    return Poll::Ready(match answer {
                        Ok((response, seen)) => self.on_answer(response, seen),
                        Err(Lost::Network(cause)) => self.on_broken(cause),
                        Err(Lost::Final(error)) => self.failed(error),
                    });
                }
            }
            Source::Body(body, reading, _) => {
                let read = reading.get_or_insert_with(|| JsFuture::from(body.read()));
                if let Poll::Ready(read) = Pin::new(read).poll(cx) {
                    *reading = None;
                    return Poll::Ready(match read {
                        Ok(result) => self.on_read(result.unchecked_into()),
                        Err(cause) => self.on_broken(cause),
                    });
                }
            }
            Source::Refusal(told, until) => {
                let error = match told.as_mut().poll(cx) {
                    Poll::Ready(error) => error,
                    Poll::Pending if self.wakeup.wake_at(Some(*until)) => error::mismatch(),
                    Poll::Pending => return Poll::Pending,
                };
                return Poll::Ready(self.failed(error));
            }
            Source::Farewell(error, until) => {
                if self.wakeup.wake_at(Some(*until)) {
                    return Poll::Ready(Some(Step::Failed(error.clone())));
                }
                return Poll::Pending;
            }
        }
        if self.wakeup.wake_at(self.reader.deadline()) {
            let action = self.reader.on(Event::Tick, clock::now());
            Poll::Ready(self.trouble(action))
        } else {
            Poll::Pending
        }
    }

    fn on_read(&mut self, result: ReadableStreamReadResult) -> Option<Step> {
        if result.get_done().unwrap_or_default() {
            return self.tell(Event::End);
        }
        let chunk = result.get_value();
        let now = clock::now();
        let length = chunk.unchecked_ref::<Uint8Array>().byte_length();
        self.reader.on(Event::Chunk(length as usize), now);
        self.last_chunk = now;
        // Ahead of the app: while it looks at this one, the platform fetches the next.
        if let Source::Body(body, reading, _) = &mut self.source {
            *reading = Some(JsFuture::from(body.read()));
        }
        Some(Step::Chunk(chunk))
    }

    fn on_broken(&mut self, cause: JsValue) -> Option<Step> {
        self.cause = cause;
        let action = self.reader.on(Event::Broken, clock::now());
        if action == Action::Ask {
            self.let_go();
        }
        self.trouble(action)
    }

    fn on_answer(&mut self, response: Response, seen: Seen) -> Option<Step> {
        let now = clock::now();
        if self.client.recorder.answered() {
            self.reader.heard();
        }
        let action = self.reader.on(Event::Head(seen.head()), now);
        if matches!(action, Action::Accept | Action::PassThrough | Action::Finish(_)) {
            self.connected();
        }
        match action {
            Action::Ask => {
                self.let_go();
                self.act(action)
            }
            Action::Finish(state) => {
                if let Some(controller) = self.controller.take() {
                    sys::finish(&controller, &response);
                }
                self.finished(state)
            }
            Action::Fail(Failure::NoRecorder(_)) => {
                let error = self.client.recorder.no_recorder(&seen);
                self.failed(error)
            }
            Action::Accept => {
                self.source = match response.body() {
                    Some(body) => {
                        let open = self.client.recorder.opened();
                        Source::Body(body.get_reader().unchecked_into(), None, open)
                    }
                    None => Source::Empty,
                };
                if let Some(recording) = self.reader.recording() {
                    self.client.asks(&self.app_request, recording);
                    if let Some(observer) = &self.observer {
                        observer.head(recording);
                    }
                }
                (!std::mem::replace(&mut self.started, true)).then_some(Step::Head(response))
            }
            Action::PassThrough => {
                if seen.answer == Answer::Unrecorded && !(200..300).contains(&seen.status) {
                    self.told(false);
                }
                // The app owns it now; the signal it was sent with still follows the app's.
                self.controller = None;
                Some(Step::Pass(response))
            }
            Action::Fail(Failure::Refused(_)) => {
                self.told(false);
                let told = Box::pin(error::refused(response, seen.error));
                self.source = Source::Refusal(told, now + REFUSAL_MS);
                None
            }
            action => self.trouble(action),
        }
    }

    /// Tells the reader what happened where nothing is known to be wrong, and does what it says.
    fn tell(&mut self, event: Event<'_>) -> Option<Step> {
        let action = self.reader.on(event, clock::now());
        self.act(action)
    }

    /// Does what the reader says where something is wrong: the app learns that it has to wait.
    fn trouble(&mut self, action: Action) -> Option<Step> {
        if matches!(action, Action::Send(_) | Action::Wait) {
            self.let_go();
            self.waiting();
        }
        self.act(action)
    }

    fn act(&mut self, action: Action) -> Option<Step> {
        match action {
            Action::Go | Action::Accept | Action::PassThrough => None,
            Action::Send(request) => {
                self.let_go();
                self.send(request);
                None
            }
            Action::Wait => {
                self.let_go();
                None
            }
            Action::Ask => {
                let recording = self.reader.recording().map(Into::into);
                let (recorder, app_request) = (self.client.recorder.clone(), self.app_request.clone());
                self.status = Some(Box::pin(status::told(recorder, app_request, recording)));
                None
            }
            Action::Finish(state) => {
                self.let_go();
                self.finished(state)
            }
            Action::Fail(failure) => {
                if matches!(failure, Failure::Ended(_)) {
                    self.told(true);
                }
                let error = self.error(failure);
                self.failed(error)
            }
        }
    }

    fn send(&mut self, request: Request) {
        let Some((controller, signal)) = self.wakeup.open() else { return };
        self.controller = Some(controller);
        let recording = self.reader.recording().map(Into::into);
        let asking =
            request::ask(self.client.recorder.clone(), self.app_request.clone(), request, recording, signal);
        self.source = Source::Asking(Box::pin(asking));
    }

    #[inline(never)]
    fn told(&self, ended: bool) {
        if let Some(observer) = &self.observer {
            observer.told(ended);
        }
    }

    /// All of it has come, or there is nothing but the head.
    pub(crate) fn deliver(&self) {
        if self.app_request.is_get() {
            self.client.deliver(&self.app_request.href, self.reader.recording());
        }
    }

    fn finished(&mut self, state: State) -> Option<Step> {
        if state == State::Complete {
            self.deliver();
        }
        match self.observer.as_ref().and_then(|observer| observer.finished(state)) {
            Some(error) => self.farewell(error),
            None => Some(Step::Done),
        }
    }

    fn failed(&mut self, error: JsValue) -> Option<Step> {
        self.let_go();
        if let Some(observer) = &self.observer {
            observer.failed(self.started);
        }
        self.farewell(error)
    }

    fn farewell(&mut self, error: JsValue) -> Option<Step> {
        let until = self.last_chunk + FAREWELL_MS;
        if !self.started || clock::now() >= until {
            return Some(Step::Failed(error));
        }
        self.source = Source::Farewell(error, until);
        None
    }

    fn error(&self, failure: Failure) -> JsValue {
        let host = self.client.recorder.url.host();
        match failure {
            Failure::Network | Failure::Refused(_) => error::network(host, &self.cause),
            Failure::Unreachable => self.client.recorder.unreachable(&self.cause),
            Failure::Intermediary(status) | Failure::NoRecorder(status) => error::intermediary(host, status),
            Failure::Misfit(status) => error::misfit(host, status),
            Failure::Held => error::held(host),
            Failure::Redirected => error::redirected(host),
            Failure::Ended(state) => error::ended(state),
        }
    }

    /// Another attempt is due. Said once for each: first it is waited for, then it is made.
    fn waiting(&mut self) {
        let attempt = Some(self.reader.attempt());
        if std::mem::replace(&mut self.announced, attempt) != attempt {
            self.announce("waiting");
        }
    }

    fn connected(&mut self) {
        if self.announced.take().is_some() {
            self.announce("connected");
        }
    }

    fn announce(&self, phase: &str) {
        let callbacks = [&self.app_request.on_reconnect, &self.client.on_reconnect];
        if callbacks.iter().all(|callback| callback.is_none()) {
            return;
        }
        let event = object(&[
            ("url", Field::Text(&self.app_request.href)),
            ("attempt", Field::Number(self.reader.attempt().into())),
            ("offset", Field::Number(self.reader.offset() as f64)),
            ("phase", Field::Text(phase)),
        ]);
        for callback in callbacks.into_iter().flatten() {
            if let Err(thrown) = callback.call1(&JsValue::UNDEFINED, &event) {
                // The app's mistake must not cost it its response.
                sys::console_error(&thrown);
            }
        }
    }

    /// Ends what is open, before anything else is opened: a browser has six connections to a host on HTTP/1.1.
    fn let_go(&mut self) {
        self.status = None;
        let body = match std::mem::replace(&mut self.source, Source::Idle) {
            Source::Body(body, ..) => body.into(),
            _ => JsValue::UNDEFINED,
        };
        sys::let_go(self.controller.take().as_ref(), &body);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.let_go();
    }
}
