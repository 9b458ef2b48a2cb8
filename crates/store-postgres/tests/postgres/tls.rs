//! TLS to the database: the certificate is for the host's name, by somebody who is trusted.

use std::time::Duration;

use durablefetch_protocol::placement::Owner;
use durablefetch_store_postgres::{Error, Options, Store};

use crate::world::{Database, HOUR};

async fn secret(database: &Database, host: &str, more: &str) -> Result<[u8; 32], Error> {
    let (port, name) = (database.server.port, &database.name);
    let url = format!("postgres://postgres@{host}:{port}/{name}{more}");
    let options = Options::parse(&url, Duration::from_secs(30))?;
    Store::new(&options, Owner(1), HOUR, HOUR)?.secret([1; 32]).await
}

#[tokio::test]
async fn who_answers_is_verified() {
    let database = Database::new().await;
    let trusted = format!("?sslrootcert={}", database.server.certificate().display());
    secret(&database, "localhost", &trusted).await.unwrap();
    let other_name = secret(&database, "127.0.0.1", &trusted).await.unwrap_err();
    assert!(matches!(&other_name, Error::Unavailable(why) if why.contains("certificate")), "{other_name}");
    let stranger = secret(&database, "localhost", "").await.unwrap_err();
    assert!(matches!(&stranger, Error::Unavailable(why) if why.contains("certificate")), "{stranger}");
}
