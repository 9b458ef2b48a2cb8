//! The built-in event stream, for trying a recorder in two tabs: twenty events, one a second.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use durablefetch_protocol::answer::Head;
use http::{HeaderMap, HeaderValue};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::clock::now_ms;
use crate::source::{Opened, SourceBody};

const EVENTS: u32 = 20;
const EVERY: Duration = Duration::from_secs(1);

/// The body of a demo stream.
pub(crate) struct Demo {
    sent: u32,
    ticks: Interval,
}

impl Demo {
    pub(crate) fn open() -> Opened {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("text/event-stream; charset=utf-8"));
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Opened {
            head: Head { status: 200, reason: b"OK".to_vec(), headers },
            cookies: Vec::new(),
            length: None,
            body: SourceBody::Demo(Self { sent: 0, ticks }),
        }
    }

    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.sent == EVENTS {
            return Poll::Ready(None);
        }
        ready!(self.ticks.poll_tick(cx));
        self.sent += 1;
        let (n, at) = (self.sent, now_ms());
        Poll::Ready(Some(format!("id: {n}\ndata: {{\"event\":{n},\"of\":{EVENTS},\"at\":{at}}}\n\n").into()))
    }
}
