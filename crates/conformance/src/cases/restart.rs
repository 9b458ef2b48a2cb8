//! A recorder that dies under its recordings and comes back on the same store.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::case::Suite;
use crate::check::{PATIENCE, holds, same, same_bytes};
use crate::client::End;
use crate::launch::{Ability, Settings};
use crate::scenario::{Ended, Live};
use crate::upstream::Reply;

/// What a recorder may not have written yet when it is killed: the ring.
const RING: usize = 256 << 10;

pub(super) fn add(suite: &mut Suite) {
    suite.launching(
        "B9",
        "a recorder killed mid-stream leaves an interrupted recording whose bytes replay, then break",
        async |cx| {
            let (cx, mut own) = cx.launch(Settings::default()).await?;
            let body = cx.bytes(2 << 20);
            let Live { at, mut call, mut reader, recording } = cx.streaming("").await?;
            for piece in body.chunks(64 << 10) {
                call.send(piece).await?;
                reader.next(piece).await?;
            }
            own.crash_and_restart().await?;
            holds("its readers are broken", reader.rest().await?.1 != End::Clean)?;
            call.closed().await?;
            let cx = cx.at(own.base_url())?;
            let status = cx.status(&at).await?;
            same("state", &status["state"], &json!("interrupted"))?;
            same("inProgress", &status["inProgress"], &json!(false))?;
            same("recording", &status["recording"], &json!(recording))?;
            let stored =
                usize::try_from(status["bytesStored"].as_u64().unwrap_or_default()).unwrap_or_default();
            holds(format!("{stored} bytes are all that had left the ring"), stored >= body.len() - RING)?;
            let mut replay = cx.get(&at).mode("replay").send().await?;
            replay.is(200)?.state("interrupted")?;
            let (got, end) = replay.rest().await?;
            same_bytes("replay", &got, &body[..stored])?;
            holds("then broken", end != End::Clean)?;
            let mut rest = cx.rest_of(&at, &recording, 1000).send().await?;
            rest.is(200)?.state("interrupted")?;
            rest.ends_with(&body[1000..stored]).await?;
            let past = cx.rest_of(&at, &recording, stored + 1);
            Ok(past.send().await?.error(416, "offset-out-of-range").await?)
        },
    );
    suite.launching("B9", "resume of an interrupted recording is a 204, join starts anew", async |cx| {
        let (cx, mut own) = cx.launch(Settings::default()).await?;
        let Live { at, call: _call, recording, .. } = cx.streaming("part").await?;
        let cx = cx.crash(&mut own).await?;
        cx.get(&at).mode("resume").send().await?.is(204)?.state("none")?;
        let join = cx.get(&at).open().await?;
        let _call = at.accept().await?.begins("new").await?;
        let mut joined = join.response().await?;
        joined.next("new").await?;
        holds("a new recording", joined.recording()? != recording)?;
        Ok(at.hits(2)?)
    });
    suite.launching(
        "B9",
        "a stop of an interrupted recording changes nothing, a delete removes it",
        async |cx| {
            let (cx, mut own) = cx.launch(Settings::default()).await?;
            let Live { at, call: _call, .. } = cx.streaming("part").await?;
            let cx = cx.crash(&mut own).await?;
            cx.stop(&at).await?;
            same("state", &cx.status(&at).await?["state"], &json!("interrupted"))?;
            cx.delete(&at).await?;
            Ok(cx.get(&at).mode("replay").send().await?.error(404, "not-found").await?)
        },
    );
    suite.launching("B7", "what had ended before a crash is the same after it", async |cx| {
        let (cx, mut own) = cx.launch(Settings::default()).await?;
        let complete = cx.complete("all of it").await?;
        let stopped = cx.stopped("a part").await?;
        let failed = cx.failed("a piece").await?;
        let gone = cx.complete("not for long").await?;
        cx.delete(&gone.at).await?;
        let cx = cx.crash(&mut own).await?;
        let mut replay = cx.get(&complete.at).send().await?;
        replay.is(200)?.state("complete")?.has("content-length", "9")?;
        replay
            .has("content-type", "text/event-stream")?
            .has("durablefetch-recording", &complete.recording)?;
        replay.ends_with("all of it").await?;
        let mut replay = cx.get(&stopped.at).send().await?;
        replay.is(200)?.state("stopped")?;
        replay.ends_with("a part").await?;
        let mut replay = cx.get(&failed.at).mode("replay").send().await?;
        replay.is(200)?.state("failed")?;
        replay.next("a piece").await?;
        replay.breaks().await?;
        cx.get(&gone.at).mode("replay").send().await?.is(404)?;
        for ended in [&complete, &stopped, &failed] {
            ended.at.hits(1)?;
        }
        Ok(())
    });
    suite.launching(
        "S2",
        "a finished recording that was superseded continues by id after a crash",
        async |cx| {
            let (cx, mut own) = cx.launch(Settings::default()).await?;
            let at = cx.replying(Reply::ok("0123456789"));
            let mut old = cx.get(&at).send().await?;
            let recording = old.recording()?;
            old.rest().await?;
            cx.get(&at).mode("restart").send().await?.rest().await?;
            let cx = cx.crash(&mut own).await?;
            Ok(cx.rest_of(&at, &recording, 6).send().await?.ends_with("6789").await?)
        },
    );
    suite.launching("I1 I3", "a request id known before a crash never starts again", async |cx| {
        let (cx, mut own) = cx.launch(Settings::default()).await?;
        let done = cx.replying(Reply::ok("done"));
        let refused = cx.replying(Reply::new(429).body("slow down"));
        let deleted = cx.replying(Reply::ok("gone"));
        let (id, connecting, streaming) = (cx.uuid(), cx.endpoint(), cx.endpoint());
        for at in [&done, &refused, &deleted] {
            cx.get(at).mode("restart").id(&id).send().await?.rest().await?;
        }
        cx.delete(&deleted).await?;
        let _starter = cx.get(&connecting).mode("restart").id(&id).open().await?;
        let _waiting = connecting.accept().await?;
        let _reader = cx.get(&streaming).mode("restart").id(&id).open().await?;
        let mut call = streaming.accept().await?;
        call.head(200, &[]).await?;
        cx.until_state(&streaming, "streaming").await?;
        let cx = cx.crash(&mut own).await?;
        let again = |at: &_| cx.get(at).mode("restart").id(&id);
        again(&done).send().await?.ends_with("done").await?;
        let mut answer = again(&refused).send().await?;
        answer.is(429)?.state("unrecorded")?;
        answer.ends_with("slow down").await?;
        again(&deleted).send().await?.error(410, "deleted").await?;
        again(&connecting).send().await?.error(502, "interrupted").await?;
        let mut cut = again(&streaming).send().await?;
        cut.is(200)?.state("interrupted")?;
        cut.breaks().await?;
        for at in [&done, &refused, &deleted, &connecting, &streaming] {
            at.hits(1)?;
        }
        Ok(())
    });
    suite.needing(
        Ability::Terminate,
        "B7",
        "what was complete survives an orderly restart too",
        async |cx| {
            let (cx, mut own) = cx.launch(Settings::default()).await?;
            let Ended { at, .. } = cx.complete("all of it").await?;
            own.terminate()?;
            let cx = cx.start_again(&mut own).await?;
            cx.get(&at).send().await?.ends_with("all of it").await?;
            Ok(at.hits(1)?)
        },
    );
    suite.needing(
        Ability::Terminate,
        "",
        "a recorder that is asked to end lets its live recordings come to theirs",
        async |cx| {
            let (cx, mut own) = cx.launch(Settings::default()).await?;
            let Live { at, mut call, mut reader, .. } = cx.streaming("one ").await?;
            own.terminate()?;
            call.send("two ").await?;
            reader.next("two ").await?;
            call.send("three").await?;
            call.end().await?;
            reader.ends_with("three").await?;
            let cx = cx.start_again(&mut own).await?;
            cx.get(&at).send().await?.ends_with("one two three").await?;
            Ok(at.hits(1)?)
        },
    );
    suite.needing(
        Ability::Terminate,
        "S19 A10",
        "a recorder that drains starts nothing and answers everything else",
        async |cx| {
            let (cx, mut own) = cx.launch(Settings::default()).await?;
            let done = cx.complete("all of it").await?;
            let Live { at, mut call, mut reader, recording } = cx.streaming("one ").await?;
            own.terminate()?;
            let until = Instant::now() + PATIENCE;
            let ready = loop {
                let mut ready = cx.recorder.request("GET", "/readyz").send().await?;
                if ready.is(503).is_ok() {
                    ready.state("none")?.has("retry-after", "1")?;
                    break ready.json().await?;
                }
                holds("it drains", Instant::now() < until)?;
            };
            same("reason", &ready["reasons"][0]["reason"], &json!("draining"))?;
            cx.recorder.request("GET", "/healthz").send().await?.is(200)?;
            let new = cx.replying(Reply::ok("never"));
            for start in [cx.get(&new), cx.get(&new).mode("restart").id(&cx.uuid()), cx.post(&new, "body")] {
                let mut refused = start.send().await?;
                refused.has("retry-after", "1")?;
                refused.error(503, "shutting-down").await?;
            }
            new.hits(0)?;
            cx.get(&done.at).send().await?.ends_with("all of it").await?;
            let mut rest = cx.rest_of(&at, &recording, 4).send().await?;
            rest.is(200)?.state("streaming")?;
            let mut joined = cx.get(&at).mode("resume").send().await?;
            joined.is(200)?;
            joined.next("one ").await?;
            same("inProgress", &cx.status(&at).await?["inProgress"], &json!(true))?;
            call.send("two").await?;
            for reader in [&mut reader, &mut rest, &mut joined] {
                reader.next("two").await?;
            }
            cx.delete(&done.at).await?;
            cx.stop(&at).await?;
            for mut reader in [reader, rest, joined] {
                same("end", reader.rest().await?.1, End::Clean)?;
            }
            let cx = cx.start_again(&mut own).await?;
            Ok(same("state", &cx.status(&at).await?["state"], &json!("stopped"))?)
        },
    );
    suite.needing(
        Ability::Terminate,
        "B9",
        "a recorder that has waited long enough marks what is live as interrupted",
        async |cx| {
            let drain = Some(Duration::from_millis(200));
            let (cx, mut own) = cx.launch(Settings { drain, ..Settings::default() }).await?;
            let Live { at, mut call, mut reader, .. } = cx.streaming("part").await?;
            own.terminate()?;
            reader.breaks().await?;
            call.closed().await?;
            let cx = cx.start_again(&mut own).await?;
            let mut replay = cx.get(&at).mode("replay").send().await?;
            replay.is(200)?.state("interrupted")?;
            replay.next("part").await?;
            replay.breaks().await?;
            Ok(())
        },
    );
}
