//! What stands between a process and its database, and loses answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What becomes of the next bytes.
const PASS: u8 = 0;
/// A question arrives and its answer does not: the connection is cut.
const LOSE_ANSWER: u8 = 1;
/// A question does not arrive.
const LOSE_QUESTION: u8 = 2;
/// Nothing arrives, from now on; no connection is made.
const NOTHING: u8 = 3;

pub(crate) struct Proxy {
    pub(crate) port: u16,
    mode: Arc<AtomicU8>,
}

impl Proxy {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mode = Arc::new(AtomicU8::new(PASS));
        let own = listener.local_addr().unwrap().port();
        let shared = mode.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, port, shared.clone()));
            }
        });
        Self { port: own, mode }
    }

    pub(crate) fn lose_answer(&self) {
        self.mode.store(LOSE_ANSWER, Ordering::SeqCst);
    }

    pub(crate) fn lose_question(&self) {
        self.mode.store(LOSE_QUESTION, Ordering::SeqCst);
    }

    pub(crate) fn lose_all(&self) {
        self.mode.store(NOTHING, Ordering::SeqCst);
    }

    pub(crate) fn pass(&self) {
        self.mode.store(PASS, Ordering::SeqCst);
    }

    /// Whether a question or an answer was lost since it was to be.
    pub(crate) fn has_lost(&self) -> bool {
        self.mode.load(Ordering::SeqCst) == PASS
    }
}

async fn carry(mut client: TcpStream, port: u16, mode: Arc<AtomicU8>) {
    if mode.load(Ordering::SeqCst) == NOTHING {
        return;
    }
    let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let (mut asked, mut told) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                match mode.load(Ordering::SeqCst) {
                    LOSE_QUESTION => { mode.store(PASS, Ordering::SeqCst); return }
                    NOTHING => return,
                    _ => if server.write_all(&asked[..length]).await.is_err() { return },
                }
            }
            read = server.read(&mut told) => {
                let Ok(length @ 1..) = read else { return };
                match mode.load(Ordering::SeqCst) {
                    LOSE_ANSWER => { mode.store(PASS, Ordering::SeqCst); return }
                    NOTHING => return,
                    _ => if client.write_all(&told[..length]).await.is_err() { return },
                }
            }
        }
    }
}
