//! The alarm of an object: it comes for what is due, and to see whether what is live still is.

use std::rc::Rc;
use std::time::Duration;

use wasm_bindgen_futures::spawn_local;

use super::Core;
use crate::js::sys;

/// While something is live, the alarm comes this often: it brings back an object that the platform has lost,
/// and the fresh instance marks what was live as interrupted.
const HEARTBEAT_MS: u64 = 30_000;

impl Core {
    /// Sets the alarm for what comes next, if it is not set early enough. As long as something is stored there is one:
    /// whatever becomes of this instance, another one will look at it.
    pub(crate) fn set_alarm(self: &Rc<Self>) {
        if !self.store.is_made() {
            return;
        }
        let (now_ms, keep) = (sys::now_ms(), self.keep());
        let due_ms = {
            let life = self.life.borrow();
            match life.due_ms(keep) {
                _ if life.is_live() => now_ms + HEARTBEAT_MS,
                Some(due_ms) => due_ms.max(now_ms + 100),
                // What has ended is being written.
                None => now_ms.saturating_add(keep.unused_ms),
            }
        };
        let set_ms = self.alarm_ms.get();
        if set_ms != 0 && set_ms <= due_ms {
            return;
        }
        self.alarm_ms.set(due_ms);
        let core = Rc::clone(self);
        spawn_local(async move {
            let delay = Duration::from_millis(due_ms - now_ms);
            if let Err(error) = core.state.storage().set_alarm(delay).await {
                worker::console_error!("alarm: {error}");
                core.alarm_ms.set(0);
            }
        });
    }

    /// The alarm has come: removes what is due and sets the next one.
    pub(crate) async fn on_alarm(self: &Rc<Self>) {
        self.alarm_ms.set(0);
        if let Err(error) = self.expire() {
            error.log();
        }
        let is_empty = self.life.borrow().is_empty() && self.recordings.borrow().is_empty();
        if is_empty && self.store.is_made() {
            // An object without storage costs nothing and is forgotten by the platform.
            self.store.forgotten();
            if let Err(error) = self.state.storage().delete_all().await {
                worker::console_error!("storage: {error}");
            }
            return;
        }
        self.set_alarm();
    }
}
