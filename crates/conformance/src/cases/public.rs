//! A recorder that others than its machine's user reach, under a public origin.

use serde_json::json;

use crate::case::Suite;
use crate::check::{Checked, holds, same};
use crate::client::Request;
use crate::context::Context;
use crate::launch::{Ability, Settings};
use crate::process::Instance;
use crate::upstream::{Endpoint, Nobody, Reply};

const APP: &str = "https://app.example";

/// A recorder under the app's origin that may fetch these upstreams.
async fn public(cx: &Context, allow: &[&str]) -> Checked<(Context, Instance)> {
    let settings = Settings {
        public_origin: Some(APP.to_owned()),
        origins: vec!["https://admin.example".to_owned()],
        allow: allow.iter().map(|&entry| entry.to_owned()).collect(),
        unguessable_urls: true,
        ..Settings::default()
    };
    cx.launch(settings).await
}

/// A request as it comes through the proxy in front of the app.
fn through(cx: &Context, url: &str) -> Request {
    let request = cx.recorder.request("GET", "/").header("durablefetch-url", url);
    request
        .header("host", "app.example")
        .header("x-forwarded-for", "203.0.113.7")
        .header("x-forwarded-proto", "https")
}

fn url_on(at: &Endpoint, origin: &str) -> String {
    format!("{origin}{}", at.path())
}

pub(super) fn add(suite: &mut Suite) {
    suite.needing(
        Ability::PublicOrigin,
        "W12",
        "a proxy that puts the recorder's own address into Host may tell the public one beside it",
        async |cx| {
            let at = cx.replying(Reply::ok("x"));
            let (cx, _own) = public(&cx, &[&at.url()]).await?;
            for (told, status) in [("app.example", 200), ("evil.example", 421), ("localhost", 421)] {
                let request = through(&cx, &at.url()).header("host", "127.0.0.1:8787");
                request.header("x-forwarded-host", told).send().await?.is(status)?;
            }
            let rebound = through(&cx, &at.url()).header("host", "evil.example");
            rebound.header("x-forwarded-host", "app.example").send().await?.is(421)?;
            Ok(())
        },
    );
    suite.needing(
        Ability::PublicOrigin,
        "W12",
        "under a public origin its Host alone is answered, and loopback has no privilege",
        async |cx| {
            let at = cx.replying(Reply::ok("x"));
            let (cx, _own) = public(&cx, &[&at.url()]).await?;
            for host in [
                "localhost",
                "127.0.0.1",
                "app.example:80",
                "evil.example",
                "app.example.evil.example",
                "admin.example",
            ] {
                for request in [
                    through(&cx, &at.url()),
                    cx.recorder.request("GET", "/healthz"),
                    cx.recorder.request("GET", "/"),
                ] {
                    request.header("host", host).send().await?.error(421, "misdirected-host").await?;
                }
            }
            at.hits(0)?;
            for host in ["app.example", "APP.example", "app.example:443"] {
                through(&cx, &at.url()).header("host", host).send().await?.is(200)?;
            }
            Ok(same("upstream's", at.last()?.headers.get("x-forwarded-for"), None)?)
        },
    );
    suite.needing(
        Ability::PublicOrigin,
        "W12",
        "under a public origin the pages of that origin and of named ones may ask, and no others",
        async |cx| {
            let at = cx.replying(Reply::ok("x"));
            let (cx, _own) = public(&cx, &[&at.url()]).await?;
            for origin in [APP, "https://admin.example"] {
                let response = through(&cx, &at.url()).header("origin", origin).send().await?;
                response.is(200)?.has("access-control-allow-origin", origin)?;
            }
            for origin in [
                "null",
                "http://localhost:5173",
                "http://127.0.0.1",
                "http://app.example",
                "https://evil.example",
            ] {
                let request = through(&cx, &at.url()).header("origin", origin);
                request.send().await?.error(403, "forbidden-origin").await?;
            }
            for site in ["cross-site", "same-site"] {
                let request = through(&cx, &at.url()).header("sec-fetch-site", site);
                request.send().await?.error(403, "forbidden-origin").await?;
            }
            let sibling = through(&cx, &at.url()).header("sec-fetch-site", "same-site");
            sibling.header("origin", "https://admin.example").send().await?.is(200)?;
            let request = through(&cx, &at.url()).header("service-worker", "script");
            Ok(request.send().await?.error(403, "service-worker").await?)
        },
    );
    suite.needing(
        Ability::PublicOrigin,
        "W12 W11",
        "under a public origin nothing but what was named is fetched on this machine",
        async |cx| {
            let at = cx.replying(Reply::ok("x"));
            let other = cx.replying(Reply::ok("x"));
            let named = [at.url(), "http://10.0.0.1/".to_owned()];
            let (cx, _own) = public(&cx, &named.each_ref().map(String::as_str)).await?;
            through(&cx, &at.url()).send().await?.is(200)?;
            for url in
                [other.url(), at.url().replace("127.0.0.1", "localhost"), "http://169.254.169.254/".into()]
            {
                through(&cx, &url).send().await?.error(403, "upstream-not-allowed").await?;
            }
            Ok(other.hits(0)?)
        },
    );
    suite.needing(
        Ability::PublicOrigin,
        "W22",
        "where anything may be fetched, what comes before a connection is one answer",
        async |cx| {
            let nobody = Nobody::bind()?;
            let settings = Settings {
                public_origin: Some(APP.to_owned()),
                allow: vec![nobody.url()],
                allow_any: true,
                unguessable_urls: true,
                ..Settings::default()
            };
            let (cx, _own) = cx.launch(settings).await?;
            let mut told = Vec::new();
            for url in [
                nobody.url(),
                "http://no-such-name.invalid/x".to_owned(),
                "http://neither-is-this.invalid:8080/x".to_owned(),
            ] {
                let mut answer = through(&cx, &url).send().await?;
                answer.is(502)?.has("durablefetch-error", "upstream-unreachable")?;
                told.push(answer.text().await?);
            }
            holds(format!("{told:?}"), told.iter().all(|said| *said == told[0]))?;
            for address in ["10.0.0.1", "127.0.0.1:1", "localhost:1", "169.254.169.254", "[fd00:ec2::23]"] {
                let mut answer = through(&cx, &format!("http://{address}/")).send().await?;
                answer.error(403, "upstream-not-allowed").await?;
            }
            Ok(())
        },
    );
    suite.needing(
        Ability::PublicOrigin,
        "W6",
        "under a public origin cookies do not go to other origins",
        async |cx| {
            let at = cx.replying(Reply::ok("x").header("set-cookie", "stolen=1"));
            let (cx, _own) = public(&cx, &[&at.url()]).await?;
            let response = through(&cx, &at.url()).header("cookie", "sid=1").send().await?;
            response.is(200)?.lacks("set-cookie")?;
            Ok(same("cookie", at.last()?.headers.get("cookie"), None)?)
        },
    );
    suite.needing(
        Ability::PublicOrigin,
        "W12 W6",
        "a recorder mounted below the app's own origin fetches the app, with its cookies",
        async |cx| {
            let app = cx.replying(Reply::ok("x").header("set-cookie", "sid=2"));
            let authority = cx.upstream.authority();
            let settings = Settings {
                public_origin: Some(format!("http://{authority}")),
                allow: vec![app.url()],
                unguessable_urls: true,
                ..Settings::default()
            };
            let (cx, _own) = cx.launch(settings).await?;
            let request = cx.recorder.request("GET", "/").header("durablefetch-url", app.url());
            let response = request.header("host", authority).header("cookie", "sid=1").send().await?;
            response.is(200)?.has("set-cookie", "sid=2")?;
            Ok(same("cookie", app.last()?.headers.get("cookie"), Some("sid=1"))?)
        },
    );
    suite.needing(
        Ability::Maps,
        "W16 W6",
        "a mapped origin is fetched where it is, under its own name and with its cookies",
        async |cx| {
            let app = cx.replying(Reply::ok("x").header("set-cookie", "sid=2"));
            let (cx, _own) = mapped(&cx, &app).await?;
            let url = format!("{}?q=1", url_on(&app, APP));
            let response = through(&cx, &url).header("cookie", "sid=1").send().await?;
            response.is(200)?.has("set-cookie", "sid=2")?;
            let seen = app.last()?;
            holds(&seen.target, seen.target.ends_with("/stream?q=1"))?;
            for (name, value) in [
                ("host", Some("app.example")),
                ("cookie", Some("sid=1")),
                ("x-forwarded-host", Some("app.example")),
                ("x-forwarded-proto", Some("https")),
                ("x-forwarded-for", Some("203.0.113.7")),
            ] {
                same(name, seen.headers.get(name), value)?;
            }
            // Who comes later gets the recording and not the cookie.
            let mut later = through(&cx, &url).header("cookie", "sid=1").send().await?;
            later.is(200)?.lacks("set-cookie")?;
            later.ends_with("x").await?;
            app.hits(1)?;
            let status = cx.recorder.request("POST", "/in-progress").header("host", "app.example");
            let status = status.body(json!({ "url": url }).to_string()).send().await?.json().await?;
            Ok(same("state", status["state"].as_str(), Some("complete"))?)
        },
    );
    suite.needing(
        Ability::Maps,
        "W16",
        "a mapping allows nothing: what is not allowed is not fetched, by either name",
        async |cx| {
            let app = cx.replying(Reply::ok("x"));
            let (cx, _own) = mapped(&cx, &app).await?;
            for url in [
                format!("{APP}/admin"),
                app.url(),
                url_on(&app, "http://app.example"),
                url_on(&app, "https://app.example:8443"),
            ] {
                through(&cx, &url).send().await?.error(403, "upstream-not-allowed").await?;
            }
            Ok(app.hits(0)?)
        },
    );
    suite.needing(
        Ability::Maps,
        "W16",
        "a mapped app is told one address, which the last trusted proxy saw, and a stranger none",
        async |cx| {
            let app = cx.replying(Reply::ok("x"));
            let stranger = cx.replying(Reply::ok("x"));
            let redirects = cx.replying(Reply::redirect(307, &stranger.url()));
            let allow = vec![url_on(&app, APP), stranger.url(), url_on(&redirects, APP)];
            let (near, _own) = cx.launch(Settings { allow: allow.clone(), ..mapping(&cx) }).await?;
            let trusted_proxies =
                vec!["127.0.0.1".to_owned(), "10.0.0.0/8".to_owned(), "fd00::/8".to_owned()];
            let settings = Settings { allow: allow.clone(), trusted_proxies, ..mapping(&cx) };
            let (far, _own) = cx.launch(settings).await?;
            let trusted_proxies = vec!["10.0.0.0/8".to_owned()];
            let (none, _own) = cx.launch(Settings { allow, trusted_proxies, ..mapping(&cx) }).await?;
            for (recorder, headers, told) in [
                (&near, &[][..], "127.0.0.1"),
                (&near, &[("x-forwarded-for", "203.0.113.7")], "203.0.113.7"),
                (&near, &[("x-forwarded-for", "6.6.6.6, 203.0.113.7")], "203.0.113.7"),
                (&near, &[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "203.0.113.7")], "203.0.113.7"),
                (&near, &[("x-forwarded-for", "[2001:db8::7]:4711")], "2001:db8::7"),
                (&near, &[("x-forwarded-for", "6.6.6.6, unknown")], "127.0.0.1"),
                (&near, &[("x-forwarded-for", "")], "127.0.0.1"),
                (&near, &[("forwarded", "for=6.6.6.6, for=\"203.0.113.7:80\"")], "203.0.113.7"),
                (&near, &[("x-real-ip", "6.6.6.6"), ("x_forwarded_for", "6.6.6.6")], "127.0.0.1"),
                (&near, &[("x-forwarded-for", "203.0.113.7, 10.0.0.5")], "10.0.0.5"),
                (&far, &[("x-forwarded-for", "6.6.6.6, 203.0.113.7, 10.0.0.5, fd00::1")], "203.0.113.7"),
                (&none, &[("x-forwarded-for", "203.0.113.7")], "127.0.0.1"),
            ] {
                let request = recorder.recorder.request("GET", "/").header("host", "app.example");
                let mut request = request.header("durablefetch-url", url_on(&app, APP)).mode("new");
                for (name, value) in headers {
                    request = request.header(name, *value);
                }
                request.send().await?.is(200)?;
                let seen = app.last()?.headers;
                let all: Vec<_> = seen.0.iter().filter(|(name, _)| name == "x-forwarded-for").collect();
                same(format!("{headers:?}: one address"), all.len(), 1)?;
                same(format!("{headers:?}"), seen.get("x-forwarded-for"), Some(told))?;
                for name in ["forwarded", "x-real-ip", "x_forwarded_for"] {
                    same(name, seen.get(name), None)?;
                }
            }
            for url in [stranger.url(), url_on(&redirects, APP)] {
                through(&near, &url).send().await?.is(200)?;
                let seen = stranger.last()?.headers;
                for name in ["x-forwarded-for", "forwarded", "x-forwarded-host"] {
                    same(name, seen.get(name), None)?;
                }
            }
            Ok(stranger.hits(2)?)
        },
    );
    suite.needing(
        Ability::Maps,
        "W6",
        "cookies do not cross once another origin was on the way",
        async |cx| {
            let app = cx.replying(Reply::ok("x").header("set-cookie", "planted=1"));
            let other = cx.replying(Reply::redirect(307, &url_on(&app, APP)));
            let settings = Settings { allow: vec![other.url(), url_on(&app, APP)], ..mapping(&cx) };
            let (cx, _own) = cx.launch(settings).await?;
            let response = through(&cx, &other.url()).header("cookie", "sid=1").send().await?;
            response.is(200)?.lacks("set-cookie")?;
            Ok(same("cookie", app.last()?.headers.get("cookie"), None)?)
        },
    );
}

/// The app's origin is the scripted upstream.
fn mapping(cx: &Context) -> Settings {
    Settings {
        public_origin: Some(APP.to_owned()),
        maps: vec![format!("{APP}=http://{}", cx.upstream.authority())],
        unguessable_urls: true,
        ..Settings::default()
    }
}

async fn mapped(cx: &Context, app: &Endpoint) -> Checked<(Context, Instance)> {
    cx.launch(Settings { allow: vec![url_on(app, APP)], ..mapping(cx) }).await
}
