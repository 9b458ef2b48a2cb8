//! Byte identity, for every reader, at any time, from any offset, in any pieces.

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::case::Suite;
use crate::check::{Checked, Oops, holds, same, same_bytes};
use crate::client::{End, Response};
use crate::context::Context;
use crate::scenario::Live;
use crate::upstream::{Endpoint, Reply};

/// Reads a recording as a client on a bad network does: it drops the connection at random and continues
/// at the byte it has, until a clean end that an empty continuation confirms.
async fn read_with_cuts(
    cx: Context,
    at: Endpoint,
    recording: String,
    from: usize,
    body: Arc<Vec<u8>>,
) -> Checked {
    let mut offset = from;
    loop {
        let mut reader = cx.rest_of(&at, &recording, offset).send().await?;
        reader.is(200)?.has("durablefetch-offset", &offset.to_string())?;
        let patience = cx.random(|r| r.usize(1..200_000));
        let mut got = 0;
        while got < patience {
            match reader.piece().await? {
                Ok(piece) => {
                    let (begin, end) = (offset + got, offset + got + piece.len());
                    same_bytes(format!("bytes {begin}.."), &piece, &body[begin..end.min(body.len())])?;
                    got += piece.len();
                }
                Err(end) => {
                    same("end", end, End::Clean)?;
                    return same("bytes in all", offset + got, body.len());
                }
            }
        }
        offset += got;
        if cx.random(|r| r.bool()) {
            reader.reset();
        }
    }
}

/// Sends `body` in random pieces, and after each makes sure that `lead` has it.
async fn play(cx: &Context, live: &mut Live, body: &[u8], mut sent: impl FnMut(usize)) -> Checked {
    let mut at = 0;
    while at < body.len() {
        let longest = if cx.random(|r| r.u8(..) < 32) { 60_000 } else { 4000 };
        let end = (at + cx.random(|r| r.usize(1..longest))).min(body.len());
        live.call.send(&body[at..end]).await?;
        live.reader.next(&body[at..end]).await?;
        at = end;
        sent(at);
    }
    Ok(())
}

async fn all(readers: &mut JoinSet<Checked>) -> Checked {
    while let Some(reader) = readers.join_next().await {
        reader.map_err(|e| Oops::new(e.to_string()))??;
    }
    Ok(())
}

/// Reads to a clean end and compares.
async fn reads_all(mut reader: Response, body: Arc<Vec<u8>>) -> Checked {
    reader.ends_with(body.as_slice()).await
}

pub(super) fn add(suite: &mut Suite) {
    suite.case(
        "B5 B8",
        "random chunks, readers joining at random moments, cuts at random offsets: every byte once, in order",
        async |cx| {
            let body = Arc::new(cx.bytes(1_500_000));
            let mut live = cx.streaming("").await?;
            let (at, recording) = (live.at.clone(), live.recording.clone());
            let mut readers = JoinSet::new();
            let context = cx.clone();
            play(&cx, &mut live, &body, |sent| {
                if readers.len() < 24 && context.random(|r| r.u8(..) < 40) {
                    let (cx, at, body, recording) =
                        (context.clone(), at.clone(), body.clone(), recording.clone());
                    match cx.random(|r| r.u8(..3)) {
                        0 => readers.spawn(async move { reads_all(cx.get(&at).send().await?, body).await }),
                        1 => readers.spawn(async move {
                            reads_all(cx.get(&at).mode("replay").send().await?, body).await
                        }),
                        _ => {
                            let from = cx.random(|r| r.usize(..=sent));
                            readers.spawn(read_with_cuts(cx, at, recording, from, body))
                        }
                    };
                }
            })
            .await?;
            let Live { call, mut reader, .. } = live;
            call.end().await?;
            reader.ends().await?;
            holds("readers joined", !readers.is_empty())?;
            all(&mut readers).await?;
            read_with_cuts(cx.clone(), at.clone(), recording, 0, body.clone()).await?;
            reads_all(cx.get(&at).send().await?, body).await?;
            Ok(at.hits(1)?)
        },
    );
    suite.case("B4", "a 0-byte body is recorded and replayed as 0 bytes", async |cx| {
        let at = cx.endpoint();
        let open = cx.get(&at).open().await?;
        let mut call = at.accept().await?;
        call.head(200, &[]).await?;
        call.end().await?;
        open.response().await?.ends().await?;
        let mut replay = cx.get(&at).send().await?;
        replay.is(200)?.state("complete")?.has("content-length", "0")?;
        replay.ends().await?;
        let announced = cx.replying(Reply::ok(""));
        cx.get(&announced).send().await?.ends().await?;
        cx.get(&announced).send().await?.is(200)?.has("content-length", "0")?;
        Ok(announced.hits(1)?)
    });
    suite.case("R5", "the head goes out before the first byte of the body", async |cx| {
        let at = cx.endpoint();
        let open = cx.get(&at).open().await?;
        let mut call = at.accept().await?;
        call.head(200, &[("x-early", "yes")]).await?;
        let mut reader = open.response().await?;
        reader.is(200)?.has("x-early", "yes")?;
        call.send("x").await?;
        reader.next("x").await?;
        Ok(())
    });
    suite.case("R5 B5", "each chunk reaches the readers before the next is sent", async |cx| {
        let mut live = cx.streaming("").await?;
        let mut second = cx.get(&live.at).send().await?;
        for n in 0..50 {
            let event = format!("data: {n}\n\n");
            live.call.send(&event).await?;
            live.reader.next(&event).await?;
            second.next(&event).await?;
        }
        Ok(())
    });
    suite.case("B5 C1", "ten thousand one-byte chunks arrive once each and in order", async |cx| {
        let body = Arc::new(cx.bytes(10_000));
        let mut live = cx.streaming("").await?;
        let joined = tokio::spawn(reads_all(cx.get(&live.at).send().await?, body.clone()));
        for byte in body.iter() {
            live.call.send([*byte]).await?;
        }
        let Live { call, mut reader, at, .. } = live;
        call.end().await?;
        reader.ends_with(body.as_slice()).await?;
        joined.await.map_err(|e| Oops::new(e.to_string()))??;
        same("bytesStored", cx.status(&at).await?["bytesStored"].as_u64(), Some(10_000))?;
        reads_all(cx.get(&at).send().await?, body).await?;
        Ok(())
    });
    suite.case("B8", "a recording goes on with no reader at all, whatever its size", async |cx| {
        let body = Arc::new(cx.bytes(6 << 20));
        let Live { at, mut call, reader, .. } = cx.streaming("").await?;
        reader.reset();
        for piece in body.chunks(100_000) {
            call.send(piece).await?;
        }
        call.end().await?;
        cx.until_state(&at, "complete").await?;
        reads_all(cx.get(&at).send().await?, body).await?;
        Ok(())
    });
    suite.case("B5", "a body of 32 MiB arrives whole at three readers", async |cx| {
        let body = Arc::new(cx.bytes(32 << 20));
        let at = cx.replying(Reply::ok(body.as_slice()));
        let mut readers = JoinSet::new();
        for _ in 0..3 {
            let (cx, at, body) = (cx.clone(), at.clone(), body.clone());
            readers.spawn(async move { reads_all(cx.get(&at).send().await?, body).await });
        }
        all(&mut readers).await?;
        reads_all(cx.get(&at).mode("replay").send().await?, body).await?;
        Ok(at.hits(1)?)
    });
    suite.case("B8", "sixty readers of one recording all get all of it", async |cx| {
        let body = Arc::new(cx.bytes(300_000));
        let mut live = cx.streaming("").await?;
        let mut readers = JoinSet::new();
        for _ in 0..60 {
            readers.spawn(reads_all(cx.get(&live.at).send().await?, body.clone()));
        }
        play(&cx, &mut live, &body, |_| {}).await?;
        live.call.end().await?;
        live.reader.ends().await?;
        all(&mut readers).await?;
        Ok(())
    });
}
