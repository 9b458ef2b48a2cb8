//! A key of a dead process: when it may be taken, by whom, and what the dead one may still do.

use durablefetch_protocol::State;
use durablefetch_store_postgres::{Commit, Committed};

use crate::world::{
    Database, HOUR, SHORT, begin, end, key, piece, recording, start, stream, take_over, until_one_waits,
};

#[tokio::test]
async fn nobody_takes_what_a_process_with_a_lease_has() {
    let database = Database::new().await;
    let one = database.process(1, HOUR).await;
    let (two, _renewal) = database.renewed(2, SHORT).await;
    let key = key("alive");
    let holder = one.claim(&key).await.unwrap().unwrap();
    // Its own lease is long enough by then, so that only the other one's stands in the way.
    let other = crate::world::key("dead");
    let dead = database.process(3, SHORT).await;
    let of_dead = dead.claim(&other).await.unwrap().unwrap();
    take_over(&two, &other, of_dead).await;
    assert_eq!(two.take_over(&key, holder).await.unwrap(), None);
}

#[tokio::test]
async fn nobody_takes_anything_whose_own_lease_has_not_run_for_long_enough_or_who_drains() {
    let database = Database::new().await;
    let dead = database.process(1, SHORT).await;
    let (draining, _of_draining) = database.renewed(2, SHORT).await;
    draining.drain().await.unwrap();
    let (fit, _of_fit) = database.renewed(3, SHORT).await;
    let (key, probe) = (key("dead"), crate::world::key("probe"));
    let holder = dead.claim(&key).await.unwrap().unwrap();
    let of_probe = dead.claim(&probe).await.unwrap().unwrap();
    // By now every process that joined before `fit` may take over, too, unless it drains.
    take_over(&fit, &probe, of_probe).await;
    let fresh = database.process(4, SHORT).await;
    assert_eq!(fresh.take_over(&key, holder).await.unwrap(), None);
    assert_eq!(draining.take_over(&key, holder).await.unwrap(), None);
    take_over(&fit, &key, holder).await;
}

#[tokio::test]
async fn what_another_one_has_taken_meanwhile_is_not_taken_from_the_first() {
    let database = Database::new().await;
    let dead = database.process(1, SHORT).await;
    let (second, of_second) = database.renewed(2, SHORT).await;
    let (third, _of_third) = database.renewed(3, SHORT).await;
    let key = key("moved");
    let holder = dead.claim(&key).await.unwrap().unwrap();
    let taken = take_over(&second, &key, holder).await;
    // It dies as well: its lease is not what keeps the third one from it.
    drop(of_second);
    while third.place(&key).await.unwrap().unwrap().alive {}
    assert_eq!(third.take_over(&key, holder).await.unwrap(), None);
    let last = take_over(&third, &key, taken).await;
    assert!(holder.epoch < taken.epoch && taken.epoch < last.epoch);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_take_over_one_does() {
    let database = Database::new().await;
    let dead = database.process(1, SHORT).await;
    let (two, _of_two) = database.renewed(2, SHORT).await;
    let (three, _of_three) = database.renewed(3, SHORT).await;
    let key = key("raced");
    let holder = dead.claim(&key).await.unwrap().unwrap();
    let mut tasks = Vec::new();
    for store in [&two, &three].into_iter().cycle().take(16) {
        let (store, key) = (store.clone(), key.clone());
        tasks.push(tokio::spawn(async move {
            loop {
                if let Some(taken) = store.take_over(&key, holder).await.unwrap() {
                    return Some(taken);
                }
                if store.place(&key).await.unwrap().unwrap().holder != Some(holder) {
                    return None;
                }
            }
        }));
    }
    let mut taken = Vec::new();
    for task in tasks {
        taken.extend(task.await.unwrap());
    }
    assert_eq!(taken.len(), 1, "{taken:?}");
    assert_eq!(two.place(&key).await.unwrap().unwrap().holder, Some(taken[0]));
}

#[tokio::test]
async fn a_paused_process_that_writes_after_a_takeover_is_fenced() {
    let database = Database::new().await;
    let paused = database.process(1, SHORT).await;
    let (taker, _renewal) = database.renewed(2, SHORT).await;
    let key = key("paused");
    let holder = paused.claim(&key).await.unwrap().unwrap();
    let bucket = begin(&paused, &key, holder, 1, "ask-1").await;
    stream(&paused, &key, holder, 1).await;
    assert!(paused.append(&[(&key, holder, piece(1, bucket, 0, b"one "))]).await.unwrap().is_empty());
    let taken = take_over(&taker, &key, holder).await;
    let loaded = taker.recover(&key, taken).await.unwrap().unwrap();
    assert_eq!((loaded.recordings[0].state, loaded.recordings[0].len), (State::Interrupted, 4));
    // It wakes up, and goes on where it was.
    let late = piece(1, bucket, 4, b"two");
    assert_eq!(paused.append(&[(&key, holder, late.clone())]).await.unwrap(), [recording(1)]);
    let ended = end(1, 7);
    let commit = Commit { last: Some(&late), ..Commit::of(&key, holder, &ended) };
    assert_eq!(paused.commit(&commit).await.unwrap(), Committed::Fenced);
    let started = start(2, "ask-2");
    assert_eq!(paused.commit(&Commit::of(&key, holder, &started)).await.unwrap(), Committed::Fenced);
    let loaded = taker.load(&key).await.unwrap();
    assert_eq!(loaded.recordings.len(), 1);
    assert_eq!((loaded.recordings[0].state, loaded.recordings[0].len), (State::Interrupted, 4));
    assert_eq!(taker.read(recording(1), 0, 100).await.unwrap(), b"one ");
}

#[tokio::test]
async fn a_process_that_claims_again_does_not_write_under_its_earlier_epoch() {
    let database = Database::new().await;
    let store = database.process(1, HOUR).await;
    let key = key("again");
    let first = store.claim(&key).await.unwrap().unwrap();
    assert!(store.release(&key, first).await.unwrap());
    let second = store.claim(&key).await.unwrap().unwrap();
    let started = start(1, "ask-1");
    assert_eq!(store.commit(&Commit::of(&key, first, &started)).await.unwrap(), Committed::Fenced);
    assert!(matches!(
        store.commit(&Commit::of(&key, second, &started)).await.unwrap(),
        Committed::Done { .. }
    ));
}

/// What `for share` is there for: a commit that has begun before a takeover is seen by the one who takes over. Without the
/// clause both go on, and the recording appears after the key was loaded.
#[tokio::test(flavor = "multi_thread")]
async fn a_takeover_waits_for_a_commit_that_has_begun() {
    const HELD_BACK: &str = "
        create function held_back() returns trigger language plpgsql as $$
        begin perform pg_advisory_lock_shared(1); perform pg_advisory_unlock_shared(1); return new; end $$;
        create trigger held_back before insert on df.recordings for each row execute function held_back()";
    let database = Database::new().await;
    let owner = database.process(1, SHORT).await;
    let (taker, _renewal) = database.renewed(2, SHORT).await;
    let key = key("held-back");
    let holder = owner.claim(&key).await.unwrap().unwrap();
    let gate = database.client().await;
    gate.batch_execute(HELD_BACK).await.unwrap();
    gate.batch_execute("select pg_advisory_lock(1)").await.unwrap();
    // Nothing is in the way but the row's lock once its lease has run out.
    while taker.place(&key).await.unwrap().unwrap().alive {}
    let committing = tokio::spawn({
        let (owner, key) = (owner.clone(), key.clone());
        async move {
            let changes = start(1, "ask-1");
            owner.commit(&Commit::of(&key, holder, &changes)).await
        }
    });
    until_one_waits(&gate, "advisory").await;
    let mut taking = tokio::spawn({
        let (taker, key) = (taker.clone(), key.clone());
        async move {
            let taken = take_over(&taker, &key, holder).await;
            taker.recover(&key, taken).await.unwrap().unwrap()
        }
    });
    let early = tokio::select! {
        loaded = &mut taking => Some(loaded.unwrap()),
        () = until_one_waits(&gate, "transactionid") => None,
    };
    gate.batch_execute("select pg_advisory_unlock(1)").await.unwrap();
    let committed = committing.await.unwrap().unwrap();
    let loaded = match early {
        Some(loaded) => loaded,
        None => taking.await.unwrap(),
    };
    assert!(matches!(committed, Committed::Done { .. }), "{committed:?}");
    // It was connecting when its process died: its request id tells of it.
    assert_eq!(loaded.ledger.len(), 1, "the commit was not seen by the one who took over");
    assert_eq!(taker.load(&key).await.unwrap().recordings.len(), 0, "a recording without a process is left");
}
