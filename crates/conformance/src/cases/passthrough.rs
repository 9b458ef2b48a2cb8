//! Answers that are not recorded: other statuses than 2xx, HEAD, and no answer at all.

use serde_json::json;

use crate::case::Suite;
use crate::check::{Oops, holds, same};
use crate::client::End;
use crate::scenario::Connecting;
use crate::upstream::{Nobody, Reply};

const PAGE: &str = "http://localhost:5173";

pub(super) fn add(suite: &mut Suite) {
    suite.case("S7", "an answer that is not 2xx passes through whole, with CORS, unrecorded", async |cx| {
        for status in [400, 401, 403, 404, 409, 418, 429, 500, 502, 503] {
            let reply = Reply::new(status).reason("Not This").header("x-why", "so").body("the reason");
            let at = cx.replying(reply.header("content-type", "text/plain"));
            let mut answer = cx.get(&at).header("origin", PAGE).send().await?;
            answer.is(status)?.state("unrecorded")?.has("x-why", "so")?.has("content-type", "text/plain")?;
            answer.has("access-control-allow-origin", PAGE)?.lacks("durablefetch-recording")?;
            answer.has("durablefetch-status-text", "Not This")?.lacks("durablefetch-error")?;
            answer.has("cache-control", "private, no-store, no-transform")?;
            answer.ends_with("the reason").await?;
            cx.get(&at).mode("resume").send().await?.is(204)?;
            cx.get(&at).mode("replay").send().await?.is(404)?;
            same("state", &cx.status(&at).await?["state"], &json!("none"))?;
        }
        Ok(())
    });
    suite.case("S7", "a join after an answer that is not 2xx asks the upstream again", async |cx| {
        let at = cx.replying(Reply::new(503).body("busy"));
        for _ in 0..3 {
            cx.get(&at).send().await?.is(503)?;
        }
        Ok(at.hits(3)?)
    });
    suite.case("S7", "everyone who waited on a start gets its answer that is not 2xx", async |cx| {
        let Connecting { at, mut call, starter } = cx.connecting().await?;
        let mut waiting = vec![starter];
        for mode in ["join", "resume", "replay"] {
            waiting.push(cx.get(&at).mode(mode).open().await?);
        }
        cx.settle(&at).await?;
        call.head(429, &[("retry-after", "7"), ("content-length", "4")]).await?;
        call.send("busy").await?;
        for open in waiting {
            let mut answer = open.response().await?;
            answer.is(429)?.state("unrecorded")?.has("retry-after", "7")?;
            answer.ends_with("busy").await?;
        }
        Ok(at.hits(1)?)
    });
    suite.case("S7", "an answer that is not 2xx of 1 MiB is whole for all who waited", async |cx| {
        let body = cx.bytes(1 << 20);
        let Connecting { at, mut call, starter } = cx.connecting().await?;
        let mut waiting = vec![starter];
        for mode in ["join", "resume", "replay", "resume", "replay"] {
            waiting.push(cx.get(&at).mode(mode).open().await?);
        }
        cx.settle(&at).await?;
        call.head(500, &[]).await?;
        let mut readers = Vec::new();
        for open in waiting {
            readers.push(open.response().await?);
        }
        let sending = tokio::spawn({
            let body = body.clone();
            async move {
                for piece in body.chunks(10_000) {
                    call.send(piece).await?;
                }
                call.end().await
            }
        });
        for mut reader in readers {
            reader.is(500)?;
            reader.ends_with(&body).await?;
        }
        sending.await.map_err(|e| Oops::new(e.to_string()))??;
        Ok(())
    });
    suite.case("S7 R5", "an answer that is not 2xx is passed on as it comes", async |cx| {
        let Connecting { at: _at, mut call, starter } = cx.connecting().await?;
        call.head(503, &[]).await?;
        let mut answer = starter.response().await?;
        answer.is(503)?;
        for piece in ["please ", "come back ", "later"] {
            call.send(piece).await?;
            answer.next(piece).await?;
        }
        call.end().await?;
        Ok(answer.ends().await?)
    });
    suite.case("S7", "a 3xx that leads nowhere passes through", async |cx| {
        for status in [300, 302, 304] {
            let at = cx.replying(Reply::new(status).header("x-a", "b"));
            let mut answer = cx.get(&at).send().await?;
            answer.is(status)?.state("unrecorded")?.has("x-a", "b")?;
            answer.ends().await?;
            cx.get(&at).mode("replay").send().await?.is(404)?;
        }
        Ok(())
    });
    suite.case("S7", "an answer that is not 2xx and is cut is cut for its reader too", async |cx| {
        let at = cx.replying(Reply::new(500).body("partial").broken());
        // Cut before anything of it was passed on, the recorder may also say so with an error of its own.
        let mut answer = cx.get(&at).send().await?;
        let (_, end) = answer.rest().await?;
        Ok(holds("502, or broken", answer.status == 502 || matches!(end, End::Broken(_)))?)
    });
    suite.case("S8 W8", "an upstream that cannot be connected to is a 502 with CORS", async |cx| {
        let nobody = Nobody::bind()?;
        let mut answer = cx.recorder.fetch("GET", &nobody.url()).header("origin", PAGE).send().await?;
        answer.has("access-control-allow-origin", PAGE)?;
        answer.error(502, "upstream-unreachable").await?;
        let resume = cx.recorder.fetch("GET", &nobody.url()).mode("resume").send().await?;
        resume.is(204)?.state("none")?;
        Ok(())
    });
    suite.case(
        "S8",
        "an upstream that closes before its head is a 502; a waiting resume is a 204",
        async |cx| {
            // A POST: HTTP clients may send a GET again by themselves.
            let at = cx.endpoint();
            let starter = cx.post(&at, "x").open().await?;
            let call = at.accept().await?;
            let resume = cx.get(&at).mode("resume").open().await?;
            call.close();
            starter.response().await?.error(502, "upstream-failed").await?;
            resume.response().await?.is(204)?.state("none")?;
            Ok(())
        },
    );
    suite.case("S8", "an upstream that answers with something else than HTTP is a 502", async |cx| {
        let at = cx.endpoint();
        let starter = cx.post(&at, "x").open().await?;
        let mut call = at.accept().await?;
        call.raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n").await?;
        call.close();
        starter.response().await?.error(502, "upstream-failed").await?;
        Ok(at.hits(1)?)
    });
    suite.case("S8", "a failed start leaves nothing: the next join asks the upstream again", async |cx| {
        // A POST: HTTP clients may send a GET again by themselves.
        let at = cx.endpoint();
        let starter = cx.post(&at, "x").open().await?;
        let call = at.accept().await?;
        call.reset();
        starter.response().await?.error(502, "upstream-failed").await?;
        let join = cx.get(&at).open().await?;
        let mut call = at.accept().await?;
        call.head(200, &[]).await?;
        call.end().await?;
        join.response().await?.is(200)?;
        Ok(())
    });
    suite.case("R1", "HEAD of what is an error has the error's head and no body", async |cx| {
        let mut head = cx.recorder.request("HEAD", "/nothing-here").send().await?;
        head.is(404)?.state("none")?.has("durablefetch-error", "not-found")?;
        Ok(head.ends().await?)
    });
    suite.case("S9", "HEAD reaches the upstream as HEAD and never records", async |cx| {
        let at = cx.replying(Reply::ok("body").header("x-head", "yes"));
        let mut head = cx.recorder.fetch("HEAD", &at.url()).send().await?;
        head.is(200)?.state("unrecorded")?.has("x-head", "yes")?.lacks("durablefetch-recording")?;
        head.has("content-length", "4")?;
        head.ends().await?;
        same("method", at.last()?.method.as_str(), "HEAD")?;
        cx.get(&at).mode("replay").send().await?.is(404)?;
        cx.get(&at).send().await?.ends_with("body").await?;
        Ok(at.hits(2)?)
    });
    suite.case("S9 A7", "HEAD of a demo stream records nothing", async |cx| {
        let path = format!("/demo/{}", cx.uuid());
        let mut head = cx.recorder.request("HEAD", &path).send().await?;
        head.is(200)?.state("unrecorded")?.lacks("durablefetch-recording")?;
        head.ends().await?;
        Ok(cx.recorder.request("GET", &path).mode("replay").send().await?.error(404, "not-found").await?)
    });
    suite.case("S9 H3 H4", "HEAD is refused where another method would be", async |cx| {
        let at = cx.replying(Reply::ok("body"));
        for (name, value) in [
            ("upgrade", "websocket"),
            ("durablefetch-mode", "nonsense"),
            ("durablefetch-request", "not one"),
            ("durablefetch-offset", "0"),
        ] {
            let mut refused = cx.recorder.fetch("HEAD", &at.url()).header(name, value).send().await?;
            refused.is(400)?.has("durablefetch-error", "bad-request")?;
            refused.ends().await?;
        }
        Ok(at.hits(0)?)
    });
    suite.case("S16", "an answer whose status is none of 200 to 599 is a 502", async |cx| {
        for status in [101, 600, 666, 999] {
            for method in ["GET", "POST", "HEAD"] {
                let at = cx.endpoint();
                let open = cx.recorder.fetch(method, &at.url()).open().await?;
                let mut call = at.accept().await?;
                let upgrade = if status == 101 {
                    "connection: upgrade\r\nupgrade: x\r\n"
                } else {
                    "connection: close\r\n"
                };
                let head = format!("HTTP/1.1 {status} What\r\ncontent-length: 0\r\n{upgrade}\r\n");
                call.raw(head.as_bytes()).await?;
                let mut answer = open.response().await?;
                answer.is(502)?.state("none")?.has("durablefetch-error", "upstream-failed")?;
                answer.lacks("upgrade")?;
                if method != "HEAD" {
                    answer.error(502, "upstream-failed").await?;
                    same("state", &cx.status(&at).await?["state"], &json!("none"))?;
                }
            }
        }
        let at = cx.replying(Reply::new(101).body("x"));
        let hop = cx.replying(Reply::redirect(307, &at.url()));
        Ok(cx.get(&hop).send().await?.error(502, "upstream-failed").await?)
    });
    suite.case("S17", "a head of 256 headers is taken, a longer one is a 502", async |cx| {
        let head = |count: usize, bytes: usize| {
            let lines: String =
                (0..count).map(|number| format!("x-{number:04}: {}\r\n", "v".repeat(bytes))).collect();
            format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n{lines}\r\nok")
        };
        for (count, bytes, fine) in
            [(120, 10, true), (250, 20, true), (20, 3000, true), (1, 70_000, false), (300, 1, false)]
        {
            let at = cx.endpoint();
            let open = cx.get(&at).open().await?;
            at.accept().await?.raw(head(count, bytes).as_bytes()).await?;
            let mut answer = open.response().await?;
            if fine {
                answer.is(200)?.has(&format!("x-{:04}", count - 1), &"v".repeat(bytes))?;
                answer.ends_with("ok").await?;
            } else {
                answer.error(502, "upstream-failed").await?;
            }
        }
        Ok(())
    });
    suite.case("S7", "an informational response of the upstream is skipped", async |cx| {
        let Connecting { at: _at, mut call, starter } = cx.connecting().await?;
        call.raw(b"HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n").await?;
        call.answers("body").await?;
        Ok(starter.response().await?.ends_with("body").await?)
    });
}
