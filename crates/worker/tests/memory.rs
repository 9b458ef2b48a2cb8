//! A slow reader costs no memory: an isolate has 128 MB for everything.

#[path = "workerd/running.rs"]
mod running;
mod workerd;

use std::time::Duration;

use durablefetch_conformance::Settings;
use durablefetch_conformance::check::Checked;
use durablefetch_conformance::client::Recorder;
use durablefetch_conformance::upstream::Upstream;
use tokio::sync::oneshot;

use running::running;

/// Of one recording.
const BODY: usize = 64 << 20;
const PIECE: usize = 64 << 10;
/// Memory of its own, in KiB: the program itself is mapped from its file.
const LIMIT: u64 = 100 * 1024;

/// `RssAnon` of a process, in KiB.
fn memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("a line of it");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// The most that a process had until it was told to stop.
async fn watch(process: u32, mut stop: oneshot::Receiver<()>) -> u64 {
    let mut most = 0;
    loop {
        most = most.max(memory(process));
        tokio::select! {
            _ = &mut stop => return most,
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_readers_of_which_ten_stand_still_stay_below_100_mb() {
    let store = tempfile::tempdir().expect("a directory");
    let (process, base) = running(workerd::serve(&Settings::default(), store.path())).await;
    let id = process.id().expect("it runs");

    let (stop, stopped) = oneshot::channel();
    let watched = tokio::spawn(watch(id, stopped));
    if let Err(oops) = run(&base).await {
        panic!("{oops}");
    }
    let _ = stop.send(());
    let most = watched.await.expect("it was watched");
    println!("{} MiB at most", most >> 10);
    assert!(most < LIMIT, "{} MiB of memory", most >> 10);
}

async fn run(base: &str) -> Checked {
    let (recorder, upstream) = (Recorder::at(base)?, Upstream::listen().await?);
    let endpoint = upstream.endpoint();
    let first = recorder.fetch("GET", &endpoint.url()).open().await?;
    let mut call = endpoint.accept().await?;
    call.head(200, &[]).await?;
    let (mut readers, mut still) = (vec![first.response().await?], Vec::new());
    for _ in 0..9 {
        readers.push(recorder.fetch("GET", &endpoint.url()).send().await?);
    }
    for _ in 0..10 {
        still.push(recorder.fetch("GET", &endpoint.url()).send().await?);
    }
    let reading: Vec<_> = readers
        .into_iter()
        .map(|mut reader| {
            tokio::spawn(async move {
                let mut length = 0;
                while let Ok(piece) = reader.piece().await? {
                    length += piece.len();
                }
                Checked::Ok(length)
            })
        })
        .collect();
    let piece = vec![b'x'; PIECE];
    for _ in 0..BODY / PIECE {
        call.send(&piece).await?;
    }
    call.end().await?;
    for reader in reading {
        assert_eq!(reader.await.expect("a reader")?, BODY);
    }
    drop(still);
    Ok(())
}
