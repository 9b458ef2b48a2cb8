//! What had drifted apart where it was written twice.

use std::time::Duration;

use serde_json::json;

use crate::case::Suite;
use crate::check::{Checked, holds, same};
use crate::client::End;
use crate::context::Context;
use crate::launch::{Ability, Settings};
use crate::several::{fields, follows};
use crate::upstream::{Endpoint, Nobody, Reply};

/// The upstream's address under its other name: another origin.
fn elsewhere(at: &Endpoint) -> String {
    at.url().replace("127.0.0.1", "localhost")
}

/// An upstream that sends its requests to another origin, which sends them back to `at`.
fn detour(cx: &Context, at: &Endpoint) -> Endpoint {
    let back = cx.replying(Reply::redirect(307, &at.url()));
    cx.replying(Reply::redirect(307, &elsewhere(&back)))
}

/// A start whose answer is passed through and has begun.
async fn passing(
    cx: &Context,
    at: &Endpoint,
    id: &str,
) -> Checked<(crate::upstream::Call, crate::client::Response)> {
    let open = cx.post(at, "x").id(id).open().await?;
    let mut call = at.accept().await?;
    call.head(500, &[]).await?;
    call.send("part").await?;
    let mut answer = open.response().await?;
    answer.is(500)?.state("unrecorded")?;
    answer.next("part").await?;
    Ok((call, answer))
}

pub(super) fn add(suite: &mut Suite) {
    suite.case("W6", "no cookie crosses once another origin was on the way, on loopback too", async |cx| {
        let at = cx.replying(Reply::ok("arrived").header("set-cookie", "planted=1"));
        // Without a detour it does.
        let straight = cx.replying(Reply::redirect(307, &at.url()));
        let answer = cx.get(&straight).header("cookie", "sid=1").send().await?;
        answer.is(200)?.has("set-cookie", "planted=1")?;
        same("cookie", at.last()?.headers.get("cookie"), Some("sid=1"))?;
        let mut answer = cx.get(&detour(&cx, &at)).header("cookie", "sid=1").send().await?;
        answer.is(200)?;
        same("cookie", at.last()?.headers.get("cookie"), None)?;
        answer.lacks("set-cookie")?;
        answer.ends_with("arrived").await?;
        at.hits(2)?;
        Ok(())
    });
    suite.needing(
        Ability::PublicOrigin,
        "W6",
        "under a public origin no cookie crosses once another origin was on the way",
        async |cx| {
            let at = cx.replying(Reply::ok("arrived").header("set-cookie", "planted=1"));
            let way = detour(&cx, &at);
            let authority = cx.upstream.authority();
            let settings = Settings {
                public_origin: Some(format!("http://{authority}")),
                allow: vec![
                    format!("http://{authority}/"),
                    format!("http://{}/", authority.replace("127.0.0.1", "localhost")),
                ],
                unguessable_urls: true,
                ..Settings::default()
            };
            let (cx, _own) = cx.launch(settings).await?;
            let through = |at: &Endpoint| {
                let request = cx.recorder.request("GET", "/").header("durablefetch-url", at.url());
                request.header("host", authority.clone()).header("cookie", "sid=1")
            };
            through(&at).send().await?.is(200)?.has("set-cookie", "planted=1")?;
            let mut answer = through(&way).send().await?;
            answer.is(200)?.lacks("set-cookie")?;
            same("cookie", at.last()?.headers.get("cookie"), None)?;
            answer.ends_with("arrived").await?;
            at.hits(2)?;
            Ok(())
        },
    );
    suite.case("I1 S7", "an id whose passed-through answer was cut is told what cut it", async |cx| {
        let at = cx.endpoint();
        let id = cx.uuid();
        let (call, mut answer) = passing(&cx, &at, &id).await?;
        call.reset();
        holds("broken", answer.rest().await?.1 != End::Clean)?;
        cx.until(&at, |status| status["state"] == "none").await?;
        for mode in ["match", "restart"] {
            cx.post(&at, "x").mode(mode).id(&id).send().await?.error(502, "upstream-failed").await?;
        }
        at.hits(1)?;
        Ok(())
    });
    suite.launching(
        "I1 I3",
        "an id whose answer was being passed through when the recorder crashed is told so",
        async |cx| {
            let (cx, mut own) = cx.launch(Settings::default()).await?;
            let at = cx.endpoint();
            let id = cx.uuid();
            let (_call, _answer) = passing(&cx, &at, &id).await?;
            let cx = cx.crash(&mut own).await?;
            for mode in ["match", "restart"] {
                cx.post(&at, "x").mode(mode).id(&id).send().await?.error(502, "interrupted").await?;
            }
            let status = cx.status_of(json!({ "url": at.url(), "request": id })).await?;
            fields(&status, &[("state", json!("interrupted"))])?;
            at.hits(1)?;
            Ok(())
        },
    );
    suite.case("C1", "while somebody reads a finished recording its time runs from now", async |cx| {
        let body = cx.bytes(6 << 20);
        let at = cx.replying(Reply::ok(body.clone()));
        cx.get(&at).send().await?.ends_with(&body).await?;
        // More than sockets hold: it stands still at its start and reads on later.
        let mut slow = cx.get(&at).mode("replay").send().await?;
        slow.next(&body[..1000]).await?;
        let expires = |status: &serde_json::Value| status["expiresAt"].as_u64().unwrap_or(0);
        let first = cx.status(&at).await?;
        fields(&first, &[("state", json!("complete")), ("activeConnections", json!(1))])?;
        let later = cx.until(&at, |status| expires(status) > expires(&first)).await?;
        fields(&later, &[("activeConnections", json!(1))])?;
        slow.ends_with(&body[1000..]).await?;
        let idle = cx.until(&at, |status| status["activeConnections"] == 0).await?;
        cx.settle(&cx.endpoint()).await?;
        same("expiresAt of what nobody reads", expires(&cx.status(&at).await?), expires(&idle))?;
        Ok(())
    });
    suite.launching("", "what is read is not removed when its time is over", async |cx| {
        let ttl = Duration::from_millis(500);
        let (cx, _own) = cx.launch(Settings { ttl: Some(ttl), ..Settings::default() }).await?;
        let body = cx.bytes(6 << 20);
        let at = cx.replying(Reply::ok(body.clone()));
        let mut first = cx.get(&at).send().await?;
        let recording = first.recording()?;
        let mut slow = cx.get(&at).send().await?;
        slow.next(&body[..1000]).await?;
        first.ends_with(&body).await?;
        // An hour-glass: it is started after the other one ended, and nobody reads it.
        let idle = cx.complete("idle").await?;
        cx.until_state(&idle.at, "none").await?;
        tokio::time::sleep(ttl).await;
        let mut again = cx.rest_of(&at, &recording, body.len() - 4).send().await?;
        again.is(200)?.state("complete")?;
        again.ends_with(&body[body.len() - 4..]).await?;
        slow.ends_with(&body[1000..]).await?;
        cx.until_state(&at, "none").await?;
        at.hits(1)?;
        Ok(())
    });
    suite.launching(
        "S2",
        "a retired recording that is read is not removed when its time is over",
        async |cx| {
            let ttl = Duration::from_millis(500);
            let (cx, _own) = cx.launch(Settings { ttl: Some(ttl), ..Settings::default() }).await?;
            let body = cx.bytes(6 << 20);
            let at = cx.replying(Reply::ok(body.clone()));
            let mut slow = cx.get(&at).send().await?;
            slow.next(&body[..1000]).await?;
            cx.until_state(&at, "complete").await?;
            cx.get(&at).mode("restart").send().await?.ends_with(&body).await?;
            let idle = cx.complete("idle").await?;
            cx.until_state(&idle.at, "none").await?;
            tokio::time::sleep(ttl).await;
            slow.ends_with(&body[1000..]).await?;
            Ok(())
        },
    );
    suite.case("C3", "a stop that comes with the end says which of them it was", async |cx| {
        for _ in 0..30 {
            let mut live = cx.streaming("part").await?;
            let stop = cx.control("stop", json!({ "url": live.at.url() }));
            let ending = async {
                live.call.send(" and the rest").await?;
                live.call.end().await
            };
            let (stopped, _ended) = tokio::join!(stop, ending);
            let mut stopped = stopped?;
            stopped.is(200)?;
            let answer = stopped.json().await?;
            // Whatever came first: it is shown by the time that the stop is answered.
            let state = match answer["message"].as_str().unwrap_or_default() {
                "Response stopped successfully" => "stopped",
                "Nothing to stop" => "complete",
                other => return Err(crate::check::Oops::new(format!("the message is {other:?}")).into()),
            };
            fields(&cx.status(&live.at).await?, &[("state", json!(state))])?;
            same("the reader's end", live.reader.rest().await?.1, End::Clean)?;
        }
        Ok(())
    });
    suite.launching("S12", "a start that is refused retires nothing", async |cx| {
        let (cx, _own) = cx.launch(Settings { in_flight: Some(1), ..Settings::default() }).await?;
        let at = cx.replying(Reply::ok("old"));
        let mut old = cx.asks(&at, "a").send().await?;
        let recording = old.recording()?;
        old.ends_with("old").await?;
        let one = cx.streaming("one").await?;
        for request in [cx.asks(&at, "a").mode("restart"), cx.asks(&at, "a").mode("new"), cx.asks(&at, "b")] {
            request.send().await?.error(503, "too-many-recordings").await?;
        }
        follows(cx.asks(&at, "a"), &recording, "old").await?;
        follows(cx.get(&at).mode("replay"), &recording, "old").await?;
        follows(cx.post(&at, "a").mode("join"), &recording, "old").await?;
        at.hits(1)?;
        one.ends().await?;
        Ok(())
    });
    suite.case(
        "S8",
        "each request that waited is told the host that could not be connected to",
        async |cx| {
            let nobody = Nobody::bind()?;
            let url = nobody.url();
            let authority = nobody.authority();
            let mut waiting = Vec::new();
            for _ in 0..3 {
                waiting.push(cx.recorder.fetch("GET", &url).open().await?);
            }
            for open in waiting {
                let mut answer = open.response().await?;
                answer.is(502)?.has("durablefetch-error", "upstream-unreachable")?;
                let message =
                    answer.json().await?["error"]["message"].as_str().unwrap_or_default().to_owned();
                holds(format!("{message:?} names {authority}"), message.contains(&authority))?;
            }
            Ok(())
        },
    );
}
