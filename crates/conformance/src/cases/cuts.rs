//! A cut never looks like an end, and an end never like a cut.

use crate::case::Suite;
use crate::check::{Checked, holds, same};
use crate::client::{End, Response};
use crate::context::Context;
use crate::launch::Ability;
use crate::scenario::Live;
use crate::upstream::{Call, Endpoint, Reply};
use crate::wire::Cut;

/// A recording whose only reader speaks HTTP/1.0 and has read `part`.
async fn old_reader(cx: &Context) -> Checked<(Endpoint, Call, Response)> {
    let at = cx.endpoint();
    let open = cx.get(&at).http10().open().await?;
    let call = at.accept().await?.begins("part").await?;
    let mut reader = open.response().await?;
    reader.is(200)?.lacks("transfer-encoding")?;
    reader.next("part").await?;
    Ok((at, call, reader))
}

/// Reads to the end and checks that it was a reset: a FIN would be an end to an HTTP/1.0 reader.
async fn is_reset(mut reader: Response) -> Checked {
    same("end of the body", reader.rest().await?.1, End::Broken(Cut::Reset))
}

pub(super) fn add(suite: &mut Suite) {
    suite.case(
        "B3",
        "an upstream that resets mid-body breaks its readers and fails the recording",
        async |cx| {
            let Live { at, call, mut reader, .. } = cx.streaming("part").await?;
            let mut second = cx.get(&at).send().await?;
            second.next("part").await?;
            call.reset();
            reader.breaks().await?;
            second.breaks().await?;
            Ok(cx.until_state(&at, "failed").await?)
        },
    );
    suite.case("B3", "an upstream that closes without a final chunk breaks its readers", async |cx| {
        let Live { at, call, mut reader, .. } = cx.streaming("part").await?;
        call.close();
        reader.breaks().await?;
        Ok(cx.until_state(&at, "failed").await?)
    });
    suite.case("B3", "an upstream that closes short of its content-length breaks its readers", async |cx| {
        let at = cx.replying(Reply::ok("part").broken());
        let mut reader = cx.get(&at).send().await?;
        reader.next("part").await?;
        reader.breaks().await?;
        Ok(cx.until_state(&at, "failed").await?)
    });
    suite.case("B3", "an upstream that sends garbage for a chunk breaks its readers", async |cx| {
        let Live { at, mut call, mut reader, .. } = cx.streaming("part").await?;
        call.raw(b"not a chunk size\r\n").await?;
        reader.breaks().await?;
        Ok(cx.until_state(&at, "failed").await?)
    });
    suite.case("B5", "chunk extensions of an upstream are not body", async |cx| {
        let Live { mut call, mut reader, .. } = cx.streaming("one ").await?;
        call.raw(b"3;name=value\r\ntwo\r\n0;last\r\n\r\n").await?;
        Ok(reader.ends_with("two").await?)
    });
    suite.case("B3", "an upstream whose body has no length ends with its FIN", async |cx| {
        let at = cx.endpoint();
        let open = cx.get(&at).open().await?;
        let mut call = at.accept().await?;
        call.raw(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nall of it").await?;
        let mut reader = open.response().await?;
        reader.next("all of it").await?;
        call.close();
        reader.ends().await?;
        Ok(cx.until_state(&at, "complete").await?)
    });
    suite.case("B3", "an upstream whose body has no length fails with a reset", async |cx| {
        let at = cx.endpoint();
        let open = cx.get(&at).open().await?;
        let mut call = at.accept().await?;
        call.raw(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\npart").await?;
        let mut reader = open.response().await?;
        reader.next("part").await?;
        call.reset();
        reader.breaks().await?;
        Ok(cx.until_state(&at, "failed").await?)
    });
    suite.case("B3", "an HTTP/1.0 reader sees the end of a complete recording as a FIN", async |cx| {
        let (_at, call, mut reader) = old_reader(&cx).await?;
        call.end().await?;
        Ok(reader.ends().await?)
    });
    suite.case("B3", "an HTTP/1.0 reader sees the end of a stopped recording as a FIN", async |cx| {
        let (at, _call, mut reader) = old_reader(&cx).await?;
        cx.stop(&at).await?;
        Ok(reader.ends().await?)
    });
    suite.needing(
        Ability::ResetHttp10,
        "B3",
        "an HTTP/1.0 reader sees a failed recording as a reset",
        async |cx| {
            let (_at, call, reader) = old_reader(&cx).await?;
            call.reset();
            is_reset(reader).await?;
            Ok(())
        },
    );
    suite.needing(
        Ability::ResetHttp10,
        "B3",
        "an HTTP/1.0 reader sees a deleted recording as a reset",
        async |cx| {
            let (at, _call, reader) = old_reader(&cx).await?;
            cx.delete(&at).await?;
            is_reset(reader).await?;
            Ok(())
        },
    );
    suite.needing(
        Ability::ResetHttp10,
        "B3",
        "an HTTP/1.0 reader sees a superseded recording as a reset",
        async |cx| {
            let (at, _call, reader) = old_reader(&cx).await?;
            let _restart = cx.get(&at).mode("restart").open().await?;
            is_reset(reader).await?;
            Ok(())
        },
    );
    suite.needing(
        Ability::ResetHttp10,
        "B3",
        "an HTTP/1.0 replay of a failed recording is what it holds, then a reset",
        async |cx| {
            let failed = cx.failed("part").await?;
            let mut replay = cx.get(&failed.at).mode("replay").http10().send().await?;
            replay.lacks("content-length")?;
            replay.next("part").await?;
            is_reset(replay).await?;
            Ok(())
        },
    );
    suite.case("B4", "an HTTP/1.0 replay of a complete recording has its content-length", async |cx| {
        let complete = cx.complete("whole").await?;
        let mut replay = cx.get(&complete.at).http10().send().await?;
        replay.has("content-length", "5")?;
        Ok(replay.ends_with("whole").await?)
    });
    suite.case("B3", "a broken replay of 1 MiB gives all of it before it breaks", async |cx| {
        let body = cx.bytes(1 << 20);
        let at = cx.replying(Reply::ok(body.clone()).broken());
        let mut first = cx.get(&at).send().await?;
        first.next(&body).await?;
        first.breaks().await?;
        let mut replay = cx.get(&at).mode("replay").send().await?;
        replay.next(&body).await?;
        replay.breaks().await?;
        Ok(())
    });
    suite.case("B3", "a reader that was cut can tell a stop from a failure by the state", async |cx| {
        let Live { at, call, mut reader, recording } = cx.streaming("part").await?;
        call.reset();
        reader.breaks().await?;
        cx.until_state(&at, "failed").await?;
        let mut verify = cx.rest_of(&at, &recording, 4).send().await?;
        verify.is(200)?.state("failed")?;
        verify.ends().await?;
        Ok(holds("it names the reason", verify.headers.get("durablefetch-error").is_some())?)
    });
}
