//! A cluster of three, all that is between its parts, and what can be done to them.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use super::database::Database;
use super::http::{Ask, ask};
use super::pipe::{Passes, Pipe};
use super::plan::{Cluster, Cut, Fault, NODES, Plan, STORE_TIMEOUT, What, Whom};
use super::ports::port;
use crate::recorder::Recorder;
use crate::upstream::Upstream;

/// A recorder's disk: beside what it records it has a log of up to 4 MB.
const DISK_MB: u32 = 16;
/// Within this time, all is as it was before a fault.
const PATIENCE: Duration = Duration::from_secs(90);
/// How often it is looked whether something is so.
const LOOK: Duration = Duration::from_millis(100);

pub(crate) struct World {
    // Recorders end before their database.
    nodes: [Node; NODES],
    database: Mutex<Database>,
    pub(super) balancer: Pipe,
    pub(super) upstream: Upstream,
    pub(super) cluster: Cluster,
}

/// One recorder, and its ways.
struct Node {
    recorder: Mutex<Recorder>,
    port: u16,
    to_database: Pipe,
    /// Its peers' way to it.
    to_it: Pipe,
}

/// A fault that has begun.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Struck {
    pub(crate) fault: Fault,
    /// The recorder that it is about.
    pub(crate) node: usize,
    /// That one has the URL, or may have it in a moment.
    pub(crate) owner_is_hit: bool,
    /// Something was being recorded, of which there were bytes to be read.
    pub(crate) was_live: bool,
    pub(crate) began: Instant,
}

impl World {
    pub(crate) async fn open(recorder: &Path, programs: &Path, cluster: Cluster) -> Result<Self> {
        let database = Database::start(programs).await?;
        let mut nodes = Vec::new();
        for number in 0..NODES {
            nodes.push(Node::start(number, recorder, database.port(), cluster).await?);
        }
        let nodes: [Node; NODES] = nodes.try_into().ok().context("as many as there should be")?;
        database.can_be_slow().await?;
        let balancer = Pipe::to(nodes.iter().map(|node| node.port).collect()).await?;
        Ok(Self {
            nodes,
            database: Mutex::new(database),
            balancer,
            upstream: Upstream::start().await?,
            cluster,
        })
    }

    /// Where each recorder is asked, past the balancer.
    pub(super) fn ports(&self) -> [u16; NODES] {
        self.nodes.each_ref().map(|node| node.port)
    }

    pub(super) fn url(&self, plan: &Plan) -> String {
        format!("http://localhost:{}/run/{}", self.upstream.port(), plan.seed)
    }

    /// Waits until all recorders serve, and each would take over what another one leaves.
    pub(super) async fn settle(&self) -> Result<()> {
        let lease = self.cluster.lease.as_secs_f64();
        let settled = format!(
            "select (select count(*) from df.nodes where lease_until > clock_timestamp() and not draining
                and since + make_interval(secs => {lease}) < clock_timestamp()) = {NODES}
            and pg_postmaster_start_time() + make_interval(secs => {lease}) < clock_timestamp()"
        );
        let settling = async {
            for node in &self.nodes {
                while node.is_ready().await != Some(true) {
                    sleep(LOOK).await;
                }
            }
            while self.database.lock().await.psql(&settled).await? != "t" {
                sleep(LOOK).await;
            }
            Ok(())
        };
        timeout(PATIENCE, settling).await.context("the cluster does not come to rest")?
    }

    /// Begins a fault of a run of this URL.
    pub(super) async fn begin(&self, fault: Fault, plan: &Plan, url: &str) -> Result<Struck> {
        let (owner, was_live) = self.owner(url).await.unwrap_or_default();
        let whom = match fault.what {
            What::Kill(whom) | What::Pause(whom) | What::NoDatabase(whom, _) => whom,
            What::NoPeers(whom, _) | What::NoRoom(whom) | What::Deploy(whom) => whom,
            _ => Whom::Owner,
        };
        let has_it = owner.unwrap_or(plan.home);
        let node = match whom {
            Whom::Owner => has_it,
            // One by which somebody reads.
            Whom::Other => {
                let used = [plan.home].into_iter().chain(plan.readers.iter().copied());
                used.chain([(has_it + 1) % NODES]).find(|node| *node != has_it).unwrap_or(has_it)
            }
        };
        let struck = Struck {
            fault,
            node,
            owner_is_hit: owner.is_none_or(|owner| owner == node),
            was_live,
            began: Instant::now(),
        };
        self.strike(struck).await.with_context(|| format!("{fault} does not come about"))?;
        Ok(struck)
    }

    async fn strike(&self, Struck { fault, node, .. }: Struck) -> Result<()> {
        let it = &self.nodes[node];
        match fault.what {
            What::Kill(_) => it.recorder.lock().await.kill().await?,
            What::Pause(_) => it.recorder.lock().await.signal("-STOP").await?,
            What::NoRoom(_) => it.recorder.lock().await.fill(0).await?,
            What::Deploy(_) => it.recorder.lock().await.signal("-TERM").await?,
            What::Stop { at_once } => self.database.lock().await.stop(at_once).await?,
            What::Slow(by) => self.database.lock().await.set_slow(by).await?,
            What::NoDatabase(_, cut) | What::NoPeers(_, cut) | What::NobodyNoPeers(cut) => {
                self.set(fault, node, if cut == Cut::Reset { Passes::Nothing } else { Passes::Later });
            }
            What::Silence => self.set(fault, node, Passes::Later),
        }
        Ok(())
    }

    /// Ends it: all is as it was once this is done.
    pub(super) async fn end(&self, Struck { fault, node, .. }: Struck) -> Result<()> {
        let it = &self.nodes[node];
        match fault.what {
            What::Kill(_) => it.start_again().await?,
            What::Pause(_) => it.recorder.lock().await.signal("-CONT").await?,
            What::NoRoom(_) => it.recorder.lock().await.empty()?,
            What::Deploy(_) => {
                let ended = async { it.recorder.lock().await.ended().await };
                timeout(PATIENCE, ended).await.context("it does not end")??;
                it.start_again().await?;
            }
            What::Stop { .. } => self.database.lock().await.start_again().await?,
            What::Slow(_) => self.database.lock().await.set_slow(Duration::ZERO).await?,
            What::NoDatabase(..) | What::NoPeers(..) | What::NobodyNoPeers(_) | What::Silence => {
                self.set(fault, node, Passes::All);
            }
        }
        Ok(())
    }

    /// What passes on the ways that a fault is about.
    fn set(&self, fault: Fault, node: usize, passes: Passes) {
        let it = &self.nodes[node];
        match fault.what {
            What::NoDatabase(..) => it.to_database.set(passes),
            What::NoPeers(..) => it.to_it.set(passes),
            What::NobodyNoPeers(_) => self.nodes.iter().for_each(|it| it.to_it.set(passes)),
            What::Silence => self.nodes.iter().for_each(|it| it.to_database.set(passes)),
            _ => {}
        }
    }

    /// Which recorder has this URL, and whether something is being recorded of it that has its head.
    async fn owner(&self, url: &str) -> Result<(Option<usize>, bool)> {
        let who = format!(
            "select n.url, exists (select from df.recordings r where r.key = k.key and r.state = 'streaming')
            from df.keys k join df.nodes n on n.id = k.owner where k.url = '{url}'"
        );
        let said = self.database.lock().await.psql(&who).await?;
        let Some((at, live)) = said.split_once('|') else { return Ok((None, false)) };
        let is_it = |node: &Node| at.ends_with(&format!(":{}", node.to_it.port()));
        Ok((self.nodes.iter().position(is_it), live == "t"))
    }

    /// What the recorder of this number says of a URL; `None` where it does not answer now.
    pub(super) async fn status(&self, node: usize, url: &str) -> Option<serde_json::Value> {
        let body = serde_json::json!({ "url": url }).to_string();
        self.nodes[node].control("/in-progress", &body).await
    }

    /// Removes what is recorded of a URL.
    pub(super) async fn delete(&self, url: &str) -> Result<()> {
        let body = serde_json::json!({ "url": url }).to_string();
        let deleting = async {
            while self.nodes[0].control("/delete", &body).await.is_none() {
                sleep(LOOK).await;
            }
        };
        timeout(PATIENCE, deleting).await.context("a recording is not deleted")
    }

    /// The recorders that have ended by themselves.
    pub(super) async fn fallen(&self) -> Vec<usize> {
        let mut fallen = Vec::new();
        for (number, node) in self.nodes.iter().enumerate() {
            if !node.recorder.lock().await.runs() {
                fallen.push(number);
            }
        }
        fallen
    }

    /// What the recorders have logged since it was asked last.
    pub(super) async fn logs(&self) -> [String; NODES] {
        let mut logs = [const { String::new() }; NODES];
        for (log, node) in logs.iter_mut().zip(&self.nodes) {
            *log = node.recorder.lock().await.log();
        }
        logs
    }
}

impl Node {
    async fn start(number: usize, recorder: &Path, database: u16, cluster: Cluster) -> Result<Self> {
        let (listen, peer) = (port()?, port()?);
        let (to_database, to_it) = (Pipe::to(vec![database]).await?, Pipe::to(vec![peer]).await?);
        let flags = [
            ("--node", format!("df-{number}")),
            ("--cluster", Database::url_at(to_database.port())),
            ("--peer-listen", format!("127.0.0.1:{peer}")),
            ("--peer-url", format!("https://127.0.0.1:{}", to_it.port())),
            ("--lease", format!("{}ms", cluster.lease.as_millis())),
            ("--store-timeout", format!("{}s", STORE_TIMEOUT.as_secs())),
            // Longer than any fault: what stands still has not been let down by its upstream.
            ("--header-timeout", "90s".to_owned()),
            ("--idle-timeout", "90s".to_owned()),
        ];
        let flags = flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]).collect();
        let disk_mb = cluster.fills_disks.then_some(DISK_MB);
        let recorder = Recorder::start(recorder, disk_mb, listen, flags).await?;
        ensure!(recorder.port() == listen, "a recorder listens elsewhere");
        Ok(Self { recorder: Mutex::new(recorder), port: listen, to_database, to_it })
    }

    /// Another one in its place. It needs the database, which may be away as well.
    async fn start_again(&self) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            let started = self.recorder.lock().await.start_again().await;
            if started.is_ok() || Instant::now() > until {
                return started;
            }
            sleep(LOOK).await;
        }
    }

    async fn is_ready(&self) -> Option<bool> {
        let asked = Ask { method: "GET", path: "/readyz", headers: &[], body: "" };
        let answer = timeout(Duration::from_secs(2), ask(self.port, asked)).await.ok()?.ok()?;
        Some(answer.status == 200)
    }

    /// The answer to a control call; `None` where none comes, or it is refused for now.
    async fn control(&self, path: &str, body: &str) -> Option<serde_json::Value> {
        let headers = [("content-type", "application/json")];
        let asking = async {
            let answer = ask(self.port, Ask { method: "POST", path, headers: &headers, body }).await.ok()?;
            if answer.status == 200 { answer.text().await.ok() } else { None }
        };
        let text = timeout(Duration::from_secs(2), asking).await.ok()??;
        serde_json::from_str(&text).ok()
    }
}
