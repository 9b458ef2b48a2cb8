//! The lease of a process, renewed beside everything else.

use std::time::Duration;

use durablefetch_protocol::placement::Owner;
use durablefetch_store_postgres::{Renewal, Standing};
use tokio::sync::watch;

use crate::proxy::Proxy;
use crate::world::{Database, SHORT, key};

/// Long enough for a machine that is busy.
const LONGER: Duration = Duration::from_secs(2);

async fn until(standing: &mut watch::Receiver<Standing>, is: impl FnMut(&Standing) -> bool) -> Standing {
    *standing.wait_for(is).await.unwrap()
}

#[tokio::test]
async fn a_lease_is_renewed_while_the_runtime_is_busy() {
    let database = Database::new().await;
    let (store, renewal) = database.renewed(1, LONGER).await;
    let mut standing = renewal.watch();
    let since = until(&mut standing, |now| matches!(now, Standing::Held { .. })).await;
    let key = key("busy");
    store.claim(&key).await.unwrap().unwrap();
    // This thread does nothing else for longer than the lease.
    std::thread::sleep(LONGER * 2);
    assert!(store.place(&key).await.unwrap().unwrap().alive);
    assert_eq!(renewal.standing(), since);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_costs_the_lease_and_a_new_one_begins_later() {
    let database = Database::new().await;
    let proxy = Proxy::to(database.server.port).await;
    let store = database.process(1, SHORT).await;
    let key = key("away");
    store.claim(&key).await.unwrap().unwrap();
    let options = database.options_by(proxy.port, Duration::from_secs(30));
    let renewal = Renewal::start(&options, Owner(1), SHORT).unwrap();
    let mut standing = renewal.watch();
    let first = until(&mut standing, |now| matches!(now, Standing::Held { .. })).await;
    proxy.lose_all();
    // It says so at once: by its own clock the lease may be over a little before it is.
    until(&mut standing, |now| *now == Standing::Lapsed).await;
    while store.place(&key).await.unwrap().unwrap().alive {}
    proxy.pass();
    let second = until(&mut standing, |now| matches!(now, Standing::Held { .. })).await;
    let (Standing::Held { since_us: first }, Standing::Held { since_us: second }) = (first, second) else {
        panic!("{first:?}, {second:?}");
    };
    assert!(second > first, "its keys may have been taken between {first} and {second}");
}

#[tokio::test]
async fn a_process_that_is_not_listed_any_more_is_told() {
    let database = Database::new().await;
    let (store, renewal) = database.renewed(1, SHORT).await;
    let mut standing = renewal.watch();
    until(&mut standing, |now| matches!(now, Standing::Held { .. })).await;
    store.leave().await.unwrap();
    until(&mut standing, |now| *now == Standing::Gone).await;
}
