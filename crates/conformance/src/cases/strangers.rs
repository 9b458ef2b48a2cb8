//! What upstreams are not sent: strangers what is meant for the app, and nobody what the operator keeps back.

use crate::case::Suite;
use crate::check::{Checked, same};
use crate::client::Request;
use crate::context::Context;
use crate::launch::{Ability, Settings};
use crate::process::Instance;
use crate::upstream::{Endpoint, Received, Reply};

const PAGE: &str = "https://app.example/chat/7?invite=SECRET";
/// Of what is in front.
const FRONT: [&str; 14] = [
    "cf-access-jwt-assertion",
    "cf-connecting-ip",
    "cf-ipcountry",
    "cf-ray",
    "x-amzn-oidc-data",
    "x-goog-authenticated-user-email",
    "x-ms-client-principal",
    "x-auth-request-email",
    "x-vercel-ip-city",
    "true-client-ip",
    "x-pomerium-jwt-assertion",
    "client-cert",
    "traceparent",
    "x_remote_user",
];
/// Of the app.
const APP: [&str; 6] =
    ["x-api-key", "api-key", "x-goog-api-key", "cf-aig-authorization", "x-ms-version", "x-request-id"];

/// A recorder under this origin that may fetch these upstreams.
async fn under(
    cx: &Context,
    origin: &str,
    allow: &[&Endpoint],
    more: Settings,
) -> Checked<(Context, Instance)> {
    let allow = allow.iter().map(|at| at.url()).chain(more.allow.iter().cloned()).collect();
    let public_origin = Some(origin.to_owned());
    cx.launch(Settings { public_origin, allow, unguessable_urls: true, ..more }).await
}

/// A request as it comes from a page, through what is in front.
fn from_the_page(cx: &Context, host: &str, url: &str) -> Request {
    let request = cx.recorder.request("GET", "/").header("durablefetch-url", url);
    let request = request.header("host", host).header("referer", PAGE);
    FRONT.into_iter().chain(APP).fold(request, |request, name| request.header(name, "x"))
}

fn sees(got: &Received, names: &[&str], expected: Option<&str>) -> Checked {
    names.iter().try_for_each(|name| same(*name, got.headers.get(name), expected))
}

pub(super) fn add(suite: &mut Suite) {
    suite.needing(
        Ability::PublicOrigin,
        "W19",
        "a stranger is sent what the app sends, and neither what fronts add nor where on the page it was",
        async |cx| {
            let at = cx.replying(Reply::ok("x"));
            let (cx, _own) = under(&cx, "https://app.example", &[&at], Settings::default()).await?;
            from_the_page(&cx, "app.example", &at.url()).send().await?.is(200)?;
            let got = at.last()?;
            sees(&got, &FRONT, None)?;
            sees(&got, &APP, Some("x"))?;
            Ok(same("referer", got.headers.get("referer"), Some("https://app.example/"))?)
        },
    );
    suite.needing(
        Ability::PublicOrigin,
        "W19",
        "a stranger is sent no password of the browser's, and the app's where the app says so",
        async |cx| {
            let at = cx.replying(Reply::ok("x"));
            let (cx, _own) = under(&cx, "https://app.example", &[&at], Settings::default()).await?;
            for (credential, passes, passes_for_the_app) in [
                ("Basic dTpw", false, true),
                ("bAsIc dTpw", false, true),
                ("Digest username=\"u\"", false, false),
                ("Negotiate YII=", false, false),
                ("NTLM TlRM", false, false),
                ("Bearer Basic", true, true),
                ("DPoP x", true, true),
                ("sk-1", true, true),
            ] {
                for (app, passes) in [(false, passes), (true, passes_for_the_app)] {
                    let request = from_the_page(&cx, "app.example", &at.url()).mode("restart");
                    let request = request.header("authorization", credential);
                    let request =
                        if app { request.header("durablefetch-authorization", "app") } else { request };
                    request.send().await?.is(200)?;
                    let got = at.last()?.headers;
                    same(
                        format!("{credential}, {app}"),
                        got.get("authorization"),
                        passes.then_some(credential),
                    )?;
                    same("durablefetch-authorization", got.get("durablefetch-authorization"), None)?;
                }
            }
            let odd =
                from_the_page(&cx, "app.example", &at.url()).header("durablefetch-authorization", "browser");
            Ok(odd.send().await?.error(400, "bad-request").await?)
        },
    );
    suite.needing(
        Ability::PublicOrigin,
        "W19 W9",
        "the public origin is not a stranger, but a stranger that it redirects to is",
        async |cx| {
            let there = cx.replying(Reply::ok("x"));
            let elsewhere = there.url().replace("127.0.0.1", "localhost");
            let app = cx.replying(Reply::redirect(307, &elsewhere));
            let authority = cx.upstream.authority();
            let more = Settings { allow: vec![elsewhere], ..Settings::default() };
            let (cx, _own) = under(&cx, &format!("http://{authority}"), &[&app], more).await?;
            let request = from_the_page(&cx, &authority, &app.url()).header("authorization", "Basic dTpw");
            request.send().await?.ends_with("x").await?;
            let first = app.last()?;
            sees(&first, &["referer"], Some(PAGE))?;
            sees(&first, &["authorization"], Some("Basic dTpw"))?;
            sees(&first, &FRONT, Some("x"))?;
            let second = there.last()?;
            sees(&second, &["referer"], Some("https://app.example/"))?;
            sees(&second, &["authorization"], None)?;
            sees(&second, &FRONT, None)?;
            sees(&second, &APP, Some("x")).map_err(Into::into)
        },
    );
    suite.needing(Ability::Maps, "W19 W16", "a mapped upstream is not a stranger", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        let url = format!("https://api.example{}", at.path());
        let maps = vec![format!("https://api.example=http://{}", cx.upstream.authority())];
        let more = Settings { maps, allow: vec![url.clone()], ..Settings::default() };
        let (cx, _own) = under(&cx, "https://app.example", &[], more).await?;
        let request = from_the_page(&cx, "app.example", &url).header("authorization", "Basic dTpw");
        request.header("cookie", "sid=1").send().await?.is(200)?;
        let got = at.last()?;
        sees(&got, &FRONT, Some("x"))?;
        sees(&got, &["authorization"], Some("Basic dTpw"))?;
        sees(&got, &["referer"], Some(PAGE))?;
        Ok(sees(&got, &["cookie"], None)?)
    });
    suite.launching(
        "W20",
        "headers that the operator keeps back go to no upstream, however they are written",
        async |cx| {
            let there = cx.replying(Reply::ok("x"));
            let at = cx.replying(Reply::redirect(307, &there.url()));
            let drop_headers = vec!["X_Remote-User".to_owned(), "cookie".to_owned()];
            let (cx, _own) = cx.launch(Settings { drop_headers, ..Settings::default() }).await?;
            let request = cx.get(&at).header("X-Remote-User", "admin").header("x_remote_user", "admin");
            let request = request.header("x-REMOTE_user", "admin").header("cookie", "a=b");
            request.header("x-remote-users", "1").send().await?.ends_with("x").await?;
            for hop in [at.last()?, there.last()?] {
                sees(&hop, &["x-remote-user", "x_remote_user", "x-remote_user", "cookie"], None)?;
                sees(&hop, &["x-remote-users"], Some("1"))?;
            }
            Ok(())
        },
    );
}
