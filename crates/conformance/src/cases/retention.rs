//! How long recordings are kept: their time after the last use, and the room on disk.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::case::Suite;
use crate::check::holds;
use crate::client::End;
use crate::launch::{Ability, Settings};
use crate::scenario::{Ended, Live};
use crate::upstream::Reply;

fn short_lived() -> Settings {
    Settings { ttl: Some(Duration::from_millis(500)), ..Settings::default() }
}

pub(super) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

pub(super) fn add(suite: &mut Suite) {
    suite.launching(
        "",
        "an ended recording that nobody uses is gone after its time, a live one stays",
        async |cx| {
            let (cx, _own) = cx.launch(short_lived()).await?;
            let Live { at: live, mut call, mut reader, .. } = cx.streaming("one ").await?;
            let Ended { at, recording } = cx.complete("old").await?;
            cx.until_state(&at, "none").await?;
            cx.get(&at).mode("replay").send().await?.error(404, "not-found").await?;
            cx.rest_of(&at, &recording, 0).send().await?.error(410, "gone").await?;
            call.send("two").await?;
            call.end().await?;
            reader.ends_with("two").await?;
            Ok(live.hits(1)?)
        },
    );
    suite.launching("", "using a recording keeps it: its time runs from the last use", async |cx| {
        let settings = Settings { ttl: Some(Duration::from_secs(4)), ..Settings::default() };
        let (cx, _own) = cx.launch(settings).await?;
        let used = cx.complete("used").await?;
        let first = cx.status(&used.at).await?["expiresAt"].as_u64();
        let idle = cx.complete("idle").await?;
        while cx.status(&idle.at).await?["state"] != "none" {
            cx.rest_of(&used.at, &used.recording, 0).send().await?.ends_with("used").await?;
        }
        holds("expiresAt has moved", cx.status(&used.at).await?["expiresAt"].as_u64() > first)?;
        cx.get(&used.at).send().await?.ends_with("used").await?;
        Ok(used.at.hits(1)?)
    });
    suite.launching("B10", "what is used again and again goes at its age all the same", async |cx| {
        let max_age = Duration::from_secs(2);
        let (cx, _own) = cx.launch(Settings { max_age: Some(max_age), ..Settings::default() }).await?;
        let before = now_ms();
        let Ended { at, recording } = cx.complete("used").await?;
        let expires = cx.status(&at).await?["expiresAt"].as_u64().unwrap_or_default();
        holds(
            format!("{expires} is its end and its age"),
            (before..=now_ms()).contains(&(expires - max_age.as_millis() as u64)),
        )?;
        let mut used = 0;
        loop {
            let asked = now_ms();
            let mut rest = cx.rest_of(&at, &recording, 0).send().await?;
            if rest.status != 200 {
                rest.error(410, "gone").await?;
                break;
            }
            // A platform's clock may stand still within a request.
            holds("it is not served beyond its age", asked <= expires + 100)?;
            // A body that is cut at that moment is an end as well.
            let _ = rest.rest().await?;
            used += 1;
        }
        holds(
            format!("it was used {used} times and not gone before its age"),
            used > 0 && now_ms() >= expires,
        )?;
        holds("nothing is told of it", cx.status(&at).await?["state"] == "none")?;
        cx.get(&at).mode("replay").send().await?.error(404, "not-found").await?;
        Ok(at.hits(1)?)
    });
    suite.launching("B10", "who is in the middle of it at its age is cut", async |cx| {
        let settings = Settings { max_age: Some(Duration::from_secs(2)), ..Settings::default() };
        let (cx, _own) = cx.launch(settings).await?;
        // More than what the sockets between the two hold.
        let body = cx.bytes(24 << 20);
        let at = cx.replying(Reply::ok(body.clone()));
        cx.get(&at).send().await?.ends_with(&body).await?;
        let mut reader = cx.get(&at).mode("replay").send().await?;
        reader.state("complete")?;
        cx.until_state(&at, "none").await?;
        let (got, end) = reader.rest().await?;
        holds(format!("it is cut, after {} bytes", got.len()), end != End::Clean)?;
        Ok(holds("what came is true", body.starts_with(&got))?)
    });
    suite.launching("B10", "a recording that is live is of no age", async |cx| {
        let max_age = Duration::from_millis(300);
        let (cx, _own) = cx.launch(Settings { max_age: Some(max_age), ..Settings::default() }).await?;
        let Live { at, mut call, mut reader, .. } = cx.streaming("one ").await?;
        // Another one, which begins and ends meanwhile, tells that the time has come.
        let Ended { at: other, .. } = cx.complete("old").await?;
        cx.until_state(&other, "none").await?;
        call.send("two").await?;
        call.end().await?;
        reader.ends_with("two").await?;
        Ok(at.hits(1)?)
    });
    suite.needing(
        Ability::DiskQuota,
        "",
        "when the disk is full the oldest finished recording goes first",
        async |cx| {
            let settings = Settings { disk_bytes: Some(1 << 20), ..Settings::default() };
            let (cx, _own) = cx.launch(settings).await?;
            let body = cx.bytes(300_000);
            let mut all = Vec::new();
            for _ in 0..5 {
                let at = cx.replying(Reply::ok(body.clone()));
                cx.get(&at).send().await?.ends_with(&body).await?;
                all.push(at);
            }
            cx.until_state(&all[0], "none").await?;
            Ok(cx.get(&all[4]).mode("replay").send().await?.ends_with(&body).await?)
        },
    );
    suite.needing(
        Ability::DiskQuota,
        "",
        "a live recording that fills the disk fails with storage-full; nothing else can go",
        async |cx| {
            let settings = Settings { disk_bytes: Some(1 << 20), ..Settings::default() };
            let (cx, _own) = cx.launch(settings).await?;
            let Live { at, call, mut reader, recording } = cx.streaming("x").await?;
            let sending = tokio::spawn(call.send_on_and_on(vec![b'y'; 64 << 10]));
            let (got, end) = reader.rest().await?;
            holds("broken", end != End::Clean)?;
            // A recorder may look at the quota beside what it takes, not in front of each byte.
            holds(format!("{} bytes are near the limit", got.len()), got.len() <= 2 << 20)?;
            drop(sending.await);
            // Ended, it may be the next to go; as long as it is there it says why it failed.
            let mut rest = cx.rest_of(&at, &recording, got.len()).send().await?;
            if rest.status == 200 {
                rest.state("failed")?.has("durablefetch-error", "storage-full")?;
            } else {
                rest.error(410, "gone").await?;
            }
            Ok(())
        },
    );
}
