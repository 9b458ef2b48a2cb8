//! The column "stopped" of the admission table.

use crate::case::Suite;
use crate::scenario::Ended;
use crate::upstream::Reply;

pub(super) fn add(suite: &mut Suite) {
    suite.case(
        "S1",
        "join and replay of a stopped recording are what it holds, with a clean end",
        async |cx| {
            let Ended { at, recording } = cx.stopped("partial").await?;
            for mode in ["join", "replay"] {
                let mut joined = cx.get(&at).mode(mode).send().await?;
                joined.is(200)?.state("stopped")?.has("durablefetch-recording", &recording)?;
                joined.ends_with("partial").await?;
            }
            Ok(at.hits(1)?)
        },
    );
    suite.case("S1", "join of a stopped recording with another body starts anew", async |cx| {
        let Ended { at, .. } = cx.stopped("partial").await?;
        let other = cx.post(&at, "other").open().await?;
        let _call = at.accept().await?.begins("new").await?;
        other.response().await?.is(200)?.state("streaming")?;
        Ok(at.hits(2)?)
    });
    suite.case("S1", "restart of a stopped recording starts anew", async |cx| {
        let Ended { at, recording } = cx.stopped("partial").await?;
        let restart = cx.get(&at).mode("restart").open().await?;
        at.accept().await?.answers("new").await?;
        restart.response().await?.ends_with("new").await?;
        Ok(cx.rest_of(&at, &recording, 4).send().await?.ends_with("ial").await?)
    });
    suite.case("S1", "resume of a stopped recording is a 204", async |cx| {
        let Ended { at, .. } = cx.stopped("partial").await?;
        cx.get(&at).mode("resume").send().await?.is(204)?.state("none")?;
        Ok(at.hits(1)?)
    });
    suite.case(
        "S1",
        "a continuation of a stopped recording is the rest of it, with a clean end",
        async |cx| {
            let Ended { at, recording } = cx.stopped("partial").await?;
            let mut rest = cx.rest_of(&at, &recording, 4).send().await?;
            rest.is(200)?.state("stopped")?.has("durablefetch-offset", "4")?;
            Ok(rest.ends_with("ial").await?)
        },
    );
    suite.case("S1", "stop of a stopped recording changes nothing, delete leaves nothing", async |cx| {
        let Ended { at, recording } = cx.stopped("partial").await?;
        cx.stop(&at).await?;
        cx.get(&at).mode("replay").send().await?.ends_with("partial").await?;
        cx.delete(&at).await?;
        cx.get(&at).mode("replay").send().await?.is(404)?;
        cx.rest_of(&at, &recording, 0).send().await?.is(410)?;
        Ok(())
    });
    suite.case("S1", "a stop before the first byte leaves an empty stopped recording", async |cx| {
        let at = cx.endpoint();
        let open = cx.get(&at).open().await?;
        let mut call = at.accept().await?;
        call.head(200, &[]).await?;
        let mut reader = open.response().await?;
        cx.stop(&at).await?;
        reader.ends().await?;
        let mut replay = cx.get(&at).mode("replay").send().await?;
        replay.is(200)?.state("stopped")?;
        Ok(replay.ends().await?)
    });
    suite.case("S1", "what was stopped was not completed: in-progress says so", async |cx| {
        let Ended { at, .. } = cx.stopped("partial").await?;
        let status = cx.status(&at).await?;
        let expected = serde_json::json!(["stopped", false, false]);
        let got = serde_json::json!([status["state"], status["inProgress"], status["completed"]]);
        crate::check::same("state, inProgress, completed", got, expected)?;
        Ok(())
    });
    suite.case("S1", "a stop that comes after the end does not undo it", async |cx| {
        let at = cx.replying(Reply::ok("whole"));
        cx.get(&at).send().await?.ends_with("whole").await?;
        cx.stop(&at).await?;
        Ok(cx.until_state(&at, "complete").await?)
    });
}
