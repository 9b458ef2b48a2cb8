//! The column "nothing" of the admission table.

use serde_json::json;

use crate::case::Suite;
use crate::check::same;
use crate::several::NEVER_GIVEN_OUT;
use crate::upstream::Reply;

pub(super) fn add(suite: &mut Suite) {
    suite.case("S1", "join where nothing is stored starts and records", async |cx| {
        let at = cx.replying(Reply::ok("body").header("content-type", "text/plain"));
        let mut response = cx.get(&at).mode("join").send().await?;
        response.is(200)?.has("content-type", "text/plain")?.has("durablefetch-offset", "0")?;
        response.recording()?;
        response.ends_with("body").await?;
        cx.until_state(&at, "complete").await?;
        Ok(at.hits(1)?)
    });
    suite.case("S1", "restart where nothing is stored starts and records", async |cx| {
        let at = cx.replying(Reply::ok("body"));
        cx.get(&at).mode("restart").send().await?.is(200)?;
        cx.until_state(&at, "complete").await?;
        Ok(at.hits(1)?)
    });
    suite.case("S1", "resume where nothing is stored is an empty 204 and asks no upstream", async |cx| {
        let at = cx.endpoint();
        let mut response = cx.get(&at).mode("resume").send().await?;
        response.is(204)?.state("none")?.lacks("durablefetch-recording")?;
        response.ends().await?;
        Ok(at.hits(0)?)
    });
    suite.case("S1", "replay where nothing is stored is a 404 and asks no upstream", async |cx| {
        let at = cx.endpoint();
        cx.get(&at).mode("replay").send().await?.error(404, "not-found").await?;
        Ok(at.hits(0)?)
    });
    suite.case("S1", "a continuation where nothing is stored is a 410 and asks no upstream", async |cx| {
        let at = cx.endpoint();
        let gone = NEVER_GIVEN_OUT;
        cx.rest_of(&at, gone, 0).send().await?.error(410, "gone").await?;
        cx.rest_of(&at, gone, 7).send().await?.error(410, "gone").await?;
        cx.rest_of(&at, "no id at all", 0).send().await?.error(410, "gone").await?;
        Ok(at.hits(0)?)
    });
    suite.case("S1 C2 C3", "stop and delete where nothing is stored succeed and do nothing", async |cx| {
        let at = cx.endpoint();
        for call in ["stop", "delete"] {
            let mut response = cx.control(call, json!({ "url": at.url() })).await?;
            response.is(200)?.state("none")?;
            same("success", &response.json().await?["success"], &json!(true))?;
        }
        cx.get(&at).mode("resume").send().await?.is(204)?;
        Ok(at.hits(0)?)
    });
    suite.case("S1", "resume and replay of a POST start nothing either", async |cx| {
        let at = cx.endpoint();
        cx.post(&at, "x").mode("resume").send().await?.is(204)?;
        cx.post(&at, "x").mode("replay").send().await?.is(404)?;
        Ok(at.hits(0)?)
    });
}
