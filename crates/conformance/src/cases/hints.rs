//! `durablefetch-attach` and `durablefetch-read`: what a client says that it has seen.

use crate::case::Suite;
use crate::check::holds;
use crate::client::Request;
use crate::scenario::Ended;
use crate::several::{NEVER_GIVEN_OUT, follows};
use crate::upstream::Reply;

fn attach(request: Request, recording: &str) -> Request {
    request.header("durablefetch-attach", recording)
}

fn has_read(request: Request, recording: &str) -> Request {
    request.header("durablefetch-read", recording)
}

pub(super) fn add(suite: &mut Suite) {
    suite.case(
        "S14",
        "a fetch that attaches follows the recording it names if that is the only live one",
        async |cx| {
            let at = cx.endpoint();
            let live = cx.live(&at, cx.asks(&at, "a"), "live").await?;
            for mode in [None, Some("match"), Some("match-live")] {
                let request = attach(cx.get(&at).id(&cx.uuid()), &live.recording);
                let request = mode.map_or(request.clone(), |mode| request.mode(mode));
                follows(request, &live.recording, "live").await?;
            }
            live.ends().await?;
            at.hits(1)?;
            Ok(())
        },
    );
    suite.case("S14", "a fetch that attaches waits for the head of the recording it names", async |cx| {
        let at = cx.endpoint();
        let starter = cx.asks(&at, "a").open().await?;
        let call = at.accept().await?;
        let status = cx.until(&at, |status| status["recording"].is_string()).await?;
        let recording = status["recording"].as_str().unwrap_or_default();
        let waiting = attach(cx.get(&at).id(&cx.uuid()), recording).open().await?;
        cx.settle(&at).await?;
        call.answers("for both").await?;
        starter.response().await?.ends_with("for both").await?;
        waiting.response().await?.ends_with("for both").await?;
        at.hits(1)?;
        Ok(())
    });
    suite.case("S14", "a fetch that attaches takes the recording of its own request first", async |cx| {
        let at = cx.endpoint();
        let own = cx.live(&at, cx.asks(&at, "own"), "own").await?;
        let other = cx.live(&at, cx.asks(&at, "other"), "other").await?;
        let reload = || attach(cx.asks(&at, "own"), &other.recording);
        follows(reload(), &own.recording, "own").await?;
        let own = own.ends().await?;
        // Finished, too: it ran beside the other one, which is the only live one now.
        follows(reload(), &own.recording, "own").await?;
        follows(reload().mode("match"), &own.recording, "own").await?;
        at.hits(2)?;
        // A match-live takes nothing that is finished, so it attaches.
        follows(reload().mode("match-live"), &other.recording, "other").await?;
        at.hits(2)?;
        Ok(())
    });
    suite.case("S14", "a fetch that attaches starts where several are live", async |cx| {
        let at = cx.endpoint();
        let one = cx.live(&at, cx.asks(&at, "a"), "a").await?;
        let two = cx.live(&at, cx.asks(&at, "b"), "b").await?;
        for recording in [&one.recording, &two.recording] {
            let body = cx.uuid();
            cx.live(&at, attach(cx.asks(&at, &body), recording), "own").await?.ends().await?;
        }
        at.hits(4)?;
        Ok(())
    });
    suite.case("S14", "a fetch that attaches to what is not live, or to another one, starts", async |cx| {
        let at = cx.endpoint();
        let Ended { recording, .. } = cx.live(&at, cx.asks(&at, "a"), "a").await?.ends().await?;
        cx.live(&at, attach(cx.asks(&at, "b"), &recording), "b").await?.ends().await?;
        let live = cx.live(&at, cx.asks(&at, "c"), "c").await?;
        for named in [recording.as_str(), NEVER_GIVEN_OUT, "not an id"] {
            let body = cx.uuid();
            cx.live(&at, attach(cx.asks(&at, &body), named), "own").await?.ends().await?;
        }
        live.ends().await?;
        at.hits(6)?;
        Ok(())
    });
    suite.case("S14", "new and restart attach to nothing", async |cx| {
        let at = cx.endpoint();
        let live = cx.live(&at, cx.asks(&at, "a"), "a").await?;
        let beside = cx.live(&at, attach(cx.asks(&at, "b"), &live.recording).mode("new"), "b").await?;
        holds("its own", beside.recording != live.recording)?;
        beside.ends().await?;
        let restart = attach(cx.asks(&at, "c"), &live.recording).mode("restart");
        cx.live(&at, restart, "c").await?.ends().await?;
        at.hits(3)?;
        Ok(())
    });
    suite.case(
        "S13",
        "a poller that has read an answer with no-store gets a new one; others get it again",
        async |cx| {
            let reply = Reply::ok("{}").header("content-type", "application/json");
            let at = cx.replying(reply.header("cache-control", "private, No-Store"));
            let poll = || cx.get(&at).id(&cx.uuid());
            let mut first = poll().send().await?;
            let recording = first.recording()?;
            first.ends_with("{}").await?;
            for other in [poll(), has_read(poll(), NEVER_GIVEN_OUT), has_read(poll(), "not an id")] {
                follows(other, &recording, "{}").await?;
            }
            at.hits(1)?;
            let mut second = has_read(poll(), &recording).send().await?;
            holds("a new recording", second.recording()? != recording)?;
            second.ends_with("{}").await?;
            at.hits(2)?;
            let newer = second.recording()?;
            // The older one is retired: who has read only that one gets the newer.
            follows(has_read(poll(), &recording), &newer, "{}").await?;
            has_read(cx.get(&at), &newer).send().await?.ends_with("{}").await?;
            at.hits(3)?;
            Ok(())
        },
    );
    suite.case("S13", "a poller joins what is live although it has read the answer before", async |cx| {
        let at = cx.endpoint();
        let open = cx.get(&at).id(&cx.uuid()).open().await?;
        let mut call = at.accept().await?;
        call.head(200, &[("cache-control", "no-store")]).await?;
        call.send("live").await?;
        let mut reader = open.response().await?;
        reader.next("live").await?;
        let recording = reader.recording()?;
        follows(has_read(cx.get(&at).id(&cx.uuid()), &recording), &recording, "live").await?;
        call.end().await?;
        reader.ends().await?;
        at.hits(1)?;
        Ok(())
    });
    suite.case("S13", "an event stream and what may be stored answer who has read them", async |cx| {
        for (kind, cache) in [
            ("text/event-stream; charset=utf-8", "no-store"),
            ("Text/Event-Stream", "no-store"),
            ("application/json", "no-cache"),
            ("application/json", "private, max-age=0"),
        ] {
            let reply = Reply::ok("data: x\n\n").header("content-type", kind);
            let at = cx.replying(reply.header("cache-control", cache));
            let mut first = cx.get(&at).id(&cx.uuid()).send().await?;
            let recording = first.recording()?;
            first.ends_with("data: x\n\n").await?;
            follows(has_read(cx.get(&at).id(&cx.uuid()), &recording), &recording, "data: x\n\n").await?;
            at.hits(1)?;
        }
        Ok(())
    });
    suite.case("S13", "a POST with durablefetch-read is answered again", async |cx| {
        let at = cx.replying(Reply::ok("{}").header("cache-control", "no-store"));
        let mut first = cx.asks(&at, "a").send().await?;
        let recording = first.recording()?;
        first.ends_with("{}").await?;
        follows(has_read(cx.asks(&at, "a"), &recording), &recording, "{}").await?;
        at.hits(1)?;
        Ok(())
    });
    suite.launching("S13", "an answer with no-store is one after a crash, too", async |cx| {
        let (cx, mut own) = cx.launch(crate::launch::Settings::default()).await?;
        let at = cx.replying(Reply::ok("{}").header("cache-control", "no-store"));
        let mut first = cx.get(&at).send().await?;
        let recording = first.recording()?;
        first.ends_with("{}").await?;
        let cx = cx.crash(&mut own).await?;
        follows(cx.get(&at), &recording, "{}").await?;
        has_read(cx.get(&at), &recording).send().await?.ends_with("{}").await?;
        at.hits(2)?;
        Ok(())
    });
    suite.case("H3", "durablefetch-for, -attach and -read stand once at most", async |cx| {
        let at = cx.endpoint();
        for (name, value) in [
            ("durablefetch-for", at.url()),
            ("durablefetch-attach", NEVER_GIVEN_OUT.to_owned()),
            ("durablefetch-read", NEVER_GIVEN_OUT.to_owned()),
        ] {
            let twice = cx.get(&at).header(name, value.clone()).header(name, value);
            twice.send().await?.error(400, "bad-request").await?;
        }
        at.hits(0)?;
        Ok(())
    });
}
