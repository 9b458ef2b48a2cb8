//! Connections that wait for another request to the same upstream.

use std::sync::{Arc, Mutex, PoisonError};

use durablefetch_protocol::destination::Lifted;

use crate::upstream::line::Line;
use crate::upstream::ways::Way;

/// As many wait at most. What is in use does not count: each recording has one.
const IDLE_MAX: usize = 64;

/// What two requests have to have in common to share a connection, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Destination {
    /// Scheme, host and port that are connected to.
    origin: String,
    /// The host that is asked for.
    authority: String,
    /// What its address was checked by.
    lifted: Lifted,
    /// Whose it is, where the operator has not named the upstream: how soon an answer comes does not tell somebody
    /// which upstreams others ask.
    scope: Option<Arc<str>>,
}

impl Destination {
    pub(crate) fn new(way: &Way, authority: &str, scope: &Arc<str>) -> Self {
        let origin = way.url[..url::Position::BeforePath].to_owned();
        let scope = (!way.lifted.named).then(|| Arc::clone(scope));
        Self { origin, authority: authority.to_owned(), lifted: way.lifted, scope }
    }
}

/// Connections that are idle, the one that was used last at the end.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<Vec<(Destination, Line)>>);

impl Kept {
    /// One that leads there, if there is any, best one of the calling thread.
    pub(crate) fn take(&self, to: &Destination) -> Option<Line> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, line)| line.is_open());
        let fitting = || (0..idle.len()).rev().filter(|&at| idle[at].0 == *to);
        let at = fitting().find(|&at| idle[at].1.is_here()).or_else(|| fitting().next())?;
        let (_, line) = idle.remove(at);
        line.resume();
        Some(line)
    }

    /// Keeps one whose answer has come to its end.
    pub(crate) fn put(&self, to: Destination, line: Line) {
        if !line.is_open() {
            return;
        }
        line.rest();
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, line)| line.is_open());
        if idle.len() == IDLE_MAX {
            let oldest = (0..idle.len()).min_by_key(|&at| idle[at].1.until());
            oldest.map(|at| idle.swap_remove(at));
        }
        idle.push((to, line));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use http::{Request, Response};
    use tokio::sync::oneshot;
    use tokio::time::{Instant, advance};

    use super::*;
    use crate::upstream::budget::Budget;

    const KEPT_FOR: Duration = Duration::from_secs(60);

    fn destination(authority: &str) -> Destination {
        let url = format!("https://{authority}/x").parse().unwrap();
        let way = Way { url, is_mapped: false, lifted: Lifted::default() };
        Destination::new(&way, authority, &"somebody".into())
    }

    /// A connection that has answered once, and what its upstream tells when it is over. Where the sender is dropped,
    /// the upstream does nothing any more.
    async fn used() -> (Line, oneshot::Receiver<()>, oneshot::Sender<()>) {
        let (here, there) = tokio::io::duplex(1 << 16);
        let (over, is_over) = oneshot::channel();
        let (stays, mut gone) = oneshot::channel();
        tokio::spawn(async move {
            let mut connection = h2::server::handshake(there).await.unwrap();
            loop {
                tokio::select! {
                    asked = connection.accept() => {
                        let Some(Ok((_, mut answer))) = asked else { break };
                        answer.send_response(Response::new(()), true).unwrap();
                    }
                    _ = &mut gone => std::future::pending().await,
                }
            }
            over.send(()).unwrap();
        });
        let (stream, traffic) = Budget::new(here);
        let until = Instant::now() + KEPT_FOR;
        let mut line = Line::open(stream, traffic, None, until, Duration::from_secs(10)).await.unwrap();
        ask(&mut line).await;
        (line, is_over, stays)
    }

    /// One that is kept, where it leads, and the rest of [`used`].
    async fn one_kept() -> (Kept, Destination, oneshot::Receiver<()>, oneshot::Sender<()>) {
        let (kept, to) = (Kept::default(), destination("a.example"));
        let (line, is_over, stays) = used().await;
        kept.put(to.clone(), line);
        (kept, to, is_over, stays)
    }

    async fn ask(line: &mut Line) {
        let request = Request::get("https://a.example/x").body(()).unwrap();
        line.ask(request, Bytes::new()).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn one_is_asked_for_a_minute_after_its_address_was_checked_and_then_closed() {
        let (kept, to, mut is_over, _stays) = one_kept().await;
        for _ in 0..2 {
            advance(Duration::from_secs(29)).await;
            let mut line = kept.take(&to).expect("it is kept");
            ask(&mut line).await;
            assert!(is_over.try_recv().is_err());
            kept.put(to.clone(), line);
        }
        is_over.await.unwrap();
        assert!(kept.take(&to).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_in_use_when_its_minute_is_over_is_not_kept_any_more() {
        let (kept, to, is_over, _stays) = one_kept().await;
        let mut line = kept.take(&to).unwrap();
        ask(&mut line).await;
        advance(KEPT_FOR).await;
        kept.put(to.clone(), line);
        assert!(kept.take(&to).is_none());
        is_over.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn one_whose_upstream_has_gone_without_a_word_is_found_out() {
        let (kept, to, _is_over, stays) = one_kept().await;
        drop(stays);
        tokio::time::sleep(Duration::from_secs(21)).await;
        assert!(kept.take(&to).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn one_leads_where_it_was_made_to_lead() {
        let (kept, to, _is_over, _stays) = one_kept().await;
        let lifted = Lifted { own_machine: true, ..Lifted::default() };
        for other in [
            destination("b.example"),
            destination("a.example:444"),
            Destination { lifted, ..to.clone() },
            Destination { authority: "b.example".into(), ..to.clone() },
            Destination { scope: Some("somebody else".into()), ..to.clone() },
        ] {
            assert!(kept.take(&other).is_none(), "{other:?}");
        }
        assert!(kept.take(&to).is_some());
        assert!(kept.take(&to).is_none(), "it is taken");
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_wait_and_the_oldest_goes_first() {
        let kept = Kept::default();
        let mut ends = Vec::new();
        for number in 0..=IDLE_MAX {
            let (line, is_over, stays) = used().await;
            kept.put(destination(&format!("{number}.example")), line);
            ends.push((is_over, stays));
            advance(Duration::from_millis(1)).await;
        }
        let (first, _) = &mut ends[0];
        first.await.unwrap();
        assert!(kept.take(&destination("0.example")).is_none());
        assert!(kept.take(&destination("1.example")).is_some());
    }
}
