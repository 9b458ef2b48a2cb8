//! Whose recordings are whose: tokens and presented credentials.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::case::Suite;
use crate::check::{Checked, holds, same};
use crate::client::{Request, Response};
use crate::context::Context;
use crate::launch::{Ability, Settings};
use crate::token::{SECRET, Token};
use crate::upstream::{Endpoint, Reply};

const OLD_SECRET: &str = "fedcba9876543210fedcba9876543210";

/// Seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn with_tokens() -> Settings {
    Settings { token_secrets: vec![SECRET.into(), OLD_SECRET.into()], ..Settings::default() }
}

fn by_credentials() -> Settings {
    Settings { scope_by: vec!["authorization".into(), "cookie:sid".into()], ..Settings::default() }
}

fn by_claims() -> Settings {
    let scope_by = vec!["bearer-jwt:sub".into(), "cookie-jwt:sid:sub".into()];
    Settings { scope_by, jwt_key: Some(SECRET.into()), ..Settings::default() }
}

/// How somebody says who they are.
#[derive(Clone)]
struct Who(&'static str, String);

impl Who {
    fn token(sub: &str) -> Self {
        Self("durablefetch-token", Token::of(sub).expiring(now() + 600).signed(SECRET))
    }

    fn asks(&self, request: Request) -> Request {
        request.header(self.0, self.1.clone())
    }

    async fn control(&self, cx: &Context, name: &str, at: &Endpoint) -> Checked<Response> {
        let request = cx.recorder.request("POST", &format!("/{name}"));
        self.asks(request.body(json!({ "url": at.url() }).to_string())).send().await
    }

    async fn status(&self, cx: &Context, at: &Endpoint) -> Checked<Value> {
        let mut response = self.control(cx, "in-progress", at).await?;
        response.is(200)?;
        response.json().await
    }
}

/// What one records does not exist for the other, on any address, and each has a recording of their own.
async fn are_strangers(cx: &Context, alice: &Who, bob: &Who) -> Checked {
    let at = cx.endpoint();
    let asked = alice.asks(cx.get(&at).id(&cx.uuid())).open().await?;
    let mut upstream = at.accept().await?.begins("for alice").await?;
    let mut alices = asked.response().await?;
    alices.is(200)?.state("streaming")?;
    alices.next("for alice").await?;
    let recording = alices.recording()?;

    // Live, and afterwards complete: there is nothing for bob.
    for live in [true, false] {
        same("resume", bob.asks(cx.get(&at).mode("resume")).send().await?.status, 204)?;
        bob.asks(cx.get(&at).mode("replay")).send().await?.error(404, "not-found").await?;
        bob.asks(cx.rest_of(&at, &recording, 0)).send().await?.error(410, "gone").await?;
        let rest = || cx.recorder.rest("GET", &recording, "0", &at.url());
        bob.asks(rest()).send().await?.error(410, "gone").await?;
        rest().send().await?.error(401, "unauthorized").await?;
        alice.asks(rest()).send().await?.is(200)?;
        let status = bob.status(cx, &at).await?;
        same("in-progress", (&status["inProgress"], &status["state"]), (&json!(false), &json!("none")))?;
        same("bytes", status["bytesStored"].as_u64().unwrap_or(0), 0)?;
        bob.control(cx, "stop", &at).await?.is(200)?;
        bob.control(cx, "delete", &at).await?.is(200)?;
        let named = json!({ "url": at.url(), "recording": recording }).to_string();
        for name in ["stop", "delete"] {
            let request = cx.recorder.request("POST", &format!("/{name}")).body(named.clone());
            bob.asks(request).send().await?.is(200)?;
        }
        let state = alice.status(cx, &at).await?["state"].clone();
        same("alice's state", state, json!(if live { "streaming" } else { "complete" }))?;
        if live {
            upstream.send(", all").await?;
            upstream.raw(b"0\r\n\r\n").await?;
            alices.next(", all").await?.ends().await?;
        }
    }
    at.hits(1)?;
    // The same URL is bob's own recording, and alice keeps hers.
    let asked = bob.asks(cx.get(&at)).open().await?;
    at.accept().await?.answers("for bob").await?;
    asked.response().await?.ends_with("for bob").await?;
    alice.asks(cx.get(&at)).send().await?.ends_with("for alice, all").await?;
    bob.asks(cx.get(&at)).send().await?.ends_with("for bob").await?;
    at.hits(2)
}

pub(super) fn add(suite: &mut Suite) {
    suite.needing(
        Ability::Scopes,
        "W13",
        "where tokens are wanted, no address is answered without one, and the message names the problem",
        async |cx| {
            let (cx, _own) = cx.launch(with_tokens()).await?;
            let at = cx.replying(Reply::ok("x"));
            let good = Token::of("alice");
            let none = good.clone().alg("none").unsigned();
            let mut changed = good.clone().signed(SECRET);
            changed.pop();
            for (token, named) in [
                (None, "missing"),
                (Some("hunter2".to_owned()), "not a JWT"),
                (Some(good.clone().signed("another-secret-of-32-bytes-or-so")), "another secret"),
                (Some(changed), "token"),
                (Some(none), "HS256"),
                (Some(good.clone().alg("HS512").signed(SECRET)), "HS256"),
                (Some(good.clone().expiring(now() - 120).signed(SECRET)), "expired"),
                (Some(good.clone().claim("nbf", json!(now() + 600)).signed(SECRET)), "not valid yet"),
                (Some(good.clone().claim("sub", json!("")).signed(SECRET)), "names nobody"),
                (Some(good.clone().claim("aud", json!("billing")).signed(SECRET)), "somebody else"),
            ] {
                let with = |request: Request| match &token {
                    Some(token) => request.header("durablefetch-token", token.clone()),
                    None => request,
                };
                let mut response = with(cx.get(&at).header("origin", "http://localhost:1")).send().await?;
                response.is(401)?.has("durablefetch-error", "unauthorized")?;
                response.has("access-control-allow-origin", "http://localhost:1")?;
                let body = response.text().await?;
                holds(format!("{body} names {named:?}"), body.contains(named) && !body.contains("hunter2"))?;
                for (method, path) in [
                    ("POST", "/in-progress"),
                    ("POST", "/stop"),
                    ("POST", "/delete"),
                    ("GET", "/demo/x"),
                    ("GET", "/nonsense"),
                ] {
                    let request =
                        with(cx.recorder.request(method, path)).body(json!({ "url": at.url() }).to_string());
                    request.send().await?.error(401, "unauthorized").await?;
                }
            }
            at.hits(0)?;
            for path in ["/", "/healthz", "/robots.txt", "/favicon.ico"] {
                let status = cx.recorder.request("GET", path).send().await?.status;
                holds(format!("{path}: {status}"), status < 300)?;
            }
            let preflight = cx.recorder.fetch("OPTIONS", &at.url()).header("origin", "http://localhost:1");
            let preflight = preflight.header("access-control-request-method", "POST").send().await?;
            preflight.is(204)?;
            let allowed = preflight.header("access-control-allow-headers")?;
            Ok(holds(allowed.clone(), allowed.contains("durablefetch-token"))?)
        },
    );
    suite.needing(
        Ability::Scopes,
        "W13",
        "tokens of either secret are taken, clocks may differ by 30 s, and none goes to the upstream",
        async |cx| {
            let (cx, _own) = cx.launch(with_tokens()).await?;
            let at = cx.replying(Reply::ok("x"));
            for token in [
                Token::of("alice").signed(SECRET),
                Token::of("alice").signed(OLD_SECRET),
                Token::of("alice").expiring(now() - 10).signed(SECRET),
                Token::of("alice").claim("nbf", json!(now() + 10)).signed(SECRET),
                Token::of("alice").claim("aud", json!(["durablefetch"])).signed(SECRET),
            ] {
                let response = cx.get(&at).header("durablefetch-token", token).send().await?;
                response.is(200)?;
            }
            // All of them are alice.
            at.hits(1)?;
            Ok(same("upstream's", at.last()?.headers.get("durablefetch-token"), None)?)
        },
    );
    suite.needing(
        Ability::Scopes,
        "W15",
        "what another token's scope has recorded does not exist",
        async |cx| {
            let (cx, _own) = cx.launch(with_tokens()).await?;
            Ok(are_strangers(&cx, &Who::token("alice"), &Who::token("bob")).await?)
        },
    );
    suite.needing(Ability::Scopes, "W14", "a request with none of the credentials is a 401", async |cx| {
        let (cx, _own) = cx.launch(by_credentials()).await?;
        let at = cx.replying(Reply::ok("x"));
        for (name, value) in
            [("x-nothing", "x"), ("authorization", ""), ("cookie", "sid=; other=1"), ("cookie", "xsid=1")]
        {
            cx.get(&at).header(name, value).send().await?.error(401, "unauthorized").await?;
        }
        cx.control("in-progress", json!({ "url": at.url() })).await?.error(401, "unauthorized").await?;
        at.hits(0)?;
        cx.get(&at).header("cookie", "a=1; sid=7").send().await?.is(200)?;
        cx.get(&at).header("cookie", "sid=7; b=2").send().await?.is(200)?;
        at.hits(1)?;
        cx.get(&at).header("authorization", "Bearer 7").send().await?.is(200)?;
        Ok(at.hits(2)?)
    });
    suite.needing(
        Ability::Scopes,
        "W14 W15",
        "what was recorded for another credential does not exist",
        async |cx| {
            let (cx, _own) = cx.launch(by_credentials()).await?;
            let bearer = |name: &str| Who("authorization", format!("Bearer {name}"));
            are_strangers(&cx, &bearer("alice"), &bearer("bob")).await?;
            let cookie = |name: &str| Who("cookie", format!("sid={name}"));
            are_strangers(&cx, &cookie("alice"), &cookie("bob")).await?;
            Ok(())
        },
    );
    suite.needing(Ability::Scopes, "W15", "scopes outlive a crash of the recorder", async |cx| {
        let (cx, mut own) = cx.launch(by_credentials()).await?;
        let at = cx.replying(Reply::ok("for alice"));
        let bearer = |name: &str| Who("authorization", format!("Bearer {name}"));
        bearer("alice").asks(cx.get(&at)).send().await?.ends_with("for alice").await?;
        let cx = cx.crash(&mut own).await?;
        bearer("alice").asks(cx.get(&at).mode("replay")).send().await?.ends_with("for alice").await?;
        bearer("bob").asks(cx.get(&at).mode("replay")).send().await?.error(404, "not-found").await?;
        Ok(at.hits(1)?)
    });
    suite.needing(
        Ability::Scopes,
        "W23",
        "a claim of a signed token is the scope, however often the token is renewed",
        async |cx| {
            let (cx, _own) = cx.launch(by_claims()).await?;
            for (name, form) in
                [("authorization", "Bearer "), ("authorization", "bearer "), ("cookie", "a=1; sid=")]
            {
                let at = cx.replying(Reply::ok("x"));
                for renewed in 0..3 {
                    let token =
                        Token::of("alice").expiring(now() + 600 + renewed).claim("jti", json!(renewed));
                    let value = format!("{form}{}", token.signed(SECRET));
                    let response = cx.get(&at).header(name, value).send().await?;
                    response.is(200)?;
                }
                at.hits(1)?;
                let bob = format!("{form}{}", Token::of("bob").signed(SECRET));
                cx.get(&at).header(name, bob).send().await?.is(200)?;
                at.hits(2)?;
            }
            let bearer =
                |sub: &str| Who("authorization", format!("Bearer {}", Token::of(sub).signed(SECRET)));
            are_strangers(&cx, &bearer("alice"), &bearer("bob")).await?;
            let cookie = |sub: &str| Who("cookie", format!("sid={}", Token::of(sub).signed(SECRET)));
            Ok(are_strangers(&cx, &cookie("alice"), &cookie("bob")).await?)
        },
    );
    suite.needing(
        Ability::Scopes,
        "W23",
        "a token that is not signed, not in time or without the claim is a 401 that says which",
        async |cx| {
            let (cx, _own) = cx.launch(by_claims()).await?;
            let at = cx.replying(Reply::ok("x"));
            let good = Token::of("alice");
            let mut changed = good.clone().signed(SECRET);
            changed.pop();
            for (token, named) in [
                (good.clone().signed("another-secret-of-32-bytes-or-so"), "another key"),
                (changed, "token"),
                (good.clone().alg("none").unsigned(), "no key"),
                (good.clone().unsigned(), "another key"),
                (good.clone().alg("HS512").signed(SECRET), "no key"),
                (good.clone().alg("RS256").signed(SECRET), "no key"),
                (good.clone().expiring(now() - 120).signed(SECRET), "expired"),
                (good.clone().claim("nbf", json!(now() + 600)).signed(SECRET), "not valid yet"),
                (good.clone().claim("sub", json!("")).signed(SECRET), "the claim"),
                (good.clone().claim("sub", json!(["alice"])).signed(SECRET), "the claim"),
                ("hunter2".to_owned(), "not a JWT"),
                ("a.b.c.d.e".to_owned(), "encrypted"),
            ] {
                for (name, value) in
                    [("authorization", format!("Bearer {token}")), ("cookie", format!("sid={token}"))]
                {
                    let mut response = cx.get(&at).header(name, value).send().await?;
                    response.is(401)?.has("durablefetch-error", "unauthorized")?;
                    let body = response.text().await?;
                    holds(
                        format!("{body} names {named:?}"),
                        body.contains(named) && !body.contains("hunter2"),
                    )?;
                }
            }
            for (name, value) in
                [("authorization", "Basic dTpw"), ("authorization", "Bearer "), ("cookie", "sid=")]
            {
                cx.get(&at).header(name, value).send().await?.error(401, "unauthorized").await?;
            }
            cx.get(&at).send().await?.error(401, "unauthorized").await?;
            at.hits(0)?;
            // Clocks may differ by 30 s.
            for token in [good.clone().expiring(now() - 10), good.claim("nbf", json!(now() + 10))] {
                let response =
                    cx.get(&at).header("authorization", format!("Bearer {}", token.signed(SECRET)));
                response.send().await?.is(200)?;
            }
            Ok(at.hits(1)?)
        },
    );
}
