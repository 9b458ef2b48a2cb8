//! What intermediaries and clients are told of the protocol: `durablefetch-for`, `durablefetch-protocol`, `retry-after`.

use serde_json::json;

use crate::case::Suite;
use crate::check::{Checked, holds, same};
use crate::client::Request;
use crate::context::Context;
use crate::launch::Settings;
use crate::upstream::{Endpoint, Reply};

const PAGE: &str = "http://localhost:5173";

fn control(cx: &Context, call: &str, at: &Endpoint, named: &str) -> Request {
    let body = json!({ "url": at.url() }).to_string();
    cx.recorder.request("POST", &format!("/{call}")).header("durablefetch-for", named).body(body)
}

async fn speaks(request: Request, status: u16) -> Checked {
    let response = request.send().await?;
    response.is(status)?.has("durablefetch-protocol", "3")?;
    Ok(())
}

pub(super) fn add(suite: &mut Suite) {
    suite.case("H5", "durablefetch-for that names the same URL changes nothing", async |cx| {
        let at = cx.replying(Reply::ok("answer"));
        let url = at.url();
        let upper = url.replacen("http://", "HTTP://", 1);
        for named in [url.clone(), upper, format!("{url}#fragment")] {
            cx.get(&at).header("durablefetch-for", named.clone()).send().await?.ends_with("answer").await?;
            let by_header = cx.recorder.request("GET", "/").header("durablefetch-url", url.clone());
            by_header.header("durablefetch-for", named).send().await?.ends_with("answer").await?;
        }
        at.hits(1)?;
        same("it goes no further", at.last()?.headers.get("durablefetch-for"), None)?;
        Ok(())
    });
    suite.case("H5", "durablefetch-for that names another URL is a 400 and starts nothing", async |cx| {
        let at = cx.endpoint();
        let url = at.url();
        for named in
            [format!("{url}?x"), format!("{url}/"), cx.endpoint().url(), "nowhere".into(), String::new()]
        {
            for request in [cx.get(&at), cx.asks(&at, "x").mode("restart"), cx.get(&at).mode("resume")] {
                let request = request.header("durablefetch-for", named.clone());
                request.send().await?.error(400, "bad-request").await?;
            }
        }
        at.hits(0)?;
        Ok(())
    });
    suite.case("H5", "durablefetch-for of a continuation names its URL too", async |cx| {
        let ended = cx.complete("0123456789").await?;
        let rest = || cx.rest_of(&ended.at, &ended.recording, 4);
        rest().header("durablefetch-for", ended.at.url()).send().await?.ends_with("456789").await?;
        let other = rest().header("durablefetch-for", cx.endpoint().url());
        other.send().await?.error(400, "bad-request").await?;
        Ok(())
    });
    suite.case(
        "H5",
        "durablefetch-for of a control call names the URL in its body, or does nothing",
        async |cx| {
            let live = cx.streaming("live").await?;
            for call in ["in-progress", "stop", "delete"] {
                let other = control(&cx, call, &live.at, &cx.endpoint().url());
                other.send().await?.error(400, "bad-request").await?;
            }
            same("state", &cx.status(&live.at).await?["state"], &json!("streaming"))?;
            for call in ["in-progress", "stop", "delete"] {
                control(&cx, call, &live.at, &live.at.url()).send().await?.is(200)?;
            }
            same("state", &cx.status(&live.at).await?["state"], &json!("none"))?;
            Ok(())
        },
    );
    suite.case("R8", "an answer repeats the id of its request, whatever it is", async |cx| {
        let at = cx.replying(Reply::ok("body"));
        let [one, two] = [cx.uuid(), cx.uuid()];
        cx.get(&at).id(&one).send().await?.has("durablefetch-request", &one)?;
        // The same recording, and another request.
        let mut again = cx.get(&at).id(&two).send().await?;
        again.has("durablefetch-request", &two)?;
        let recording = again.recording()?;
        again.rest().await?;
        for mode in ["resume", "replay"] {
            cx.get(&cx.endpoint()).mode(mode).id(&one).send().await?.has("durablefetch-request", &one)?;
        }
        let passed = cx.replying(Reply::new(404).body("no"));
        cx.get(&passed).id(&two).send().await?.is(404)?.has("durablefetch-request", &two)?;
        cx.get(&at).send().await?.lacks("durablefetch-request")?;
        cx.rest_of(&at, &recording, 1).send().await?.lacks("durablefetch-request")?;
        Ok(())
    });
    suite.case("R6", "every response names the version of the protocol", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        speaks(cx.get(&at), 200).await?;
        let recording = cx.get(&at).send().await?.recording()?;
        let body = json!({ "url": at.url() }).to_string();
        let refused = Reply::new(418).header("durablefetch-protocol", "9");
        for (status, request) in [
            (200, cx.get(&at)),
            (200, cx.get(&at).mode("replay")),
            (200, cx.rest_of(&at, &recording, 1)),
            (200, cx.recorder.fetch("HEAD", &at.url())),
            (200, cx.recorder.request("GET", "/")),
            (200, cx.recorder.request("GET", "/healthz")),
            (200, cx.recorder.request("GET", "/robots.txt")),
            (200, cx.recorder.request("GET", &format!("/demo/{}", cx.uuid()))),
            (200, cx.recorder.request("POST", "/in-progress").body(body.clone())),
            (200, cx.recorder.request("POST", "/stop").body(body)),
            (204, cx.get(&cx.endpoint()).mode("resume")),
            (400, cx.get(&at).mode("bad")),
            (400, cx.recorder.request("POST", "/delete").body("x")),
            (403, cx.get(&at).header("origin", "https://evil.example")),
            (403, cx.get(&at).header("x-forwarded-for", "1.2.3.4")),
            (404, cx.recorder.request("GET", "/nothing-here")),
            (404, cx.get(&cx.endpoint()).mode("replay")),
            (405, cx.recorder.request("GET", "/stop")),
            (410, cx.rest_of(&cx.endpoint(), &recording, 0)),
            (416, cx.rest_of(&at, &recording, 9)),
            (418, cx.get(&cx.replying(refused))),
            (421, cx.get(&at).header("host", "evil.example")),
        ] {
            speaks(request, status).await?;
        }
        Ok(())
    });
    suite.case(
        "R6 W8",
        "a preflight names the version, and a page may read it and send all our headers",
        async |cx| {
            let at = cx.replying(Reply::ok("x"));
            for path in ["/", "/in-progress", &format!("/{}", at.url())] {
                let request = cx.recorder.request("OPTIONS", path).header("origin", PAGE);
                let response = request.header("access-control-request-method", "POST").send().await?;
                holds("2xx", (200..300).contains(&response.status))?;
                response.has("durablefetch-protocol", "3")?;
                for name in ["for", "attach", "read"] {
                    let name = format!("durablefetch-{name}");
                    holds(&name, response.headers.lists("access-control-allow-headers", &name))?;
                }
            }
            let response = cx.get(&at).header("origin", PAGE).send().await?;
            response.has("durablefetch-protocol", "3")?;
            holds(
                "exposed",
                response.headers.lists("access-control-expose-headers", "durablefetch-protocol"),
            )?;
            at.hits(1)?;
            Ok(())
        },
    );
    suite.launching(
        "R6 R7",
        "a 503 of the recorder says when to come again, one of the upstream does not",
        async |cx| {
            let (cx, _own) = cx.launch(Settings { in_flight: Some(1), ..Settings::default() }).await?;
            let mut busy = cx.get(&cx.replying(Reply::new(503))).send().await?;
            busy.is(503)?.state("unrecorded")?.lacks("retry-after")?;
            busy.ends_with("").await?;
            let _one = cx.streaming("one").await?;
            let mut refused = cx.get(&cx.endpoint()).header("origin", PAGE).send().await?;
            refused.error(503, "too-many-recordings").await?;
            refused.has("durablefetch-protocol", "3")?;
            holds("retry-after is some seconds", (1..=60).contains(&refused.retry_after()?))?;
            holds("exposed", refused.headers.lists("access-control-expose-headers", "retry-after"))?;
            Ok(())
        },
    );
}
