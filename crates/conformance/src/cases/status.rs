//! `in-progress` of several recordings, of one, of a request id and of a list of URLs.

use serde_json::{Value, json};

use crate::case::Suite;
use crate::check::{Checked, holds, same};
use crate::context::Context;
use crate::scenario::Live;
use crate::several::{NEVER_GIVEN_OUT, fields, live_in};
use crate::upstream::{Endpoint, Nobody, Reply};

async fn of_id(cx: &Context, at: &Endpoint, id: &str) -> Checked<Value> {
    let status = cx.status_of(json!({ "url": at.url(), "request": id })).await?;
    fields(&status, &[("url", json!(at.url())), ("request", json!(id)), ("protocol", json!(3))])?;
    Ok(status)
}

async fn of_recording(cx: &Context, at: &Endpoint, recording: &str) -> Checked<Value> {
    let status = cx.status_of(json!({ "url": at.url(), "recording": recording })).await?;
    fields(&status, &[("url", json!(at.url())), ("recording", json!(recording))])?;
    Ok(status)
}

/// Two that are live, the first with one reader and the second with two.
async fn two(cx: &Context, at: &Endpoint) -> Checked<(Live, Live, crate::client::Response)> {
    let first = cx.live(at, cx.asks(at, "a"), "first").await?;
    let second = cx.live(at, cx.asks(at, "b"), "second").await?;
    let third = cx.get(at).send().await?;
    cx.until(at, |status| status["activeConnections"] == 3).await?;
    Ok((first, second, third))
}

pub(super) fn add(suite: &mut Suite) {
    suite.case("C1", "a status names the version of the protocol and the URL that it is about", async |cx| {
        let none = cx.endpoint();
        let complete = cx.complete("abc").await?.at;
        for at in [&none, &complete] {
            let status = cx.status(at).await?;
            fields(&status, &[("protocol", json!(3)), ("url", json!(at.url()))])?;
            holds("no request was asked about", status["request"].is_null())?;
            holds("nothing is live", live_in(&status).is_empty())?;
        }
        Ok(())
    });
    suite.case(
        "C1",
        "of several live recordings in-progress describes the latest, counts the readers of all and lists all",
        async |cx| {
            let at = cx.endpoint();
            let (first, second, _third) = two(&cx, &at).await?;
            let status = cx.status(&at).await?;
            fields(
                &status,
                &[
                    ("inProgress", json!(true)),
                    ("state", json!("streaming")),
                    ("recording", json!(second.recording)),
                    ("bytesStored", json!(6)),
                    ("activeConnections", json!(3)),
                ],
            )?;
            same("live", live_in(&status), [first.recording.as_str(), second.recording.as_str()])?;
            let began = |n: usize| status["live"][n]["startedAt"].as_u64();
            holds("0 < startedAt of the first ≤ of the second", Some(0) < began(0) && began(0) <= began(1))?;
            same("startedAt", &status["live"][1]["startedAt"], &status["startedAt"])?;
            Ok(())
        },
    );
    suite.case(
        "C1",
        "in-progress describes what is live before what has finished, however late that was started",
        async |cx| {
            let at = cx.endpoint();
            let first = cx.live(&at, cx.asks(&at, "a"), "first").await?;
            let second = cx.live(&at, cx.asks(&at, "b"), "second").await?.ends().await?;
            let status = cx.status(&at).await?;
            let live = [("inProgress", json!(true)), ("recording", json!(first.recording))];
            fields(&status, &live)?;
            same("live", live_in(&status), [first.recording.as_str()])?;
            first.ends().await?;
            let done = [("completed", json!(true)), ("recording", json!(second.recording))];
            fields(&cx.status(&at).await?, &done)?;
            Ok(())
        },
    );
    suite.case("C1", "a recording that is connecting is listed as live", async |cx| {
        let connecting = cx.connecting().await?;
        let status = cx.status(&connecting.at).await?;
        let recording = status["recording"].as_str().unwrap_or_default();
        same("live", live_in(&status), [recording])?;
        Ok(())
    });
    suite.case(
        "C4",
        "in-progress of a recording is about that one: live, finished and retired",
        async |cx| {
            let at = cx.endpoint();
            let (first, second, _third) = two(&cx, &at).await?;
            let (a, b) = (first.recording.clone(), second.recording.clone());
            for (recording, bytes, readers) in [(&a, 5, 1), (&b, 6, 2)] {
                let expected = [
                    ("state", json!("streaming")),
                    ("bytesStored", json!(bytes)),
                    ("activeConnections", json!(readers)),
                ];
                fields(&of_recording(&cx, &at, recording).await?, &expected)?;
            }
            first.ends().await?;
            fields(
                &of_recording(&cx, &at, &a).await?,
                &[("state", json!("complete")), ("inProgress", json!(false))],
            )?;
            cx.live(&at, cx.asks(&at, "c"), "c").await?.ends().await?;
            let retired =
                [("state", json!("complete")), ("bytesStored", json!(5)), ("completed", json!(true))];
            fields(&of_recording(&cx, &at, &a).await?, &retired)?;
            fields(&of_recording(&cx, &at, &b).await?, &[("state", json!("streaming"))])?;
            Ok(())
        },
    );
    suite.case("C4", "in-progress of a recording that the key does not have is none", async |cx| {
        let Live { at, call: _call, reader: _reader, .. } = cx.streaming("live").await?;
        for recording in [NEVER_GIVEN_OUT, "not an id"] {
            let expected =
                [("state", json!("none")), ("inProgress", json!(false)), ("bytesStored", json!(0))];
            fields(&of_recording(&cx, &at, recording).await?, &expected)?;
        }
        let elsewhere = cx.complete("abc").await?;
        fields(&of_recording(&cx, &at, &elsewhere.recording).await?, &[("state", json!("none"))])?;
        Ok(())
    });
    suite.case("C4", "in-progress of a request id is about its recording, started or joined", async |cx| {
        let at = cx.endpoint();
        let (mine, joins) = (cx.uuid(), cx.uuid());
        let live = cx.live(&at, cx.post(&at, "a").id(&mine), "mine").await?;
        let other = cx.live(&at, cx.asks(&at, "b"), "other one").await?;
        cx.post(&at, "a").id(&joins).send().await?.next("mine").await?;
        for id in [&mine, &joins] {
            let expected = [("state", json!("streaming")), ("recording", json!(live.recording))];
            fields(&of_id(&cx, &at, id).await?, &expected)?;
        }
        let ended = live.ends().await?;
        for id in [&mine, &joins] {
            let expected = [("state", json!("complete")), ("recording", json!(ended.recording))];
            fields(&of_id(&cx, &at, id).await?, &expected)?;
        }
        other.ends().await?;
        Ok(())
    });
    suite.case("C4", "in-progress of a request id that never arrived is none", async |cx| {
        let Live { at, call: _call, reader: _reader, .. } = cx.streaming("live").await?;
        let nowhere = cx.endpoint();
        for at in [&at, &nowhere] {
            let expected = [("state", json!("none")), ("inProgress", json!(false))];
            fields(&of_id(&cx, at, &cx.uuid()).await?, &expected)?;
        }
        at.hits(1)?;
        Ok(())
    });
    suite.case("C4", "in-progress of a request id without a recording is what it came to", async |cx| {
        let id = cx.uuid();
        let refused = cx.replying(Reply::new(422).body("no"));
        cx.get(&refused).id(&id).send().await?.ends_with("no").await?;
        let deleted = cx.replying(Reply::ok("x"));
        cx.get(&deleted).id(&id).send().await?.ends_with("x").await?;
        cx.delete(&deleted).await?;
        let superseded = cx.endpoint();
        let _old = cx.live(&superseded, cx.get(&superseded).id(&id), "old").await?;
        let _new = cx.live(&superseded, cx.get(&superseded).mode("restart"), "new").await?;
        let failed = cx.endpoint();
        // workerd asks once more by itself where a GET is reset on a connection that it has used before.
        let open = cx.post(&failed, "x").id(&id).open().await?;
        failed.accept().await?.reset();
        open.response().await?.is(502)?;
        let stopped = cx.endpoint();
        let open = cx.get(&stopped).id(&id).open().await?;
        let _call = stopped.accept().await?;
        cx.stop(&stopped).await?;
        open.response().await?.is(410)?;
        let to_be_stopped = cx.endpoint();
        cx.control("stop", json!({ "url": to_be_stopped.url(), "request": id })).await?.is(200)?;
        for (at, state) in [
            (&refused, "unrecorded"),
            (&deleted, "deleted"),
            (&superseded, "superseded"),
            (&failed, "failed"),
            (&stopped, "stopped"),
            (&to_be_stopped, "stopped"),
        ] {
            fields(&of_id(&cx, at, &id).await?, &[("state", json!(state)), ("inProgress", json!(false))])?;
        }
        Ok(())
    });
    suite.case("C4", "in-progress of a malformed request id is a 400", async |cx| {
        let at = cx.endpoint();
        for id in ["", "a b", &"x".repeat(65)] {
            let body = json!({ "url": at.url(), "request": id });
            cx.control("in-progress", body).await?.error(400, "bad-request").await?;
        }
        Ok(())
    });
    suite.case("C4", "in-progress of a hundred URLs is a list in their order", async |cx| {
        let live = cx.streaming("live").await?;
        let complete = cx.complete("abc").await?;
        let mut urls: Vec<String> = (0..100).map(|n| format!("{}?n={n}", complete.at.url())).collect();
        urls[7] = live.at.url();
        urls[99] = complete.at.url();
        let list = cx.status_of(json!({ "urls": urls })).await?;
        let list = list.as_array().cloned().unwrap_or_default();
        same("statuses", list.len(), 100)?;
        for (n, (status, url)) in list.iter().zip(&urls).enumerate() {
            let (state, recording) = match n {
                7 => ("streaming", json!(live.recording)),
                99 => ("complete", json!(complete.recording)),
                _ => ("none", Value::Null),
            };
            fields(status, &[("url", json!(url)), ("state", json!(state)), ("recording", recording)])?;
            fields(status, &[("protocol", json!(3))])?;
        }
        same("live", live_in(&list[7]), [live.recording.as_str()])?;
        Ok(())
    });
    suite.case("C4", "in-progress of one URL in a list is a list of one", async |cx| {
        let at = cx.complete("abc").await?.at;
        let list = cx.status_of(json!({ "urls": [at.url()] })).await?;
        same("statuses", list.as_array().map(Vec::len), Some(1))?;
        fields(&list[0], &[("state", json!("complete"))])?;
        Ok(())
    });
    suite.case("C4", "in-progress of 101 URLs, of none or of a list beside a URL is a 400", async |cx| {
        let url = cx.endpoint().url();
        for body in [
            json!({ "urls": vec![url.clone(); 101] }),
            json!({ "urls": [] }),
            json!({ "url": url, "urls": [url] }),
            json!({ "urls": url }),
            json!({ "urls": [1] }),
        ] {
            cx.control("in-progress", body).await?.error(400, "bad-request").await?;
        }
        let nowhere = json!({ "urls": [url, "nowhere"] });
        cx.control("in-progress", nowhere).await?.error(400, "invalid-url").await?;
        Ok(())
    });
    suite.case("C4", "stop and delete take no list of URLs", async |cx| {
        let live = cx.streaming("live").await?;
        for call in ["stop", "delete"] {
            let body = json!({ "urls": [live.at.url()] });
            cx.control(call, body).await?.error(400, "bad-request").await?;
        }
        fields(&cx.status(&live.at).await?, &[("state", json!("streaming"))])?;
        Ok(())
    });
    suite.case(
        "C4 I2",
        "a request id whose upstream was not connected to is free again, or known to have failed",
        async |cx| {
            let nobody = Nobody::bind()?;
            let id = cx.uuid();
            let request = cx.recorder.fetch("POST", &nobody.url()).body("x").id(&id);
            request.send().await?.error(502, "upstream-unreachable").await?;
            let status = cx.status_of(json!({ "url": nobody.url(), "request": id })).await?;
            // Not every platform tells that no connection was made.
            holds(
                format!("none or failed: {status}"),
                status["state"] == "none" || status["state"] == "failed",
            )?;
            Ok(())
        },
    );
}
