//! What a reader gets to see of the upstream's head, and what the recorder adds.

use crate::case::Suite;
use crate::check::{holds, same};
use crate::client::Response;
use crate::context::Context;
use crate::upstream::{Endpoint, Reply};

/// The starter, a second join, a replay and a continuation of one recording.
async fn four_readers(cx: &Context, at: &Endpoint) -> crate::check::Checked<Vec<Response>> {
    let mut first = cx.get(at).send().await?;
    let recording = first.recording()?;
    first.rest().await?;
    let mut all = vec![first];
    all.push(cx.get(at).send().await?);
    all.push(cx.get(at).mode("replay").send().await?);
    all.push(cx.rest_of(at, &recording, 1).send().await?);
    Ok(all)
}

pub(super) fn add(suite: &mut Suite) {
    suite.case("R4", "status, statusText and end-to-end headers are the same for every reader", async |cx| {
        let reply = Reply::new(203).reason("Quite Right").body("body");
        let reply = reply.header("content-type", "text/event-stream; charset=utf-8").header("X-Many", "1");
        let reply =
            reply.header("x-many", "2").header("x-request-id", "r-1").header("content-language", "de");
        let at = cx.replying(reply.header("content-disposition", "attachment; filename=\"a.txt\""));
        for reader in four_readers(&cx, &at).await? {
            reader.is(203)?.has("content-type", "text/event-stream; charset=utf-8")?;
            reader.has("x-request-id", "r-1")?.has("content-language", "de")?;
            reader.has("content-disposition", "attachment; filename=\"a.txt\"")?;
            // One line or two: HTTP says that these are the same.
            same("x-many", reader.headers.all("x-many").collect::<Vec<_>>().join(", "), "1, 2")?;
            reader.has("durablefetch-status-text", "Quite Right")?;
        }
        Ok(at.hits(1)?)
    });
    suite.case("R2", "an ended recording tells its whole length, a live one none", async |cx| {
        let mut live = cx.streaming("01234").await?;
        let (at, id) = (live.at.clone(), live.recording.clone());
        for reader in [&live.reader, &cx.get(&at).send().await?, &cx.rest_of(&at, &id, 2).send().await?] {
            reader.lacks("durablefetch-length")?.lacks("content-length")?;
        }
        live.call.send("56789").await?;
        live.call.end().await?;
        live.reader.ends_with("56789").await?;
        cx.get(&at).send().await?.has("durablefetch-length", "10")?;
        for offset in [0, 2, 10] {
            let rest = cx.rest_of(&at, &id, offset).send().await?;
            rest.has("durablefetch-length", "10")?.has("content-length", &(10 - offset).to_string())?;
        }
        for ended in [cx.failed("part").await?, cx.stopped("part").await?] {
            cx.rest_of(&ended.at, &ended.recording, 4).send().await?.has("durablefetch-length", "4")?;
        }
        Ok(())
    });
    suite.case("R2", "a live body has no content-length, although the upstream told one", async |cx| {
        let at = cx.endpoint();
        let open = cx.get(&at).open().await?;
        let mut call = at.accept().await?;
        call.head(200, &[("content-length", "8")]).await?;
        call.send("half").await?;
        let mut reader = open.response().await?;
        reader.lacks("content-length")?.has("transfer-encoding", "chunked")?;
        reader.next("half").await?;
        call.send("half").await?;
        call.end().await?;
        Ok(reader.ends_with("half").await?)
    });
    suite.case("R4", "the recorder invents no content-type", async |cx| {
        for reader in four_readers(&cx, &cx.replying(Reply::ok("<html>"))).await? {
            reader.lacks("content-type")?;
        }
        Ok(())
    });
    suite.case("R4", "a reason phrase comes percent-encoded", async |cx| {
        let at = cx.replying(Reply::new(200).reason("A 100% ~fine~ Answer").body("x"));
        for reader in four_readers(&cx, &at).await? {
            reader.has("durablefetch-status-text", "A 100%25 ~fine~ Answer")?;
        }
        Ok(())
    });
    suite.case("R4 S7", "every 2xx status is recorded and replayed as it is", async |cx| {
        for status in [200, 201, 202, 203, 206, 226, 299] {
            let at = cx.replying(Reply::new(status).body("x"));
            for reader in four_readers(&cx, &at).await? {
                reader.is(status)?;
            }
            at.hits(1)?;
        }
        Ok(())
    });
    suite.case("R4 S7", "a 204 is recorded and replayed without a body", async |cx| {
        let at = cx.replying(Reply::new(204).header("x-a", "b"));
        for _ in 0..2 {
            let mut response = cx.get(&at).send().await?;
            response.is(204)?.has("x-a", "b")?;
            response.recording()?;
            response.ends().await?;
        }
        at.hits(1)?;
        Ok(cx.until_state(&at, "complete").await?)
    });
    suite.case("R4", "hop-by-hop headers of the upstream are dropped", async |cx| {
        let reply = Reply::ok("body").header("connection", "x-hop").header("x-hop", "1");
        let reply = reply.header("keep-alive", "timeout=5").header("proxy-authenticate", "Basic");
        let at = cx.replying(reply.header("trailer", "x-t").header("upgrade", "h2c").header("x-end", "2"));
        for reader in four_readers(&cx, &at).await? {
            for name in ["x-hop", "keep-alive", "proxy-authenticate", "trailer", "upgrade"] {
                reader.lacks(name)?;
            }
            reader.has("x-end", "2")?;
        }
        Ok(())
    });
    suite.case("R4", "durablefetch headers of the upstream are dropped", async |cx| {
        let reply =
            Reply::ok("body").header("durablefetch-state", "lies").header("durablefetch-error", "lies");
        let at = cx.replying(reply.header("durablefetch-offset", "77").header("durablefetch-x", "lies"));
        for reader in four_readers(&cx, &at).await? {
            reader.lacks("durablefetch-error")?.lacks("durablefetch-x")?;
            holds("one state", reader.headers.all("durablefetch-state").all(|v| v != "lies"))?;
            holds("one offset", reader.headers.all("durablefetch-offset").all(|v| v != "77"))?;
        }
        Ok(())
    });
    suite.case(
        "R3",
        "the upstream's caching headers are dropped and the recorder's own are set",
        async |cx| {
            let reply = Reply::ok("body").header("etag", "\"x\"").header("age", "7").header("expires", "0");
            let reply = reply.header("last-modified", "Thu, 01 Jan 1970 00:00:00 GMT");
            let at = cx.replying(
                reply.header("cache-control", "public, max-age=9").header("x-accel-buffering", "yes"),
            );
            for reader in four_readers(&cx, &at).await? {
                for name in ["etag", "age", "expires", "last-modified"] {
                    reader.lacks(name)?;
                }
                reader
                    .has("cache-control", "private, no-store, no-transform")?
                    .has("x-accel-buffering", "no")?;
            }
            Ok(())
        },
    );
    suite.case(
        "R4",
        "set-cookie goes at most to the request that started it, and never into a replay",
        async |cx| {
            let at = cx.replying(Reply::ok("body").header("set-cookie", "a=b").header("set-cookie", "c=d"));
            let readers = four_readers(&cx, &at).await?;
            let first: Vec<_> = readers[0].headers.all("set-cookie").collect();
            holds(format!("both or none: {first:?}"), first.is_empty() || first == ["a=b", "c=d"])?;
            for reader in &readers[1..] {
                reader.lacks("set-cookie")?;
            }
            Ok(())
        },
    );
    suite.case("R4", "set-cookie does not go to who waits on another's start", async |cx| {
        let at = cx.endpoint();
        let starter = cx.get(&at).open().await?;
        let mut call = at.accept().await?;
        let waiter = cx.get(&at).mode("replay").open().await?;
        cx.until_state(&at, "connecting").await?;
        call.head(200, &[("set-cookie", "a=b")]).await?;
        waiter.response().await?.is(200)?.lacks("set-cookie")?;
        starter.response().await?.is(200)?;
        Ok(())
    });
    suite.case("R4", "set-cookie of an answer that is not 2xx is not kept with the request id", async |cx| {
        let at = cx.replying(Reply::new(401).header("set-cookie", "a=b").body("no"));
        let id = cx.uuid();
        cx.get(&at).id(&id).send().await?.is(401)?;
        cx.get(&at).id(&id).send().await?.is(401)?.lacks("set-cookie")?;
        Ok(at.hits(1)?)
    });
    suite.case("R4", "trailers of the upstream do no harm", async |cx| {
        let at = cx.endpoint();
        let open = cx.get(&at).open().await?;
        let mut call = at.accept().await?;
        call.head(200, &[("trailer", "x-t")]).await?;
        call.send("body").await?;
        call.end_with_trailers(&[("x-t", "1"), ("content-length", "9")]).await?;
        open.response().await?.ends_with("body").await?;
        Ok(cx.get(&at).send().await?.ends_with("body").await?)
    });
    suite.case(
        "R1 R3",
        "every response of any status is uncacheable, unbuffered and names a state",
        async |cx| {
            let at = cx.replying(Reply::ok("x"));
            let host = cx.get(&at).header("host", "evil.example");
            let requests = [
                (200, cx.get(&at)),
                (200, cx.recorder.request("GET", "/healthz")),
                (200, cx.recorder.request("GET", "/")),
                (204, cx.get(&cx.endpoint()).mode("resume")),
                (400, cx.get(&at).mode("bad")),
                (404, cx.recorder.request("GET", "/nothing-here")),
                (405, cx.recorder.request("GET", "/delete")),
                (410, cx.rest_of(&at, "x", 0)),
                (421, host),
                (403, cx.get(&at).header("origin", "https://evil.example")),
                (404, cx.get(&cx.replying(Reply::new(404)))),
            ];
            for (status, request) in requests {
                let response = request.send().await?;
                response.is(status)?.has("cache-control", "private, no-store, no-transform")?;
                response.has("x-accel-buffering", "no")?.header("durablefetch-state")?;
            }
            Ok(())
        },
    );
    suite.case(
        "R4",
        "an upstream header that is not UTF-8 arrives as it is or not at all",
        async |cx| {
            let at = cx.endpoint();
            let open = cx.get(&at).open().await?;
            let mut call = at.accept().await?;
            call.raw(
                b"HTTP/1.1 200 OK\r\nx-latin: gr\xfc\xdfe\r\nx-after: 1\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbody",
            )
            .await?;
            let mut response = open.response().await?;
            response.is(200)?.has("x-after", "1")?;
            Ok(response.ends_with("body").await?)
        },
    );
    suite.case("R4", "forty headers of the upstream come in their order and whole", async |cx| {
        let mut reply = Reply::ok("x");
        let long = "v".repeat(200);
        for n in 0..40 {
            reply = reply.header(&format!("x-n-{n:02}"), &format!("{long}{n}"));
        }
        let response = cx.get(&cx.replying(reply)).send().await?;
        for n in 0..40 {
            response.has(&format!("x-n-{n:02}"), &format!("{long}{n}"))?;
        }
        Ok(())
    });
}
