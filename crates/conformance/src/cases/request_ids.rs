//! A known request id never starts twice.

use crate::case::Suite;
use crate::check::holds;
use crate::upstream::Reply;

pub(super) fn add(suite: &mut Suite) {
    suite.case(
        "I1",
        "a request id joins what it started, whatever mode, while it streams and after",
        async |cx| {
            let at = cx.endpoint();
            let id = cx.uuid();
            let first = cx.get(&at).mode("restart").id(&id).open().await?;
            let mut call = at.accept().await?.begins("one ").await?;
            let mut first = first.response().await?;
            first.next("one ").await?;
            let recording = first.recording()?;
            let mut second = cx.get(&at).mode("restart").id(&id).send().await?;
            second.is(200)?.has("durablefetch-recording", &recording)?;
            second.next("one ").await?;
            call.send("two").await?;
            call.end().await?;
            first.ends_with("two").await?;
            second.ends_with("two").await?;
            for mode in ["restart", "join", "resume", "replay"] {
                let mut again = cx.get(&at).mode(mode).id(&id).send().await?;
                again.is(200)?.has("durablefetch-recording", &recording)?;
                again.ends_with("one two").await?;
            }
            Ok(at.hits(1)?)
        },
    );
    suite.case("I1", "the same request id twice while connecting makes one upstream request", async |cx| {
        let at = cx.endpoint();
        let id = cx.uuid();
        let first = cx.post(&at, "x").mode("restart").id(&id).open().await?;
        let call = at.accept().await?;
        let second = cx.post(&at, "x").mode("restart").id(&id).open().await?;
        cx.until_state(&at, "connecting").await?;
        call.answers("once").await?;
        first.response().await?.ends_with("once").await?;
        second.response().await?.ends_with("once").await?;
        Ok(at.hits(1)?)
    });
    suite.case("I1", "a request id whose recording failed replays it and does not start again", async |cx| {
        let at = cx.replying(Reply::ok("partial").broken());
        let id = cx.uuid();
        let mut first = cx.get(&at).id(&id).send().await?;
        first.next("partial").await?;
        first.breaks().await?;
        cx.until_state(&at, "failed").await?;
        for mode in ["join", "restart"] {
            let mut again = cx.get(&at).mode(mode).id(&id).send().await?;
            again.is(200)?.state("failed")?;
            again.next("partial").await?;
            again.breaks().await?;
        }
        Ok(at.hits(1)?)
    });
    suite.case(
        "I1",
        "a request id whose recording was stopped replays it and does not start again",
        async |cx| {
            let at = cx.endpoint();
            let id = cx.uuid();
            let open = cx.get(&at).id(&id).open().await?;
            let _call = at.accept().await?.begins("part").await?;
            let mut first = open.response().await?;
            first.next("part").await?;
            cx.stop(&at).await?;
            first.ends().await?;
            let mut again = cx.get(&at).mode("restart").id(&id).send().await?;
            again.is(200)?.state("stopped")?;
            again.ends_with("part").await?;
            Ok(at.hits(1)?)
        },
    );
    suite.case("I1", "a request id whose recording was superseded gets 410 and starts nothing", async |cx| {
        let at = cx.replying(Reply::ok("answer"));
        let (old, new) = (cx.uuid(), cx.uuid());
        cx.get(&at).mode("restart").id(&old).send().await?.ends_with("answer").await?;
        cx.get(&at).mode("restart").id(&new).send().await?.ends_with("answer").await?;
        for mode in ["join", "restart", "replay"] {
            cx.get(&at).mode(mode).id(&old).send().await?.error(410, "superseded").await?;
        }
        cx.get(&at).mode("restart").id(&new).send().await?.ends_with("answer").await?;
        Ok(at.hits(2)?)
    });
    suite.case(
        "I1",
        "a request id whose live recording was superseded gets 410 and starts nothing",
        async |cx| {
            let at = cx.endpoint();
            let id = cx.uuid();
            let open = cx.get(&at).id(&id).open().await?;
            let mut call = at.accept().await?;
            call.head(200, &[]).await?;
            let mut first = open.response().await?;
            let restart = cx.get(&at).mode("restart").open().await?;
            let mut second = at.accept().await?;
            first.breaks().await?;
            second.head(200, &[]).await?;
            restart.response().await?.is(200)?;
            cx.get(&at).id(&id).send().await?.error(410, "superseded").await?;
            Ok(at.hits(2)?)
        },
    );
    suite.case("I1", "a request id whose recording was deleted gets 410 and starts nothing", async |cx| {
        let at = cx.replying(Reply::ok("answer"));
        let id = cx.uuid();
        cx.get(&at).id(&id).send().await?.ends_with("answer").await?;
        cx.delete(&at).await?;
        for mode in ["join", "restart"] {
            cx.get(&at).mode(mode).id(&id).send().await?.error(410, "deleted").await?;
        }
        Ok(at.hits(1)?)
    });
    suite.case("I1", "a request id that was passed through gets the same small answer again", async |cx| {
        let reply = Reply::new(422).reason("No Way").header("x-why", "because").body("not like this");
        let at = cx.replying(reply);
        let id = cx.uuid();
        for mode in ["restart", "join", "restart"] {
            let mut answer = cx.post(&at, "x").mode(mode).id(&id).send().await?;
            answer.is(422)?.state("unrecorded")?.has("x-why", "because")?;
            answer.ends_with("not like this").await?;
        }
        Ok(at.hits(1)?)
    });
    suite.case(
        "I1",
        "a request id that was passed through with 64 KiB gets the same answer again",
        async |cx| {
            let body = cx.bytes(64 << 10);
            let at = cx.replying(Reply::new(500).body(body.clone()));
            let id = cx.uuid();
            for _ in 0..2 {
                let mut answer = cx.get(&at).id(&id).send().await?;
                answer.is(500)?;
                answer.ends_with(&body).await?;
            }
            Ok(at.hits(1)?)
        },
    );
    suite.case(
        "I1",
        "a request id that was passed through with more than 64 KiB gets 409 then",
        async |cx| {
            let body = cx.bytes((64 << 10) + 1);
            let at = cx.replying(Reply::new(500).body(body.clone()));
            let id = cx.uuid();
            // Until its end is seen, the same id joins it.
            let mut whole = cx.get(&at).id(&id).send().await?;
            whole.is(500)?;
            whole.ends_with(&body).await?;
            let mut again = cx.get(&at).id(&id).send().await?;
            again.error(409, "already-answered").await?;
            Ok(at.hits(1)?)
        },
    );
    suite.case("I1 S7", "a request id joins the answer that is being passed through for it", async |cx| {
        let at = cx.endpoint();
        let id = cx.uuid();
        let first = cx.get(&at).id(&id).open().await?;
        let mut call = at.accept().await?;
        call.head(503, &[]).await?;
        call.send("not ").await?;
        let mut first = first.response().await?;
        first.next("not ").await?;
        let mut again = cx.get(&at).mode("restart").id(&id).send().await?;
        again.is(503)?.state("unrecorded")?;
        again.next("not ").await?;
        call.send("now").await?;
        call.end().await?;
        first.ends_with("now").await?;
        again.ends_with("now").await?;
        Ok(at.hits(1)?)
    });
    suite.case(
        "I1",
        "a request id whose upstream broke before its head gets the same error again",
        async |cx| {
            let at = cx.endpoint();
            let id = cx.uuid();
            let open = cx.post(&at, "x").id(&id).open().await?;
            at.accept().await?.reset();
            open.response().await?.error(502, "upstream-failed").await?;
            cx.post(&at, "x").mode("restart").id(&id).send().await?.error(502, "upstream-failed").await?;
            Ok(at.hits(1)?)
        },
    );
    suite.case("I1 S8", "a request id that was stopped while connecting stays stopped", async |cx| {
        let at = cx.endpoint();
        let id = cx.uuid();
        let open = cx.get(&at).id(&id).open().await?;
        let _call = at.accept().await?;
        cx.stop(&at).await?;
        open.response().await?.error(410, "stopped").await?;
        cx.get(&at).mode("restart").id(&id).send().await?.error(410, "stopped").await?;
        Ok(at.hits(1)?)
    });
    suite.case("I1", "a request id belongs to its key: another URL may use the same", async |cx| {
        let id = cx.uuid();
        for body in ["one", "two"] {
            let at = cx.replying(Reply::ok(body));
            cx.get(&at).id(&id).send().await?.ends_with(body).await?;
            at.hits(1)?;
        }
        Ok(())
    });
    suite.case("I1", "another request id with restart starts anew", async |cx| {
        let at = cx.replying(Reply::ok("answer"));
        let mut seen = Vec::new();
        for _ in 0..3 {
            let mut answer = cx.get(&at).mode("restart").id(&cx.uuid()).send().await?;
            seen.push(answer.recording()?);
            answer.ends_with("answer").await?;
        }
        seen.dedup();
        holds("three starts have three recordings", seen.len() == 3)?;
        Ok(at.hits(3)?)
    });
    suite.case("H3", "a request id with blanks or of more than 64 characters is a 400", async |cx| {
        let at = cx.endpoint();
        for id in ["a b", &"x".repeat(65)] {
            cx.get(&at).id(id).send().await?.error(400, "bad-request").await?;
        }
        Ok(at.hits(0)?)
    });
}
