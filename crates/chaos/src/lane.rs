//! Runs, one after the other: each through a recorder on the disk that it needs. They share a page, and a program of Node.

use std::path::Path;

use anyhow::Result;

use crate::clients::Client;
use crate::plan::Plan;
use crate::verdict::Told;
use crate::way::Way;

pub(crate) struct Lane<'a> {
    recorder: &'a Path,
    client: &'a Path,
    engine: &'a str,
    page: Option<Client>,
    node: Option<Client>,
    /// By the megabytes of the recorder's disk.
    ways: Vec<(Option<u32>, Way)>,
}

impl<'a> Lane<'a> {
    /// `recorder`, `client`: their programs. Nothing is started before a run needs it.
    pub(crate) fn new(recorder: &'a Path, client: &'a Path, engine: Option<&'a str>) -> Self {
        let engine = engine.unwrap_or("chromium");
        Self { recorder, client, engine, page: None, node: None, ways: Vec::new() }
    }

    pub(crate) async fn run(&mut self, plan: &Plan) -> Result<Told> {
        let (kept, engine) =
            if plan.browser { (&mut self.page, Some(self.engine)) } else { (&mut self.node, None) };
        let client = match kept {
            Some(client) => client,
            None => kept.insert(Client::start(self.client, engine).await?),
        };
        let disk_mb = plan.disk_mb();
        let at = match self.ways.iter().position(|(known, _)| *known == disk_mb) {
            Some(at) => at,
            None => {
                self.ways.push((disk_mb, Way::open(self.recorder, disk_mb).await?));
                self.ways.len() - 1
            }
        };
        self.ways[at].1.run(plan, client).await
    }

    /// Ends all that runs: the next run has everything new. Resolves with the errors in the page that nothing has caught
    /// since the last run.
    pub(crate) async fn renew(&mut self) -> Vec<String> {
        let mut uncaught = Vec::new();
        for client in [self.page.take(), self.node.take()].into_iter().flatten() {
            uncaught.extend(client.stop().await);
        }
        for (_, way) in self.ways.drain(..) {
            way.close().await;
        }
        uncaught
    }
}
