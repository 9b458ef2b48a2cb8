//! The request body is read whole before the upstream is contacted.

use crate::case::Suite;
use crate::check::same_bytes;
use crate::launch::Settings;
use crate::upstream::Reply;

pub(super) fn add(suite: &mut Suite) {
    suite.case("B2", "a request body of 3 MiB reaches the upstream byte for byte", async |cx| {
        let body = cx.bytes(3 << 20);
        let at = cx.replying(Reply::ok("thanks"));
        let post = cx.recorder.fetch("POST", &at.url()).body(body.clone());
        post.send().await?.ends_with("thanks").await?;
        Ok(same_bytes("body at the upstream", &at.last()?.body, &body)?)
    });
    suite.case("B2", "a chunked upload reaches the upstream whole, with its length", async |cx| {
        let at = cx.replying(Reply::ok("thanks"));
        let post = cx.recorder.fetch("POST", &at.url()).header("transfer-encoding", "chunked");
        let mut open = post.announce(None).await?;
        open.write(b"3\r\nabc\r\n").await?;
        at.hits(0)?;
        open.write(b"4\r\ndefg\r\n0\r\n\r\n").await?;
        open.response().await?.ends_with("thanks").await?;
        same_bytes("body at the upstream", &at.last()?.body, b"abcdefg")?;
        crate::check::same("content-length", at.last()?.headers.get("content-length"), Some("7"))?;
        Ok(())
    });
    suite.case("B2", "a cut upload starts nothing", async |cx| {
        let at = cx.replying(Reply::ok("thanks"));
        for reset in [true, false] {
            let mut open = cx.recorder.fetch("POST", &at.url()).announce(Some(100)).await?;
            open.write(b"only this").await?;
            if reset {
                open.reset();
            } else {
                drop(open);
            }
        }
        let mut open = cx
            .recorder
            .fetch("POST", &at.url())
            .header("transfer-encoding", "chunked")
            .announce(None)
            .await?;
        open.write(b"3\r\nabc\r\n").await?;
        open.reset();
        cx.settle(&at).await?;
        cx.until_state(&at, "none").await?;
        at.hits(0)?;
        // A whole request afterwards is the first that the upstream sees.
        cx.post(&at, "whole").send().await?.ends_with("thanks").await?;
        same_bytes("body at the upstream", &at.last()?.body, b"whole")?;
        Ok(at.hits(1)?)
    });
    suite.case("B2", "the upstream is not contacted before the upload has ended", async |cx| {
        let at = cx.endpoint();
        let mut open = cx.recorder.fetch("POST", &at.url()).announce(Some(6)).await?;
        open.write(b"abc").await?;
        cx.until_state(&at, "none").await?;
        at.hits(0)?;
        open.write(b"def").await?;
        let mut call = at.accept().await?;
        same_bytes("body at the upstream", &call.request.body, b"abcdef")?;
        call.head(200, &[]).await?;
        open.response().await?.is(200)?;
        Ok(())
    });
    suite.launching(
        "B2",
        "a request body over the limit is a 413 and starts nothing, one at the limit passes",
        async |cx| {
            let (cx, _own) = cx.launch(Settings { request_bytes: Some(1000), ..Settings::default() }).await?;
            let at = cx.replying(Reply::ok("thanks"));
            let post = |length| cx.recorder.fetch("POST", &at.url()).body(vec![b'x'; length]);
            post(1001).send().await?.error(413, "request-too-large").await?;
            post(200_000).send().await?.error(413, "request-too-large").await?;
            let chunked = cx.recorder.fetch("POST", &at.url()).header("transfer-encoding", "chunked");
            let mut open = chunked.announce(None).await?;
            open.write(format!("3e9\r\n{}\r\n0\r\n\r\n", "x".repeat(1001)).as_bytes()).await?;
            open.response().await?.error(413, "request-too-large").await?;
            at.hits(0)?;
            post(1000).send().await?.ends_with("thanks").await?;
            Ok(at.hits(1)?)
        },
    );
    suite.case("B2", "a GET without a body has none at the upstream either", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        cx.get(&at).send().await?.is(200)?;
        let got = at.last()?;
        crate::check::same("body", got.body.len(), 0)?;
        crate::check::same("transfer-encoding", got.headers.get("transfer-encoding"), None)?;
        Ok(())
    });
    suite.case("B2", "a client that waits for 100 Continue gets it", async |cx| {
        let at = cx.replying(Reply::ok("thanks"));
        let post = cx.recorder.fetch("POST", &at.url()).header("expect", "100-continue");
        post.body("body").send().await?.ends_with("thanks").await?;
        crate::check::same("expect", at.last()?.headers.get("expect"), None)?;
        Ok(())
    });
}
