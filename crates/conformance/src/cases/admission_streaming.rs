//! The column "streaming" of the admission table.

use crate::case::Suite;
use crate::scenario::Live;

pub(super) fn add(suite: &mut Suite) {
    for (mode, name) in [
        ("join", "join of a streaming recording replays from byte 0 and follows"),
        ("resume", "resume of a streaming recording replays from byte 0 and follows"),
        ("replay", "replay of a streaming recording replays from byte 0 and follows"),
    ] {
        suite.case("S1", name, async move |cx| {
            let Live { at, mut call, reader: _reader, recording } = cx.streaming("one ").await?;
            let mut second = cx.get(&at).mode(mode).send().await?;
            second.is(200)?.state("streaming")?.has("durablefetch-recording", &recording)?;
            second.has("durablefetch-offset", "0")?;
            second.next("one ").await?;
            call.send("two").await?;
            second.next("two").await?;
            call.end().await?;
            second.ends().await?;
            Ok(at.hits(1)?)
        });
    }
    suite.case("S1", "a join with another method and body follows what is streaming", async |cx| {
        let Live { at, mut call, .. } = cx.streaming("one ").await?;
        let mut joined = cx.post(&at, "something else").send().await?;
        joined.next("one ").await?;
        call.send("two").await?;
        call.end().await?;
        joined.ends_with("two").await?;
        Ok(at.hits(1)?)
    });
    suite.case(
        "S1 S2 S4",
        "restart of a streaming recording closes its upstream and breaks its readers",
        async |cx| {
            let Live { at, mut call, mut reader, recording } = cx.streaming("old").await?;
            let restart = cx.get(&at).mode("restart").open().await?;
            let second = at.accept().await?;
            call.closed().await?;
            reader.breaks().await?;
            let second = second.begins("new").await?;
            let mut restarted = restart.response().await?;
            restarted.next("new").await?;
            cx.rest_of(&at, &recording, 3).send().await?.error(410, "superseded").await?;
            second.end().await?;
            restarted.ends().await?;
            Ok(cx.get(&at).mode("replay").send().await?.ends_with("new").await?)
        },
    );
    suite.case(
        "S1",
        "a continuation of a streaming recording begins at its offset and follows",
        async |cx| {
            let Live { at, mut call, reader: _reader, recording } = cx.streaming("0123456789").await?;
            let mut rest = cx.rest_of(&at, &recording, 4).send().await?;
            rest.is(200)?.state("streaming")?.has("durablefetch-offset", "4")?;
            rest.has("durablefetch-recording", &recording)?;
            rest.next("456789").await?;
            let mut at_tail = cx.rest_of(&at, &recording, 10).send().await?;
            call.send("abc").await?;
            rest.next("abc").await?;
            call.end().await?;
            rest.ends().await?;
            at_tail.ends_with("abc").await?;
            Ok(at.hits(1)?)
        },
    );
    suite.case(
        "S1 S3 S4",
        "stop of a streaming recording closes its upstream and ends its readers cleanly",
        async |cx| {
            let Live { at, mut call, mut reader, recording } = cx.streaming("part").await?;
            let mut second = cx.get(&at).send().await?;
            cx.stop(&at).await?;
            call.closed().await?;
            reader.ends().await?;
            second.ends_with("part").await?;
            cx.until_state(&at, "stopped").await?;
            let mut verified = cx.rest_of(&at, &recording, 4).send().await?;
            verified.is(200)?.state("stopped")?;
            verified.ends().await?;
            Ok(at.hits(1)?)
        },
    );
    suite.case(
        "S1 S4",
        "delete of a streaming recording closes its upstream and breaks its readers",
        async |cx| {
            let Live { at, mut call, mut reader, recording } = cx.streaming("part").await?;
            let mut second = cx.get(&at).send().await?;
            second.next("part").await?;
            cx.delete(&at).await?;
            call.closed().await?;
            reader.breaks().await?;
            second.breaks().await?;
            cx.get(&at).mode("replay").send().await?.error(404, "not-found").await?;
            cx.get(&at).mode("resume").send().await?.is(204)?;
            cx.rest_of(&at, &recording, 0).send().await?.is(410)?;
            Ok(())
        },
    );
    suite.case("S1", "a join after a delete starts anew and gets only the new bytes", async |cx| {
        let Live { at, call: _call, .. } = cx.streaming("old").await?;
        cx.delete(&at).await?;
        let again = cx.get(&at).open().await?;
        at.accept().await?.answers("new").await?;
        Ok(again.response().await?.ends_with("new").await?)
    });
    suite.case("S1", "a recording goes on when its last reader leaves", async |cx| {
        let Live { at, mut call, reader, .. } = cx.streaming("one ").await?;
        reader.reset();
        call.send("two").await?;
        call.end().await?;
        cx.until_state(&at, "complete").await?;
        cx.get(&at).send().await?.ends_with("one two").await?;
        Ok(at.hits(1)?)
    });
}
