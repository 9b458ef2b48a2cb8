//! One recorder and all that is between client and upstream, for one run after the other.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use crate::clients::{Client, Order};
use crate::plan::{Ballast, Plan, Version};
use crate::proxy::Proxy;
use crate::recorder::Recorder;
use crate::upstream::Upstream;
use crate::verdict::{Told, Truth};

/// No run takes longer than this, in milliseconds. The faults of one take at most half a minute.
const DEADLINE_MS: u64 = 60_000;
/// How long silence may last: longer than any stall on the client's side.
const STALL_MS: u64 = 2_500;
/// How long the client tries.
const GIVE_UP_MS: u64 = 30_000;

pub(crate) struct Way {
    recorder: Recorder,
    near: Proxy,
    far: Proxy,
    upstream: Upstream,
}

impl Way {
    /// `disk_mb`: the megabytes of a small disk, where the recorder is to be on one.
    pub(crate) async fn open(recorder: &Path, disk_mb: Option<u32>) -> Result<Self> {
        let recorder = Recorder::start(recorder, disk_mb, 0, Vec::new()).await?;
        let upstream = Upstream::start().await?;
        let near = Proxy::start(recorder.port()).await?;
        let far = Proxy::start(upstream.port()).await?;
        Ok(Self { recorder, near, far, upstream })
    }

    pub(crate) async fn run(&mut self, plan: &Plan, client: &mut Client) -> Result<Told> {
        let mut told = self.one(plan, client).await?;
        if plan.ballast.is_some() {
            told.next = Some(Box::new(self.one(&plan.next(), client).await?));
        }
        // Room for the next one: disks are small here.
        for plan in [plan, &plan.next()] {
            self.recorder.ask("delete", &self.url(plan)).await?;
        }
        Ok(told)
    }

    fn url(&self, plan: &Plan) -> String {
        format!("http://localhost:{}/run/{}", self.far.port(), plan.seed)
    }

    async fn one(&mut self, plan: &Plan, client: &mut Client) -> Result<Told> {
        let plan = Arc::new(plan.clone());
        self.upstream.begin(&plan);
        self.far.begin(&plan.far, Version::Http11);
        self.near.begin(&plan.near, plan.proxy_speaks);
        let url = self.url(&plan);
        let order = Order {
            host: format!("http://localhost:{}", self.near.port()),
            url: &url,
            post: plan.post,
            leaves_at: plan.leaves_at,
            clock: plan.clock,
            request: None,
            stall_ms: STALL_MS,
            give_up_ms: GIVE_UP_MS,
            deadline_ms: DEADLINE_MS,
        };
        if let Some(Ballast { at: None, leaves, .. }) = plan.ballast {
            self.recorder.fill(leaves).await?;
        }
        let got = {
            let mut fetch = pin!(client.fetch(&order));
            let early = tokio::select! {
                got = &mut fetch => Some(got?),
                () = its_time(&plan, &self.upstream) => None,
            };
            match early {
                Some(got) => got,
                None => {
                    let (disturbed, got) = tokio::join!(disturb(&plan, &mut self.recorder), fetch);
                    disturbed?;
                    got?
                }
            }
        };
        self.recorder.empty()?;
        let status = self.final_status(&url).await?;
        let truth = Truth {
            state: status["state"].as_str().unwrap_or("none").to_owned(),
            requests: self.upstream.requests(),
            unused: self.near.left() + self.far.left(),
        };
        Ok(Told::of(&plan, got, truth))
    }

    /// What the recorder says once nothing changes any more: a recording goes on without its app.
    async fn final_status(&self, url: &str) -> Result<Value> {
        loop {
            let status = self.recorder.ask("in-progress", url).await?;
            if status["inProgress"] != true {
                return Ok(status);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn close(self) {
        self.recorder.stop().await;
    }
}

/// Resolves once something happens to the recorder.
async fn its_time(plan: &Plan, upstream: &Upstream) {
    match (plan.kill_at, plan.ballast) {
        (Some(bytes), _) | (_, Some(Ballast { at: Some(bytes), .. })) => upstream.has_sent(bytes).await,
        // Its disk is full already.
        (_, Some(_)) => {}
        _ => std::future::pending().await,
    }
}

/// What happens to the recorder, to its end.
async fn disturb(plan: &Plan, recorder: &mut Recorder) -> Result<()> {
    if plan.kill_at.is_some() {
        recorder.kill_and_restart().await?;
    }
    if let Some(ballast) = plan.ballast {
        if ballast.at.is_some() {
            recorder.fill(ballast.leaves).await?;
        }
        tokio::time::sleep(Duration::from_millis(ballast.stays_ms)).await;
        recorder.empty()?;
    }
    Ok(())
}
