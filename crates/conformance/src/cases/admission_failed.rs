//! The column "failed" of the admission table. "Interrupted" is in `restart`.

use crate::case::Suite;
use crate::scenario::Ended;

pub(super) fn add(suite: &mut Suite) {
    suite.case("S1", "join of a failed recording starts anew", async |cx| {
        let Ended { at, recording } = cx.failed("partial").await?;
        let join = cx.get(&at).open().await?;
        at.accept().await?.answers("new").await?;
        let mut joined = join.response().await?;
        crate::check::holds("a new recording has a new id", joined.recording()? != recording)?;
        Ok(joined.ends_with("new").await?)
    });
    suite.case("S1", "restart of a failed recording starts anew", async |cx| {
        let Ended { at, .. } = cx.failed("partial").await?;
        let restart = cx.get(&at).mode("restart").open().await?;
        let mut call = at.accept().await?;
        call.head(200, &[]).await?;
        call.end().await?;
        restart.response().await?.is(200)?;
        Ok(())
    });
    suite.case("S1", "resume of a failed recording is a 204", async |cx| {
        let Ended { at, .. } = cx.failed("partial").await?;
        cx.get(&at).mode("resume").send().await?.is(204)?.state("none")?;
        Ok(at.hits(1)?)
    });
    suite.case("S1 B3", "replay of a failed recording is what it holds, then broken", async |cx| {
        let Ended { at, recording } = cx.failed("partial").await?;
        let mut replay = cx.get(&at).mode("replay").send().await?;
        replay.is(200)?.state("failed")?.has("durablefetch-recording", &recording)?;
        replay.lacks("content-length")?;
        replay.next("partial").await?;
        replay.breaks().await?;
        Ok(at.hits(1)?)
    });
    suite.case("S1", "a continuation of a failed recording is the rest, clean, with the state", async |cx| {
        let Ended { at, recording } = cx.failed("partial").await?;
        let mut rest = cx.rest_of(&at, &recording, 4).send().await?;
        rest.is(200)?.state("failed")?.has("durablefetch-offset", "4")?;
        rest.ends_with("ial").await?;
        let mut end = cx.rest_of(&at, &recording, 7).send().await?;
        end.is(200)?.state("failed")?;
        Ok(end.ends().await?)
    });
    suite.case("S1", "stop of a failed recording changes nothing, delete leaves nothing", async |cx| {
        let Ended { at, .. } = cx.failed("partial").await?;
        cx.stop(&at).await?;
        cx.get(&at).mode("replay").send().await?.is(200)?.state("failed")?;
        cx.delete(&at).await?;
        cx.get(&at).mode("replay").send().await?.is(404)?;
        Ok(at.hits(1)?)
    });
    suite.case("R2", "a failed recording says why in durablefetch-error", async |cx| {
        let Ended { at, recording } = cx.failed("partial").await?;
        cx.rest_of(&at, &recording, 7).send().await?.has("durablefetch-error", "upstream-failed")?;
        Ok(())
    });
}
