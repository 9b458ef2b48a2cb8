//! What a dead process has left of a key.

use durablefetch_protocol::{ErrorCode, Outcome, State};
use durablefetch_store_postgres::Until;

use crate::world::{Database, HOUR, SHORT, begin, join, key, piece, recording, stream, take_over};

/// What is left of a recording with these pieces: each its offset and length.
async fn left_of(pieces: &[(u64, usize)]) -> (State, u64) {
    let database = Database::new().await;
    let dead = database.process(1, SHORT).await;
    let (taker, _renewal) = database.renewed(2, SHORT).await;
    let key = key("left");
    let holder = dead.claim(&key).await.unwrap().unwrap();
    let bucket = begin(&dead, &key, holder, 1, "ask-1").await;
    stream(&dead, &key, holder, 1).await;
    for (at, length) in pieces {
        dead.append(&[(&key, holder, piece(1, bucket, *at, &vec![b'x'; *length]))]).await.unwrap();
    }
    let taken = take_over(&taker, &key, holder).await;
    let loaded = taker.recover(&key, taken).await.unwrap().unwrap();
    let again = taker.recover(&key, taken).await.unwrap().unwrap();
    let of = |loaded: &durablefetch_store_postgres::Loaded| {
        (loaded.recordings[0].state, loaded.recordings[0].len, loaded.recordings[0].ended_ms)
    };
    assert_eq!(of(&loaded), of(&again), "it is recovered once");
    let read = taker.read(recording(1), 0, 1000).await.unwrap();
    assert_eq!(read.len() as u64, loaded.recordings[0].len, "all that is promised is there");
    (loaded.recordings[0].state, loaded.recordings[0].len)
}

#[tokio::test]
async fn what_was_live_is_interrupted_as_far_as_its_bytes_have_no_gap() {
    assert_eq!(left_of(&[(0, 10), (10, 5)]).await, (State::Interrupted, 15));
    assert_eq!(left_of(&[(0, 10), (15, 5), (20, 5)]).await, (State::Interrupted, 10));
    assert_eq!(left_of(&[(5, 10)]).await, (State::Interrupted, 0));
    assert_eq!(left_of(&[]).await, (State::Interrupted, 0));
}

#[tokio::test]
async fn what_had_no_head_leaves_its_ids() {
    let database = Database::new().await;
    let dead = database.process(1, SHORT).await;
    let (taker, _renewal) = database.renewed(2, SHORT).await;
    let key = key("connecting");
    let holder = dead.claim(&key).await.unwrap().unwrap();
    begin(&dead, &key, holder, 1, "ask-1").await;
    let taken = take_over(&taker, &key, holder).await;
    let loaded = taker.recover(&key, taken).await.unwrap().unwrap();
    assert!(loaded.recordings.is_empty());
    let outcomes: Vec<_> = loaded.ledger.entries().map(|entry| entry.outcome).collect();
    assert_eq!(outcomes, [Outcome::NoHead(ErrorCode::Interrupted)]);
}

#[tokio::test]
async fn what_a_process_has_started_itself_goes_on() {
    let database = Database::new().await;
    let store = database.process(1, HOUR).await;
    let key = key("own");
    let holder = store.claim(&key).await.unwrap().unwrap();
    begin(&store, &key, holder, 1, "ask-1").await;
    let loaded = store.recover(&key, holder).await.unwrap().unwrap();
    assert_eq!(loaded.recordings[0].state, State::Connecting);
    assert_eq!(loaded.ledger.entries().next().unwrap().outcome, Outcome::Started(recording(1)));
}

#[tokio::test]
async fn what_is_left_by_one_whose_place_another_takes_is_due_until_somebody_brings_it_in_order() {
    let database = Database::new().await;
    let dead = database.process(1, HOUR).await;
    let key = key("freed");
    let holder = dead.claim(&key).await.unwrap().unwrap();
    begin(&dead, &key, holder, 1, "ask-1").await;
    stream(&dead, &key, holder, 1).await;
    let other = database.process(2, HOUR).await;
    let until = Until { unused_ms: 0, old_ms: 0, retired_ms: 0, now_ms: 0 };
    let left = async || other.due(until, 10).await.unwrap().contains(&key);
    assert!(!left().await, "it lives");
    join(&database.unlisted(3, HOUR), 1).await;
    assert!(left().await);
    let taken = other.claim(&key).await.unwrap().unwrap();
    other.recover(&key, taken).await.unwrap().unwrap();
    assert!(!left().await, "it is in order");
    assert!(other.release(&key, taken).await.unwrap());
    assert!(!left().await, "nobody has it, and it is in order");
}
