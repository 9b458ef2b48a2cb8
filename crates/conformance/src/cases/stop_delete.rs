//! `stop` and `delete` of several recordings.

use serde_json::json;

use crate::case::Suite;
use crate::check::{Checked, same};
use crate::context::Context;
use crate::launch::Settings;
use crate::scenario::Live;
use crate::several::{fields, follows, live_in};
use crate::upstream::{Endpoint, Reply};

async fn three(cx: &Context, at: &Endpoint, ids: &[String; 3]) -> Checked<[Live; 3]> {
    let [a, b, c] = ids;
    Ok([
        cx.live(at, cx.post(at, "a").id(a), "a").await?,
        cx.live(at, cx.post(at, "b").id(b), "b").await?,
        cx.live(at, cx.post(at, "c").id(c), "c").await?,
    ])
}

fn ids(cx: &Context) -> [String; 3] {
    [cx.uuid(), cx.uuid(), cx.uuid()]
}

/// What a control call says.
async fn said(cx: &Context, call: &str, body: serde_json::Value) -> Checked<String> {
    let mut response = cx.control(call, body).await?;
    response.is(200)?;
    let answer = response.json().await?;
    same("success", &answer["success"], &json!(true))?;
    Ok(answer["message"].as_str().unwrap_or_default().to_owned())
}

async fn goes_on(live: Live) -> Checked {
    let Live { mut call, mut reader, .. } = live;
    call.send(" goes on").await?;
    reader.next(" goes on").await?;
    call.end().await?;
    reader.ends().await
}

async fn is_stopped(cx: &Context, live: Live) -> Checked {
    let Live { at, mut call, mut reader, recording } = live;
    call.closed().await?;
    reader.ends().await?;
    cx.rest_of(&at, &recording, 1).send().await?.is(200)?.state("stopped")?;
    Ok(())
}

async fn is_deleted(cx: &Context, live: Live) -> Checked {
    let Live { at, mut call, mut reader, recording } = live;
    call.closed().await?;
    reader.breaks().await?;
    cx.rest_of(&at, &recording, 0).send().await?.is(410)?;
    Ok(())
}

pub(super) fn add(suite: &mut Suite) {
    suite.case("S5 C3", "stop of a URL stops all that is live under it", async |cx| {
        let at = cx.endpoint();
        let all = three(&cx, &at, &ids(&cx)).await?;
        let message = said(&cx, "stop", json!({ "url": at.url() })).await?;
        same("message", message.as_str(), "Response stopped successfully")?;
        same("live", live_in(&cx.status(&at).await?).len(), 0)?;
        for live in all {
            is_stopped(&cx, live).await?;
        }
        let message = said(&cx, "stop", json!({ "url": at.url() })).await?;
        same("message", message.as_str(), "Nothing to stop")?;
        Ok(())
    });
    suite.case("S5", "stop of a recording or of a request id stops that one alone", async |cx| {
        let at = cx.endpoint();
        let ids = ids(&cx);
        let [a, b, c] = three(&cx, &at, &ids).await?;
        said(&cx, "stop", json!({ "url": at.url(), "recording": a.recording })).await?;
        is_stopped(&cx, a).await?;
        said(&cx, "stop", json!({ "url": at.url(), "request": ids[1] })).await?;
        is_stopped(&cx, b).await?;
        same("live", live_in(&cx.status(&at).await?), [c.recording.as_str()])?;
        goes_on(c).await?;
        Ok(())
    });
    suite.case("S5", "stop of a request id that joined stops what it joined", async |cx| {
        let at = cx.endpoint();
        let [a, b, c] = three(&cx, &at, &ids(&cx)).await?;
        let joins = cx.uuid();
        follows(cx.post(&at, "b").id(&joins), &b.recording, "b").await?;
        said(&cx, "stop", json!({ "url": at.url(), "request": joins })).await?;
        is_stopped(&cx, b).await?;
        goes_on(a).await?;
        goes_on(c).await?;
        Ok(())
    });
    suite.case("S5", "delete of a URL removes all its recordings, retired ones included", async |cx| {
        let at = cx.endpoint();
        let retired = cx.live(&at, cx.asks(&at, "z"), "retired").await?.ends().await?;
        let [a, b, c] = three(&cx, &at, &ids(&cx)).await?;
        let finished = c.ends().await?;
        cx.rest_of(&at, &retired.recording, 0).send().await?.ends_with("retired").await?;
        said(&cx, "delete", json!({ "url": at.url() })).await?;
        is_deleted(&cx, a).await?;
        is_deleted(&cx, b).await?;
        for ended in [retired, finished] {
            cx.rest_of(&at, &ended.recording, 0).send().await?.error(410, "gone").await?;
        }
        fields(&cx.status(&at).await?, &[("state", json!("none")), ("activeConnections", json!(0))])?;
        cx.get(&at).mode("replay").send().await?.error(404, "not-found").await?;
        Ok(())
    });
    suite.case("S5", "delete of a recording or of a request id removes that one alone", async |cx| {
        let at = cx.endpoint();
        let ids = ids(&cx);
        let retired = cx.live(&at, cx.asks(&at, "z"), "retired").await?.ends().await?;
        let [a, b, c] = three(&cx, &at, &ids).await?;
        said(&cx, "delete", json!({ "url": at.url(), "recording": a.recording })).await?;
        is_deleted(&cx, a).await?;
        said(&cx, "delete", json!({ "url": at.url(), "request": ids[1] })).await?;
        is_deleted(&cx, b).await?;
        cx.rest_of(&at, &retired.recording, 0).send().await?.ends_with("retired").await?;
        said(&cx, "delete", json!({ "url": at.url(), "recording": retired.recording })).await?;
        cx.rest_of(&at, &retired.recording, 0).send().await?.is(410)?;
        goes_on(c).await?;
        Ok(())
    });
    suite.case("S5", "delete of a request id that never arrived is a successful no-op", async |cx| {
        let live = cx.streaming("live").await?;
        let body = json!({ "url": live.at.url(), "request": cx.uuid() });
        same("message", said(&cx, "delete", body).await?.as_str(), "Response deleted successfully")?;
        goes_on(live).await?;
        Ok(())
    });
    suite.case(
        "S5 I1",
        "the ids of what was deleted are 410 each, those of the others are not",
        async |cx| {
            let at = cx.endpoint();
            let ids = ids(&cx);
            let [a, b, c] = three(&cx, &at, &ids).await?;
            let body = json!({ "url": at.url(), "recording": b.recording });
            said(&cx, "delete", body).await?;
            cx.post(&at, "b").id(&ids[1]).send().await?.error(410, "deleted").await?;
            follows(cx.post(&at, "a").id(&ids[0]), &a.recording, "a").await?;
            follows(cx.post(&at, "c").id(&ids[2]), &c.recording, "c").await?;
            at.hits(3)?;
            Ok(())
        },
    );
    suite.case("S4 S5", "what is stopped beside others answers its reload, the others go on", async |cx| {
        let at = cx.endpoint();
        let [a, b, c] = three(&cx, &at, &ids(&cx)).await?;
        said(&cx, "stop", json!({ "url": at.url(), "recording": a.recording })).await?;
        let recording = a.recording.clone();
        is_stopped(&cx, a).await?;
        goes_on(b).await?;
        goes_on(c).await?;
        let mut replay = cx.post(&at, "a").mode("join").send().await?;
        replay.is(200)?.state("stopped")?.has("durablefetch-recording", &recording)?;
        replay.ends_with("a").await?;
        Ok(())
    });
    suite.case("C3", "stop says what it did: nothing where all has ended", async |cx| {
        let at = cx.replying(Reply::ok("whole"));
        cx.get(&at).send().await?.ends_with("whole").await?;
        same("message", said(&cx, "stop", json!({ "url": at.url() })).await?.as_str(), "Nothing to stop")?;
        Ok(())
    });
    suite.launching(
        "C5",
        "stop and delete of a URL that may not be fetched are refused like the fetch, in-progress is not",
        async |cx| {
            let allow = vec![format!("http://{}/allowed/", cx.upstream.authority())];
            let (cx, _own) = cx.launch(Settings { allow, ..Settings::default() }).await?;
            for url in ["https://elsewhere.example/", "http://10.0.0.1/", &cx.replying(Reply::ok("x")).url()]
            {
                cx.recorder.fetch("GET", url).send().await?.error(403, "upstream-not-allowed").await?;
                for (call, body) in [
                    ("stop", json!({ "url": url })),
                    ("stop", json!({ "url": url, "request": cx.uuid() })),
                    ("delete", json!({ "url": url })),
                ] {
                    cx.control(call, body).await?.error(403, "upstream-not-allowed").await?;
                }
                let status = cx.status_of(json!({ "url": url })).await?;
                same("state", status["state"].as_str(), Some("none"))?;
            }
            Ok(())
        },
    );
}
