//! Limits, each with its error code.

use std::time::Duration;

use crate::case::Suite;
use crate::check::{holds, same};
use crate::client::End;
use crate::launch::Settings;
use crate::scenario::{Connecting, Live};
use crate::upstream::{Deaf, Reply};

pub(super) fn add(suite: &mut Suite) {
    suite.launching(
        "",
        "a recording that outgrows its limit fails, and its upstream is closed",
        async |cx| {
            let (cx, _own) =
                cx.launch(Settings { recording_bytes: Some(100_000), ..Settings::default() }).await?;
            let Live { at, mut call, mut reader, recording } = cx.streaming("x").await?;
            call.send(vec![b'y'; 150_000]).await?;
            let (got, end) = reader.rest().await?;
            holds(format!("{} bytes at most", got.len()), got.len() <= 100_000)?;
            holds("broken", end != End::Clean)?;
            call.closed().await?;
            cx.until_state(&at, "failed").await?;
            let rest = cx.rest_of(&at, &recording, 1).send().await?;
            rest.has("durablefetch-error", "recording-too-large")?;
            Ok(())
        },
    );
    suite.launching("", "a recording of exactly its limit is complete", async |cx| {
        let (cx, _own) =
            cx.launch(Settings { recording_bytes: Some(100_000), ..Settings::default() }).await?;
        let body = cx.bytes(100_000);
        let at = cx.replying(Reply::ok(body.clone()));
        Ok(cx.get(&at).send().await?.ends_with(&body).await?)
    });
    suite.launching(
        "",
        "one recording more than may be in flight is a 503 until another has ended",
        async |cx| {
            let (cx, _own) = cx.launch(Settings { in_flight: Some(2), ..Settings::default() }).await?;
            let one = cx.streaming("one").await?;
            let _two = cx.streaming("two").await?;
            let at = cx.replying(Reply::ok("three"));
            cx.get(&at).send().await?.error(503, "too-many-recordings").await?;
            at.hits(0)?;
            cx.get(&one.at).send().await?.is(200)?;
            one.call.end().await?;
            cx.until_state(&one.at, "complete").await?;
            Ok(cx.get(&at).send().await?.ends_with("three").await?)
        },
    );
    suite.launching("", "a refused start may be sent again with the same request id", async |cx| {
        let (cx, _own) = cx.launch(Settings { in_flight: Some(1), ..Settings::default() }).await?;
        let one = cx.streaming("one").await?;
        let at = cx.replying(Reply::ok("two"));
        let id = cx.uuid();
        cx.get(&at).id(&id).send().await?.error(503, "too-many-recordings").await?;
        one.call.end().await?;
        cx.until_state(&one.at, "complete").await?;
        Ok(cx.get(&at).id(&id).send().await?.ends_with("two").await?)
    });
    suite.launching(
        "I2 S18",
        "an upstream that takes no connection in time is a 502 long before the time for its head",
        async |cx| {
            let connect_timeout = Some(Duration::from_millis(300));
            let (cx, _own) = cx.launch(Settings { connect_timeout, ..Settings::default() }).await?;
            let deaf = Deaf::listen().await?;
            let id = cx.uuid();
            // No connection was made, so the id is as free as before.
            for _ in 0..2 {
                let mut answer = cx.recorder.fetch("GET", &deaf.url()).id(&id).send().await?;
                answer.error(502, "upstream-unreachable").await?;
            }
            Ok(())
        },
    );
    suite.launching(
        "S18",
        "an upstream that has taken the connection has all the time for its head",
        async |cx| {
            let connect_timeout = Some(Duration::from_millis(300));
            let (cx, _own) = cx.launch(Settings { connect_timeout, ..Settings::default() }).await?;
            let Connecting { call, starter, .. } = cx.connecting().await?;
            // Until another one was given up, asked later: this one's time for a connection is over by then.
            let deaf = Deaf::listen().await?;
            let mut answer = cx.recorder.fetch("GET", &deaf.url()).send().await?;
            answer.error(502, "upstream-unreachable").await?;
            call.answers("late, and whole").await?;
            Ok(starter.response().await?.ends_with("late, and whole").await?)
        },
    );
    suite.launching("", "an upstream that sends no head in time is a 504 and is closed", async |cx| {
        let header_timeout = Some(Duration::from_millis(300));
        let (cx, _own) = cx.launch(Settings { header_timeout, ..Settings::default() }).await?;
        let Connecting { at, mut call, starter } = cx.connecting().await?;
        starter.response().await?.error(504, "upstream-timeout").await?;
        call.closed().await?;
        cx.get(&at).mode("replay").send().await?.is(404)?;
        Ok(at.hits(1)?)
    });
    suite.launching(
        "",
        "an upstream that falls silent mid-body fails the recording and is closed",
        async |cx| {
            let idle_timeout = Some(Duration::from_millis(300));
            let (cx, _own) = cx.launch(Settings { idle_timeout, ..Settings::default() }).await?;
            let Live { at, mut call, mut reader, recording } = cx.streaming("part").await?;
            reader.breaks().await?;
            call.closed().await?;
            cx.until_state(&at, "failed").await?;
            let end = cx.rest_of(&at, &recording, 4).send().await?;
            end.state("failed")?.has("durablefetch-error", "upstream-idle")?;
            Ok(())
        },
    );
    suite.launching("", "an upstream that takes its time but never falls silent is not cut", async |cx| {
        let idle_timeout = Some(Duration::from_secs(2));
        let (cx, _own) = cx.launch(Settings { idle_timeout, ..Settings::default() }).await?;
        let started = std::time::Instant::now();
        let Live { mut call, mut reader, .. } = cx.streaming("begin ").await?;
        let mut beats = 0;
        // One status request a beat: the upstream is slow, the test waits for nothing but answers.
        while started.elapsed() < Duration::from_secs(3) {
            cx.status(&cx.endpoint()).await?;
            call.send(".").await?;
            reader.next(".").await?;
            beats += 1;
        }
        call.end().await?;
        reader.ends().await?;
        Ok(same("it was slower than the timeout", beats > 0, true)?)
    });
}
