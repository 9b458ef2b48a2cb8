//! The tables: made once by many, and refused to those that are too old.

use durablefetch_store_postgres::{Error, MIN_READER, VERSION};

use crate::world::{Database, HOUR};

#[tokio::test(flavor = "multi_thread")]
async fn many_processes_make_the_tables_once() {
    let database = Database::empty().await;
    let mut tasks = Vec::new();
    for number in 0..8 {
        let store = database.unlisted(number, HOUR);
        tasks.push(tokio::spawn(async move { store.migrate().await }));
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let rows =
        database.client().await.query("select version, min_reader from df.version", &[]).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].get::<_, i32>(0), rows[0].get::<_, i32>(1)), (VERSION, MIN_READER));
}

#[tokio::test]
async fn a_later_layout_is_used_as_long_as_it_lets_this_version() {
    let database = Database::new().await;
    let client = database.client().await;
    let store = database.unlisted(1, HOUR);
    client.execute("update df.version set version = $1", &[&(VERSION + 1)]).await.unwrap();
    store.migrate().await.unwrap();
    client.execute("update df.version set min_reader = $1", &[&(VERSION + 1)]).await.unwrap();
    let refused = store.migrate().await.unwrap_err();
    assert!(matches!(refused, Error::TooNew { min_reader, .. } if min_reader == VERSION + 1), "{refused:?}");
    assert!(refused.to_string().contains("Update this program"), "{refused}");
}
