//! A commit whose answer does not arrive: what became of it is read.

use std::time::Duration;

use durablefetch_protocol::State;
use durablefetch_protocol::placement::Owner;
use durablefetch_store_postgres::{Commit, Committed, Error, Store};

use crate::proxy::Proxy;
use crate::world::{
    Database, HOUR, SHORT, begin, end, join, key, piece, recording, start, take_over, until_one_waits,
};

const WITHIN: Duration = Duration::from_secs(30);

/// A process behind a proxy.
async fn behind(proxy: &Proxy, database: &Database, timeout: Duration, lease: Duration) -> Store {
    let options = database.options_by(proxy.port, timeout);
    let store = Store::new(&options, Owner(1), lease, HOUR).unwrap();
    join(&store, 1).await;
    store
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_whose_question_or_answer_is_lost_is_written_once() {
    let database = Database::new().await;
    let proxy = Proxy::to(database.server.port).await;
    let store = behind(&proxy, &database, WITHIN, HOUR).await;
    let key = key("lost");
    let holder = store.claim(&key).await.unwrap().unwrap();
    // From here on the connection has the statement prepared: the next question is the commit itself.
    begin(&store, &key, holder, 1, "ask-1").await;
    for (number, id) in [(2, "ask-2"), (3, "ask-3"), (4, "ask-4"), (5, "ask-5")] {
        if number % 2 == 0 {
            proxy.lose_answer()
        } else {
            proxy.lose_question()
        }
        let changes = start(number, id);
        let committed = store.commit_surely(&Commit::of(&key, holder, &changes), WITHIN).await.unwrap();
        assert!(proxy.has_lost());
        assert!(matches!(committed, Committed::Done { bucket: Some(_) }), "{committed:?}");
        let loaded = store.load(&key).await.unwrap();
        assert_eq!((loaded.recordings.len() as u128, loaded.ledger.len() as u128), (number, number));
        // The connection that is new has it prepared, too.
        let changes = [durablefetch_protocol::life::Change::Use { id: recording(1), at_ms: 1 }];
        store.commit(&Commit::of(&key, holder, &changes)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_whose_answer_is_lost_is_there_with_its_last_bytes() {
    let database = Database::new().await;
    let proxy = Proxy::to(database.server.port).await;
    let store = behind(&proxy, &database, WITHIN, HOUR).await;
    let key = key("ends");
    let holder = store.claim(&key).await.unwrap().unwrap();
    let bucket = begin(&store, &key, holder, 1, "ask-1").await;
    proxy.lose_answer();
    let last = piece(1, bucket, 0, b"whole");
    let changes = end(1, 5);
    let commit = Commit { last: Some(&last), ..Commit::of(&key, holder, &changes) };
    assert_eq!(store.commit_surely(&commit, WITHIN).await.unwrap(), Committed::Done { bucket: None });
    assert!(proxy.has_lost());
    assert_eq!(store.load(&key).await.unwrap().recordings[0].state, State::Complete);
    assert_eq!(store.read(recording(1), 0, 9).await.unwrap(), b"whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_found_out_is_not_said_to_be_written() {
    let database = Database::new().await;
    let proxy = Proxy::to(database.server.port).await;
    let timeout = Duration::from_millis(500);
    let store = behind(&proxy, &database, WITHIN, SHORT).await;
    let hasty = Store::new(&database.options_by(proxy.port, timeout), Owner(1), SHORT, HOUR).unwrap();
    let key = key("away");
    let holder = store.claim(&key).await.unwrap().unwrap();
    begin(&store, &key, holder, 1, "ask-1").await;
    proxy.lose_all();
    let changes = start(2, "ask-2");
    let commit = Commit::of(&key, holder, &changes);
    let refused = hasty.commit_surely(&commit, timeout).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    // Meanwhile another process has the key: it is read that it is so.
    let (taker, _renewal) = database.renewed(2, SHORT).await;
    take_over(&taker, &key, holder).await;
    proxy.pass();
    assert_eq!(store.commit_surely(&commit, WITHIN).await.unwrap(), Committed::Fenced);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_somebody_else_has_is_waited_for_in_turns() {
    let database = Database::new().await;
    let store = database.process(1, HOUR).await;
    let key = key("busy");
    let holder = store.claim(&key).await.unwrap().unwrap();
    let mut other = database.client().await;
    let transaction = other.transaction().await.unwrap();
    transaction.execute("select from df.keys for update", &[]).await.unwrap();
    let changes = start(1, "ask-1");
    let refused = store.commit(&Commit::of(&key, holder, &changes)).await;
    assert!(matches!(refused, Err(Error::Busy(_))), "{refused:?}");
    let within = Duration::from_millis(300);
    let refused = store.commit_surely(&Commit::of(&key, holder, &changes), within).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    let committing = tokio::spawn(async move {
        let changes = start(2, "ask-2");
        store.commit_surely(&Commit::of(&key, holder, &changes), WITHIN).await
    });
    until_one_waits(&database.client().await, "transactionid").await;
    transaction.rollback().await.unwrap();
    assert!(matches!(committing.await.unwrap().unwrap(), Committed::Done { .. }));
}
