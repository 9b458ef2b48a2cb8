//! What wakes a waiting future besides its own promise: the clock, the page coming back, the app's abort.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use js_sys::Function;
use wasm_bindgen::prelude::*;
use web_sys::{AbortController, AbortSignal};

use crate::js::sys::Signal;
use crate::js::{clock, sys};

/// The longest that `setTimeout` can wait; a longer wait is made of several.
const LONGEST_TIMEOUT_MS: u64 = 1 << 30;

/// One per response or control call. Dropping it takes every listener off and stops the timer.
pub(crate) struct Wakeup {
    shared: Rc<Shared>,
    /// The timer, and for how many milliseconds it was set.
    timer: Option<(JsValue, u64)>,
    on_timer: Closure<dyn FnMut()>,
    on_abort: Option<Closure<dyn FnMut()>>,
    signal: Option<AbortSignal>,
    /// Takes the wake listeners off, and what they call.
    wake: Option<(Function, Closure<dyn FnMut()>)>,
}

#[derive(Default)]
struct Shared {
    waker: RefCell<Option<Waker>>,
    woken: Cell<bool>,
    fired: Cell<bool>,
    /// Aborted at once when the app aborts, polled or not.
    open: RefCell<Option<AbortController>>,
    also: RefCell<Option<Box<dyn FnOnce()>>>,
}

impl Shared {
    fn wake(&self) {
        // Taken out first: the woken task may wake again.
        let waker = self.waker.borrow_mut().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Why [`Wakeup::guard`] came back without the result.
pub(crate) enum Interrupted {
    Aborted(JsValue),
    Late,
}

impl Wakeup {
    /// Wakes when this signal is aborted.
    pub(crate) fn new(signal: Option<AbortSignal>) -> Self {
        let shared = Rc::new(Shared::default());
        let on_timer = Closure::new({
            let shared = shared.clone();
            move || {
                shared.fired.set(true);
                shared.wake();
            }
        });
        let on_abort = signal.as_ref().map(|signal| {
            let shared = shared.clone();
            let closure = Closure::new(move || {
                let open = shared.open.borrow_mut().take();
                sys::let_go(open.as_ref(), &JsValue::UNDEFINED);
                let also = shared.also.borrow_mut().take();
                if let Some(also) = also {
                    also();
                }
                shared.wake();
            });
            signal.unchecked_ref::<Signal>().listen("abort", function(&closure));
            closure
        });
        Self { shared, timer: None, on_timer, on_abort, signal, wake: None }
    }

    /// Wakes also when the network or the page comes back, from the first call on.
    pub(crate) fn listen_for_wake(&mut self) {
        if self.wake.is_some() {
            return;
        }
        let shared = self.shared.clone();
        let closure = Closure::new(move || {
            shared.woken.set(true);
            shared.wake();
        });
        self.wake = Some((sys::on_wake(function(&closure)), closure));
    }

    /// Done when the app aborts, besides ending what is open.
    pub(crate) fn also_on_abort(&self, also: Box<dyn FnOnce()>) {
        *self.shared.also.borrow_mut() = Some(also);
    }

    /// The signal's reason, once it is aborted.
    pub(crate) fn aborted(&self) -> Option<JsValue> {
        self.signal.as_ref().filter(|signal| signal.aborted()).map(AbortSignal::reason)
    }

    /// A new request is about to be made: its controller, and the signal to give to it.
    pub(crate) fn open(&self) -> Option<(AbortController, AbortSignal)> {
        let controller = AbortController::new().ok()?;
        let signal = sys::follow(&controller, self.signal.as_ref());
        *self.shared.open.borrow_mut() = Some(controller.clone());
        Some((controller, signal))
    }

    /// Whether the page or the network came back since this was last asked.
    pub(crate) fn take_woken(&self) -> bool {
        self.shared.woken.replace(false)
    }

    /// Remembers whom to wake. Called before anything else is polled.
    pub(crate) fn attend(&self, cx: &Context<'_>) {
        let mut waker = self.shared.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
    }

    /// Wakes at that time. A timer that fires earlier is left alone: bodies move their deadline with every
    /// chunk, and a look at the clock costs less than a new timer. What counts is how long a timer was set for, not
    /// when it seemed to fire: timers run by another clock, so after a jump of ours it may be an hour late.
    /// True if the time has come.
    pub(crate) fn wake_at(&mut self, due: Option<u64>) -> bool {
        if self.shared.fired.replace(false) {
            self.timer = None;
        }
        let Some(due) = due else { return false };
        let now = clock::now();
        if now >= due {
            return true;
        }
        let wait = (due - now).min(LONGEST_TIMEOUT_MS);
        if self.timer.as_ref().is_none_or(|(_, set_for)| *set_for > wait) {
            self.stop_timer();
            self.timer = Some((sys::set_timeout(function(&self.on_timer), wait as i32), wait));
        }
        false
    }

    /// Runs a future until it ends, the app aborts or time is up.
    pub(crate) async fn guard<F: Future>(&mut self, future: F, due: u64) -> Result<F::Output, Interrupted> {
        let mut future = pin!(future);
        poll_fn(|cx| {
            self.attend(cx);
            if let Some(reason) = self.aborted() {
                return Poll::Ready(Err(Interrupted::Aborted(reason)));
            }
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(output));
            }
            if self.wake_at(Some(due)) { Poll::Ready(Err(Interrupted::Late)) } else { Poll::Pending }
        })
        .await
    }

    /// Nothing is waited for: a timer would keep a script of Node.js from ending.
    pub(crate) fn stop_timer(&mut self) {
        if let Some((timer, _)) = self.timer.take() {
            sys::clear_timeout(&timer);
        }
    }
}

impl Drop for Wakeup {
    fn drop(&mut self) {
        self.stop_timer();
        if let Some((unlisten, _)) = self.wake.take() {
            let _ = unlisten.call0(&JsValue::UNDEFINED);
        }
        if let (Some(signal), Some(closure)) = (&self.signal, &self.on_abort) {
            signal.unchecked_ref::<Signal>().unlisten("abort", function(closure));
        }
    }
}

fn function(closure: &Closure<dyn FnMut()>) -> &Function {
    closure.as_ref().unchecked_ref()
}
