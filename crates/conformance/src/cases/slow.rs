//! Readers that stand still while a recording goes on, or goes away, without them.

use crate::case::Suite;
use crate::check::{Checked, holds};
use crate::client::{End, Response};
use crate::context::Context;
use crate::scenario::Live;
use crate::upstream::{Endpoint, Reply};

/// A complete recording of 6 MiB, more than sockets hold, and a replay of it that stands still at its start.
async fn stalled_replay(cx: &Context) -> Checked<(Endpoint, Vec<u8>, Response)> {
    let body = cx.bytes(6 << 20);
    let at = cx.replying(Reply::ok(body.clone()));
    cx.get(&at).send().await?.ends_with(&body).await?;
    let mut stalled = cx.get(&at).mode("replay").send().await?;
    stalled.next(&body[..1000]).await?;
    Ok((at, body, stalled))
}

/// A live recording of 6 MiB so far, all of it read by its first reader, and another that stands still.
async fn stalled_live(cx: &Context) -> Checked<(Live, Vec<u8>, Response)> {
    let body = cx.bytes(6 << 20);
    let mut live = cx.streaming("").await?;
    let stalled = cx.get(&live.at).send().await?;
    for piece in body.chunks(256 << 10) {
        live.call.send(piece).await?;
        live.reader.next(piece).await?;
    }
    Ok((live, body, stalled))
}

pub(super) fn add(suite: &mut Suite) {
    suite.case("B8", "a slow reader holds nobody up and misses nothing", async |cx| {
        let body = cx.bytes(6 << 20);
        let mut live = cx.streaming("").await?;
        // Asked for and not read: its socket fills up, and it falls behind the ring.
        let mut stalled = cx.get(&live.at).send().await?;
        for piece in body.chunks(64 << 10) {
            live.call.send(piece).await?;
            live.reader.next(piece).await?;
        }
        let Live { call, mut reader, at, .. } = live;
        call.end().await?;
        reader.ends().await?;
        cx.until_state(&at, "complete").await?;
        Ok(stalled.ends_with(&body).await?)
    });
    suite.case("B8", "a reader that stalls, falls behind and leaves continues where it was", async |cx| {
        let body = cx.bytes(4 << 20);
        let mut live = cx.streaming("").await?;
        let mut stalled = cx.get(&live.at).send().await?;
        live.call.send(&body[..100_000]).await?;
        live.reader.next(&body[..100_000]).await?;
        let held = cx.random(|r| r.usize(1..100_000));
        stalled.next(&body[..held]).await?;
        stalled.reset();
        for piece in body[100_000..].chunks(50_000) {
            live.call.send(piece).await?;
            live.reader.next(piece).await?;
        }
        let mut rest = cx.rest_of(&live.at, &live.recording, held).send().await?;
        rest.is(200)?.state("streaming")?;
        rest.next(&body[held..]).await?;
        live.call.end().await?;
        Ok(rest.ends().await?)
    });
    suite.case("B3 S4", "a reader that stood still finds a deleted recording broken", async |cx| {
        let (live, body, mut stalled) = stalled_live(&cx).await?;
        cx.delete(&live.at).await?;
        let (got, end) = stalled.rest().await?;
        holds("broken", end != End::Clean)?;
        Ok(holds("what came was right", body.starts_with(&got))?)
    });
    suite.case("B3 S4", "a reader that stood still finds a superseded live recording broken", async |cx| {
        let (live, body, mut stalled) = stalled_live(&cx).await?;
        let _restart = cx.get(&live.at).mode("restart").open().await?;
        live.at.accept().await?;
        let (got, end) = stalled.rest().await?;
        holds("broken", end != End::Clean)?;
        Ok(holds("what came was right", body.starts_with(&got))?)
    });
    suite.case("B8 S4", "a reader that stood still gets all of a stopped recording", async |cx| {
        let (live, body, mut stalled) = stalled_live(&cx).await?;
        cx.stop(&live.at).await?;
        Ok(stalled.ends_with(&body).await?)
    });
    suite.case("B3 B8", "a reader that stood still gets all of a failed recording, then a cut", async |cx| {
        let (live, body, mut stalled) = stalled_live(&cx).await?;
        live.call.reset();
        cx.until_state(&live.at, "failed").await?;
        stalled.next(&body).await?;
        stalled.breaks().await?;
        Ok(())
    });
    suite.case(
        "S2",
        "a replay goes on to its end although its recording was superseded meanwhile",
        async |cx| {
            let (at, body, mut stalled) = stalled_replay(&cx).await?;
            cx.get(&at).mode("restart").send().await?.ends_with(&body).await?;
            Ok(stalled.ends_with(&body[1000..]).await?)
        },
    );
    suite.case("B3", "a replay breaks when its recording is deleted meanwhile", async |cx| {
        let (at, body, mut stalled) = stalled_replay(&cx).await?;
        cx.delete(&at).await?;
        let (got, end) = stalled.rest().await?;
        holds("broken", end != End::Clean)?;
        Ok(holds("what came was right", body[1000..].starts_with(&got))?)
    });
}
