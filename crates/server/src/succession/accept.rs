//! Connections of other processes: of those that share the data directory, and of those of the cluster.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use super::peers;
use crate::net::peer;
use crate::net::threads::Threads;
use crate::net::transport::Transport;
use crate::recorder::Recorder;

/// Answers what other processes of the data directory pass on and ask, on the threads that serve connections.
pub(crate) async fn peers(listener: Option<&peer::Listener>, recorder: &Arc<Recorder>, threads: &Threads) {
    let Some(listener) = listener else { return std::future::pending().await };
    loop {
        match listener.accept().await {
            Ok(Some(stream)) => {
                let recorder = Arc::clone(recorder);
                threads.run(move || async move {
                    match stream.here() {
                        Ok(stream) => peers::serve(Transport::Peer(stream), recorder).await,
                        Err(error) => tracing::warn!("a connection cannot be served: {error}"),
                    }
                });
            }
            // Of another user.
            Ok(None) => {}
            Err(error) => unaccepted(&error).await,
        }
    }
}

/// Answers what other processes of the cluster pass on.
pub(crate) async fn cluster(listener: Option<&TcpListener>, recorder: &Arc<Recorder>, threads: &Threads) {
    let Some(listener) = listener else { return std::future::pending().await };
    loop {
        let accepted = listener.accept().await.and_then(|(stream, _)| stream.into_std());
        match accepted {
            Ok(stream) => {
                let recorder = Arc::clone(recorder);
                threads.run(move || async move {
                    let Some(cluster) = &recorder.cluster else { return };
                    let accepted = match TcpStream::from_std(stream) {
                        Ok(stream) => cluster.accept(stream).await,
                        Err(error) => Err(error),
                    };
                    match accepted {
                        Ok(Some(stream)) => {
                            peers::serve(Transport::Tls(Box::new(stream)), Arc::clone(&recorder)).await
                        }
                        Ok(None) => tracing::warn!(
                            "somebody who is not of the cluster has connected to --peer-listen"
                        ),
                        Err(error) => tracing::debug!("a connection of the cluster ended: {error}"),
                    }
                });
            }
            Err(error) => unaccepted(&error).await,
        }
    }
}

async fn unaccepted(error: &io::Error) {
    tracing::warn!("another process's connection cannot be accepted: {error}");
    sleep(Duration::from_millis(50)).await;
}
