//! The column "complete" of the admission table.

use crate::case::Suite;
use crate::scenario::Ended;
use crate::upstream::Reply;

pub(super) fn add(suite: &mut Suite) {
    suite.case(
        "S1 B4",
        "join of a complete recording replays all of it with its content-length",
        async |cx| {
            let Ended { at, recording } = cx.complete("whole").await?;
            let mut joined = cx.get(&at).send().await?;
            joined.is(200)?.state("complete")?.has("content-length", "5")?.lacks("transfer-encoding")?;
            joined.has("durablefetch-recording", &recording)?.has("durablefetch-offset", "0")?;
            joined.ends_with("whole").await?;
            Ok(at.hits(1)?)
        },
    );
    suite.case("S1", "join of a complete recording with another body or method starts anew", async |cx| {
        let at = cx.replying(Reply::ok("answer"));
        for (nth, request) in
            [cx.get(&at), cx.post(&at, "a"), cx.post(&at, "b"), cx.recorder.fetch("PUT", &at.url()).body("b")]
                .into_iter()
                .enumerate()
        {
            request.send().await?.ends_with("answer").await?;
            at.hits(nth + 1)?;
        }
        cx.recorder.fetch("PUT", &at.url()).body("b").send().await?.ends_with("answer").await?;
        Ok(at.hits(4)?)
    });
    suite.case(
        "S1",
        "join of a complete recording by the same credential gets it, by another starts",
        async |cx| {
            let at = cx.replying(Reply::ok("answer"));
            let asks = |who: &str, header: &str| {
                let request = cx.post(&at, "a").header("authorization", format!("Bearer {who}"));
                request.header("x-a", header)
            };
            asks("alice", "1").send().await?.ends_with("answer").await?;
            asks("alice", "2").send().await?.ends_with("answer").await?;
            at.hits(1)?;
            asks("bob", "1").send().await?.ends_with("answer").await?;
            at.hits(2)?;
            Ok(())
        },
    );
    suite.case(
        "S1 S2",
        "restart of a complete recording starts anew; the old one still continues by id",
        async |cx| {
            let Ended { at, recording } = cx.complete("old bytes").await?;
            let restart = cx.get(&at).mode("restart").open().await?;
            let call = at.accept().await?.begins("new").await?;
            let mut new = restart.response().await?;
            new.next("new").await?;
            let mut old = cx.rest_of(&at, &recording, 4).send().await?;
            old.is(200)?.has("durablefetch-recording", &recording)?.has("durablefetch-offset", "4")?;
            old.ends_with("bytes").await?;
            call.end().await?;
            Ok(new.ends().await?)
        },
    );
    suite.case("S1", "resume of a complete recording is a 204", async |cx| {
        let Ended { at, .. } = cx.complete("whole").await?;
        cx.get(&at).mode("resume").send().await?.is(204)?.state("none")?;
        Ok(at.hits(1)?)
    });
    suite.case("S1", "replay of a complete recording is all of it, whatever the fingerprint", async |cx| {
        let Ended { at, recording } = cx.complete("whole").await?;
        for request in [cx.get(&at), cx.post(&at, "other")] {
            let mut replay = request.mode("replay").send().await?;
            replay.is(200)?.state("complete")?.has("content-length", "5")?;
            replay.has("durablefetch-recording", &recording)?;
            replay.ends_with("whole").await?;
        }
        Ok(at.hits(1)?)
    });
    suite.case("S1 B4", "a continuation of a complete recording is the rest of it", async |cx| {
        let Ended { at, recording } = cx.complete("0123456789").await?;
        for offset in [0, 1, 9] {
            let mut rest = cx.rest_of(&at, &recording, offset).send().await?;
            rest.is(200)?.state("complete")?.has("durablefetch-offset", &offset.to_string())?;
            rest.has("content-length", &(10 - offset).to_string())?;
            rest.ends_with(&"0123456789"[offset..]).await?;
        }
        Ok(at.hits(1)?)
    });
    suite.case("S1", "stop of a complete recording changes nothing", async |cx| {
        let Ended { at, .. } = cx.complete("whole").await?;
        cx.stop(&at).await?;
        let mut joined = cx.get(&at).send().await?;
        joined.state("complete")?;
        joined.ends_with("whole").await?;
        Ok(at.hits(1)?)
    });
    suite.case("S1", "delete of a complete recording leaves nothing", async |cx| {
        let Ended { at, recording } = cx.complete("whole").await?;
        cx.delete(&at).await?;
        cx.get(&at).mode("replay").send().await?.error(404, "not-found").await?;
        cx.get(&at).mode("resume").send().await?.is(204)?;
        cx.rest_of(&at, &recording, 0).send().await?.is(410)?;
        Ok(at.hits(1)?)
    });
}
