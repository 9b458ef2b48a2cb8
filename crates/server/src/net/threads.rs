//! The threads that serve connections, one a core, each with a scheduler of its own.
//!
//! A recording's pump and its upstream's connection live on the thread that started it, so that in the common
//! case, one reader for one recording, a chunk goes from socket to socket without another thread being woken. What
//! does cross over, the readers of a recording that live elsewhere, goes through one [`Mailbox`] a thread: however
//! many they are, a chunk wakes each other thread once. `docs/decisions/0005-what-a-chunk-costs.md` has the figures.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::thread;

use futures_util::task::AtomicWaker;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::counted::Counted;

thread_local! {
    /// The mailbox of this thread, where it serves connections.
    static HOME: RefCell<Option<Arc<Mailbox>>> = const { RefCell::new(None) };
}

/// Tasks of one thread that others want to be woken.
#[derive(Debug, Default)]
struct Mailbox {
    wakers: Mutex<Vec<Waker>>,
    relay: AtomicWaker,
}

impl Mailbox {
    fn post(&self, waker: Waker) {
        let mut wakers = self.wakers.lock().unwrap_or_else(PoisonError::into_inner);
        wakers.push(waker);
        if wakers.len() == 1 {
            drop(wakers);
            self.relay.wake();
        }
    }

    fn take(&self) -> Vec<Waker> {
        std::mem::take(&mut *self.wakers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Wakes what is posted, for ever.
    async fn relay(&self) {
        poll_fn(|cx| {
            self.relay.register(cx.waker());
            self.take().into_iter().for_each(Waker::wake);
            Poll::<()>::Pending
        })
        .await;
    }
}

/// The thread that a task lives on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Home(Option<Arc<Mailbox>>);

impl Home {
    /// That of the calling task.
    pub(crate) fn here() -> Self {
        Self(HOME.with_borrow(Clone::clone))
    }

    /// Wakes a task that lives there.
    pub(crate) fn wake(&self, waker: Waker) {
        let elsewhere = self.0.as_ref().filter(|theirs| {
            HOME.with_borrow(|ours| ours.as_ref().is_none_or(|ours| !Arc::ptr_eq(ours, theirs)))
        });
        match elsewhere {
            Some(mailbox) => mailbox.post(waker),
            None => waker.wake(),
        }
    }
}

#[derive(Debug)]
struct Thread {
    runtime: Handle,
    tasks: Arc<AtomicUsize>,
    stop: oneshot::Sender<()>,
    join: thread::JoinHandle<()>,
}

/// The threads.
#[derive(Debug)]
pub(crate) struct Threads(Vec<Thread>);

impl Threads {
    /// Starts one a core.
    pub(crate) fn spawn() -> io::Result<Self> {
        let count = thread::available_parallelism().map_or(1, usize::from);
        (0..count).map(Thread::spawn).collect::<io::Result<_>>().map(Self)
    }

    /// Runs what `make` returns on the thread that has the fewest tasks of this kind. `make` runs there too.
    pub(crate) fn run<F: Future<Output = ()> + Send>(&self, make: impl FnOnce() -> F + Send + 'static) {
        let Some(thread) = self.0.iter().min_by_key(|thread| thread.tasks.load(Ordering::Relaxed)) else {
            return;
        };
        let counted = Counted::new(&thread.tasks);
        thread.runtime.spawn(async move {
            make().await;
            drop(counted);
        });
    }

    /// Their schedulers.
    pub(crate) fn handles(&self) -> Vec<Handle> {
        self.0.iter().map(|thread| thread.runtime.clone()).collect()
    }

    /// Drops all tasks and ends the threads. Blocks.
    pub(crate) fn close(self) {
        let stopped = self.0.into_iter().map(|thread| {
            drop(thread.stop);
            thread.join
        });
        let threads: Vec<_> = stopped.collect();
        if threads.into_iter().any(|thread| thread.join().is_err()) {
            tracing::error!("a thread that served connections has panicked");
        }
    }
}

impl Thread {
    fn spawn(index: usize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().thread_name("df-blocking").build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let join = thread::Builder::new().name(format!("df-worker-{index}")).spawn(move || {
            let mailbox = Arc::new(Mailbox::default());
            HOME.set(Some(Arc::clone(&mailbox)));
            runtime.block_on(async {
                tokio::select! {
                    () = mailbox.relay() => {}
                    // The task that is to stop it has done so, or is gone.
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { runtime: handle, tasks: Arc::default(), stop, join })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_task_is_woken_on_its_own_thread_from_anywhere() {
        let threads = Threads::spawn().unwrap();
        let (parked, waker) = mpsc::channel();
        let (woken, ran) = mpsc::channel();
        for _ in 0..20 {
            let (parked, woken) = (parked.clone(), woken.clone());
            threads.run(move || {
                let started_on = thread::current().id();
                let mut is_first = true;
                async move {
                    poll_fn(|cx| {
                        if std::mem::take(&mut is_first) {
                            parked.send((Home::here(), cx.waker().clone())).unwrap();
                            return Poll::Pending;
                        }
                        Poll::Ready(())
                    })
                    .await;
                    woken.send(thread::current().id() == started_on).unwrap();
                }
            });
        }
        for _ in 0..20 {
            let (home, waker) = waker.recv().unwrap();
            home.wake(waker);
        }
        assert!((0..20).all(|_| ran.recv().unwrap()));
        threads.close();
    }

    #[test]
    fn tasks_spread_over_the_threads_and_end_with_them() {
        let threads = Threads::spawn().unwrap();
        let count = threads.0.len();
        let (alive, dropped) = mpsc::channel::<()>();
        for _ in 0..3 * count {
            let alive = alive.clone();
            threads.run(move || async move {
                std::future::pending::<()>().await;
                drop(alive);
            });
        }
        assert!(threads.0.iter().all(|thread| thread.tasks.load(Ordering::Relaxed) == 3));
        drop(alive);
        threads.close();
        assert!(dropped.recv().is_err(), "all tasks are dropped");
    }
}
