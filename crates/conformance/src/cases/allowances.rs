//! What a signed token says that its scope may have.

use std::time::Duration;

use serde_json::{Value, json};

use super::retention::now_ms;
use crate::case::Suite;
use crate::check::{Checked, Oops, holds, same};
use crate::client::{End, Request, Response};
use crate::context::Context;
use crate::launch::{Ability, Settings};
use crate::token::{SECRET, Token};
use crate::upstream::{Endpoint, Reply};

fn with_tokens() -> Settings {
    Settings { token_secrets: vec![SECRET.into()], ..Settings::default() }
}

/// Somebody with a token that says what they may have.
struct Who(String);

impl Who {
    fn may(sub: &str, claim: Value) -> Self {
        Self(Token::of(sub).claim("durablefetch", claim).signed(SECRET))
    }

    fn asks(&self, request: Request) -> Request {
        request.header("durablefetch-token", self.0.clone())
    }

    async fn control(&self, cx: &Context, name: &str, body: Value) -> Checked<Response> {
        let request = cx.recorder.request("POST", &format!("/{name}"));
        self.asks(request.body(body.to_string())).send().await
    }

    async fn status(&self, cx: &Context, at: &Endpoint) -> Checked<Value> {
        let mut response = self.control(cx, "in-progress", json!({ "url": at.url() })).await?;
        response.is(200)?;
        response.json().await
    }

    async fn until_gone(&self, cx: &Context, at: &Endpoint) -> Checked {
        while self.status(cx, at).await?["state"] != "none" {}
        Ok(())
    }
}

pub(super) fn add(suite: &mut Suite) {
    suite.needing(
        Ability::Scopes,
        "W24",
        "a token says how many recordings its scope may have in flight, and nothing of others'",
        async |cx| {
            let (cx, _own) = cx.launch(with_tokens()).await?;
            let at = cx.endpoint();
            let two = Who::may("alice", json!({ "maxRecordings": 2 }));
            let mut live = Vec::new();
            for _ in 0..2 {
                let asked = two.asks(cx.get(&at).mode("new")).open().await?;
                let call = at.accept().await?.begins("one ").await?;
                let mut reader = asked.response().await?;
                reader.state("streaming")?;
                reader.next("one ").await?;
                live.push((call, reader));
            }
            let mut refused = two.asks(cx.get(&at).mode("new")).send().await?;
            holds("it says when to come again", refused.retry_after()? > 0)?;
            refused.error(503, "too-many-recordings").await?;
            at.hits(2)?;
            // Others have what the operator gave them, and a renewed token gives more at once.
            for who in [Who::may("bob", Value::Null), Who::may("alice", json!({ "maxRecordings": 3 }))] {
                let asked = who.asks(cx.get(&at).mode("new")).open().await?;
                let call = at.accept().await?.begins("more").await?;
                let mut reader = asked.response().await?;
                reader.next("more").await?;
                live.push((call, reader));
            }
            two.asks(cx.get(&at).mode("new")).send().await?.error(503, "too-many-recordings").await?;
            // What takes the place of all that is live is not beside it.
            let asked = two.asks(cx.get(&at).mode("restart")).open().await?;
            at.accept().await?.answers("instead").await?;
            asked.response().await?.ends_with("instead").await?;
            Ok(at.hits(5)?)
        },
    );
    suite.needing(
        Ability::Scopes,
        "W24",
        "a token says how many bytes its scope may have stored; the oldest go first, and what fills it alone fails",
        async |cx| {
            let (cx, _own) = cx.launch(with_tokens()).await?;
            let body = cx.bytes(150_000);
            let at = cx.replying(Reply::ok(body.clone()));
            let alice = Who::may("alice", json!({ "maxBytes": 500_000 }));
            let bob = Who::may("bob", Value::Null);
            let (mut alices, mut bobs) = (Vec::new(), Vec::new());
            for _ in 0..5 {
                for (who, ids) in [(&alice, &mut alices), (&bob, &mut bobs)] {
                    let mut response = who.asks(cx.get(&at).mode("new")).send().await?;
                    ids.push(response.recording()?);
                    response.ends_with(&body).await?;
                }
            }
            let state = async |id: &str| {
                let mut told = alice.control(&cx, "in-progress", json!({ "url": at.url(), "recording": id })).await?;
                Ok::<_, Oops>(told.json().await?["state"].clone())
            };
            while state(&alices[0]).await? != "none" {}
            same("her last one", state(&alices[4]).await?, json!("complete"))?;
            bob.asks(cx.rest_of(&at, &bobs[0], 0)).send().await?.ends_with(&body).await?;

            let endless = cx.endpoint();
            let asked = alice.asks(cx.get(&endless).mode("new")).open().await?;
            let call = endless.accept().await?.begins("x").await?;
            let mut reader = asked.response().await?;
            let sending = tokio::spawn(call.send_on_and_on(vec![b'y'; 64 << 10]));
            let (got, end) = reader.rest().await?;
            holds("it is broken off", end != End::Clean)?;
            holds(format!("{} bytes are near what she may have", got.len()), got.len() <= 2 << 20)?;
            drop(sending.await);
            Ok(bob.asks(cx.rest_of(&at, &bobs[0], 0)).send().await?.ends_with(&body).await?)
        },
    );
    suite.needing(
        Ability::Scopes,
        "W24",
        "a token says how long what starts with it is kept after its end, and lifts no age that holds for all",
        async |cx| {
            let settings = Settings { max_age: Some(Duration::from_secs(3600)), ..with_tokens() };
            let (cx, _own) = cx.launch(settings).await?;
            let at = cx.replying(Reply::ok("kept"));
            let soon = Who::may("alice", json!({ "maxAge": 1 }));
            let long = Who::may("bob", json!({ "maxAge": 1_000_000 }));
            let before = now_ms();
            for (who, seconds) in [(&soon, 1), (&long, 3600)] {
                who.asks(cx.get(&at)).send().await?.ends_with("kept").await?;
                let expires = who.status(&cx, &at).await?["expiresAt"].as_u64().unwrap_or_default();
                let range = before + seconds * 1000..=now_ms() + seconds * 1000;
                holds(format!("{expires} is in {range:?}"), range.contains(&expires))?;
            }
            soon.until_gone(&cx, &at).await?;
            soon.asks(cx.get(&at).mode("replay")).send().await?.error(404, "not-found").await?;
            long.asks(cx.get(&at).mode("replay")).send().await?.ends_with("kept").await?;
            Ok(at.hits(2)?)
        },
    );
    suite.needing(
        Ability::Scopes,
        "W24",
        "what a token limits by a name or a value that is none is refused, and named",
        async |cx| {
            let by_claim = Settings {
                scope_by: vec!["bearer-jwt:sub".into()],
                jwt_key: Some(SECRET.into()),
                ..Settings::default()
            };
            let ways = [("durablefetch-token", "", with_tokens()), ("authorization", "Bearer ", by_claim)];
            for (header, before, settings) in ways {
                let (cx, _own) = cx.launch(settings).await?;
                let at = cx.replying(Reply::ok("x"));
                for (claim, named) in [
                    (json!({ "maxRecordings": 0 }), "maxRecordings"),
                    (json!({ "maxRecordings": "20" }), "maxRecordings"),
                    (json!({ "maxBytes": -1 }), "maxBytes"),
                    (json!({ "maxBytes": 1.5 }), "maxBytes"),
                    (json!({ "maxAge": "1d" }), "maxAge"),
                    (json!({ "maxage": 60 }), "maxAge"),
                    (json!("20"), "object"),
                ] {
                    let token = Token::of("alice").claim("durablefetch", claim).signed(SECRET);
                    let request = cx.get(&at).header(header, format!("{before}{token}"));
                    let mut response = request.send().await?;
                    response.is(401)?.has("durablefetch-error", "unauthorized")?;
                    let body = response.text().await?;
                    holds(format!("{body} names {named}"), body.contains(named))?;
                }
                at.hits(0)?;
                let good = Token::of("alice").claim("durablefetch", json!({ "maxAge": 60 })).signed(SECRET);
                let request = cx.get(&at).header(header, format!("{before}{good}"));
                request.send().await?.ends_with("x").await?;
            }
            Ok(())
        },
    );
}
