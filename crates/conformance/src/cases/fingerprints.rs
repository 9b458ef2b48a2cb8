//! What tells two requests of one key apart.

use crate::case::Suite;
use crate::check::{Checked, same};
use crate::client::Request;
use crate::context::Context;
use crate::launch::{Ability, Settings};
use crate::several::follows;
use crate::token::{SECRET, Token};
use crate::upstream::{Endpoint, Reply};

/// One after the other, these two are answered with one recording, or each with its own: live, and complete.
async fn are_one(cx: &Context, one: [&Request; 2], at: &Endpoint, expected: bool) -> Checked {
    let [first, second] = one.map(|request| request.clone().id(&cx.uuid()));
    let live = cx.live(at, first, "first").await?;
    if expected {
        follows(second, &live.recording, "first").await?;
    } else {
        cx.live(at, second, "second").await?.ends().await?;
    }
    let ended = live.ends().await?;
    // They ran side by side, so each is answered with its own again.
    follows(one[0].clone().id(&cx.uuid()), &ended.recording, "first").await?;
    let mut again = one[1].clone().id(&cx.uuid()).send().await?;
    again.is(200)?.state("complete")?;
    again.ends_with(if expected { "first" } else { "second" }).await?;
    at.hits(if expected { 1 } else { 2 })
}

pub(super) fn add(suite: &mut Suite) {
    suite.case("S10", "another method or body is another request, live and complete", async |cx| {
        let at = cx.endpoint();
        are_one(&cx, [&cx.post(&at, "a"), &cx.post(&at, "b")], &at, false).await?;
        let at = cx.endpoint();
        let put = cx.recorder.fetch("PUT", &at.url()).body("a");
        are_one(&cx, [&cx.post(&at, "a"), &put], &at, false).await?;
        Ok(())
    });
    suite.case(
        "S10",
        "in the empty scope another credential is another request, live and complete",
        async |cx| {
            for name in
                ["authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie"]
            {
                let at = cx.endpoint();
                let who = |value: &str| cx.post(&at, "a").header(name, value);
                let apart = are_one(&cx, [&who("alice=1"), &who("bob=1")], &at, false).await;
                apart.map_err(|oops| oops.context(name))?;
                let at = cx.endpoint();
                let nobody = cx.post(&at, "a");
                let alice = nobody.clone().header(name, "alice=1");
                let apart = are_one(&cx, [&alice, &nobody], &at, false).await;
                apart.map_err(|oops| oops.context(format!("{name} and none")))?;
            }
            Ok(())
        },
    );
    suite.needing(
        Ability::Scopes,
        "S10",
        "where a token decides the scope another credential is the same request",
        async |cx| {
            let settings = Settings { token_secrets: vec![SECRET.into()], ..Settings::default() };
            let (cx, _own) = cx.launch(settings).await?;
            let at = cx.replying(Reply::ok("answer"));
            let token = Token::of("alice").signed(SECRET);
            for (name, value) in
                [("authorization", "Bearer 1"), ("authorization", "Bearer 2"), ("x-api-key", "3")]
            {
                let request = cx.asks(&at, "a").header("durablefetch-token", token.clone());
                request.header(name, value).send().await?.ends_with("answer").await?;
            }
            at.hits(1)?;
            Ok(())
        },
    );
    suite.case("S10", "another accept is another request, and */* is none", async |cx| {
        let at = cx.endpoint();
        let accept = |value: &str| cx.get(&at).header("accept", value);
        are_one(&cx, [&accept("application/json"), &accept("text/event-stream")], &at, false).await?;
        let at = cx.endpoint();
        let accept = |value: &str| cx.get(&at).header("accept", value);
        are_one(&cx, [&cx.get(&at), &accept("text/html")], &at, false).await?;
        let at = cx.endpoint();
        are_one(&cx, [&cx.get(&at), &cx.get(&at).header("accept", "*/*")], &at, true).await?;
        Ok(())
    });
    suite.case("S10", "other headers make no other request", async |cx| {
        let at = cx.endpoint();
        let other = cx.post(&at, "a").header("x-a", "2").header("accept-language", "de");
        let other = other.header("content-type", "application/json").header("user-agent", "x");
        are_one(&cx, [&cx.post(&at, "a").header("x-a", "1"), &other], &at, true).await?;
        Ok(())
    });
    suite.case(
        "S10 S15",
        "requests after different events are different requests while they are live",
        async |cx| {
            let at = cx.endpoint();
            let after = |event: &str| cx.get(&at).header("last-event-id", event).id(&cx.uuid());
            let one = cx.live(&at, after("1"), "after 1").await?;
            let two = cx.live(&at, after("2"), "after 2").await?;
            let none = cx.live(&at, cx.get(&at).id(&cx.uuid()), "from the start").await?;
            follows(after("1"), &one.recording, "after 1").await?;
            follows(after("2"), &two.recording, "after 2").await?;
            follows(cx.get(&at).id(&cx.uuid()), &none.recording, "from the start").await?;
            same("last-event-id", at.received()[0].headers.get("last-event-id"), Some("1"))?;
            at.hits(3)?;
            Ok(())
        },
    );
    suite.case("S15", "a finished recording does not answer what comes after an event", async |cx| {
        let at = cx.replying(Reply::ok("id: 8\ndata: x\n\n").header("content-type", "text/event-stream"));
        let polls = || cx.get(&at).header("last-event-id", "7");
        for (nth, request) in
            [polls(), polls(), polls().id(&cx.uuid()), polls().id(&cx.uuid())].into_iter().enumerate()
        {
            request.send().await?.is(200)?;
            cx.until_state(&at, "complete").await?;
            at.hits(nth + 1)?;
        }
        Ok(())
    });
}
