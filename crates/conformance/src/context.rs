//! What a case is given.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::check::{Checked, Oops, PATIENCE};
use crate::client::{Recorder, Request, Response};
use crate::launch::Settings;
use crate::process::{Instance, Process};
use crate::upstream::{Endpoint, Reply, Upstream};

/// The recorder under test, the scripted upstream and a source of chance that the seed repeats.
#[derive(Clone)]
pub struct Context {
    /// The recorder under test.
    pub recorder: Recorder,
    /// The scripted upstream.
    pub upstream: Upstream,
    process: Option<Process>,
    random: Arc<Mutex<fastrand::Rng>>,
}

impl Context {
    /// `process` launches further recorders.
    pub(crate) fn new(
        base_url: &str,
        process: Option<Process>,
        upstream: Upstream,
        seed: u64,
        case: &str,
    ) -> Checked<Self> {
        let mut hasher = DefaultHasher::new();
        (seed, case).hash(&mut hasher);
        let random = Arc::new(Mutex::new(fastrand::Rng::with_seed(hasher.finish())));
        Ok(Self { recorder: Recorder::at(base_url)?, upstream, process, random })
    }

    /// A recorder of the case's own, and this context pointed at it.
    pub async fn launch(&self, settings: Settings) -> Checked<(Self, Instance)> {
        let process = self.process.as_ref().ok_or_else(|| Oops::new("the target cannot launch"))?;
        let instance = process.launch(settings).await?;
        Ok((self.at(instance.base_url())?, instance))
    }

    /// Kills the recorder and starts it again on its store. Returns this context pointed at where it listens then.
    pub async fn crash(&self, own: &mut Instance) -> Checked<Self> {
        own.crash_and_restart().await?;
        self.at(own.base_url())
    }

    /// The same for a recorder that ends by itself.
    pub async fn start_again(&self, own: &mut Instance) -> Checked<Self> {
        own.start_again().await?;
        self.at(own.base_url())
    }

    /// This context pointed at another base URL.
    pub fn at(&self, base_url: &str) -> Checked<Self> {
        Ok(Self { recorder: Recorder::at(base_url)?, ..self.clone() })
    }

    /// The source of chance of this case, to draw from at once.
    pub fn random<T>(&self, draw: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
        draw(&mut self.random.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A fresh request id, in the form of a UUID.
    pub fn uuid(&self) -> String {
        let n = self.random(|r| r.u128(..));
        let hex = format!("{n:032x}");
        format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
    }

    /// Bytes of which no stretch looks like another: a random block over and over, each time numbered.
    /// Drawing every byte would cost more than all that is done with them.
    pub fn bytes(&self, length: usize) -> Vec<u8> {
        let mut block = [0; 4096];
        self.random(|r| r.fill(&mut block));
        let mut bytes = Vec::with_capacity(length + block.len());
        for number in 0_u64.. {
            if bytes.len() >= length {
                break;
            }
            block[..8].copy_from_slice(&number.to_be_bytes());
            bytes.extend_from_slice(&block);
        }
        bytes.truncate(length);
        bytes
    }

    /// An upstream path whose requests the case plays itself.
    pub fn endpoint(&self) -> Endpoint {
        self.upstream.endpoint()
    }

    /// An upstream path that gives every request the same reply.
    pub fn replying(&self, reply: Reply) -> Endpoint {
        self.upstream.replying(reply)
    }

    /// A GET of this endpoint through the recorder. Without a mode it is a `join`.
    pub fn get(&self, endpoint: &Endpoint) -> Request {
        self.recorder.fetch("GET", &endpoint.url())
    }

    /// A POST of this endpoint through the recorder.
    pub fn post(&self, endpoint: &Endpoint, body: &str) -> Request {
        self.recorder.fetch("POST", &endpoint.url()).body(body.to_owned())
    }

    /// A continuation of a recording of this endpoint.
    pub fn rest_of(&self, endpoint: &Endpoint, recording: &str, offset: usize) -> Request {
        self.get(endpoint).rest_of(recording, offset)
    }

    /// Calls a control address (`in-progress`, `delete`, `stop`) with this body.
    pub async fn control(&self, name: &str, body: Value) -> Checked<Response> {
        let request = self.recorder.request("POST", &format!("/{name}"));
        request.header("content-type", "application/json").body(body.to_string()).send().await
    }

    /// The status JSON of this endpoint's key.
    pub async fn status(&self, endpoint: &Endpoint) -> Checked<Value> {
        self.status_of(json!({ "url": endpoint.url() })).await
    }

    /// The status JSON of what this body of an `in-progress` names.
    pub async fn status_of(&self, body: Value) -> Checked<Value> {
        let mut response = self.control("in-progress", body).await?;
        response.is(200)?;
        response.json().await
    }

    /// Deletes the current recording of this endpoint's key.
    pub async fn delete(&self, endpoint: &Endpoint) -> Checked {
        self.control("delete", json!({ "url": endpoint.url() })).await?.is(200)?;
        Ok(())
    }

    /// Stops the current recording of this endpoint's key.
    pub async fn stop(&self, endpoint: &Endpoint) -> Checked {
        self.control("stop", json!({ "url": endpoint.url() })).await?.is(200)?;
        Ok(())
    }

    /// Gives the recorder time to get to requests that are sent and wait: no event tells when they do. Some
    /// round trips behind them are no proof, but they come before in every recorder that is fair. Several at a time,
    /// since a recorder may have threads that know nothing of each other's queues.
    pub async fn settle(&self, endpoint: &Endpoint) -> Checked {
        for _ in 0..10 {
            let ask = || self.status(endpoint);
            tokio::try_join!(ask(), ask(), ask(), ask(), ask(), ask(), ask(), ask())?;
        }
        Ok(())
    }

    /// Asks for the status until it is as wanted, for changes of which no reader is told.
    pub async fn until(&self, endpoint: &Endpoint, wanted: impl Fn(&Value) -> bool) -> Checked<Value> {
        let started = Instant::now();
        loop {
            let status = self.status(endpoint).await?;
            if wanted(&status) {
                return Ok(status);
            }
            if started.elapsed() > PATIENCE {
                return Err(Oops::new(format!("the status did not become as wanted: {status}")));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Asks for the status until it names this state.
    pub async fn until_state(&self, endpoint: &Endpoint, state: &str) -> Checked {
        let reached = self.until(endpoint, |status| status["state"] == state).await;
        reached.map(drop).map_err(|oops| oops.context(format!("wanted state: {state}")))
    }
}
