//! The control calls: `in-progress`, `stop`, `delete`.

use serde_json::{Value, json};

use crate::case::Suite;
use crate::check::{holds, same};
use crate::launch::Ability;
use crate::scenario::{Ended, Live};
use crate::several::{NEVER_GIVEN_OUT, fields};

pub(super) fn add(suite: &mut Suite) {
    suite.case("C1", "in-progress of nothing has the seed's fields and state none", async |cx| {
        let status = cx.status(&cx.endpoint()).await?;
        fields(
            &status,
            &[
                ("inProgress", json!(false)),
                ("activeConnections", json!(0)),
                ("chunksStored", json!(0)),
                ("completed", json!(false)),
                ("state", json!("none")),
            ],
        )?;
        Ok(())
    });
    suite.case("C1", "in-progress of a live recording counts readers, chunks and bytes", async |cx| {
        let Live { at, mut call, mut reader, recording } = cx.streaming("abc").await?;
        call.send("defgh").await?;
        reader.next("defgh").await?;
        let second = cx.get(&at).send().await?;
        let status = cx.until(&at, |status| status["activeConnections"] == 2).await?;
        fields(
            &status,
            &[
                ("inProgress", json!(true)),
                ("completed", json!(false)),
                ("chunksStored", json!(2)),
                ("bytesStored", json!(8)),
                ("state", json!("streaming")),
                ("recording", json!(recording)),
                ("status", json!(200)),
            ],
        )?;
        drop(second);
        Ok(())
    });
    suite.needing(
        Ability::NoticeIdleReaders,
        "C1",
        "in-progress no longer counts a reader that has left",
        async |cx| {
            let Live { at, call: _call, reader: _reader, .. } = cx.streaming("abc").await?;
            let second = cx.get(&at).send().await?;
            cx.until(&at, |status| status["activeConnections"] == 2).await?;
            drop(second);
            cx.until(&at, |status| status["activeConnections"] == 1).await?;
            Ok(())
        },
    );
    suite.case(
        "C1",
        "in-progress of a complete recording says when it began and when it will go",
        async |cx| {
            let Ended { at, recording } = cx.complete("abc").await?;
            let status = cx.status(&at).await?;
            fields(
                &status,
                &[
                    ("inProgress", json!(false)),
                    ("completed", json!(true)),
                    ("activeConnections", json!(0)),
                    ("chunksStored", json!(1)),
                    ("bytesStored", json!(3)),
                    ("state", json!("complete")),
                    ("recording", json!(recording)),
                ],
            )?;
            let (started, expires) = (status["startedAt"].as_u64(), status["expiresAt"].as_u64());
            Ok(holds("0 < startedAt < expiresAt", Some(0) < started && started < expires)?)
        },
    );
    suite.case("C1", "in-progress of a failed recording is neither in progress nor completed", async |cx| {
        let Ended { at, .. } = cx.failed("abc").await?;
        let status = cx.status(&at).await?;
        same("inProgress", &status["inProgress"], &json!(false))?;
        Ok(same("completed", &status["completed"], &json!(false))?)
    });
    suite.case("C2 C3", "delete and stop answer as the seed does", async |cx| {
        let Ended { at, .. } = cx.complete("abc").await?;
        let stop = cx.control("stop", json!({ "url": at.url() })).await?.json().await?;
        same("success", &stop["success"], &json!(true))?;
        holds("stop has a message", stop["message"].is_string())?;
        let mut delete = cx.control("delete", json!({ "url": at.url() })).await?;
        delete.is(200)?.state("none")?;
        let expected = json!({ "success": true, "message": "Response deleted successfully" });
        Ok(same("delete", delete.json().await?, expected)?)
    });
    suite.case("R1 R3", "control answers are JSON and never cached", async |cx| {
        let at = cx.endpoint();
        for call in ["in-progress", "stop", "delete"] {
            let response = cx.control(call, json!({ "url": at.url() })).await?;
            response.is(200)?.state("none")?;
            response.has("cache-control", "private, no-store, no-transform")?;
            holds("JSON", response.header("content-type")?.starts_with("application/json"))?;
        }
        Ok(())
    });
    suite.case(
        "C1 C2 C3",
        "a control body of any content type is read, as the seed's client sends it",
        async |cx| {
            let Ended { at, .. } = cx.complete("abc").await?;
            let request = cx.recorder.request("POST", "/in-progress").header("content-type", "text/plain");
            let mut response = request.body(json!({ "url": at.url() }).to_string()).send().await?;
            Ok(same("completed", &response.json().await?["completed"], &json!(true))?)
        },
    );
    suite.case("C1 C2 C3", "a control body that is not such JSON is a 400", async |cx| {
        for call in ["in-progress", "stop", "delete"] {
            for body in ["", "{}", "[]", "not json", r#"{"url": 1}"#] {
                let request = cx.recorder.request("POST", &format!("/{call}")).body(body);
                request.send().await?.error(400, "bad-request").await?;
            }
            cx.control(call, json!({ "url": "nowhere" })).await?.error(400, "invalid-url").await?;
        }
        Ok(())
    });
    suite.case("C1 C2 C3", "control calls take no other method than POST", async |cx| {
        for call in ["in-progress", "stop", "delete"] {
            for method in ["GET", "PUT", "DELETE"] {
                let response = cx.recorder.request(method, &format!("/{call}")).send().await?;
                response.is(405)?.has("durablefetch-error", "method-not-allowed")?.has("allow", "POST")?;
            }
        }
        Ok(())
    });
    suite.case("S5", "a stop or delete that names another recording does nothing and succeeds", async |cx| {
        let Live { at, mut call, mut reader, .. } = cx.streaming("one ").await?;
        for control in ["stop", "delete"] {
            for other in [NEVER_GIVEN_OUT, "no id"] {
                let body = json!({ "url": at.url(), "recording": other });
                let mut response = cx.control(control, body).await?;
                response.is(200)?;
                same("success", &response.json().await?["success"], &json!(true))?;
            }
        }
        call.send("two").await?;
        call.end().await?;
        Ok(reader.ends_with("two").await?)
    });
    suite.case("S4 S5", "a stop or delete that names the current recording does it", async |cx| {
        let Live { at, mut call, mut reader, recording } = cx.streaming("part").await?;
        let named = json!({ "url": at.url(), "recording": recording });
        cx.control("stop", named.clone()).await?.is(200)?;
        call.closed().await?;
        reader.ends().await?;
        cx.control("delete", named).await?.is(200)?;
        cx.get(&at).mode("replay").send().await?.is(404)?;
        Ok(())
    });
    suite.case("I4", "a stop for a request id that is not here yet stops it at arrival", async |cx| {
        let at = cx.endpoint();
        let id = cx.uuid();
        let stop = json!({ "url": at.url(), "request": id });
        same("success", &cx.control("stop", stop).await?.json().await?["success"], &json!(true))?;
        cx.post(&at, "x").mode("restart").id(&id).send().await?.error(410, "stopped").await?;
        cx.post(&at, "x").mode("restart").id(&id).send().await?.error(410, "stopped").await?;
        at.hits(0)?;
        let other = cx.post(&at, "x").id(&cx.uuid()).open().await?;
        let mut call = at.accept().await?;
        call.head(200, &[]).await?;
        other.response().await?.is(200)?;
        Ok(())
    });
    suite.case("S5", "a stop for a request id stops what it started and nothing else", async |cx| {
        let at = cx.endpoint();
        let (mine, unknown) = (cx.uuid(), cx.uuid());
        let open = cx.post(&at, "x").id(&mine).open().await?;
        let mut call = at.accept().await?.begins("part").await?;
        let mut reader = open.response().await?;
        cx.control("stop", json!({ "url": at.url(), "request": unknown })).await?.is(200)?;
        call.send("more").await?;
        reader.next("partmore").await?;
        cx.control("stop", json!({ "url": at.url(), "request": mine })).await?.is(200)?;
        call.closed().await?;
        Ok(reader.ends().await?)
    });
    suite.case("C1", "in-progress of a stopped start is nothing in progress", async |cx| {
        let at = cx.endpoint();
        let open = cx.get(&at).open().await?;
        let _call = at.accept().await?;
        cx.stop(&at).await?;
        open.response().await?.is(410)?;
        let status = cx.status(&at).await?;
        Ok(same("inProgress", &status["inProgress"], &Value::Bool(false))?)
    });
}
