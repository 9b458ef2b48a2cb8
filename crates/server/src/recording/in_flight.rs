//! The recordings in flight: which there are, and how many there may be.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use durablefetch_protocol::access::allowance::Allowance;
use durablefetch_protocol::placement::Owner;
use durablefetch_protocol::{ErrorCode, Key, RecordingId};
use tokio::sync::Notify;

use crate::config::Limits;
use crate::recording::Recording;

/// The recordings in flight.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    inner: Mutex<Inner>,
    /// The last one of them has ended.
    quiet: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    recordings: HashMap<RecordingId, Arc<Recording>>,
    /// Seats taken, by scope. A start takes one before its recording is in flight.
    seats: HashMap<String, usize>,
    taken: usize,
    /// Of demo streams, which anybody may start.
    demos: usize,
    /// Those of processes that drain, by scope: they count for the same limits.
    elsewhere: HashMap<Owner, HashMap<String, usize>>,
}

/// Demo streams at once, at most. They are there to be looked at, and take seats of others.
const DEMOS_MAX: usize = 100;

/// The right to have one recording in flight. Given back when dropped, unless [`Seat::keep`] was called.
#[derive(Debug)]
pub(crate) struct Seat<'a> {
    in_flight: &'a InFlight,
    /// `None` once the seat is kept.
    key: Option<&'a Key>,
}

impl InFlight {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A seat for a recording of this key, where there is one. `leaving` of its scope go for it.
    pub(crate) fn seat<'a>(
        &'a self,
        key: &'a Key,
        limits: &Limits,
        allowance: Allowance,
        leaving: usize,
    ) -> Result<Seat<'a>, ErrorCode> {
        let mut inner = self.lock();
        let scope = key.scope();
        let own_of_scope = inner.seats.get(scope).copied().unwrap_or(0);
        let elsewhere =
            |of: &dyn Fn(&HashMap<String, usize>) -> usize| inner.elsewhere.values().map(of).sum::<usize>();
        let of_scope = own_of_scope + elsewhere(&|seats| seats.get(scope).copied().unwrap_or(0));
        let taken = inner.taken + elsewhere(&|seats| seats.values().sum());
        // What everybody has is not one person's.
        let own = allowance.recordings.map(|count| usize::try_from(count).unwrap_or(usize::MAX));
        let most_of_scope = own.or(limits.scope_recordings).filter(|_| !scope.is_empty());
        let most_demos = DEMOS_MAX.min(limits.recordings.div_ceil(2));
        if taken >= limits.recordings
            || most_of_scope.is_some_and(|most| of_scope.saturating_sub(leaving) >= most)
            || key.is_demo() && inner.demos >= most_demos
        {
            return Err(ErrorCode::TooManyRecordings);
        }
        inner.seats.insert(scope.to_owned(), own_of_scope + 1);
        inner.taken += 1;
        inner.demos += usize::from(key.is_demo());
        Ok(Seat { in_flight: self, key: Some(key) })
    }

    fn give_back(&self, inner: &mut Inner, key: &Key) {
        inner.taken = inner.taken.saturating_sub(1);
        inner.demos = inner.demos.saturating_sub(usize::from(key.is_demo()));
        if let Some(seats) = inner.seats.get_mut(key.scope()) {
            *seats -= 1;
            if *seats == 0 {
                inner.seats.remove(key.scope());
            }
        }
        if inner.taken == 0 {
            self.quiet.notify_waiters();
        }
    }

    /// How many seats are taken.
    pub(crate) fn taken(&self) -> usize {
        self.lock().taken
    }

    /// How many seats of each scope are taken.
    pub(crate) fn seats(&self) -> HashMap<String, usize> {
        self.lock().seats.clone()
    }

    /// Seats that are taken in a process that drains.
    pub(crate) fn set_elsewhere(&self, owner: Owner, seats: HashMap<String, usize>) {
        let mut inner = self.lock();
        if seats.is_empty() {
            inner.elsewhere.remove(&owner);
        } else {
            inner.elsewhere.insert(owner, seats);
        }
    }

    /// A recording is in flight no more. Returns how many are.
    pub(crate) fn remove(&self, id: RecordingId) -> usize {
        let mut inner = self.lock();
        if let Some(removed) = inner.recordings.remove(&id) {
            self.give_back(&mut inner, &removed.key);
        }
        inner.recordings.len()
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<Arc<Recording>> {
        self.lock().recordings.values().cloned().collect()
    }

    /// Waits until none is in flight, and none about to be.
    pub(crate) async fn quiet(&self) {
        loop {
            let quiet = self.quiet.notified();
            tokio::pin!(quiet);
            quiet.as_mut().enable();
            if self.lock().taken == 0 {
                return;
            }
            quiet.await;
        }
    }
}

impl Seat<'_> {
    /// The recording is in flight; [`InFlight::remove`] gives the seat back. Returns how many are.
    pub(crate) fn keep(mut self, recording: &Arc<Recording>) -> usize {
        self.key = None;
        let mut inner = self.in_flight.lock();
        inner.recordings.insert(recording.id, Arc::clone(recording));
        inner.recordings.len()
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            let mut inner = self.in_flight.lock();
            self.in_flight.give_back(&mut inner, key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: Allowance = Allowance { recordings: None, bytes: None, age_ms: None };

    #[test]
    fn seats_are_counted_by_scope_and_in_all() {
        let in_flight = InFlight::default();
        let limits = Limits { recordings: 3, scope_recordings: Some(2), ..Limits::default() };
        let [a, b, c] = ["a", "b", "c"].map(|scope| Key::new(scope, "https://app.example/"));
        let first = in_flight.seat(&a, &limits, ANY, 0).unwrap();
        let _second = in_flight.seat(&a, &limits, ANY, 0).unwrap();
        assert_eq!(in_flight.seat(&a, &limits, ANY, 0).unwrap_err(), ErrorCode::TooManyRecordings);
        let _third = in_flight.seat(&b, &limits, ANY, 0).unwrap();
        assert!(in_flight.seat(&c, &limits, ANY, 0).is_err(), "as many as there may be in all");
        drop(first);
        drop(in_flight.seat(&a, &limits, ANY, 0).unwrap());
        assert_eq!(in_flight.lock().taken, 2);
        assert_eq!(in_flight.lock().seats.get("a"), Some(&1));
    }

    #[test]
    fn a_token_says_how_many_its_scope_may_have_and_not_how_many_there_may_be_in_all() {
        let in_flight = InFlight::default();
        let limits = Limits { recordings: 3, scope_recordings: Some(1), ..Limits::default() };
        let key = Key::new("a", "https://app.example/");
        let of = |count| Allowance { recordings: Some(count), ..ANY };
        let seats = [(); 2].map(|()| in_flight.seat(&key, &limits, of(2), 0).unwrap());
        assert!(in_flight.seat(&key, &limits, of(2), 0).is_err());
        drop(in_flight.seat(&key, &limits, of(2), 1).unwrap());
        let third = in_flight.seat(&key, &limits, of(9), 0).unwrap();
        assert!(in_flight.seat(&key, &limits, of(9), 0).is_err(), "as many as there may be in all");
        drop((seats, third));
    }

    #[test]
    fn demo_streams_leave_seats_to_others() {
        let in_flight = InFlight::default();
        let limits = Limits::default();
        let key = |url: &str| Key::new("", url);
        let keys: Vec<_> = (0..DEMOS_MAX).map(|number| key(&format!("demo:{number}"))).collect();
        let (more, other) = (key("demo:more"), key("https://app.example/"));
        let demos: Vec<_> = keys.iter().map(|demo| in_flight.seat(demo, &limits, ANY, 0).unwrap()).collect();
        assert_eq!(in_flight.seat(&more, &limits, ANY, 0).unwrap_err(), ErrorCode::TooManyRecordings);
        assert!(in_flight.seat(&other, &limits, ANY, 0).is_ok());
        drop(demos);
        assert!(in_flight.seat(&more, &limits, ANY, 0).is_ok());
    }
}
