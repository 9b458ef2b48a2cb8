//! `durablefetch-recording` + `durablefetch-offset`.

use crate::case::Suite;
use crate::check::{Checked, holds};
use crate::client::Request;
use crate::scenario::{Ended, Live};
use crate::several::NEVER_GIVEN_OUT;
use crate::upstream::Reply;

pub(super) fn add(suite: &mut Suite) {
    suite.case("S3", "at the end exactly a continuation is an empty 200 with the state", async |cx| {
        for state in ["complete", "stopped", "failed"] {
            let Ended { at, recording } = match state {
                "complete" => cx.complete("whole").await?,
                "stopped" => cx.stopped("whole").await?,
                _ => cx.failed("whole").await?,
            };
            let mut end = cx.rest_of(&at, &recording, 5).send().await?;
            end.is(200)?.state(state)?.has("content-length", "0")?.has("durablefetch-offset", "5")?;
            end.has("durablefetch-recording", &recording)?;
            end.ends().await?;
        }
        Ok(())
    });
    suite.case("S3", "an offset past the stored end is a 416", async |cx| {
        let Ended { at, recording } = cx.complete("whole").await?;
        for offset in [6, 1000] {
            cx.rest_of(&at, &recording, offset).send().await?.error(416, "offset-out-of-range").await?;
        }
        let live = cx.streaming("four").await?;
        Ok(cx.rest_of(&live.at, &live.recording, 5).send().await?.error(416, "offset-out-of-range").await?)
    });
    suite.case("S2", "a continuation of another recording than the current one is a 410", async |cx| {
        let Live { at, call: _call, .. } = cx.streaming("here").await?;
        for other in [NEVER_GIVEN_OUT, "not an id"] {
            let response = cx.rest_of(&at, other, 0).send().await?;
            response.is(410)?.state("none")?;
            let code = response.header("durablefetch-error")?;
            holds("the code is superseded or gone", code == "superseded" || code == "gone")?;
        }
        Ok(at.hits(1)?)
    });
    suite.case("S2", "a continuation of a recording under another URL is a 410", async |cx| {
        let Ended { recording, .. } = cx.complete("secret").await?;
        let elsewhere = cx.endpoint();
        cx.rest_of(&elsewhere, &recording, 0).send().await?.error(410, "gone").await?;
        Ok(elsewhere.hits(0)?)
    });
    suite.case("H2", "a continuation is a GET, whatever the method of the start was", async |cx| {
        let at = cx.replying(Reply::new(201).reason("Made").body("0123456789"));
        let mut started = cx.post(&at, "x").send().await?;
        let recording = started.recording()?;
        started.ends_with("0123456789").await?;
        let mut rest = cx.rest_of(&at, &recording, 5).send().await?;
        rest.is(201)?;
        rest.ends_with("56789").await?;
        let post = cx.post(&at, "x").rest_of(&recording, 5);
        post.send().await?.error(400, "bad-request").await?;
        Ok(at.hits(1)?)
    });
    suite.case("H2 H3", "half a continuation or a bad offset is a 400 and starts nothing", async |cx| {
        let Ended { at, recording } = cx.complete("whole").await?;
        let half = cx.get(&at).header("durablefetch-recording", recording.clone());
        half.send().await?.error(400, "bad-request").await?;
        let half = cx.get(&at).header("durablefetch-offset", "1");
        half.send().await?.error(400, "bad-request").await?;
        for offset in ["-1", "+1", "x", "1.5", "", "99999999999999999999"] {
            let bad = cx.get(&at).header("durablefetch-recording", recording.clone());
            bad.header("durablefetch-offset", offset).send().await?.error(400, "bad-request").await?;
        }
        Ok(at.hits(1)?)
    });
    suite.case("H2", "a continuation starts nothing even with mode restart and a request id", async |cx| {
        let Ended { at, recording } = cx.complete("whole").await?;
        let mut rest = cx.rest_of(&at, &recording, 2).mode("restart").id(&cx.uuid()).send().await?;
        rest.is(200)?;
        rest.ends_with("ole").await?;
        Ok(at.hits(1)?)
    });
    suite.case("H3", "an unknown mode is a 400 and starts nothing", async |cx| {
        let at = cx.endpoint();
        cx.get(&at).mode("again").send().await?.error(400, "bad-request").await?;
        Ok(at.hits(0)?)
    });
    suite.case("H3", "a durablefetch header that stands twice is a 400 and starts nothing", async |cx| {
        let at = cx.endpoint();
        let id = NEVER_GIVEN_OUT.to_owned();
        for (name, value) in [
            ("durablefetch-url", at.url()),
            ("durablefetch-mode", "join".to_owned()),
            ("durablefetch-request", cx.uuid()),
            ("durablefetch-recording", id),
            ("durablefetch-offset", "0".to_owned()),
        ] {
            let twice = cx.get(&at).header(name, value.clone()).header(name, value);
            twice.send().await?.error(400, "bad-request").await?;
        }
        Ok(at.hits(0)?)
    });
    suite.case("R2 R4", "a continuation has the head of the recording", async |cx| {
        let at = cx.replying(Reply::new(202).reason("Fine By Me").header("x-kept", "yes").body("body"));
        let mut first = cx.get(&at).send().await?;
        let recording = first.recording()?;
        first.ends_with("body").await?;
        let rest = cx.rest_of(&at, &recording, 1).send().await?;
        rest.is(202)?.has("x-kept", "yes")?.has("durablefetch-status-text", "Fine By Me")?;
        Ok(())
    });
    suite.case("A9", "the address of a rest serves it without a header, live and ended", async |cx| {
        let live = cx.streaming("first, ").await?;
        let live = is_served(live, |live, offset| {
            cx.recorder.rest("GET", &live.recording, &offset.to_string(), &live.at.url())
        })
        .await?;
        // A stopped one, and one that another has taken the place of.
        for Ended { at, recording } in [cx.stopped("whole").await?, cx.failed("whole").await?] {
            cx.recorder.rest("GET", &recording, "2", &at.url()).send().await?.ends_with("ole").await?;
        }
        let _again = cx.get(&live.at).mode("restart").open().await?;
        live.at.accept().await?.answers("another").await?;
        let rest = cx.recorder.rest("GET", &live.recording, "7", &live.at.url());
        rest.send().await?.ends_with("second").await?;
        let past = cx.recorder.rest("GET", &live.recording, "14", &live.at.url());
        past.send().await?.error(416, "offset-out-of-range").await?;
        Ok(live.at.hits(2)?)
    });
    suite.case("A9", "nothing starts at the address of a rest, whatever headers come with it", async |cx| {
        let Ended { at, recording } = cx.complete("whole").await?;
        let fresh = cx.endpoint();
        for (recording, at) in [(NEVER_GIVEN_OUT, &at), ("not-an-id", &at), (recording.as_str(), &fresh)] {
            let ask = || cx.recorder.rest("GET", recording, "0", &at.url());
            for request in [
                ask(),
                ask().mode("restart").id(&cx.uuid()),
                ask().mode("new"),
                ask().header("durablefetch-url", at.url()),
                ask().header("durablefetch-url", at.url()).mode("restart").id(&cx.uuid()),
                ask().rest_of(recording, 0),
            ] {
                let response = request.send().await?;
                response.is(410)?.state("none")?;
            }
            // A recorder that is mounted elsewhere than it was told goes by the header, and must not start either.
            let elsewhere =
                cx.recorder.request("GET", &format!("/df/continue/{recording}/0/https:/x.example/"));
            elsewhere.header("durablefetch-url", at.url()).id(&cx.uuid()).send().await?.is(410)?;
        }
        for method in ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"] {
            let response = cx.recorder.rest(method, &recording, "0", &at.url()).send().await?;
            response.is(405)?.has("allow", "GET")?;
        }
        at.hits(1)?;
        Ok(fresh.hits(0)?)
    });
    suite.case("A9", "a rest that is half said or said twice is refused", async |cx| {
        let Ended { at, recording } = cx.complete("whole").await?;
        for offset in ["-1", "+1", "x", "1.5", "", "99999999999999999999"] {
            let bad = cx.recorder.rest("GET", &recording, offset, &at.url());
            bad.send().await?.error(400, "bad-request").await?;
        }
        for path in [
            "/continue",
            "/continue/",
            &format!("/continue/{recording}"),
            &format!("/continue/{recording}/0"),
        ] {
            cx.recorder.request("GET", path).send().await?.error(404, "not-found").await?;
        }
        let ask = || cx.recorder.rest("GET", &recording, "1", &at.url());
        for (name, value) in [
            ("durablefetch-recording", NEVER_GIVEN_OUT),
            ("durablefetch-offset", "2"),
            ("durablefetch-for", "https://x.example/"),
        ] {
            ask().header(name, value).send().await?.error(400, "bad-request").await?;
        }
        for (name, value) in [("durablefetch-recording", recording.as_str()), ("durablefetch-offset", "1")] {
            ask().header(name, value).send().await?.ends_with("hole").await?;
        }
        ask().header("durablefetch-for", at.url()).send().await?.ends_with("hole").await?;
        Ok(at.hits(1)?)
    });
    suite.case(
        "A11 H2",
        "a post to continue serves the rest that its headers name, live and ended",
        async |cx| {
            let live = cx.streaming("first, ").await?;
            let live = is_served(live, |live, offset| {
                cx.recorder.told_rest("POST", &live.recording, offset, &live.at.url())
            })
            .await?;
            let past = cx.recorder.told_rest("POST", &live.recording, 14, &live.at.url());
            past.send().await?.error(416, "offset-out-of-range").await?;
            // Of another recorder's mount, and with what a client adds where a cache is in between.
            let elsewhere =
                cx.recorder.request("POST", "/df/continue?durablefetch=x").rest_of(&live.recording, 7);
            elsewhere.header("durablefetch-url", live.at.url()).send().await?.ends_with("second").await?;
            Ok(live.at.hits(1)?)
        },
    );
    suite.case("A11", "nothing starts at continue, whatever headers come with it or are lost", async |cx| {
        let Ended { at, recording } = cx.complete("whole").await?;
        let fresh = cx.endpoint();
        for (recording, at) in [(NEVER_GIVEN_OUT, &at), ("not-an-id", &at), (recording.as_str(), &fresh)] {
            let ask = || cx.recorder.told_rest("POST", recording, 0, &at.url());
            for request in [ask(), ask().mode("restart").id(&cx.uuid()), ask().mode("new").body("x")] {
                request.send().await?.is(410)?.state("none")?;
            }
        }
        let post = |path: &str| cx.recorder.request("POST", path).id(&cx.uuid());
        for path in ["/continue", "/df/continue"] {
            let url = || post(path).header("durablefetch-url", fresh.url());
            url().send().await?.error(400, "bad-request").await?;
            let half = url().header("durablefetch-recording", recording.clone());
            half.send().await?.error(400, "bad-request").await?;
            url().header("durablefetch-offset", "0").send().await?.error(400, "bad-request").await?;
        }
        post("/continue").rest_of(&recording, 0).send().await?.error(404, "not-found").await?;
        for method in ["GET", "PUT", "DELETE", "HEAD", "OPTIONS"] {
            let response = cx.recorder.told_rest(method, &recording, 0, &at.url()).send().await?;
            response.is(405)?.has("allow", "POST")?;
        }
        at.hits(1)?;
        Ok(fresh.hits(0)?)
    });
    suite.case("A9", "the rest of a demo stream has an address, too", async |cx| {
        let demo = format!("/demo/{}", cx.uuid());
        let mut first = cx.recorder.request("GET", &demo).send().await?;
        let recording = first.recording()?;
        holds("a first event", first.piece().await?.is_ok())?;
        let rest = cx.recorder.request("GET", &format!("/continue/{recording}/3{demo}")).send().await?;
        rest.is(200)?.has("durablefetch-recording", &recording)?.has("durablefetch-offset", "3")?;
        Ok(())
    });
    suite.case("A9 A11 W3 W18", "who may not ask may not ask for a rest either", async |cx| {
        let Ended { at, recording } = cx.complete("whole").await?;
        let by_path = || cx.recorder.rest("GET", &recording, "0", &at.url());
        let by_headers = || cx.recorder.told_rest("POST", &recording, 0, &at.url());
        for (name, value, status, code) in [
            ("origin", "https://evil.example", 403, "forbidden-origin"),
            ("sec-fetch-dest", "script", 403, "subresource"),
            ("host", "evil.example", 421, "misdirected-host"),
        ] {
            for ask in [by_path(), by_headers()] {
                ask.header(name, value).send().await?.error(status, code).await?;
            }
        }
        for ask in [by_path(), by_headers()] {
            let page = ask.header("origin", "http://localhost:1").send().await?;
            page.is(200)?.has("access-control-allow-origin", "http://localhost:1")?;
        }
        Ok(())
    });
}

/// The rest of a recording that began with `first, `: followed while it is live, and given once it has ended.
async fn is_served(mut live: Live, ask: impl Fn(&Live, usize) -> Request) -> Checked<Live> {
    let mut rest = ask(&live, 2).send().await?;
    rest.is(200)?.state("streaming")?.has("durablefetch-offset", "2")?;
    rest.has("durablefetch-recording", &live.recording)?;
    rest.next("rst, ").await?;
    live.call.send("second").await?;
    rest.next("second").await?;
    live.call.raw(b"0\r\n\r\n").await?;
    rest.ends().await?;
    for (offset, bytes) in [(0, "first, second"), (7, "second"), (13, "")] {
        ask(&live, offset).send().await?.ends_with(bytes).await?;
    }
    Ok(live)
}
