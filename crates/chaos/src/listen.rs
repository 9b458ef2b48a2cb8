//! A port of this machine that something answers for as long as it is there.

use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpStream};

/// Listens on a free port, which it returns, and has each connection served until `shared` is dropped.
pub(crate) async fn listen<T, F>(shared: &Arc<T>, serve: fn(Arc<T>, TcpStream) -> F) -> Result<u16>
where
    T: Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.context("a proxy cannot listen")?;
    let port = listener.local_addr()?.port();
    let weak = Arc::downgrade(shared);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let Some(shared) = weak.upgrade() else { return };
            tokio::spawn(serve(shared, client));
        }
    });
    Ok(port)
}
