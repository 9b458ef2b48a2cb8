//! Connections of clients: used again, refused while sending, left alone. Connections to upstreams.

use crate::case::Suite;
use crate::check::{Checked, same};
use crate::context::Context;
use crate::launch::Ability;
use crate::upstream::{Call, Reply};

pub(super) fn add(suite: &mut Suite) {
    suite.case("R1", "one connection serves several requests, errors among them", async |cx| {
        let at = cx.replying(Reply::ok("body"));
        let mut response = cx.get(&at).send().await?;
        response.ends_with("body").await?;
        for _ in 0..3 {
            response = cx.get(&at).send_after(response).await?;
            response.is(200)?.state("complete")?;
            response.ends_with("body").await?;
            response = cx.get(&cx.endpoint()).mode("resume").send_after(response).await?;
            response.is(204)?;
            response = cx.get(&cx.endpoint()).mode("replay").send_after(response).await?;
            response.error(404, "not-found").await?;
        }
        Ok(at.hits(1)?)
    });
    suite.case("W3", "a refusal reaches a client that is still sending its body", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        for _ in 0..5 {
            let post = cx.recorder.fetch("POST", &at.url()).header("origin", "https://evil.example");
            post.body(vec![b'x'; 3 << 20]).send().await?.error(403, "forbidden-origin").await?;
        }
        Ok(at.hits(0)?)
    });
    suite.case("S9", "after a HEAD and after a 204 the connection is in step", async |cx| {
        let at = cx.replying(Reply::ok("body"));
        let empty = cx.replying(Reply::new(204));
        let mut response = cx.recorder.fetch("HEAD", &at.url()).send().await?;
        response.is(200)?;
        response = cx.get(&empty).send_after(response).await?;
        response.is(204)?;
        response = cx.get(&at).send_after(response).await?;
        response.is(200)?;
        response.ends_with("body").await?;
        Ok(same("upstream requests", at.received().len(), 2)?)
    });
    suite.case("S18", "a request that its upstream may have processed is not sent again", async |cx| {
        Ok(is_asked_once(&cx, "POST", "asked").await?)
    });
    suite.needing(
        Ability::AskOnce,
        "S18",
        "a GET whose kept connection ends is not sent again",
        async |cx| Ok(is_asked_once(&cx, "GET", "").await?),
    );
}

/// On a connection that its upstream has kept open, and ends before it answers a second request.
async fn is_asked_once(cx: &Context, method: &str, body: &str) -> Checked {
    for leave in [Call::reset, Call::close] {
        let at = cx.endpoint();
        let open = cx.recorder.fetch(method, &at.url()).body(body.to_owned()).open().await?;
        let mut call = at.accept().await?;
        // A recorder that keeps connections makes its next request on this one.
        call.keep_alive();
        call.answers("answered").await?;
        open.response().await?.ends_with("answered").await?;
        let at = cx.endpoint();
        let open = cx.recorder.fetch(method, &at.url()).body(body.to_owned()).open().await?;
        leave(at.accept().await?);
        open.response().await?.error(502, "upstream-failed").await?;
        at.hits(1)?;
    }
    Ok(())
}
