//! One run: everybody asks and reads, faults come and go, and what there is afterwards is looked at.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::http::Ask;
use super::plan::{At, Fault, NODES, Plan, What};
use super::readers::{self, Read};
use super::world::{Struck, World};
use crate::clients::{Client, Got, Order};
use crate::upstream::Sent;

/// Beside what upstream and faults take, a run takes no longer than this.
const PATIENCE: Duration = Duration::from_secs(45);
/// The app's patience with silence: a recorder takes four seconds to say that the one with the URL cannot be reached.
const STALL: Duration = Duration::from_secs(5);
/// How often it is looked whether a recording has ended.
const LOOK: Duration = Duration::from_millis(50);

/// What has happened.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) began: Instant,
    pub(crate) faults: Vec<Past>,
    /// What the app got.
    pub(crate) app: Option<Got>,
    pub(crate) app_ended: Option<Instant>,
    pub(crate) readers: Vec<Option<Read>>,
    /// What the same request was answered with elsewhere.
    pub(crate) repeats: BTreeSet<String>,
    /// When the upstream had nothing more to send.
    pub(crate) upstream_over: Option<Instant>,
    pub(crate) requests: u64,
    /// The state of the recording in the end; `None` where it does not end.
    pub(crate) state: Option<String>,
    /// What each recorder gives in the end.
    pub(crate) replays: Vec<Option<Got>>,
    /// Recorders that have ended by themselves.
    pub(crate) fallen: Vec<usize>,
}

impl Run {
    pub(crate) fn new(began: Instant) -> Self {
        Self {
            began,
            faults: Vec::new(),
            app: None,
            app_ended: None,
            readers: Vec::new(),
            repeats: BTreeSet::new(),
            upstream_over: None,
            requests: 0,
            state: None,
            replays: Vec::new(),
            fallen: Vec::new(),
        }
    }

    /// What the app got, and those who read beside it.
    pub(crate) fn got(&self) -> impl Iterator<Item = &Got> {
        let beside = self.readers.iter().flatten().filter_map(|read| read.got.as_ref());
        self.app.iter().chain(beside)
    }
}

/// For people: times are seconds since it began.
impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |at: Option<Instant>| match at {
            Some(at) => format!("{:.2}", at.saturating_duration_since(self.began).as_secs_f64()),
            None => "–".to_owned(),
        };
        let read = |got: Option<&Got>| match got {
            Some(Got { how, status, bytes, error, reconnects, .. }) => {
                let (status, error) = (status.unwrap_or_default(), error.as_deref().unwrap_or("no error"));
                format!("{how}, {status}, {bytes} bytes, {error}, {reconnects} reconnects")
            }
            None => "nothing".to_owned(),
        };
        for Past { struck, ended, death } in &self.faults {
            let Struck { fault, node, owner_is_hit, was_live, began } = struck;
            let (began, ended) = (at(Some(*began)), at(Some(*ended)));
            writeln!(
                f,
                "  {began} to {ended}: {fault}; recorder {node}, owner hit: {owner_is_hit}, live: {was_live}"
            )?;
            if let Some(death) = death {
                writeln!(f, "    {:?} for all others at {}", death.states, at(death.known))?;
            }
        }
        writeln!(f, "  {}: the upstream is done, asked {} times", at(self.upstream_over), self.requests)?;
        writeln!(f, "  {}: the app: {}", at(self.app_ended), read(self.app.as_ref()))?;
        for reader in &self.readers {
            let Some(reader) = reader else {
                writeln!(f, "  a reader does not end")?;
                continue;
            };
            writeln!(f, "  {}: a reader: {}", at(reader.times.last().copied()), read(reader.got.as_ref()))?;
        }
        writeln!(f, "  the same request elsewhere: {:?}", self.repeats)?;
        writeln!(f, "  afterwards: {}", self.state.as_deref().unwrap_or("live"))?;
        for replay in &self.replays {
            writeln!(f, "    {}", read(replay.as_ref()))?;
        }
        write!(f, "  ended by themselves: {:?}", self.fallen)
    }
}

/// A fault that is over.
#[derive(Debug, Clone)]
pub(crate) struct Past {
    pub(crate) struck: Struck,
    pub(crate) ended: Instant,
    pub(crate) death: Option<Death>,
}

/// What became of a recording whose recorder was killed.
#[derive(Debug, Clone)]
pub(crate) struct Death {
    /// When all others said that it had ended; `None` where they did not.
    pub(crate) known: Option<Instant>,
    /// What they said.
    pub(crate) states: BTreeSet<String>,
}

impl World {
    pub(crate) async fn run(self: &Arc<Self>, plan: &Plan, client: &mut Client) -> Result<Run> {
        self.settle().await?;
        self.logs().await;
        self.upstream.begin(&Arc::new(plan.body.clone()));
        self.balancer.turn_to(plan.home);
        let (url, ports) = (self.url(plan), self.ports());
        let request = format!("chaos-{}", plan.seed);
        let patience = plan.pace() + plan.trouble() + PATIENCE;
        let began = Instant::now();

        let (read, is_read) = watch::channel(false);
        let (over, is_over) = watch::channel(false);
        let (broken, is_broken) = watch::channel(false);
        let mut faults = JoinSet::new();
        for fault in plan.faults.iter().copied() {
            let begun = match fault.at {
                At::First => Some(self.begin(fault, plan, &url).await?),
                _ => None,
            };
            if begun.is_some() {
                broken.send_replace(true);
            }
            let (world, plan, url) = (Arc::clone(self), plan.clone(), url.clone());
            let (broken, is_over) = (broken.clone(), is_over.clone());
            faults.spawn(async move { world.come_about(fault, begun, &plan, &url, broken, is_over).await });
        }
        let mut reading = JoinSet::new();
        for first in plan.readers.iter().copied() {
            let (url, is_read) = (url.clone(), is_read.clone());
            let follow = async move { readers::follow(ports, first, &url, is_read).await };
            reading.spawn(timeout(patience, follow));
        }
        let repeating =
            tokio::spawn(repeat(ports, url.clone(), request.clone(), plan.body.post, is_broken, is_over));
        let order = Order {
            host: format!("http://localhost:{}", self.balancer.port()),
            url: &url,
            post: plan.body.post,
            leaves_at: plan.body.leaves_at,
            clock: None,
            request: Some(&request),
            stall_ms: STALL.as_millis() as u64,
            give_up_ms: patience.as_millis() as u64,
            deadline_ms: patience.as_millis() as u64,
        };
        let mut run = Run { app: client.fetch(&order).await?, ..Run::new(began) };
        run.app_ended = Some(Instant::now());
        read.send_replace(true);
        run.readers = reading.join_all().await.into_iter().map(Result::ok).collect();
        over.send_replace(true);
        for past in faults.join_all().await {
            run.faults.extend(past?);
        }
        run.repeats = repeating.await?;
        run.upstream_over = self.upstream.over();
        self.look_back(&mut run, &url, patience).await?;
        Ok(run)
    }

    /// A fault from its beginning to its end; nothing where the run is over before.
    async fn come_about(
        &self,
        fault: Fault,
        begun: Option<Struck>,
        plan: &Plan,
        url: &str,
        broken: watch::Sender<bool>,
        mut is_over: watch::Receiver<bool>,
    ) -> Result<Option<Past>> {
        let struck = match begun {
            Some(struck) => struck,
            None => {
                let far = match fault.at {
                    At::Sent(bytes) => Sent::Bytes(bytes),
                    At::Asked | At::First => Sent::Asked,
                };
                tokio::select! {
                    () = self.upstream.has(far) => {}
                    _ = is_over.wait_for(|over| *over) => return Ok(None),
                }
                self.begin(fault, plan, url).await?
            }
        };
        broken.send_replace(true);
        let ending = async {
            sleep(fault.lasts).await;
            self.end(struck).await.with_context(|| format!("{fault} does not end"))?;
            Ok::<_, anyhow::Error>(Instant::now())
        };
        let is_death = matches!(fault.what, What::Kill(_)) && struck.owner_is_hit && struck.was_live;
        let dying = async { if is_death { Some(self.death(plan, struck.node, url).await) } else { None } };
        let (ended, death) = tokio::join!(ending, dying);
        Ok(Some(Past { struck, ended: ended?, death }))
    }

    /// Waits until all others know that what a dead recorder had has ended.
    async fn death(&self, plan: &Plan, dead: usize, url: &str) -> Death {
        let others = (0..NODES).filter(|node| *node != dead);
        let mut states = BTreeSet::new();
        let known = async {
            for node in others {
                loop {
                    match self.status(node, url).await {
                        Some(status) if status["inProgress"] != true => {
                            states.extend(status["state"].as_str().map(str::to_owned));
                            break;
                        }
                        _ => sleep(LOOK).await,
                    }
                }
            }
            Instant::now()
        };
        let patience = plan.trouble() + 4 * self.cluster.lease + PATIENCE;
        let known = timeout(patience, known).await.ok();
        Death { known, states }
    }

    /// What there is once all faults are over.
    async fn look_back(&self, run: &mut Run, url: &str, patience: Duration) -> Result<()> {
        let ended = async {
            // A recorder knows what it has; another one may still have to be told.
            for node in 0..NODES {
                loop {
                    match self.status(node, url).await {
                        Some(status) if status["inProgress"] != true => {
                            run.state = status["state"].as_str().map(str::to_owned);
                            break;
                        }
                        _ => sleep(LOOK).await,
                    }
                }
            }
        };
        if timeout(patience, ended).await.is_err() {
            run.state = None;
        }
        for port in self.ports() {
            run.replays.push(readers::replay(port, url, PATIENCE).await);
        }
        run.requests = self.upstream.requests();
        run.fallen = self.fallen().await;
        if run.state.is_some() {
            self.delete(url).await?;
        }
        Ok(())
    }
}

/// The app's request once more, from the first fault on.
async fn repeat(
    ports: [u16; NODES],
    url: String,
    request: String,
    post: bool,
    mut is_broken: watch::Receiver<bool>,
    mut is_over: watch::Receiver<bool>,
) -> BTreeSet<String> {
    tokio::select! {
        _ = is_broken.wait_for(|broken| *broken) => {}
        _ = is_over.wait_for(|over| *over) => {}
    }
    let headers = [("durablefetch-url", url.as_str()), ("durablefetch-request", &request), ("accept", "*/*")];
    let (method, body) = if post { ("POST", "{\"messages\":[]}") } else { ("GET", "") };
    readers::repeat(ports, Ask { method, path: "/", headers: &headers, body }, is_over).await
}
