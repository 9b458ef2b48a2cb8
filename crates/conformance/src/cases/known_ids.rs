//! Request ids that joined, that were refused, and many of them.

use serde_json::json;
use tokio::task::JoinSet;

use crate::case::Suite;
use crate::check::{Checked, Oops, holds, same};
use crate::client::{Request, Response};
use crate::context::Context;
use crate::launch::Settings;
use crate::several::follows;
use crate::upstream::{Endpoint, Reply};

/// Ids that a key knows at most.
const MOST: usize = 4096;

async fn state_of(cx: &Context, url: &str, id: &str) -> Checked<String> {
    let status = cx.status_of(json!({ "url": url, "request": id })).await?;
    Ok(status["state"].as_str().unwrap_or_default().to_owned())
}

/// Sends these requests, some at once, and checks each answer's status.
async fn all_are(requests: Vec<Request>, status: u16) -> Checked {
    let mut sending = JoinSet::new();
    let answered = |one: Result<Checked<Response>, tokio::task::JoinError>| -> Checked {
        one.map_err(|error| Oops::new(error.to_string()))??.is(status).map(drop)
    };
    for request in requests {
        if sending.len() >= 32
            && let Some(one) = sending.join_next().await
        {
            answered(one)?;
        }
        sending.spawn(request.send());
    }
    while let Some(one) = sending.join_next().await {
        answered(one)?;
    }
    Ok(())
}

/// Has a key know this many ids: each is to be stopped at its arrival.
async fn fill(cx: &Context, at: &Endpoint, count: usize) -> Checked {
    let stop = |_| {
        let body = json!({ "url": at.url(), "request": cx.uuid() });
        cx.recorder.request("POST", "/stop").body(body.to_string())
    };
    all_are((0..count).map(stop).collect(), 200).await
}

pub(super) fn add(suite: &mut Suite) {
    suite.case("I1", "a request id that joined never starts later", async |cx| {
        let at = cx.endpoint();
        let joins = cx.uuid();
        let live = cx.live(&at, cx.asks(&at, "a"), "live").await?;
        follows(cx.post(&at, "a").id(&joins), &live.recording, "live").await?;
        let ended = live.ends().await?;
        for mode in ["new", "restart", "match-live", "join"] {
            let mut again = cx.post(&at, "a").mode(mode).id(&joins).send().await?;
            again.is(200)?.state("complete")?.has("durablefetch-recording", &ended.recording)?;
            again.ends_with("live").await?;
        }
        cx.live(&at, cx.asks(&at, "b"), "b").await?.ends().await?;
        for mode in ["new", "restart", "match"] {
            cx.post(&at, "a").mode(mode).id(&joins).send().await?.error(410, "superseded").await?;
        }
        at.hits(2)?;
        Ok(())
    });
    suite.case("I1", "a request id that joined a finished recording never starts later", async |cx| {
        let at = cx.replying(Reply::ok("answer"));
        let joins = cx.uuid();
        cx.asks(&at, "a").send().await?.ends_with("answer").await?;
        cx.post(&at, "a").id(&joins).send().await?.ends_with("answer").await?;
        cx.asks(&at, "b").send().await?.ends_with("answer").await?;
        cx.post(&at, "a").id(&joins).send().await?.error(410, "superseded").await?;
        at.hits(2)?;
        Ok(())
    });
    suite.case("I1", "a request id that attached or resumed never starts later", async |cx| {
        let at = cx.endpoint();
        let live = cx.live(&at, cx.asks(&at, "a"), "live").await?;
        let (attached, resumed) = (cx.uuid(), cx.uuid());
        let attaches = || cx.get(&at).id(&attached).header("durablefetch-attach", live.recording.clone());
        follows(attaches(), &live.recording, "live").await?;
        follows(cx.get(&at).mode("resume").id(&resumed), &live.recording, "live").await?;
        let _new = cx.live(&at, cx.asks(&at, "b").mode("restart"), "new").await?;
        attaches().send().await?.error(410, "superseded").await?;
        cx.get(&at).mode("new").id(&resumed).send().await?.error(410, "superseded").await?;
        at.hits(2)?;
        Ok(())
    });
    suite.case("I1", "a request id that waited for another's start is that start's", async |cx| {
        let at = cx.endpoint();
        let first = cx.asks(&at, "a").open().await?;
        let mut call = at.accept().await?;
        let waits = cx.uuid();
        let waiting = cx.post(&at, "a").id(&waits).open().await?;
        let known = async || Ok::<_, Oops>(state_of(&cx, &at.url(), &waits).await? == "connecting");
        while !known().await? {
            cx.settle(&at).await?;
        }
        call.head(500, &[("content-length", "4")]).await?;
        call.send("oops").await?;
        call.end().await?;
        for open in [first, waiting] {
            let mut answer = open.response().await?;
            answer.is(500)?;
            answer.ends_with("oops").await?;
        }
        // Told again, and not asked again.
        let mut again = cx.post(&at, "a").mode("new").id(&waits).send().await?;
        again.is(500)?.state("unrecorded")?;
        again.ends_with("oops").await?;
        at.hits(1)?;
        Ok(())
    });
    suite.launching("I1 I3", "a request id that joined never starts after a crash, either", async |cx| {
        let (cx, mut own) = cx.launch(Settings::default()).await?;
        let at = cx.endpoint();
        let joins = cx.uuid();
        let live = cx.live(&at, cx.asks(&at, "a"), "live").await?;
        follows(cx.post(&at, "a").id(&joins), &live.recording, "live").await?;
        let cx = cx.crash(&mut own).await?;
        let again = cx.post(&at, "a").mode("new").id(&joins).send().await?;
        again.is(200)?.state("interrupted")?.has("durablefetch-recording", &live.recording)?;
        at.hits(1)?;
        Ok(())
    });
    suite.case("I1", "a request id of each mode is known in every other", async |cx| {
        for mode in ["join", "match", "match-live", "new", "restart"] {
            let at = cx.replying(Reply::ok("answer"));
            let id = cx.uuid();
            for again in [mode, "join", "match", "match-live", "new", "restart", "resume", "replay"] {
                cx.get(&at).mode(again).id(&id).send().await?.ends_with("answer").await?;
            }
            at.hits(1)?;
        }
        Ok(())
    });
    suite.case(
        "I1 S7",
        "after a 503 that was passed through the same request id is told it again",
        async |cx| {
            let at = cx.replying(Reply::new(503).header("retry-after", "9").body("busy"));
            let id = cx.uuid();
            for _ in 0..3 {
                let mut answer = cx.post(&at, "x").id(&id).send().await?;
                answer.is(503)?.state("unrecorded")?.has("retry-after", "9")?.lacks("durablefetch-error")?;
                answer.ends_with("busy").await?;
            }
            at.hits(1)?;
            cx.asks(&at, "x").send().await?.is(503)?;
            at.hits(2)?;
            Ok(())
        },
    );
    suite.case("I2", "twenty-five request ids of one key are all known", async |cx| {
        let at = cx.replying(Reply::ok("answer"));
        let ids: Vec<_> = (0..25).map(|_| cx.uuid()).collect();
        for id in &ids {
            cx.get(&at).mode("restart").id(id).send().await?.ends_with("answer").await?;
        }
        for id in &ids[..24] {
            cx.get(&at).mode("restart").id(id).send().await?.error(410, "superseded").await?;
        }
        cx.get(&at).mode("restart").id(&ids[24]).send().await?.ends_with("answer").await?;
        at.hits(25)?;
        Ok(())
    });
    suite.case("I2", "a live recording keeps all the ids that joined it", async |cx| {
        let at = cx.endpoint();
        let live = cx.live(&at, cx.asks(&at, "a"), "live").await?;
        let ids: Vec<_> = (0..100).map(|_| cx.uuid()).collect();
        all_are(ids.iter().map(|id| cx.post(&at, "a").id(id)).collect(), 200).await?;
        for id in &ids {
            same("state", state_of(&cx, &at.url(), id).await?.as_str(), "streaming")?;
        }
        live.ends().await?;
        at.hits(1)?;
        Ok(())
    });
    suite.case(
        "I2 R7",
        "a key that knows 4,096 request ids refuses another one and goes on otherwise",
        async |cx| {
            let at = cx.endpoint();
            let known = cx.uuid();
            let live = cx.live(&at, cx.post(&at, "a").id(&known), "live").await?;
            fill(&cx, &at, MOST - 2).await?;
            let last = cx.live(&at, cx.asks(&at, "b"), "last").await?;
            for body in ["a", "c"] {
                let mut refused = cx.asks(&at, body).send().await?;
                refused.error(503, "too-many-recordings").await?;
                holds("retry-after is some seconds", refused.retry_after()? > 0)?;
            }
            follows(cx.post(&at, "c").id(&known), &live.recording, "live").await?;
            follows(cx.post(&at, "a").mode("match"), &live.recording, "live").await?;
            cx.live(&at, cx.post(&at, "c").mode("match"), "without an id").await?.ends().await?;
            last.ends().await?;
            live.ends().await?;
            at.hits(3)?;
            Ok(())
        },
    );
    suite.case("I2", "a request id that was refused before anything was sent is free again", async |cx| {
        let id = cx.uuid();
        let refused = [
            ("http://10.0.0.1/x", 403, "upstream-not-allowed"),
            ("http://169.254.169.254/x", 403, "upstream-not-allowed"),
        ];
        for (url, status, code) in refused {
            let request = cx.recorder.request("POST", "/").header("durablefetch-url", url).body("x").id(&id);
            request.send().await?.error(status, code).await?;
            same("state", state_of(&cx, url, &id).await?.as_str(), "none")?;
        }
        let at = cx.replying(Reply::ok("x"));
        let bad = cx.get(&at).id(&id).header("durablefetch-for", "http://other.example/");
        bad.send().await?.error(400, "bad-request").await?;
        cx.get(&at).mode("resume").id(&id).send().await?.is(204)?;
        cx.get(&at).mode("replay").id(&id).send().await?.error(404, "not-found").await?;
        same("state", state_of(&cx, &at.url(), &id).await?.as_str(), "none")?;
        cx.get(&at).id(&id).send().await?.ends_with("x").await?;
        at.hits(1)?;
        Ok(())
    });
    suite.launching(
        "I2 R7",
        "a request id that was refused for want of a seat is free again, and may come again soon",
        async |cx| {
            let (cx, _own) = cx.launch(Settings { in_flight: Some(1), ..Settings::default() }).await?;
            let one = cx.streaming("one").await?;
            let at = cx.replying(Reply::ok("two"));
            let id = cx.uuid();
            let mut refused = cx.post(&at, "x").id(&id).send().await?;
            refused.error(503, "too-many-recordings").await?;
            holds("retry-after is some seconds", refused.retry_after()? > 0)?;
            same("state", state_of(&cx, &at.url(), &id).await?.as_str(), "none")?;
            at.hits(0)?;
            one.call.end().await?;
            cx.until_state(&one.at, "complete").await?;
            cx.post(&at, "x").id(&id).send().await?.ends_with("two").await?;
            at.hits(1)?;
            Ok(())
        },
    );
}
