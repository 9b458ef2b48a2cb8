//! Recorded bytes are identity-coded.

use crate::case::Suite;
use crate::check::Checked;
use crate::context::Context;
use crate::upstream::{Reply, brotli, deflate, gzip, zlib, zstd};

/// An upstream that encodes although it was asked for identity.
async fn decoded(cx: &Context, coding: &str, encoded: Vec<u8>, body: &[u8]) -> Checked {
    let at = cx.replying(Reply::ok(encoded).header("content-encoding", coding));
    let mut first = cx.get(&at).header("accept-encoding", "gzip, br, zstd").send().await?;
    first.is(200)?.lacks("content-encoding")?;
    let recording = first.recording()?;
    first.ends_with(body).await?;
    let mut replay = cx.get(&at).send().await?;
    replay.lacks("content-encoding")?.has("content-length", &body.len().to_string())?;
    replay.ends_with(body).await?;
    let half = body.len() / 2;
    cx.rest_of(&at, &recording, half).send().await?.ends_with(&body[half..]).await
}

fn text() -> Vec<u8> {
    "data: the quick brown fox jumps over the lazy dog\n\n".repeat(3000).into_bytes()
}

pub(super) fn add(suite: &mut Suite) {
    suite.case("B1", "a gzip body is recorded decoded, offsets count decoded bytes", async |cx| {
        Ok(decoded(&cx, "gzip", gzip(&text())?, &text()).await?)
    });
    suite.case("B1", "a br body is recorded decoded, offsets count decoded bytes", async |cx| {
        Ok(decoded(&cx, "br", brotli(&text())?, &text()).await?)
    });
    suite.case("B1", "a zstd body is recorded decoded, offsets count decoded bytes", async |cx| {
        Ok(decoded(&cx, "zstd", zstd(&text())?, &text()).await?)
    });
    suite.case("B1", "a content-encoding of identity is not a coding and is dropped", async |cx| {
        Ok(decoded(&cx, "identity", text(), &text()).await?)
    });
    suite.case("B1", "all members of a gzip body and all frames of a zstd body are recorded", async |cx| {
        let members = |encode: fn(&[u8]) -> Checked<Vec<u8>>| -> Checked<Vec<u8>> {
            Ok([encode(b"one ")?, encode(b"")?, encode(b"two")?].concat())
        };
        decoded(&cx, "gzip", members(gzip)?, b"one two").await?;
        Ok(decoded(&cx, "zstd", members(zstd)?, b"one two").await?)
    });
    suite.case(
        "B1",
        "a coding has other names and any case, and deflate comes with its wrapper and bare",
        async |cx| {
            for name in ["x-gzip", "GZIP", "X-GZip", "identity, gzip"] {
                decoded(&cx, name, gzip(&text())?, &text()).await?;
            }
            decoded(&cx, "BR", brotli(&text())?, &text()).await?;
            decoded(&cx, "Zstd", zstd(&text())?, &text()).await?;
            decoded(&cx, "deflate", zlib(&text())?, &text()).await?;
            Ok(decoded(&cx, "Deflate", deflate(&text())?, &text()).await?)
        },
    );
    suite.case("B1", "a list of up to three codings is undone, the last first", async |cx| {
        decoded(&cx, "gzip, gzip", gzip(&gzip(&text())?)?, &text()).await?;
        decoded(&cx, "br,gzip", gzip(&brotli(&text())?)?, &text()).await?;
        Ok(decoded(&cx, "deflate, zstd, br", brotli(&zstd(&zlib(&text())?)?)?, &text()).await?)
    });
    suite.case("B1", "what is not a coding and stands alone means a body that is not coded", async |cx| {
        for name in ["none", "", "utf-8", "UTF-8", "binary", "aws-chunked"] {
            decoded(&cx, name, text(), &text()).await?;
        }
        Ok(())
    });
    suite.case("B1", "an unknown coding in a list with others is a 502 that names it", async |cx| {
        for name in ["aws-chunked, gzip", "gzip, none", "gzip, gzip, gzip, gzip"] {
            let at = cx.replying(Reply::ok(gzip(b"x")?).header("content-encoding", name));
            let mut answer = cx.get(&at).send().await?;
            answer.error(502, "upstream-failed").await?;
        }
        Ok(())
    });
    suite.case("B1", "an encoded stream is decoded as it comes, chunk by chunk", async |cx| {
        use std::io::Write;
        let at = cx.endpoint();
        let open = cx.get(&at).open().await?;
        let mut call = at.accept().await?;
        call.head(200, &[("content-encoding", "gzip")]).await?;
        let mut reader = open.response().await?;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        for event in ["data: one\n\n", "data: two\n\n", "data: three\n\n"] {
            let flushed = encoder.write_all(event.as_bytes()).and_then(|()| encoder.flush());
            flushed.map_err(|e| crate::check::Oops::new(e.to_string()))?;
            call.send(std::mem::take(encoder.get_mut())).await?;
            reader.next(event).await?;
        }
        let rest = encoder.finish().map_err(|e| crate::check::Oops::new(e.to_string()))?;
        call.send(rest).await?;
        call.end().await?;
        Ok(reader.ends().await?)
    });
    suite.case("B1", "an encoded body that is cut fails, it does not end", async |cx| {
        let plain = cx.bytes(100_000);
        for (coding, encoded) in [
            ("gzip", gzip(&plain)?),
            ("deflate", zlib(&plain)?),
            ("deflate", deflate(&plain)?),
            ("br", brotli(&plain)?),
            ("zstd", zstd(&plain)?),
            ("gzip, br", brotli(&gzip(&plain)?)?),
        ] {
            for length in [encoded.len() / 2, encoded.len() - 1] {
                let at = cx.replying(Reply::ok(&encoded[..length]).header("content-encoding", coding));
                let (_, end) = cx.get(&at).send().await?.rest().await?;
                crate::check::holds(format!("{coding}: broken"), end != crate::client::End::Clean)?;
                cx.until_state(&at, "failed").await?;
            }
        }
        Ok(())
    });
    suite.case("B1", "a body that is not in its announced coding fails", async |cx| {
        let at = cx.replying(Reply::ok("this is not gzip").header("content-encoding", "gzip"));
        let (got, end) = cx.get(&at).send().await?.rest().await?;
        crate::check::same("bytes", got.len(), 0)?;
        crate::check::holds("broken", end != crate::client::End::Clean)?;
        Ok(cx.until_state(&at, "failed").await?)
    });
    suite.case("B1", "an encoded answer that is not 2xx is decoded too", async |cx| {
        let at = cx.replying(Reply::new(500).header("content-encoding", "gzip").body(gzip(b"why")?));
        let mut answer = cx.get(&at).send().await?;
        answer.is(500)?.lacks("content-encoding")?;
        Ok(answer.ends_with("why").await?)
    });
}
