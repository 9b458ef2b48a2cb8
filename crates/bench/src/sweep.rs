//! What a start costs while housekeeping removes what has outlived its use: a store of many recordings and of request
//! ids that are past remembering, on a recorder that finds them at its start.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use rusqlite::{Connection, OpenFlags, params};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep};

use crate::client::Response;
use crate::native::servers::{Server, fresh};
use crate::target::{Stream, Target};
use crate::upstream::Upstream;

/// Requests at a time while the store is filled.
const FILLERS: usize = 32;
/// Starts at a time while they are measured, without a pause between one and the next.
const STARTERS: usize = 4;
/// Starts that are measured while nothing is swept.
const CALM: u64 = 5_000;
/// Bytes of a recording.
const CHUNK: usize = 150;
/// What is older than this is swept; ids are, in any case, after ten minutes.
const TTL: Duration = Duration::from_hours(1);
/// A sweep that takes longer than this is stuck.
const PATIENCE: Duration = Duration::from_mins(10);

/// What to measure.
#[derive(Debug, Clone)]
pub struct Sweep {
    /// The recorder's program.
    pub recorder: PathBuf,
    /// Finished recordings in the store.
    pub recordings: u64,
    /// Request ids that nothing has been recorded for.
    pub ids: u64,
}

/// How long starts took, in milliseconds.
#[derive(Debug, Clone)]
pub struct Row {
    /// What went on beside them.
    pub beside: String,
    /// How many there were.
    pub starts: u64,
    /// In how many seconds.
    pub seconds: f64,
    /// Of half of them, of 99 in 100, and the longest.
    pub ms: [f64; 3],
}

impl Sweep {
    /// Fills a store and measures starts: with nothing to sweep, beside a sweep of the ids, and beside one of everything.
    ///
    /// # Errors
    /// Where a recorder does not start, or something cannot be recorded.
    pub async fn run(&self, upstream: &Upstream) -> Result<Vec<Row>> {
        let folder = fresh("sweep")?;
        let measured = self.measure(&folder, upstream).await;
        let _ = std::fs::remove_dir_all(&folder);
        measured
    }

    async fn measure(&self, data: &Path, upstream: &Upstream) -> Result<Vec<Row>> {
        let start = || {
            let mut command = Command::new(&self.recorder);
            command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).env("RUST_LOG", "warn");
            command.args(["--ttl", &format!("{}s", TTL.as_secs())]);
            Server::announced(command, upstream.address(), "/{upstream}", None)
        };
        let recorder = start()?;
        self.fill(&recorder.target, upstream).await?;
        let calm = starts(&recorder.target, "nothing", "calm", async |done: u64| Ok(done >= CALM)).await?;
        drop(recorder);

        // Recordings that stay are what ids are looked for among.
        let ids = age(data, "UPDATE requests SET at_ms = ?1 WHERE outcome = 'stop-at-arrival'", 2 * TTL)?;
        ensure!(ids == self.ids, "{ids} request ids are stopped at arrival, not {}", self.ids);
        let recorder = start()?;
        let beside = format!("a sweep of {ids} old request ids, {} recordings stay", self.recordings);
        let some = starts(&recorder.target, &beside, "ids", async |_| Ok(due(data).await? == 0)).await?;
        drop(recorder);

        let old = age(data, "UPDATE recordings SET used_ms = ?1, ended_ms = ?1", 2 * TTL)?;
        let ids = age(data, "UPDATE requests SET at_ms = ?1", 2 * TTL)?;
        let recorder = start()?;
        let beside = format!("a sweep of {old} recordings and {ids} request ids");
        let all = starts(&recorder.target, &beside, "all", async |_| Ok(due(data).await? == 0)).await?;
        Ok(vec![calm, some, all])
    }

    async fn fill(&self, target: &Target, upstream: &Upstream) -> Result<()> {
        let ids = self.ids;
        let at = upstream.address();
        at_a_time(FILLERS, ids, target, async move |number, target| {
            let url = format!("http://{at}/never-{number}");
            let body = format!("{{\"url\":\"{url}\",\"request\":\"unseen-{number}\"}}");
            let head = format!(
                "POST /stop HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            let mut stream = TcpStream::connect(target.address).await?;
            stream.write_all((head + &body).as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            ensure!(answer.starts_with("HTTP/1.1 20"), "a stop was refused: {answer}");
            Ok(())
        })
        .await?;
        at_a_time(FILLERS, self.recordings, target, async |number, target| {
            record(target, &format!("fill-{number}")).await.map(drop)
        })
        .await
    }
}

/// Does something so many times.
async fn at_a_time(
    lanes: usize,
    times: u64,
    target: &Target,
    what: impl AsyncFn(u64, &Target) -> Result<()> + Clone + 'static,
) -> Result<()> {
    let mut all = JoinSet::new();
    for lane in 0..lanes as u64 {
        let (target, what) = (target.clone(), what.clone());
        all.spawn_local(async move {
            for number in (lane..times).step_by(lanes) {
                what(number, &target).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = all.join_next().await {
        done??;
    }
    Ok(())
}

/// Starts a recording and reads it to its end. Returns when its head was there.
async fn record(target: &Target, name: &str) -> Result<Duration> {
    let stream = Stream { name: name.to_owned(), chunk: CHUNK, every_us: 0, chunks: 1 };
    let began = Instant::now();
    let id = format!("durablefetch-request: {name}\r\n");
    let mut response = Response::get(target.address, &target.path(&stream.path()), &id).await?;
    let took = began.elapsed();
    ensure!(response.status == 200, "a start was answered {}", response.status);
    let mut buffer = vec![0; 1024];
    while response.read(&mut buffer, |_| Ok(())).await? {}
    Ok(took)
}

/// Starts one recording after the other until it is over, of which `over` is asked now and then.
async fn starts(
    target: &Target,
    beside: &str,
    name: &str,
    over: impl AsyncFn(u64) -> Result<bool>,
) -> Result<Row> {
    let took = Rc::new(RefCell::new(Histogram::<u64>::new(3)?));
    let began = Instant::now();
    let mut all = JoinSet::new();
    for starter in 0..STARTERS {
        let (target, took, name) = (target.clone(), Rc::clone(&took), name.to_owned());
        all.spawn_local(async move {
            for number in 0u64.. {
                let one = record(&target, &format!("{name}-{starter}-{number}")).await?;
                took.borrow_mut().record(one.as_micros() as u64)?;
            }
            anyhow::Ok(())
        });
    }
    let until = async {
        loop {
            let done = took.borrow().len();
            if over(done).await? {
                return anyhow::Ok(());
            }
            ensure!(began.elapsed() < PATIENCE, "{beside}: not over after {} starts", done);
            sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        over = until => over?,
        failed = all.join_next() => failed.context("nobody starts")???,
    }
    let seconds = began.elapsed().as_secs_f64();
    drop(all);
    let took = took.borrow();
    let quantile = |part| took.value_at_quantile(part) as f64 / 1e3;
    let ms = [quantile(0.5), quantile(0.99), took.max() as f64 / 1e3];
    Ok(Row { beside: beside.to_owned(), starts: took.len(), seconds, ms })
}

fn before(age: Duration) -> Result<i64> {
    Ok(i64::try_from((SystemTime::now().duration_since(UNIX_EPOCH)? - age).as_millis())?)
}

/// Makes rows as old as this, while no recorder runs. Returns how many.
fn age(data: &Path, statement: &str, age: Duration) -> Result<u64> {
    let db = Connection::open(data.join("recordings.db"))?;
    Ok(db.execute(statement, [before(age)?])? as u64)
}

/// Rows that a sweep has to remove yet.
async fn due(data: &Path) -> Result<u64> {
    let path = data.join("recordings.db");
    spawn_blocking(move || {
        let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let count = |table: &str, column: &str| -> Result<u64> {
            let sql = format!("SELECT count(*) FROM {table} WHERE {column} < ?1");
            Ok(db.query_row(&sql, params![before(TTL)?], |row| row.get::<_, i64>(0))? as u64)
        };
        Ok(count("requests", "at_ms")? + count("recordings", "used_ms")?)
    })
    .await?
}
