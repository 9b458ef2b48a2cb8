//! `durablefetch-recording` + `durablefetch-offset`.

use crate::case::Suite;
use crate::check::holds;
use crate::scenario::{Ended, Live};
use crate::several::NEVER_GIVEN_OUT;
use crate::upstream::Reply;

pub(super) fn add(suite: &mut Suite) {
    suite.case("S3", "at the end exactly a continuation is an empty 200 with the state", async |cx| {
        for state in ["complete", "stopped", "failed"] {
            let Ended { at, recording } = match state {
                "complete" => cx.complete("whole").await?,
                "stopped" => cx.stopped("whole").await?,
                _ => cx.failed("whole").await?,
            };
            let mut end = cx.rest_of(&at, &recording, 5).send().await?;
            end.is(200)?.state(state)?.has("content-length", "0")?.has("durablefetch-offset", "5")?;
            end.has("durablefetch-recording", &recording)?;
            end.ends().await?;
        }
        Ok(())
    });
    suite.case("S3", "an offset past the stored end is a 416", async |cx| {
        let Ended { at, recording } = cx.complete("whole").await?;
        for offset in [6, 1000] {
            cx.rest_of(&at, &recording, offset).send().await?.error(416, "offset-out-of-range").await?;
        }
        let live = cx.streaming("four").await?;
        Ok(cx.rest_of(&live.at, &live.recording, 5).send().await?.error(416, "offset-out-of-range").await?)
    });
    suite.case("S2", "a continuation of another recording than the current one is a 410", async |cx| {
        let Live { at, call: _call, .. } = cx.streaming("here").await?;
        for other in [NEVER_GIVEN_OUT, "not an id"] {
            let response = cx.rest_of(&at, other, 0).send().await?;
            response.is(410)?.state("none")?;
            let code = response.header("durablefetch-error")?;
            holds("the code is superseded or gone", code == "superseded" || code == "gone")?;
        }
        Ok(at.hits(1)?)
    });
    suite.case("S2", "a continuation of a recording under another URL is a 410", async |cx| {
        let Ended { recording, .. } = cx.complete("secret").await?;
        let elsewhere = cx.endpoint();
        cx.rest_of(&elsewhere, &recording, 0).send().await?.error(410, "gone").await?;
        Ok(elsewhere.hits(0)?)
    });
    suite.case("H2", "a continuation is a GET, whatever the method of the start was", async |cx| {
        let at = cx.replying(Reply::new(201).reason("Made").body("0123456789"));
        let mut started = cx.post(&at, "x").send().await?;
        let recording = started.recording()?;
        started.ends_with("0123456789").await?;
        let mut rest = cx.rest_of(&at, &recording, 5).send().await?;
        rest.is(201)?;
        rest.ends_with("56789").await?;
        let post = cx.post(&at, "x").rest_of(&recording, 5);
        post.send().await?.error(400, "bad-request").await?;
        Ok(at.hits(1)?)
    });
    suite.case("H2 H3", "half a continuation or a bad offset is a 400 and starts nothing", async |cx| {
        let Ended { at, recording } = cx.complete("whole").await?;
        let half = cx.get(&at).header("durablefetch-recording", recording.clone());
        half.send().await?.error(400, "bad-request").await?;
        let half = cx.get(&at).header("durablefetch-offset", "1");
        half.send().await?.error(400, "bad-request").await?;
        for offset in ["-1", "+1", "x", "1.5", "", "99999999999999999999"] {
            let bad = cx.get(&at).header("durablefetch-recording", recording.clone());
            bad.header("durablefetch-offset", offset).send().await?.error(400, "bad-request").await?;
        }
        Ok(at.hits(1)?)
    });
    suite.case("H2", "a continuation starts nothing even with mode restart and a request id", async |cx| {
        let Ended { at, recording } = cx.complete("whole").await?;
        let mut rest = cx.rest_of(&at, &recording, 2).mode("restart").id(&cx.uuid()).send().await?;
        rest.is(200)?;
        rest.ends_with("ole").await?;
        Ok(at.hits(1)?)
    });
    suite.case("H3", "an unknown mode is a 400 and starts nothing", async |cx| {
        let at = cx.endpoint();
        cx.get(&at).mode("again").send().await?.error(400, "bad-request").await?;
        Ok(at.hits(0)?)
    });
    suite.case("H3", "a durablefetch header that stands twice is a 400 and starts nothing", async |cx| {
        let at = cx.endpoint();
        let id = NEVER_GIVEN_OUT.to_owned();
        for (name, value) in [
            ("durablefetch-url", at.url()),
            ("durablefetch-mode", "join".to_owned()),
            ("durablefetch-request", cx.uuid()),
            ("durablefetch-recording", id),
            ("durablefetch-offset", "0".to_owned()),
        ] {
            let twice = cx.get(&at).header(name, value.clone()).header(name, value);
            twice.send().await?.error(400, "bad-request").await?;
        }
        Ok(at.hits(0)?)
    });
    suite.case("R2 R4", "a continuation has the head of the recording", async |cx| {
        let at = cx.replying(Reply::new(202).reason("Fine By Me").header("x-kept", "yes").body("body"));
        let mut first = cx.get(&at).send().await?;
        let recording = first.recording()?;
        first.ends_with("body").await?;
        let rest = cx.rest_of(&at, &recording, 1).send().await?;
        rest.is(202)?.has("x-kept", "yes")?.has("durablefetch-status-text", "Fine By Me")?;
        Ok(())
    });
}
