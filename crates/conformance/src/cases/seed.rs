//! What durablefetch 0.1.0 had and its clients rely on. These cases use nothing that came later, so that they can be
//! run against its worker as well: `cargo xtask test --only 0.1.0`.

use serde_json::json;

use crate::case::Suite;
use crate::check::{Checked, holds, same, same_bytes};
use crate::client::{End, Response};
use crate::context::Context;
use crate::launch::Settings;
use crate::upstream::{Call, Endpoint, Reply, gunzip, gzip};

/// A recording that streams: the upstream has sent `first`, and a reader has read it.
async fn live(cx: &Context, first: &str) -> Checked<(Endpoint, Call, Response)> {
    let at = cx.endpoint();
    let asked = cx.get(&at).open().await?;
    let mut call = at.accept().await?;
    call.head(200, &[("content-type", "text/event-stream")]).await?;
    call.send(first).await?;
    let mut reader = asked.response().await?;
    reader.next(first).await?;
    Ok((at, call, reader))
}

async fn progress(cx: &Context, at: &Endpoint) -> Checked<(bool, bool)> {
    let status = cx.status(at).await?;
    Ok((status["inProgress"] == json!(true), status["completed"] == json!(true)))
}

pub(super) fn add(suite: &mut Suite) {
    streams(suite);
    heads(suite);
    ends(suite);
    keys(suite);
    calls(suite);
}

fn streams(suite: &mut Suite) {
    suite.case("", "the same URL once more is the same answer, and the upstream is asked once", async |cx| {
        let at = cx.replying(Reply::ok("an answer").header("content-type", "text/plain"));
        for _ in 0..3 {
            let mut response = cx.get(&at).send().await?;
            response.is(200)?.has("content-type", "text/plain")?;
            response.ends_with("an answer").await?;
        }
        Ok(at.hits(1)?)
    });
    suite.case("", "who comes while it streams gets what there is and what follows", async |cx| {
        let (at, mut call, mut reader) = live(&cx, "one ").await?;
        let mut second = cx.get(&at).send().await?;
        second.next("one ").await?;
        call.send("two").await?;
        call.end().await?;
        reader.ends_with("two").await?;
        second.ends_with("two").await?;
        Ok(at.hits(1)?)
    });
    suite.case("", "each chunk is at its reader before the next is sent", async |cx| {
        let (_at, mut call, mut reader) = live(&cx, "0 ").await?;
        for n in 1..40 {
            call.send(format!("{n} ")).await?;
            reader.next(format!("{n} ")).await?;
        }
        Ok(())
    });
    suite.case("", "it goes on when its only reader has left", async |cx| {
        let (at, mut call, reader) = live(&cx, "one ").await?;
        drop(reader);
        call.send("two ").await?;
        call.send("three").await?;
        call.end().await?;
        cx.get(&at).send().await?.ends_with("one two three").await?;
        Ok(at.hits(1)?)
    });
    suite.case("", "fifty that come at once make one upstream request", async |cx| {
        let at = cx.replying(Reply::ok("an answer"));
        let mut asking = Vec::new();
        for _ in 0..50 {
            asking.push(cx.get(&at).open().await?);
        }
        for asked in asking {
            asked.response().await?.ends_with("an answer").await?;
        }
        Ok(at.hits(1)?)
    });
    suite.case(
        "",
        "bytes that are no text come as they were sent, to ten readers one after another",
        async |cx| {
            let bytes = cx.bytes(200_000);
            let (at, mut call, mut first) = live(&cx, "").await?;
            let mut readers = Vec::new();
            for piece in bytes.chunks(20_000) {
                call.send(piece).await?;
                first.next(piece).await?;
                readers.push(cx.get(&at).send().await?);
            }
            call.end().await?;
            first.ends().await?;
            for mut reader in readers {
                let (got, end) = reader.rest().await?;
                same_bytes("body", &got, &bytes)?;
                same("end", end, End::Clean)?;
            }
            Ok(())
        },
    );
    suite.case("", "a body of 8 MiB comes whole, and once more", async |cx| {
        let bytes = cx.bytes(8 << 20);
        let at = cx.replying(Reply::ok(bytes.clone()));
        for _ in 0..2 {
            let (got, end) = cx.get(&at).send().await?.rest().await?;
            same_bytes("body", &got, &bytes)?;
            same("end", end, End::Clean)?;
        }
        Ok(at.hits(1)?)
    });
}

fn heads(suite: &mut Suite) {
    suite.case("", "the head is there before the first byte of the body", async |cx| {
        let at = cx.endpoint();
        let asked = cx.get(&at).open().await?;
        let mut call = at.accept().await?;
        call.head(200, &[("x-early", "yes")]).await?;
        asked.response().await?.has("x-early", "yes")?;
        Ok(())
    });
    suite.case("", "the status is the upstream's", async |cx| {
        let at = cx.replying(Reply::new(201).body("made"));
        Ok(same("status", cx.get(&at).send().await?.status, 201)?)
    });
    suite.case("", "a 204 is a 204", async |cx| {
        let at = cx.replying(Reply::new(204));
        Ok(same("status", cx.get(&at).send().await?.status, 204)?)
    });
    suite.case("", "a cookie goes to nobody who comes later", async |cx| {
        let at = cx.replying(Reply::ok("x").header("set-cookie", "session=1"));
        cx.get(&at).send().await?.ends_with("x").await?;
        Ok(same("set-cookie", cx.get(&at).send().await?.headers.get("set-cookie"), None)?)
    });
    suite.case("", "a compressed answer says how it is compressed, or is not", async |cx| {
        let text = "compressed ".repeat(50);
        let reply = Reply::ok(gzip(text.as_bytes())?).header("content-encoding", "gzip");
        let at = cx.replying(reply);
        for _ in 0..2 {
            let mut response = cx.get(&at).header("accept-encoding", "gzip").send().await?;
            let is_gzip = response.headers.get("content-encoding") == Some("gzip");
            let (body, _) = response.rest().await?;
            let body = if is_gzip { gunzip(&body)? } else { body };
            same_bytes("body", &body, text.as_bytes())?;
        }
        Ok(())
    });
    suite.case("", "HEAD records nothing", async |cx| {
        let at = cx.replying(Reply::ok("an answer"));
        cx.recorder.fetch("HEAD", &at.url()).send().await?.is(200)?;
        Ok(cx.get(&at).send().await?.ends_with("an answer").await?)
    });
}

fn ends(suite: &mut Suite) {
    suite.case("", "an upstream that breaks off does not look like an end", async |cx| {
        let (_at, call, mut reader) = live(&cx, "half").await?;
        call.reset();
        Ok(holds("the body is cut", reader.rest().await?.1 != End::Clean)?)
    });
    suite.case("", "what broke off is not given out as the whole answer later", async |cx| {
        let (at, call, mut reader) = live(&cx, "half").await?;
        call.reset();
        reader.rest().await?;
        let asked = cx.get(&at).open().await?;
        at.accept().await?.answers("whole").await?;
        Ok(asked.response().await?.ends_with("whole").await?)
    });
    suite.case("", "an error of the upstream passes through and is not kept", async |cx| {
        let at = cx.replying(Reply::new(500).header("content-type", "text/plain").body("a problem"));
        for hits in 1..=2 {
            let mut response = cx.get(&at).send().await?;
            response.is(500)?.has("content-type", "text/plain")?;
            response.ends_with("a problem").await?;
            at.hits(hits)?;
        }
        Ok(())
    });
    suite.case("", "a page may read an error of the upstream", async |cx| {
        let at = cx.replying(Reply::new(500).body("a problem"));
        let response = cx.get(&at).header("origin", "http://localhost:3000").send().await?;
        response.header("access-control-allow-origin")?;
        Ok(())
    });
    suite.case("", "a page may read with its credentials: its origin is named", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        let response = cx.get(&at).header("origin", "http://localhost:3000").send().await?;
        response.has("access-control-allow-credentials", "true")?;
        let allowed = response.header("access-control-allow-origin")?;
        Ok(same("access-control-allow-origin", allowed.as_str(), "http://localhost:3000")?)
    });
    suite.launching("", "what was complete outlives a crash of the recorder", async |cx| {
        let (cx, mut own) = cx.launch(Settings::default()).await?;
        let at = cx.replying(Reply::ok("an answer"));
        cx.get(&at).send().await?.ends_with("an answer").await?;
        let cx = cx.crash(&mut own).await?;
        cx.get(&at).send().await?.ends_with("an answer").await?;
        Ok(at.hits(1)?)
    });
    suite.launching("", "what streamed when the recorder crashed does not stream for ever", async |cx| {
        let (cx, mut own) = cx.launch(Settings::default()).await?;
        let (at, _call, _reader) = live(&cx, "half").await?;
        let cx = cx.crash(&mut own).await?;
        Ok(same("in progress", progress(&cx, &at).await?.0, false)?)
    });
}

fn keys(suite: &mut Suite) {
    suite.case("", "another query is another recording", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        for (query, hits) in [("?a=1", 1), ("?a=2", 2), ("?a=1", 2)] {
            cx.recorder.fetch("GET", &format!("{}{query}", at.url())).send().await?.ends_with("x").await?;
            at.hits(hits)?;
        }
        Ok(())
    });
    suite.case("", "method, body and headers reach the upstream", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        cx.post(&at, "a question").header("authorization", "Bearer 1").send().await?.is(200)?;
        let asked = at.last()?;
        same("method", asked.method.as_str(), "POST")?;
        same("body", asked.body.as_slice(), b"a question")?;
        Ok(same("authorization", asked.headers.get("authorization"), Some("Bearer 1"))?)
    });
    suite.case("", "path and query go to the upstream as they are", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        for rest in ["/", "/a/", "/a//b", "/a%20b?q=%2F+x&&"] {
            cx.recorder.fetch("GET", &format!("{}{rest}", at.url())).send().await?.is(200)?;
            same("target", at.last()?.target.strip_prefix(at.path()), Some(rest))?;
        }
        Ok(())
    });
    suite.case("", "a finished answer is not given to another question", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        cx.post(&at, "a question").send().await?.ends_with("x").await?;
        cx.post(&at, "another").send().await?.ends_with("x").await?;
        Ok(same("upstream requests", at.received().len(), 2)?)
    });
}

fn calls(suite: &mut Suite) {
    suite.case("", "in-progress tells before, during and after", async |cx| {
        let at = cx.endpoint();
        same("before", progress(&cx, &at).await?, (false, false))?;
        let (at, call, mut reader) = live(&cx, "half").await?;
        same("during", progress(&cx, &at).await?, (true, false))?;
        call.end().await?;
        reader.ends().await?;
        Ok(same("after", progress(&cx, &at).await?, (false, true))?)
    });
    suite.case("", "in-progress answers while the upstream has not", async |cx| {
        let at = cx.endpoint();
        let _asked = cx.get(&at).open().await?;
        let _call = at.accept().await?;
        let status = tokio::time::timeout(std::time::Duration::from_secs(10), cx.status(&at)).await;
        Ok(holds("an answer within 10 s", status.is_ok())?)
    });
    suite.case("", "delete of what is complete: the next request asks the upstream anew", async |cx| {
        let at = cx.replying(Reply::ok("an answer"));
        cx.get(&at).send().await?.ends_with("an answer").await?;
        cx.delete(&at).await?;
        cx.get(&at).send().await?.ends_with("an answer").await?;
        Ok(at.hits(2)?)
    });
    suite.case("", "delete of what streams closes the upstream", async |cx| {
        let (at, mut call, _reader) = live(&cx, "half").await?;
        cx.delete(&at).await?;
        let closed = tokio::time::timeout(std::time::Duration::from_secs(10), call.closed()).await;
        Ok(holds("closed within 10 s", closed.is_ok())?)
    });
    suite.case("", "after a delete of what streamed nobody gets its bytes", async |cx| {
        let (at, mut old, _reader) = live(&cx, "old ").await?;
        cx.delete(&at).await?;
        let asked = cx.get(&at).open().await?;
        let new = at.accept().await?.begins("new").await?;
        let mut reader = asked.response().await?;
        reader.next("new").await?;
        // It may be closed, and then it cannot send.
        let _ = old.send("old").await;
        cx.status(&at).await?;
        new.end().await?;
        reader.ends().await?;
        Ok(cx.get(&at).send().await?.ends_with("new").await?)
    });
}
