//! The tables: made once by many, and refused to those that are too old.

use durablefetch_store_postgres::{Error, MIN_READER, Node, Setting, VERSION};

use crate::world::{Database, HOUR, join};

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

#[tokio::test]
async fn an_earlier_layout_is_added_to_and_stays_of_use_to_its_own_version() {
    let database = Database::new().await;
    let client = database.client().await;
    client
        .batch_execute("alter table df.nodes drop column settings; drop index df.recordings_live; update df.version set version = 1")
        .await
        .unwrap();
    // As the first version joined.
    let first = "insert into df.nodes (id, url, spki, version, since, lease_until)
        values (gen_random_uuid(), 'https://first:8788', '\\x01', 1, clock_timestamp(), clock_timestamp() + interval '1 hour')";
    client.execute(first, &[]).await.unwrap();
    let store = database.unlisted(2, HOUR);
    store.migrate().await.unwrap();
    join(&store, 2).await;
    assert_eq!(store.nodes().await.unwrap().len(), 2);
    let version = client.query_one("select version, min_reader from df.version", &[]).await.unwrap();
    assert_eq!((version.get::<_, i32>(0), version.get::<_, i32>(1)), (VERSION, MIN_READER));
    client.execute(&first.replace("first:", "another-first:"), &[]).await.unwrap();
}

#[tokio::test]
async fn one_that_would_give_what_is_somebodys_to_everybody_is_not_listed() {
    let database = Database::new().await;
    let settings = |scope: &str, ttl: &str| {
        [("scope-by", scope, true), ("ttl", ttl, false)].map(|(name, value, must_agree)| Setting {
            name,
            value: value.to_owned(),
            must_agree,
        })
    };
    let node = |number: u32| Node { url: format!("https://node-{number}:8788"), spki: vec![1] };
    let (first, second) = (database.unlisted(1, HOUR), database.unlisted(2, HOUR));
    assert!(first.join(&node(1), &settings("cookie:sid", "6h")).await.unwrap().is_empty());
    let refused = second.join(&node(2), &settings("unset", "6h")).await.unwrap_err();
    let said = "--scope-by is unset here and cookie:sid in the recorder at https://node-1:8788";
    assert_eq!(refused.to_string(), said);
    assert_eq!(first.nodes().await.unwrap().len(), 1);
    // How long is told, and no more.
    let told = second.join(&node(2), &settings("cookie:sid", "12h")).await.unwrap();
    assert_eq!(told[0].to_string(), "--ttl is 12h here and 6h in the recorder at https://node-1:8788");
    assert_eq!(first.nodes().await.unwrap().len(), 2);
    // One that comes again at the same address is not compared with what it was.
    second.leave().await.unwrap();
    let again = database.unlisted(3, HOUR);
    assert!(again.join(&node(1), &settings("unset", "6h")).await.unwrap().is_empty());
}
