//! The built-in event stream. What it sends is in the protocol crate; here it gets a clock.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use durablefetch_protocol::demo::Script;
use durablefetch_protocol::response_head::Head;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::clock::now_ms;
use crate::upstream::opened::Opened;

/// The body of a demo stream.
pub(crate) struct Demo {
    script: Script,
    sent: u32,
    ticks: Interval,
}

impl Demo {
    pub(crate) fn open(script: Script) -> Opened<Self> {
        let mut ticks = interval(script.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Opened {
            head: Head::of_demo(script),
            cookies: Vec::new(),
            length: None,
            body: Self { script, sent: 0, ticks },
        }
    }

    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.script.event(self.sent + 1, 0).is_none() {
            return Poll::Ready(None);
        }
        ready!(self.ticks.poll_tick(cx));
        self.sent += 1;
        Poll::Ready(self.script.event(self.sent, now_ms()).map(Bytes::from))
    }
}
