//! Who has a key: claimed by one, released, claimed again.

use std::collections::HashSet;

use crate::world::{Database, HOUR, begin, key};
use durablefetch_protocol::placement::Owner;
use durablefetch_store_postgres::Commit;

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_claim_a_key_one_has_it_and_the_others_read_who() {
    let database = Database::new().await;
    let mut stores = Vec::new();
    for number in 1..=3 {
        stores.push(database.process(number, HOUR).await);
    }
    for round in 0..20 {
        let key = key(&format!("raced-{round}"));
        let mut tasks = Vec::new();
        for store in stores.iter().cycle().take(24) {
            let (store, key) = (store.clone(), key.clone());
            tasks.push(tokio::spawn(async move {
                if let Some(holder) = store.claim(&key).await.unwrap() {
                    return (holder, true);
                }
                // Another statement always sees it.
                let place = store.place(&key).await.unwrap().unwrap();
                assert!(place.alive, "{place:?}");
                (place.holder.unwrap(), false)
            }));
        }
        let (mut holders, mut won) = (HashSet::new(), 0);
        for task in tasks {
            let (holder, has_won) = task.await.unwrap();
            holders.insert(holder);
            won += usize::from(has_won);
        }
        assert_eq!((won, holders.len()), (1, 1), "round {round}: {holders:?}");
    }
}

#[tokio::test]
async fn what_was_released_is_claimed_under_a_later_epoch() {
    let database = Database::new().await;
    let (one, two) = (database.process(1, HOUR).await, database.process(2, HOUR).await);
    let key = key("released");
    let first = one.claim(&key).await.unwrap().unwrap();
    assert_eq!(two.claim(&key).await.unwrap(), None);
    assert!(one.release(&key, first).await.unwrap());
    assert_eq!(one.place(&key).await.unwrap(), None, "nothing was stored of it");
    let second = two.claim(&key).await.unwrap().unwrap();
    assert!(second.owner == Owner(2) && second.epoch > first.epoch, "{second:?} after {first:?}");
    // What comes late changes nothing.
    assert!(!one.release(&key, first).await.unwrap());
    assert_eq!(two.place(&key).await.unwrap().unwrap().holder, Some(second));
}

#[tokio::test]
async fn a_key_with_something_live_is_not_released_and_one_with_something_stored_stays_known() {
    let database = Database::new().await;
    let store = database.process(1, HOUR).await;
    let key = key("live");
    let holder = store.claim(&key).await.unwrap().unwrap();
    begin(&store, &key, holder, 1, "ask-1").await;
    assert!(!store.release(&key, holder).await.unwrap());
    let changes = crate::world::end(1, 0);
    store.commit(&Commit::of(&key, holder, &changes)).await.unwrap();
    assert!(store.release(&key, holder).await.unwrap());
    let place = store.place(&key).await.unwrap().unwrap();
    assert_eq!((place.holder, place.alive), (None, false));
}

#[tokio::test]
async fn a_process_that_leaves_or_is_followed_at_its_address_has_nothing() {
    let database = Database::new().await;
    let (one, two) = (database.process(1, HOUR).await, database.process(2, HOUR).await);
    let key = key("left");
    let holder = one.claim(&key).await.unwrap().unwrap();
    assert_eq!(one.still_holds(&[(key.clone(), holder)]).await.unwrap(), [true]);
    // Another process at the address of the first one: that one is dead, whatever its lease says.
    let successor = database.unlisted(3, HOUR);
    crate::world::join(&successor, 1).await;
    assert_eq!(one.still_holds(&[(key.clone(), holder)]).await.unwrap(), [false]);
    let holder = two.claim(&key).await.unwrap().unwrap();
    two.leave().await.unwrap();
    assert_eq!(two.still_holds(&[(key.clone(), holder)]).await.unwrap(), [false]);
    assert!(successor.claim(&key).await.unwrap().is_some());
}

#[tokio::test]
async fn the_secret_is_the_first_ones() {
    let database = Database::new().await;
    let mut tasks = Vec::new();
    for number in 1..=8 {
        let store = database.unlisted(number.into(), HOUR);
        tasks.push(tokio::spawn(async move { store.secret([number; 32]).await.unwrap() }));
    }
    let mut secrets = HashSet::new();
    for task in tasks {
        secrets.insert(task.await.unwrap());
    }
    assert_eq!(secrets.len(), 1);
}
