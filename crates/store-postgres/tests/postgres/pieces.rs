//! Bytes: written in a batch, read from anywhere, and the ring of their tables.

use durablefetch_store_postgres::{Commit, Until};

use crate::world::{Database, HOUR, begin, end, key, piece, recording, stream};

#[tokio::test]
async fn bytes_of_many_recordings_are_written_at_once_and_read_from_any_offset() {
    let database = Database::new().await;
    let store = database.process(1, HOUR).await;
    let (a, b) = (key("a"), key("b"));
    let of_a = store.claim(&a).await.unwrap().unwrap();
    let of_b = store.claim(&b).await.unwrap().unwrap();
    let bucket = begin(&store, &a, of_a, 1, "ask-1").await;
    begin(&store, &b, of_b, 2, "ask-2").await;
    let pieces = [
        (&a, of_a, piece(1, bucket, 0, b"one ")),
        (&b, of_b, piece(2, bucket, 0, b"other")),
        (&a, of_a, piece(1, bucket, 4, b"two ")),
    ];
    assert!(store.append(&pieces).await.unwrap().is_empty());
    // Once more, as after a lost answer, with one that is new.
    let again = [pieces[0].clone(), (&a, of_a, piece(1, bucket, 8, b"three"))];
    assert!(store.append(&again).await.unwrap().is_empty());
    for from in 0..13 {
        assert_eq!(store.read(recording(1), from, 100).await.unwrap(), &b"one two three"[from as usize..]);
    }
    assert_eq!(store.read(recording(1), 13, 100).await.unwrap(), b"");
    assert_eq!(store.read(recording(2), 0, 100).await.unwrap(), b"other");
    // Behind a gap nothing is read.
    store.append(&[(&a, of_a, piece(1, bucket, 20, b"far"))]).await.unwrap();
    assert_eq!(store.read(recording(1), 8, 100).await.unwrap(), b"three");
}

#[tokio::test]
async fn many_small_pieces_are_read_whole() {
    let database = Database::new().await;
    let store = database.process(1, HOUR).await;
    let key = key("many");
    let holder = store.claim(&key).await.unwrap().unwrap();
    let bucket = begin(&store, &key, holder, 1, "ask-1").await;
    let pieces: Vec<_> =
        (0..100).map(|at| (&key, holder, piece(1, bucket, at, &[b'a' + (at % 26) as u8]))).collect();
    store.append(&pieces).await.unwrap();
    let read = store.read(recording(1), 3, 1000).await.unwrap();
    assert_eq!(read, (3..100u8).map(|at| b'a' + at % 26).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_table_is_emptied_once_what_is_used_has_moved_and_what_is_not_is_removed() {
    let database = Database::new().await;
    let store = database.process(1, HOUR).await;
    let key = key("ring");
    let holder = store.claim(&key).await.unwrap().unwrap();
    let bucket = begin(&store, &key, holder, 1, "ask-1").await;
    let to = (bucket + 1) % 9;
    store.append(&[(&key, holder, piece(1, bucket, 0, b"kept"))]).await.unwrap();
    assert!(!store.turn(bucket, to, 0).await.unwrap(), "it is live");
    let changes = end(1, 4);
    store.commit(&Commit::of(&key, holder, &changes)).await.unwrap();
    assert!(!store.turn(bucket, to, u64::MAX).await.unwrap(), "it is unused, and there");
    assert_eq!(store.load(&key).await.unwrap().recordings[0].bucket, bucket);
    assert!(store.turn(bucket, to, 0).await.unwrap());
    assert_eq!(store.load(&key).await.unwrap().recordings[0].bucket, to);
    assert_eq!(store.read(recording(1), 0, 100).await.unwrap(), b"kept");
    let left = format!("select count(*) from df.pieces_{bucket}");
    let left: i64 = database.client().await.query_one(&left, &[]).await.unwrap().get(0);
    assert_eq!(left, 0);
}

#[tokio::test]
async fn what_has_outlived_its_use_is_found_where_nobody_who_lives_has_it() {
    let database = Database::new().await;
    let store = database.process(1, HOUR).await;
    let (used, free) = (key("used"), key("free"));
    for (key, number) in [(&used, 1), (&free, 2)] {
        let holder = store.claim(key).await.unwrap().unwrap();
        begin(&store, key, holder, number, "ask").await;
        stream(&store, key, holder, number).await;
        store.commit(&Commit::of(key, holder, &end(number, 0))).await.unwrap();
        if number == 2 {
            assert!(store.release(key, holder).await.unwrap());
        }
    }
    let other = database.process(2, HOUR).await;
    let ended_ms = 1_700_000_001_000;
    let until = |unused_ms, retired_ms| Until { unused_ms, old_ms: 0, retired_ms, now_ms: 0 };
    assert_eq!(other.due(until(ended_ms - 1, ended_ms - 1), 10).await.unwrap(), []);
    assert_eq!(other.due(until(ended_ms, 0), 10).await.unwrap(), std::slice::from_ref(&free));
    assert_eq!(
        other.due(until(0, ended_ms), 10).await.unwrap(),
        std::slice::from_ref(&free),
        "its request id"
    );
    other.used(&[(recording(2), ended_ms + 5)]).await.unwrap();
    assert_eq!(other.due(until(ended_ms, 0), 10).await.unwrap(), [], "it was used since");
    assert_eq!(other.due(until(ended_ms + 5, 0), 10).await.unwrap(), std::slice::from_ref(&free));
    // The one that has the other key is dead.
    let dies = "update df.nodes set lease_until = clock_timestamp() where url like '%node-1:%'";
    database.client().await.batch_execute(dies).await.unwrap();
    let mut due = other.due(until(ended_ms + 5, 0), 10).await.unwrap();
    due.sort_by(|a, b| a.url().cmp(b.url()));
    assert_eq!(due, [free, used]);
}

#[tokio::test]
async fn the_tables_whose_turn_comes_next_are_empty() {
    let database = Database::new().await;
    let store = database.process(1, HOUR).await;
    let client = database.client().await;
    for table in 0..9 {
        client
            .batch_execute(&format!("insert into df.pieces_{table} values ('left', 0, 'x')"))
            .await
            .unwrap();
    }
    let turn = store.turn_next(None, 0).await.unwrap();
    let left: i64 = client.query_one("select count(*) from df.pieces", &[]).await.unwrap().get(0);
    assert_eq!((turn.is_some(), left), (true, 7));
    let key = key("now");
    let holder = store.claim(&key).await.unwrap().unwrap();
    let bucket = begin(&store, &key, holder, 1, "ask").await;
    assert_eq!(u64::from(bucket), turn.unwrap() % 9, "it is written to, and was not emptied");
    assert_eq!(store.turn_next(turn, 0).await.unwrap(), turn);
}
