//! Finished recordings after another one of their key has started.

use crate::case::Suite;
use crate::check::{Checked, holds};
use crate::client::Request;
use crate::context::Context;
use crate::several::follows;
use crate::upstream::{Endpoint, Reply};

/// Starts this many recordings one after the other, each to its end, and returns their ids.
async fn in_turn(cx: &Context, at: &Endpoint, count: usize) -> Checked<Vec<String>> {
    let mut all = Vec::new();
    for _ in 0..count {
        let mut answer = cx.get(at).mode("new").send().await?;
        all.push(answer.recording()?);
        answer.rest().await?;
    }
    Ok(all)
}

/// Checks that a continuation finds this recording, or that it is gone.
async fn is_kept(cx: &Context, at: &Endpoint, recording: &str, kept: bool) -> Checked {
    let mut rest = cx.rest_of(at, recording, 0).send().await?;
    if kept {
        rest.is(200)?.state("complete")?.has("durablefetch-recording", recording)?;
        rest.rest().await?;
        Ok(())
    } else {
        rest.error(410, "superseded").await
    }
}

pub(super) fn add(suite: &mut Suite) {
    suite.case(
        "S12",
        "recordings that ran side by side answer their reloads until a later one starts",
        async |cx| {
            let at = cx.endpoint();
            let first = cx.live(&at, cx.asks(&at, "a"), "to a").await?;
            let second = cx.live(&at, cx.asks(&at, "b"), "to b").await?;
            let (first, second) = (first.ends().await?, second.ends().await?);
            for _ in 0..2 {
                follows(cx.asks(&at, "a"), &first.recording, "to a").await?;
                follows(cx.asks(&at, "b"), &second.recording, "to b").await?;
            }
            at.hits(2)?;
            cx.live(&at, cx.asks(&at, "c"), "to c").await?.ends().await?;
            let again = cx.live(&at, cx.asks(&at, "a"), "to a again").await?;
            holds("a new recording", again.recording != first.recording)?;
            again.ends().await?;
            cx.live(&at, cx.asks(&at, "b"), "to b again").await?.ends().await?;
            at.hits(5)?;
            Ok(())
        },
    );
    suite.case("S12", "what ends after another one started is not retired by it", async |cx| {
        let at = cx.endpoint();
        let slow = cx.live(&at, cx.asks(&at, "slow"), "slow").await?;
        cx.live(&at, cx.asks(&at, "quick"), "quick").await?.ends().await?;
        let slow = slow.ends().await?;
        follows(cx.asks(&at, "slow"), &slow.recording, "slow").await?;
        at.hits(2)?;
        Ok(())
    });
    suite.case("S12 S2", "a retired recording answers its continuations and nothing else", async |cx| {
        let at = cx.endpoint();
        let old = cx.live(&at, cx.asks(&at, "a").mode("restart"), "0123456789").await?.ends().await?;
        // The start retires it, and its own answer is not recorded: nothing else is there to answer.
        let open = cx.asks(&at, "b").open().await?;
        let mut refused = at.accept().await?;
        refused.head(503, &[("content-length", "0")]).await?;
        refused.end().await?;
        open.response().await?.is(503)?;
        cx.get(&at).mode("resume").send().await?.is(204)?;
        cx.get(&at).mode("replay").send().await?.error(404, "not-found").await?;
        let mut rest = cx.rest_of(&at, &old.recording, 6).send().await?;
        rest.is(200)?.state("complete")?.has("durablefetch-offset", "6")?;
        rest.ends_with("6789").await?;
        let starts: [fn(Request) -> Request; 2] = [|request| request, |request| request.mode("join")];
        for start in starts {
            let anew = cx.live(&at, start(cx.asks(&at, "a")), "anew").await?;
            holds("a new recording", anew.recording != old.recording)?;
            anew.ends().await?;
            // And that is retired in its turn, so that the next one starts as well.
            cx.live(&at, cx.asks(&at, "c"), "c").await?.ends().await?;
        }
        cx.rest_of(&at, &old.recording, 0).send().await?.ends_with("0123456789").await?;
        at.hits(6)?;
        Ok(())
    });
    suite.case("S12 S2", "several retired recordings of one key all continue by id", async |cx| {
        let at = cx.endpoint();
        let mut all = Vec::new();
        for n in 0..5 {
            let body = format!("answer {n}");
            all.push((cx.live(&at, cx.asks(&at, "same").mode("new"), &body).await?.ends().await?, body));
        }
        for (ended, body) in &all {
            cx.rest_of(&at, &ended.recording, 3).send().await?.ends_with(&body[3..]).await?;
        }
        at.hits(5)?;
        Ok(())
    });
    suite.case("S12", "a key keeps 64 retired recordings: of 65 the oldest goes", async |cx| {
        let at = cx.replying(Reply::ok("small"));
        let all = in_turn(&cx, &at, 65).await?;
        is_kept(&cx, &at, &all[0], true).await?;
        let last = in_turn(&cx, &at, 1).await?;
        is_kept(&cx, &at, &all[0], false).await?;
        for recording in [&all[1], &all[2], &all[64], &last[0]] {
            is_kept(&cx, &at, recording, true).await?;
        }
        Ok(())
    });
    suite.case("S12", "a key keeps 64 MiB of retired recordings, the newest ones", async |cx| {
        let body = cx.bytes(24 << 20);
        let at = cx.replying(Reply::ok(body));
        let all = in_turn(&cx, &at, 3).await?;
        is_kept(&cx, &at, &all[0], true).await?;
        let last = in_turn(&cx, &at, 1).await?;
        is_kept(&cx, &at, &all[0], false).await?;
        for recording in [&all[1], &all[2], &last[0]] {
            is_kept(&cx, &at, recording, true).await?;
        }
        Ok(())
    });
}
