//! The column "connecting" of the admission table.

use serde_json::json;

use crate::case::Suite;
use crate::check::same;
use crate::scenario::Connecting;

pub(super) fn add(suite: &mut Suite) {
    suite.case(
        "S1",
        "join, resume and replay while connecting wait for the head and then follow",
        async |cx| {
            let Connecting { at, call, starter } = cx.connecting().await?;
            let mut waiting = vec![starter];
            for mode in ["join", "resume", "replay"] {
                waiting.push(cx.get(&at).mode(mode).open().await?);
            }
            cx.until_state(&at, "connecting").await?;
            let mut call = call.begins("one ").await?;
            let mut readers = Vec::new();
            for open in waiting {
                let mut reader = open.response().await?;
                reader.is(200)?;
                reader.next("one ").await?;
                readers.push(reader);
            }
            call.send("two").await?;
            call.end().await?;
            for mut reader in readers {
                reader.ends_with("two").await?;
            }
            Ok(at.hits(1)?)
        },
    );
    suite.case(
        "S1",
        "a join with another body while connecting waits and follows all the same",
        async |cx| {
            let at = cx.endpoint();
            let first = cx.post(&at, "a").open().await?;
            let call = at.accept().await?;
            let second = cx.post(&at, "b").open().await?;
            let _call = call.begins("for all").await?;
            first.response().await?.next("for all").await?;
            second.response().await?.next("for all").await?;
            Ok(at.hits(1)?)
        },
    );
    suite.case("S1", "a continuation while connecting waits and then follows from its offset", async |cx| {
        let Connecting { at, call, starter: _starter } = cx.connecting().await?;
        let status = cx.until(&at, |status| status["recording"].is_string()).await?;
        let id = status["recording"].as_str().unwrap_or_default().to_owned();
        let waiting = cx.rest_of(&at, &id, 0).open().await?;
        let call = call.begins("here").await?;
        let mut reader = waiting.response().await?;
        reader.is(200)?.has("durablefetch-recording", &id)?.has("durablefetch-offset", "0")?;
        reader.next("here").await?;
        call.end().await?;
        Ok(reader.ends().await?)
    });
    suite.case(
        "S1 S4 S8",
        "restart while connecting closes the old upstream and its waiters get 410",
        async |cx| {
            let Connecting { at, mut call, starter } = cx.connecting().await?;
            let restart = cx.get(&at).mode("restart").open().await?;
            let second = at.accept().await?;
            starter.response().await?.error(410, "superseded").await?;
            call.closed().await?;
            let _second = second.begins("new").await?;
            restart.response().await?.next("new").await?;
            Ok(at.hits(2)?)
        },
    );
    for (control, code, name) in [
        ("stop", "stopped", "stop while connecting closes the upstream; waiters get 410, resume 204"),
        ("delete", "deleted", "delete while connecting closes the upstream; waiters get 410, resume 204"),
    ] {
        suite.case("S1 S4 S8", name, async move |cx| {
            let Connecting { at, mut call, starter } = cx.connecting().await?;
            let resume = cx.get(&at).mode("resume").open().await?;
            cx.control(control, json!({ "url": at.url() })).await?.is(200)?;
            call.closed().await?;
            starter.response().await?.error(410, code).await?;
            resume.response().await?.is(204)?.state("none")?;
            cx.get(&at).mode("replay").send().await?.error(404, "not-found").await?;
            Ok(at.hits(1)?)
        });
    }
    suite.case("C1", "in-progress while connecting says so", async |cx| {
        let Connecting { at, call: _call, starter: _starter } = cx.connecting().await?;
        let status = cx.status(&at).await?;
        same("state", &status["state"], &json!("connecting"))?;
        same("inProgress", &status["inProgress"], &json!(true))?;
        same("completed", &status["completed"], &json!(false))?;
        Ok(same("chunksStored", &status["chunksStored"], &json!(0))?)
    });
    suite.case("S1", "a starter that leaves while connecting does not end the start", async |cx| {
        let Connecting { at, call, starter } = cx.connecting().await?;
        starter.reset();
        let resume = cx.get(&at).mode("resume").open().await?;
        call.answers("still here").await?;
        // It was live when it was asked for, or over by then; either way it goes on without its starter.
        drop(resume.response().await?);
        cx.until_state(&at, "complete").await?;
        cx.get(&at).mode("replay").send().await?.ends_with("still here").await?;
        Ok(at.hits(1)?)
    });
}
