//! The recorder's own addresses: the page, health, metrics, the demo stream.

use serde_json::json;

use crate::case::Suite;
use crate::check::{Oops, holds, same};

pub(super) fn add(suite: &mut Suite) {
    suite.case("A4 R1", "the page for people is HTML and shows a demo address", async |cx| {
        let mut page = cx.recorder.request("GET", "/").send().await?;
        page.is(200)?.state("none")?;
        holds("HTML", page.header("content-type")?.starts_with("text/html"))?;
        Ok(holds("it names /demo/", page.text().await?.contains("demo/"))?)
    });
    suite.case("A10 R1", "readyz of a recorder that takes starts is a 200 of state none", async |cx| {
        let mut response = cx.recorder.request("GET", "/readyz").send().await?;
        response.is(200)?.state("none")?;
        Ok(same("ready", &response.json().await?["ready"], &json!(true))?)
    });
    suite.case("A4 R1", "healthz is a 200 of state none", async |cx| {
        let mut response = cx.recorder.request("GET", "/healthz").send().await?;
        response.is(200)?.state("none")?.has("content-type", "application/json")?;
        Ok(same("body", response.json().await?, json!({ "ok": true }))?)
    });
    suite.case("A7", "the demo stream is recorded: a second tab sees the same bytes", async |cx| {
        let path = format!("/demo/{}", cx.uuid());
        let mut first = cx.recorder.request("GET", &path).send().await?;
        first.is(200)?.state("streaming")?;
        holds("an event stream", first.header("content-type")?.starts_with("text/event-stream"))?;
        let begin = first.take(20).await?;
        let mut second = cx.recorder.request("GET", &path).send().await?;
        second.is(200)?.has("durablefetch-recording", &first.recording()?)?;
        second.next(&begin).await?;
        let mut rest = cx.recorder.request("GET", &path).rest_of(&first.recording()?, 5).send().await?;
        rest.next(&begin[5..]).await?;
        let url = format!("http://{}{}{path}", cx.recorder.authority, cx.recorder.mount);
        let status = cx.control("in-progress", json!({ "url": url })).await?.json().await?;
        same("state", &status["state"], &json!("streaming"))?;
        cx.control("stop", json!({ "url": url })).await?.is(200)?;
        same("end", first.rest().await?.1, crate::client::End::Clean)?;
        Ok(same("end", second.rest().await?.1, crate::client::End::Clean)?)
    });
    suite.case("A7", "demo streams to measure with: a large head, a held one, plain text", async |cx| {
        let ask = async |kind: &str| {
            let path = format!("/demo/{kind}-{}", cx.uuid());
            cx.recorder.request("GET", &path).send().await
        };
        let mut large = ask("head-8000").await?;
        same("padding", large.is(200)?.header("x-demo-padding")?.len(), 8000)?;
        same("end", large.rest().await?.1, crate::client::End::Clean)?;
        let since = std::time::Instant::now();
        let mut held = ask("held-1").await?;
        held.is(200)?;
        holds("the head was held", since.elapsed() >= std::time::Duration::from_millis(950))?;
        same("end", held.rest().await?.1, crate::client::End::Clean)?;
        let mut plain = ask("plain-2").await?;
        plain.is(200)?.has("content-type", "text/plain; charset=utf-8")?;
        let (body, end) = plain.rest().await?;
        same("events", String::from_utf8_lossy(&body).matches("id: ").count(), 2)?;
        same("end", end, crate::client::End::Clean)?;
        // One too many, and one that is none: the ordinary stream.
        for other in ["head-32769", "nothing-4"] {
            let ordinary = ask(other).await?;
            ordinary.is(200)?;
            holds("no padding", ordinary.header("x-demo-padding").is_err())?;
        }
        Ok(())
    });
    suite.case("A7", "two demo ids are two recordings", async |cx| {
        let one = cx.recorder.request("GET", &format!("/demo/{}", cx.uuid())).send().await?;
        let two = cx.recorder.request("GET", &format!("/demo/{}", cx.uuid())).send().await?;
        Ok(holds("two ids", one.recording()? != two.recording()?)?)
    });
    suite.case(
        "A7",
        "a demo stream named by its full URL is the same recording, never fetched over HTTP",
        async |cx| {
            let path = format!("/demo/{}", cx.uuid());
            let first = cx.recorder.request("GET", &path).send().await?;
            let url = format!("http://{}{}{path}", cx.recorder.authority, cx.recorder.mount);
            let second = cx.recorder.request("GET", "/").header("durablefetch-url", url).send().await?;
            second.is(200)?.has("durablefetch-recording", &first.recording()?)?;
            Ok(())
        },
    );
    suite.case("A7", "a demo stream can be deleted like any recording", async |cx| {
        let path = format!("/demo/{}", cx.uuid());
        let mut first = cx.recorder.request("GET", &path).send().await?;
        first.take(5).await?;
        let url = format!("http://{}{}{path}", cx.recorder.authority, cx.recorder.mount);
        cx.control("delete", json!({ "url": url })).await?.is(200)?;
        holds("broken", first.rest().await?.1 != crate::client::End::Clean)?;
        Ok(cx.recorder.request("GET", &path).mode("replay").send().await?.error(404, "not-found").await?)
    });
    suite.case("", "a demo stream that is named so is silent between its only two events", async |cx| {
        let path = format!("/demo/silent-1-{}", cx.uuid());
        let text = cx.recorder.request("GET", &path).send().await?.text().await?;
        let events: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        let times: Result<Vec<_>, _> = events.iter().map(|json| serde_json::from_str(json)).collect();
        let times: Vec<serde_json::Value> = times.map_err(|error| Oops::new(format!("{text:?}: {error}")))?;
        let at = |n: usize| times.get(n).and_then(|event| event["at"].as_u64()).unwrap_or(0);
        same("events", times.len(), 2)?;
        Ok(holds(format!("{text:?} with a second between"), at(1) >= at(0) + 900)?)
    });
}
