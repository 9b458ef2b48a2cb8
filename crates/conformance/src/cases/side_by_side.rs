//! Several recordings of one key, live at once.

use crate::case::Suite;
use crate::check::{holds, same};
use crate::scenario::Live;
use crate::several::{follows, live_in};
use crate::upstream::Reply;

pub(super) fn add(suite: &mut Suite) {
    suite.case(
        "S10 S11",
        "two POSTs with different bodies at once get their own answers, and both are live",
        async |cx| {
            let at = cx.endpoint();
            let opened = [cx.asks(&at, "a").open().await?, cx.asks(&at, "b").open().await?];
            let mut calls = [at.accept().await?, at.accept().await?];
            calls.sort_by(|one, other| one.request.body.cmp(&other.request.body));
            let mut readers = Vec::new();
            for ((open, call), body) in opened.into_iter().zip(&mut calls).zip(["a", "b"]) {
                same("body", String::from_utf8_lossy(&call.request.body).as_ref(), body)?;
                call.head(200, &[]).await?;
                call.send(format!("answer to {body}")).await?;
                let mut reader = open.response().await?;
                reader.is(200)?.state("streaming")?;
                reader.next(format!("answer to {body}")).await?;
                readers.push(reader);
            }
            holds("two recordings", readers[0].recording()? != readers[1].recording()?)?;
            let status = cx.status(&at).await?;
            same("live recordings", live_in(&status).len(), 2)?;
            for (mut call, mut reader) in calls.into_iter().zip(readers) {
                call.send(", all").await?;
                call.end().await?;
                reader.ends_with(", all").await?;
            }
            at.hits(2)?;
            Ok(())
        },
    );
    suite.case(
        "S11",
        "after an aborted request, another POST gets its own answer, and the first goes on",
        async |cx| {
            let at = cx.endpoint();
            let Live { mut call, reader, recording, .. } = cx.live(&at, cx.asks(&at, "a"), "one ").await?;
            reader.reset();
            cx.live(&at, cx.asks(&at, "b"), "second").await?.ends().await?;
            call.send("two").await?;
            let mut rest = cx.rest_of(&at, &recording, 4).send().await?;
            rest.is(200)?;
            rest.next("two").await?;
            call.end().await?;
            rest.ends().await?;
            at.hits(2)?;
            Ok(())
        },
    );
    suite.case(
        "S11",
        "a start beside leaves the readers and the continuations of what is live alone",
        async |cx| {
            let at = cx.endpoint();
            let mut first = cx.live(&at, cx.asks(&at, "a"), "one ").await?;
            for (mode, body) in [("match", "b"), ("match-live", "c"), ("new", "a")] {
                let beside = cx.live(&at, cx.asks(&at, body).mode(mode), "beside").await?;
                holds("another recording", beside.recording != first.recording)?;
                let mut rest = cx.rest_of(&at, &first.recording, 2).send().await?;
                rest.is(200)?.state("streaming")?;
                rest.next("e ").await?;
                beside.ends().await?;
            }
            holds("its upstream is not closed", !first.call.is_closed())?;
            first.call.send("two").await?;
            first.reader.next("two").await?;
            first.ends().await?;
            at.hits(4)?;
            Ok(())
        },
    );
    suite.case(
        "S1",
        "a request without an id and a mode is a join: it follows the latest live one by URL alone",
        async |cx| {
            let at = cx.endpoint();
            let first = cx.live(&at, cx.asks(&at, "a"), "first").await?;
            let second = cx.live(&at, cx.asks(&at, "b"), "second").await?;
            for request in [
                cx.get(&at),
                cx.post(&at, "a"),
                cx.post(&at, "c").mode("join"),
                cx.asks(&at, "d").mode("join"),
            ] {
                follows(request, &second.recording, "second").await?;
            }
            second.ends().await?;
            follows(cx.get(&at), &first.recording, "first").await?;
            at.hits(2)?;
            Ok(())
        },
    );
    suite.case("S1 S4", "restart supersedes every live recording of its key", async |cx| {
        let at = cx.endpoint();
        let lives =
            [cx.live(&at, cx.asks(&at, "a"), "a").await?, cx.live(&at, cx.asks(&at, "b"), "b").await?];
        let restarted = cx.live(&at, cx.asks(&at, "a").mode("restart"), "new").await?;
        for mut live in lives {
            live.reader.breaks().await?;
            live.call.closed().await?;
            cx.rest_of(&at, &live.recording, 0).send().await?.error(410, "superseded").await?;
        }
        same("live", live_in(&cx.status(&at).await?), [restarted.recording.as_str()])?;
        restarted.ends().await?;
        at.hits(3)?;
        Ok(())
    });
    suite.case("S1", "resume and replay prefer what restart started, live before finished", async |cx| {
        let at = cx.endpoint();
        let chat = cx.live(&at, cx.asks(&at, "chat").mode("restart"), "chat").await?;
        let title = cx.live(&at, cx.asks(&at, "title"), "title").await?;
        for mode in ["resume", "replay"] {
            follows(cx.get(&at).mode(mode), &chat.recording, "chat").await?;
        }
        let chat = chat.ends().await?;
        for mode in ["resume", "replay"] {
            follows(cx.get(&at).mode(mode), &title.recording, "title").await?;
        }
        title.ends().await?;
        cx.get(&at).mode("resume").send().await?.is(204)?;
        follows(cx.get(&at).mode("replay"), &chat.recording, "chat").await?;
        at.hits(2)?;
        Ok(())
    });
    suite.case("S1", "replay without a restart is the latest of what ran side by side", async |cx| {
        let at = cx.endpoint();
        let first = cx.live(&at, cx.asks(&at, "a"), "first").await?;
        let second = cx.live(&at, cx.asks(&at, "b"), "second").await?.ends().await?;
        first.ends().await?;
        follows(cx.get(&at).mode("replay"), &second.recording, "second").await?;
        at.hits(2)?;
        Ok(())
    });
    suite.case(
        "S7 S11",
        "an answer that is not recorded is nobody else's: what is live goes on beside it",
        async |cx| {
            let at = cx.endpoint();
            let live = cx.live(&at, cx.asks(&at, "a"), "live").await?;
            let open = cx.asks(&at, "b").open().await?;
            let mut refused = at.accept().await?;
            refused.head(429, &[]).await?;
            refused.send("slow ").await?;
            let mut answer = open.response().await?;
            answer.is(429)?.state("unrecorded")?;
            answer.next("slow ").await?;
            follows(cx.get(&at), &live.recording, "live").await?;
            same("live", live_in(&cx.status(&at).await?), [live.recording.as_str()])?;
            refused.send("down").await?;
            refused.end().await?;
            answer.ends_with("down").await?;
            live.ends().await?;
            at.hits(2)?;
            Ok(())
        },
    );
    suite.case("S4 S11", "twenty live recordings of one key each get their own bytes", async |cx| {
        let at = cx.endpoint();
        let mut all = Vec::new();
        for n in 0..20 {
            all.push(cx.live(&at, cx.asks(&at, &format!("{n}")), &format!("answer {n} ")).await?);
        }
        for live in all.iter_mut().rev() {
            live.call.send(format!("of {}", live.recording)).await?;
        }
        for (n, mut live) in all.into_iter().enumerate() {
            let rest = format!("of {}", live.recording);
            live.reader.next(&rest).await?;
            let again = cx.asks(&at, &format!("{n}"));
            let mut again = follows(again, &live.recording, &format!("answer {n} ")).await?;
            again.next(&rest).await?;
            live.ends().await?;
        }
        at.hits(20)?;
        Ok(())
    });
    suite.case("S1", "a new of what a hundred others follow starts for itself alone", async |cx| {
        let at = cx.replying(Reply::ok("answer"));
        let mut recordings = Vec::new();
        for _ in 0..3 {
            let mut answer = cx.asks(&at, "same").mode("new").send().await?;
            recordings.push(answer.recording()?);
            answer.ends_with("answer").await?;
        }
        recordings.sort();
        recordings.dedup();
        same("recordings", recordings.len(), 3)?;
        at.hits(3)?;
        Ok(())
    });
}
