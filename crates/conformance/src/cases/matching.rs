//! `match`, `match-live` and `new`: which stored recording answers a request.

use crate::case::Suite;
use crate::check::holds;
use crate::launch::Settings;
use crate::scenario::Live;
use crate::several::follows;
use crate::upstream::Reply;

pub(super) fn add(suite: &mut Suite) {
    suite.case(
        "S1",
        "match joins the same request live and complete: a request with an id and no mode is one",
        async |cx| {
            let at = cx.endpoint();
            let mut live = cx.live(&at, cx.asks(&at, "a"), "one ").await?;
            let mut joined = Vec::new();
            for request in
                [cx.asks(&at, "a"), cx.asks(&at, "a").mode("match"), cx.post(&at, "a").mode("match")]
            {
                joined.push(follows(request, &live.recording, "one ").await?);
            }
            live.call.send("two").await?;
            live.reader.next("two").await?;
            let recording = live.recording.clone();
            live.ends().await?;
            for mut reader in joined {
                reader.ends_with("two").await?;
            }
            for request in [cx.asks(&at, "a"), cx.post(&at, "a").mode("match")] {
                let mut again = request.send().await?;
                again.is(200)?.state("complete")?.has("durablefetch-recording", &recording)?;
                again.ends_with("one two").await?;
            }
            at.hits(1)?;
            Ok(())
        },
    );
    suite.case("S1", "match waits for the head of the same request while it is connecting", async |cx| {
        let at = cx.endpoint();
        let first = cx.asks(&at, "a").open().await?;
        let call = at.accept().await?;
        let second = cx.asks(&at, "a").open().await?;
        cx.until_state(&at, "connecting").await?;
        cx.settle(&at).await?;
        call.answers("for both").await?;
        first.response().await?.ends_with("for both").await?;
        second.response().await?.ends_with("for both").await?;
        at.hits(1)?;
        Ok(())
    });
    suite.case("S1 S11", "match while another request is connecting starts beside it", async |cx| {
        let at = cx.endpoint();
        let first = cx.asks(&at, "a").open().await?;
        let waits = at.accept().await?;
        cx.live(&at, cx.asks(&at, "b"), "second").await?.ends().await?;
        waits.answers("first").await?;
        first.response().await?.ends_with("first").await?;
        at.hits(2)?;
        Ok(())
    });
    suite.case("S1", "match of a stopped recording starts: Stop and Send ask for a new answer", async |cx| {
        let at = cx.endpoint();
        let mut live = cx.live(&at, cx.asks(&at, "a"), "part").await?;
        cx.stop(&at).await?;
        live.reader.ends().await?;
        let again = cx.live(&at, cx.asks(&at, "a"), "new").await?;
        holds("a new recording", again.recording != live.recording)?;
        again.ends().await?;
        at.hits(2)?;
        Ok(())
    });
    suite.case("S1", "match of a failed recording starts", async |cx| {
        let at = cx.endpoint();
        let Live { call, mut reader, .. } = cx.live(&at, cx.asks(&at, "a"), "part").await?;
        call.reset();
        reader.breaks().await?;
        cx.until_state(&at, "failed").await?;
        cx.live(&at, cx.asks(&at, "a"), "new").await?.ends().await?;
        at.hits(2)?;
        Ok(())
    });
    suite.launching("S1 B9", "match of an interrupted recording starts", async |cx| {
        let (cx, mut own) = cx.launch(Settings::default()).await?;
        let at = cx.endpoint();
        let _lost = cx.live(&at, cx.asks(&at, "a"), "part").await?;
        let cx = cx.crash(&mut own).await?;
        cx.live(&at, cx.asks(&at, "a"), "new").await?.ends().await?;
        at.hits(2)?;
        Ok(())
    });
    suite.case(
        "S1",
        "match-live follows the same request live, and starts once it is complete",
        async |cx| {
            let at = cx.endpoint();
            let live = cx.live(&at, cx.asks(&at, "a").mode("match-live"), "live").await?;
            follows(cx.asks(&at, "a").mode("match-live"), &live.recording, "live").await?;
            let ended = live.ends().await?;
            let again = cx.live(&at, cx.asks(&at, "a").mode("match-live"), "anew").await?;
            holds("a new recording", again.recording != ended.recording)?;
            again.ends().await?;
            at.hits(2)?;
            Ok(())
        },
    );
    suite.case("S1", "new starts beside the same request, live or complete", async |cx| {
        let at = cx.endpoint();
        let first = cx.live(&at, cx.asks(&at, "a"), "first").await?;
        let second = cx.live(&at, cx.asks(&at, "a").mode("new"), "second").await?;
        holds("two recordings", first.recording != second.recording)?;
        first.ends().await?;
        second.ends().await?;
        cx.live(&at, cx.asks(&at, "a").mode("new"), "third").await?.ends().await?;
        at.hits(3)?;
        Ok(())
    });
    suite.case("S1", "a match that is live comes before one that is complete", async |cx| {
        let at = cx.endpoint();
        let old = cx.live(&at, cx.asks(&at, "a"), "old").await?;
        let new = cx.live(&at, cx.asks(&at, "a").mode("new"), "new").await?;
        old.ends().await?;
        follows(cx.asks(&at, "a"), &new.recording, "new").await?;
        let new = new.ends().await?;
        follows(cx.asks(&at, "a"), &new.recording, "new").await?;
        at.hits(2)?;
        Ok(())
    });
    suite.case("S12", "like, unlike, like reach the upstream three times", async |cx| {
        let at = cx.replying(Reply::ok("done"));
        for (nth, body) in ["like", "unlike", "like"].into_iter().enumerate() {
            cx.asks(&at, body).send().await?.ends_with("done").await?;
            at.hits(nth + 1)?;
        }
        Ok(())
    });
    suite.case("H3", "each of the seven modes is known, and no other", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        for mode in ["join", "match", "match-live", "new", "restart", "replay"] {
            cx.get(&at).mode(mode).send().await?.ends_with("x").await?;
        }
        cx.get(&at).mode("resume").send().await?.is(204)?;
        let before = at.received().len();
        for mode in ["Match", "matchlive", "always", "live", "never", ""] {
            cx.get(&at).mode(mode).send().await?.error(400, "bad-request").await?;
        }
        at.hits(before)?;
        Ok(())
    });
}
