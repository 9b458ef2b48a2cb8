//! Many at once.

use tokio::task::JoinSet;

use crate::case::Suite;
use crate::check::{Checked, Oops, same};
use crate::client::{Open, Request};
use crate::context::Context;

/// Sends all of these at once.
async fn at_once(requests: impl IntoIterator<Item = Request>) -> Checked<Vec<Open>> {
    let mut sending = JoinSet::new();
    for request in requests {
        sending.spawn(request.open());
    }
    let mut opened = Vec::new();
    while let Some(open) = sending.join_next().await {
        opened.push(open.map_err(|e| Oops::new(e.to_string()))??);
    }
    Ok(opened)
}

async fn one_start(cx: &Context, requests: Vec<Request>, at: &crate::upstream::Endpoint) -> Checked {
    let waiting = at_once(requests).await?;
    let mut call = at.accept().await?;
    call.head(200, &[("x-once", "1")]).await?;
    call.send("for all ").await?;
    let mut readers = Vec::new();
    for open in waiting {
        let mut reader = open.response().await?;
        reader.is(200)?.has("x-once", "1")?;
        reader.next("for all ").await?;
        readers.push(reader);
    }
    call.send("of you").await?;
    call.end().await?;
    let recording = readers[0].recording()?;
    for mut reader in readers {
        reader.has("durablefetch-recording", &recording)?;
        reader.ends_with("of you").await?;
    }
    cx.until_state(at, "complete").await?;
    at.hits(1)
}

pub(super) fn add(suite: &mut Suite) {
    suite.case("S6", "a hundred concurrent starts of one key make one upstream request", |cx| async move {
        let at = cx.endpoint();
        let requests = (0..100).map(|_| cx.get(&at)).collect();
        Ok(one_start(&cx, requests, &at).await?)
    });
    suite.case(
        "S6 I1",
        "a hundred concurrent starts with one request id make one upstream request",
        |cx| async move {
            let at = cx.endpoint();
            let id = cx.uuid();
            let requests = (0..100).map(|_| cx.post(&at, "x").mode("restart").id(&id)).collect();
            Ok(one_start(&cx, requests, &at).await?)
        },
    );
    suite.case("B8", "a hundred keys record at the same time", |cx| async move {
        let mut running = JoinSet::new();
        for n in 0..100 {
            let cx = cx.clone();
            running.spawn(async move {
                let live = cx.streaming(&format!("stream {n}")).await?;
                let (mut call, mut reader) = (live.call, live.reader);
                call.send(" and its end").await?;
                call.end().await?;
                reader.ends_with(" and its end").await?;
                let expected = format!("stream {n} and its end");
                cx.get(&live.at).mode("replay").send().await?.ends_with(expected).await
            });
        }
        while let Some(one) = running.join_next().await {
            one.map_err(|e| Oops::new(e.to_string()))??;
        }
        Ok(())
    });
    suite.case(
        "S4 S6",
        "two restarts at once leave one current recording, and its reader gets all",
        |cx| async move {
            let at = cx.endpoint();
            let mut waiting = at_once([cx.get(&at).mode("restart"), cx.get(&at).mode("restart")]).await?;
            let mut calls = vec![at.accept().await?, at.accept().await?];
            let recording =
                cx.until(&at, |status| status["recording"].is_string()).await?["recording"].clone();
            for call in &mut calls {
                // The superseded one may be gone already.
                let _ = call.head(200, &[]).await;
                let _ = call.send("answer").await;
            }
            let (mut kept, mut refused) = (0, 0);
            for open in waiting.drain(..) {
                let mut answer = open.response().await?;
                if answer.status == 200 {
                    same("recording", serde_json::json!(answer.recording()?), recording.clone())?;
                    answer.next("answer").await?;
                    kept += 1;
                } else {
                    answer.error(410, "superseded").await?;
                    refused += 1;
                }
            }
            same("kept and refused", (kept, refused), (1, 1))?;
            Ok(())
        },
    );
}
