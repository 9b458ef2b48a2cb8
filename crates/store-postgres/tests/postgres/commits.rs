//! What a commit writes, all of it or nothing.

use durablefetch_protocol::ledger::Entry;
use durablefetch_protocol::life::Change;
use durablefetch_protocol::{ErrorCode, Outcome, State};
use durablefetch_store_postgres::{Commit, Committed, Error};

use crate::world::{Database, HOUR, begin, end, head, key, piece, recording, request, start, stream};

#[tokio::test]
async fn the_life_of_a_recording_is_read_as_it_was_written() {
    let database = Database::new().await;
    let store = database.process(1, HOUR).await;
    let key = key("life");
    let holder = store.claim(&key).await.unwrap().unwrap();
    let bucket = begin(&store, &key, holder, 1, "ask-1").await;
    let loaded = store.load(&key).await.unwrap();
    let stored = &loaded.recordings[0];
    assert_eq!((stored.id, stored.state, stored.bucket), (recording(1), State::Connecting, bucket));
    assert_eq!((stored.head.as_ref(), stored.ended_ms), (None, None));
    stream(&store, &key, holder, 1).await;
    let last = piece(1, bucket, 0, b"all of it");
    let mut changes = end(1, 9);
    changes.push(Change::Retire { id: recording(1), at_ms: 1_700_000_002_000 });
    let commit = Commit { last: Some(&last), ..Commit::of(&key, holder, &changes) };
    assert_eq!(store.commit(&commit).await.unwrap(), Committed::Done { bucket: None });
    let loaded = store.load(&key).await.unwrap();
    let stored = &loaded.recordings[0];
    assert_eq!((stored.state, stored.len, stored.chunks), (State::Complete, 9, 1));
    assert_eq!(stored.head.as_ref().map(|head| (head.status, head.stored_headers())), {
        let head = head();
        Some((head.status, head.stored_headers()))
    });
    assert_eq!((stored.ended_ms, stored.retired_ms), (Some(1_700_000_001_000), Some(1_700_000_002_000)));
    assert_eq!(store.read(recording(1), 0, 100).await.unwrap(), b"all of it");
    let entries: Vec<_> = loaded.ledger.entries().collect();
    assert_eq!(entries[0].outcome, Outcome::Started(recording(1)));
}

#[tokio::test]
async fn an_id_that_is_known_after_all_starts_nothing() {
    let database = Database::new().await;
    let store = database.process(1, HOUR).await;
    let key = key("twice");
    let holder = store.claim(&key).await.unwrap().unwrap();
    begin(&store, &key, holder, 1, "ask-1").await;
    let again = start(2, "ask-1");
    let refused = store.commit(&Commit::of(&key, holder, &again)).await;
    assert!(matches!(refused, Err(Error::Known)), "{refused:?}");
    let loaded = store.load(&key).await.unwrap();
    assert_eq!(loaded.recordings.len(), 1, "the recording of the second one was not written either");
    // The same id under another key is another id.
    let other = crate::world::key("other");
    let holder = store.claim(&other).await.unwrap().unwrap();
    begin(&store, &other, holder, 3, "ask-1").await;
}

#[tokio::test]
async fn what_ended_does_not_end_again() {
    let database = Database::new().await;
    let store = database.process(1, HOUR).await;
    let key = key("ended");
    let holder = store.claim(&key).await.unwrap().unwrap();
    begin(&store, &key, holder, 1, "ask-1").await;
    for (state, len) in [(State::Stopped, 5), (State::Complete, 9)] {
        let mut changes = end(1, len);
        if let Change::End { state: ended, .. } = &mut changes[0] {
            *ended = state;
        }
        store.commit(&Commit::of(&key, holder, &changes)).await.unwrap();
    }
    let loaded = store.load(&key).await.unwrap();
    assert_eq!((loaded.recordings[0].state, loaded.recordings[0].len), (State::Stopped, 5));
}

#[tokio::test]
async fn what_is_removed_is_gone_with_its_bytes_and_its_id_tells_why() {
    let database = Database::new().await;
    let store = database.process(1, HOUR).await;
    let key = key("removed");
    let holder = store.claim(&key).await.unwrap().unwrap();
    let bucket = begin(&store, &key, holder, 1, "ask-1").await;
    begin(&store, &key, holder, 2, "ask-2").await;
    let bytes =
        [(&key, holder, piece(1, bucket, 0, b"secret")), (&key, holder, piece(2, bucket, 0, b"other"))];
    assert!(store.append(&bytes).await.unwrap().is_empty());
    let entry = Entry { id: request("ask-1"), outcome: Outcome::Deleted, at_ms: 1 };
    let changes = [Change::Remove { id: recording(1) }, Change::Request { entry, answer: None }];
    let commit = Commit { known: &|_| true, ..Commit::of(&key, holder, &changes) };
    store.commit(&commit).await.unwrap();
    let loaded = store.load(&key).await.unwrap();
    assert_eq!(loaded.recordings.iter().map(|stored| stored.id).collect::<Vec<_>>(), [recording(2)]);
    let outcomes: Vec<_> = loaded.ledger.entries().map(|entry| entry.outcome).collect();
    assert_eq!(outcomes, [Outcome::Deleted, Outcome::Started(recording(2))]);
    let left: i64 =
        database.client().await.query_one("select count(*) from df.pieces", &[]).await.unwrap().get(0);
    assert_eq!(left, 1);
}

#[tokio::test]
async fn an_answer_that_is_kept_is_read_and_what_is_forgotten_may_come_anew() {
    let database = Database::new().await;
    let store = database.process(1, HOUR).await;
    let key = key("kept");
    let holder = store.claim(&key).await.unwrap().unwrap();
    begin(&store, &key, holder, 1, "ask-1").await;
    let entry = Entry { id: request("ask-1"), outcome: Outcome::Answered, at_ms: 2 };
    let changes =
        [Change::Unrecord { id: recording(1) }, Change::Request { entry, answer: Some(recording(1)) }];
    let answer = b"404\r\nNot Found\r\n\r\nnothing";
    let commit = Commit { answer: Some(answer), known: &|_| true, ..Commit::of(&key, holder, &changes) };
    store.commit(&commit).await.unwrap();
    assert_eq!(store.answer(&key, &request("ask-1")).await.unwrap().as_deref(), Some(&answer[..]));
    // Forgotten and settled in one plan: the last change counts.
    let entry = Entry { id: request("ask-1"), outcome: Outcome::NoHead(ErrorCode::UpstreamFailed), at_ms: 3 };
    let changes = [Change::Forget { id: request("ask-1") }, Change::Request { entry, answer: None }];
    let commit = Commit { known: &|_| true, ..Commit::of(&key, holder, &changes) };
    store.commit(&commit).await.unwrap();
    assert_eq!(store.answer(&key, &request("ask-1")).await.unwrap(), None);
    let changes = [Change::Forget { id: request("ask-1") }];
    store.commit(&Commit::of(&key, holder, &changes)).await.unwrap();
    assert!(store.load(&key).await.unwrap().ledger.is_empty());
    begin(&store, &key, holder, 2, "ask-1").await;
}
