//! Many at once.

use tokio::task::JoinSet;

use crate::case::Suite;
use crate::check::{Checked, Oops, holds, same_bytes};
use crate::client::{End, Open, Request};
use crate::context::Context;
use crate::upstream::Reply;

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
    suite.case("S6", "a hundred concurrent starts of one key make one upstream request", async |cx| {
        let at = cx.endpoint();
        let requests = (0..100).map(|_| cx.get(&at)).collect();
        Ok(one_start(&cx, requests, &at).await?)
    });
    suite.case(
        "S6 I1",
        "a hundred concurrent starts with one request id make one upstream request",
        async |cx| {
            let at = cx.endpoint();
            let id = cx.uuid();
            let requests = (0..100).map(|_| cx.post(&at, "x").mode("restart").id(&id)).collect();
            Ok(one_start(&cx, requests, &at).await?)
        },
    );
    suite.case(
        "S6 S1",
        "a hundred concurrent requests with ids of their own and one body make one upstream request",
        async |cx| {
            let at = cx.endpoint();
            let requests = (0..100).map(|_| cx.asks(&at, "same")).collect();
            Ok(one_start(&cx, requests, &at).await?)
        },
    );
    suite.case("B8", "a hundred keys record at the same time", async |cx| {
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
        "twenty restarts at once: one is current, all others are cut or refused",
        async |cx| {
            let at = cx.replying(Reply::ok("answer"));
            let waiting = at_once((0..20).map(|_| cx.get(&at).mode("restart"))).await?;
            let mut whole = Vec::new();
            for open in waiting {
                let mut answer = open.response().await?;
                if answer.status != 200 {
                    answer.error(410, "superseded").await?;
                    continue;
                }
                // Who came to its end before it was superseded has it all; who did not is cut.
                let (got, end) = answer.rest().await?;
                if end == End::Clean {
                    same_bytes("answer", &got, b"answer")?;
                    whole.push(answer.recording()?);
                }
            }
            let mut replay = cx.get(&at).mode("replay").send().await?;
            let current = replay.recording()?;
            holds("the current one was read to its end", whole.contains(&current))?;
            Ok(replay.ends_with("answer").await?)
        },
    );
}
