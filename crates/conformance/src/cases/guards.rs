//! Who may ask: Host, proxies, Origin, Sec-Fetch-Site, service workers, loops.

use serde_json::json;

use crate::case::Suite;
use crate::check::holds;
use crate::launch::Settings;
use crate::upstream::Reply;

pub(super) fn add(suite: &mut Suite) {
    suite.case("W1", "a Host that is not loopback is a 421 (DNS rebinding), on every address", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        for host in
            ["evil.example", "evil.example:8787", "localhost.evil.example", "10.0.0.1", "192.168.0.1:80"]
        {
            cx.get(&at).header("host", host).send().await?.error(421, "misdirected-host").await?;
        }
        for path in ["/", "/healthz", "/metrics", "/demo/x", "/in-progress"] {
            let request = cx.recorder.request("GET", path).header("host", "evil.example");
            request.send().await?.error(421, "misdirected-host").await?;
        }
        Ok(at.hits(0)?)
    });
    suite.case("W1", "Hosts of loopback are answered whatever their port", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        for host in ["localhost", "localhost:1", "127.0.0.1:2", "127.9.9.9", "[::1]:3", "app.localhost:4"] {
            cx.get(&at).header("host", host).send().await?.is(200)?;
        }
        Ok(())
    });
    suite.case("W1", "a Host is a name or address and a port, and is read as that alone", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        for host in [
            "localhost#.evil",
            "localhost/..",
            "localhost?",
            "localhost\\.evil",
            "evil.example#.localhost",
            "@localhost",
            "user@localhost",
            "evil.example:80@localhost",
            "lo%63alhost",
            "localhost%00",
            "local host",
            "localhost, localhost",
            "localhost:80:80",
            "localhost:65536",
            "localhost:x",
            "127.1",
            "2130706433",
            "[::ffff:127.0.0.1]",
            "",
        ] {
            // A platform may refuse an invalid Host before the recorder sees it.
            let answer = cx.get(&at).header("host", host).send().await?;
            holds(format!("`{host}` is refused: {answer:?}"), matches!(answer.status, 400 | 421))?;
        }
        let twice = cx.get(&at).header("Host", cx.recorder.authority.clone());
        twice.send().await?.is(400)?;
        at.hits(0)?;
        cx.get(&at).header("host", "LOCALHOST.:80").send().await?.is(200)?;
        Ok(())
    });
    suite.case("W3", "a foreign Origin is a 403, on every address and in a preflight", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        for origin in ["https://evil.example", "http://localhost.evil.example", "null", "file://", "garbage"]
        {
            cx.get(&at).header("origin", origin).send().await?.error(403, "forbidden-origin").await?;
            let body = json!({ "url": at.url() }).to_string();
            let delete = cx.recorder.request("POST", "/delete").header("origin", origin).body(body);
            delete.send().await?.error(403, "forbidden-origin").await?;
            let preflight = cx.recorder.fetch("OPTIONS", &at.url()).header("origin", origin);
            let preflight = preflight.header("access-control-request-method", "POST").send().await?;
            preflight.is(403)?.lacks("access-control-allow-origin")?;
        }
        Ok(at.hits(0)?)
    });
    suite.case("W4", "Sec-Fetch-Site: cross-site without an Origin is a 403", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        for site in ["cross-site", "to-come"] {
            let request = cx.get(&at).header("sec-fetch-site", site);
            request.send().await?.error(403, "forbidden-origin").await?;
        }
        at.hits(0)?;
        for site in ["same-origin", "same-site", "none"] {
            cx.get(&at).header("sec-fetch-site", site).send().await?.is(200)?;
        }
        Ok(())
    });
    suite.case("H6", "a header that says who the client is may stand only once", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        for (name, first, second) in [
            ("origin", "http://localhost:5173", "https://evil.example"),
            ("origin", "http://localhost:5173", "http://localhost:5173"),
            ("sec-fetch-site", "same-origin", "cross-site"),
            ("sec-fetch-mode", "navigate", "no-cors"),
            ("sec-fetch-dest", "empty", "script"),
            ("sec-fetch-to-come", "?0", "?1"),
            ("service-worker", "x", "script"),
        ] {
            let request = cx.get(&at).header(name, first).header(name, second);
            request.send().await?.error(400, "bad-request").await?;
        }
        Ok(at.hits(0)?)
    });
    suite.case(
        "W3 W4",
        "a page on localhost may ask a recorder on 127.0.0.1, although that is cross-site",
        async |cx| {
            let at = cx.replying(Reply::ok("x"));
            let request = cx.get(&at).header("origin", "http://localhost:5173");
            request.header("sec-fetch-site", "cross-site").send().await?.is(200)?;
            Ok(())
        },
    );
    suite.case("W2", "requests that came through a proxy are refused", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        for name in ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"] {
            let request = cx.get(&at).header(name, "1.2.3.4");
            request.send().await?.error(403, "forwarded-request").await?;
        }
        Ok(at.hits(0)?)
    });
    suite.case("W2", "a development server of this machine may mount the recorder", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        let ask = |more: &[(&str, &str)]| {
            more.iter().fold(cx.get(&at), |request, (name, value)| request.header(name, *value))
        };
        let host = ("x-forwarded-host", "localhost:3000");
        let next =
            [host, ("x-forwarded-for", "::1"), ("x-forwarded-proto", "http"), ("x-forwarded-port", "3000")];
        ask(&next).send().await?.is(200)?;
        let page =
            ask(&next).header("origin", "http://localhost:3000").header("sec-fetch-site", "same-origin");
        page.send().await?.is(200)?.has("access-control-allow-origin", "http://localhost:3000")?;
        at.hits(1)?;
        for more in [
            &[("x-forwarded-host", "evil.example:3000"), ("x-forwarded-for", "127.0.0.1")][..],
            &[("x-forwarded-host", "192.168.1.5:3000")],
            &[host, ("x-forwarded-for", "192.168.1.66")],
            &[host, ("x-forwarded-for", "127.0.0.1, 192.168.1.66")],
            &[host, ("forwarded", "for=127.0.0.1")],
            &[host, ("x-forwarded-host", "localhost:3000")],
            &[host, ("origin", "https://evil.example")],
            &[("x-forwarded-for", "127.0.0.1")],
        ] {
            ask(more).send().await?.error(403, "forwarded-request").await?;
        }
        ask(&[("host", "evil.example"), host]).send().await?.error(421, "misdirected-host").await?;
        Ok(at.hits(1)?)
    });
    suite.case("W5", "a service worker script is refused", async |cx| {
        let at = cx.replying(Reply::ok("self.onfetch = 1").header("content-type", "text/javascript"));
        let request = cx.get(&at).header("service-worker", "script");
        request.send().await?.error(403, "service-worker").await?;
        Ok(at.hits(0)?)
    });
    suite.case("W18", "what a page would load as a part of itself is refused", async |cx| {
        let at = cx.replying(Reply::ok("alert(1)").header("content-type", "text/javascript"));
        for (dest, mode) in [
            ("script", "no-cors"),
            ("script", "cors"),
            ("style", "no-cors"),
            ("image", "no-cors"),
            ("font", "cors"),
            ("worker", "same-origin"),
            ("sharedworker", "same-origin"),
            ("audioworklet", "cors"),
            ("json", "cors"),
            ("manifest", "cors"),
            ("object", "navigate"),
            ("embed", "navigate"),
            ("fencedframe", "navigate"),
            ("document", "no-cors"),
            ("to-come", "cors"),
        ] {
            let load = |request: crate::client::Request| {
                request.header("sec-fetch-dest", dest).header("sec-fetch-mode", mode)
            };
            load(cx.get(&at)).send().await?.error(403, "subresource").await?;
            load(cx.get(&at).mode("replay")).send().await?.error(403, "subresource").await?;
            load(cx.recorder.request("GET", "/demo/x")).send().await?.error(403, "subresource").await?;
        }
        at.hits(0)?;
        for (dest, mode) in
            [("empty", "cors"), ("document", "navigate"), ("iframe", "navigate"), ("frame", "navigate")]
        {
            let request = cx.get(&at).header("sec-fetch-dest", dest).header("sec-fetch-mode", mode);
            request.send().await?.is(200)?;
        }
        Ok(())
    });
    suite.case("A8", "a recorder that is asked to fetch itself answers 508", async |cx| {
        let own = cx.recorder.authority.clone();
        let port = own.rsplit(':').next().unwrap_or_default().to_owned();
        for authority in
            [own, format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!("[::1]:{port}")]
        {
            for path in ["healthz", "a.example/", "in-progress"] {
                let url = format!("http://{authority}/{path}");
                let request = cx.recorder.request("GET", "/").header("durablefetch-url", url);
                request.send().await?.error(508, "loop-detected").await?;
            }
        }
        Ok(())
    });
    suite.launching(
        "A8",
        "a recorder that is asked to fetch itself through another answers 508",
        async |cx| {
            let at = cx.replying(Reply::ok("never"));
            let (other, _own) = cx.launch(Settings::default()).await?;
            let inner =
                format!("http://{}/{}", cx.recorder.authority, at.url().trim_start_matches("http://"));
            let middle =
                format!("http://{}/{}", other.recorder.authority, inner.trim_start_matches("http://"));
            cx.recorder.fetch("GET", &middle).send().await?.is(508)?;
            Ok(at.hits(0)?)
        },
    );
    suite.case(
        "W11",
        "addresses that are neither public nor loopback are a 403, however they are spelled",
        async |cx| {
            let at = cx.replying(Reply::ok("x"));
            // The upstream listens on 127.0.0.1, which some of these lead to.
            for host in [
                "0.0.0.0",
                "0",
                "0x0.0.0.0.",
                "[::ffff:127.0.0.1]",
                "[64:ff9b::7f00:1]",
                "169.254.169.254",
                "0xa9fea9fe",
                "0251.0376.0251.0376",
                "2852039166",
                "10.0.0.1",
                "192.168.1",
                "172.31.0.1",
                "100.64.0.1",
                "224.0.0.1",
                "255.255.255.255",
                "[fd00::1]",
                "[fd00:ec2::23]",
                "[fd20:ce::254]",
                "[fe80::1]",
                "[ff02::1]",
                "[::]",
            ] {
                let url = at.url().replace("127.0.0.1", host);
                let direct = cx.recorder.fetch("GET", &url).send().await;
                direct?.error(403, "upstream-not-allowed").await?;
                let redirect = cx.replying(Reply::redirect(307, &url));
                cx.get(&redirect).send().await?.error(403, "upstream-not-allowed").await?;
            }
            Ok(at.hits(0)?)
        },
    );
    suite.launching("W11", "a metadata service is not connected to, even where it was named", async |cx| {
        let services = [
            "100.100.100.200",
            "168.63.129.16",
            "[fd00:ec2::254]",
            "[fd00:ec2::23]",
            "[fd20:ce::254]",
            "[fd00:c1::a9fe:a9fe]",
            "[fd00:42::42]",
            "[fd00:a9fe:a9fe::1]",
        ];
        let allow = services.iter().map(|address| format!("http://{address}/")).collect();
        let (cx, _own) = cx.launch(Settings { allow, ..Settings::default() }).await?;
        for address in services {
            let url = format!("http://{address}/latest");
            let asked = cx.recorder.request("GET", "/").header("durablefetch-url", url);
            asked.send().await?.error(403, "upstream-not-allowed").await?;
        }
        Ok(())
    });
    suite.launching("", "an upstream outside of the allowlist is a 403", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        let prefix = at.url().replace("/stream", "/str");
        let allow = vec![format!("{}/", at.url()), prefix];
        let (cx, _own) = cx.launch(Settings { allow, ..Settings::default() }).await?;
        let inside = format!("{}/deep?x=y", at.url());
        cx.recorder.fetch("GET", &inside).send().await?.is(200)?;
        let elsewhere = cx.replying(Reply::ok("x"));
        for url in
            [elsewhere.url(), at.url().replace("127.0.0.1", "localhost"), at.url().replace("/stream", "")]
        {
            cx.recorder.fetch("GET", &url).send().await?.error(403, "upstream-not-allowed").await?;
        }
        Ok(elsewhere.hits(0)?)
    });
    suite.launching(
        "W17",
        "the path of an allow entry is a boundary, however the way out of it is coded, by redirect too",
        async |cx| {
            let at = cx.replying(Reply::ok("x"));
            let free = cx.upstream.authority().replace("127.0.0.1", "localhost");
            let allow = vec![format!("{}/", at.url()), format!("http://{free}")];
            let (cx, _own) = cx.launch(Settings { allow, ..Settings::default() }).await?;
            for way_out in [
                "..%2fadmin",
                "%2e%2e%2Fadmin",
                "..%5cadmin",
                "..%00/admin",
                "..;/admin",
                "..;a=b/admin",
                "..%3b/admin",
                "%252e%252e/admin",
                "..%252fadmin",
                "x%2f..%2f..%2fadmin",
                ".%2fadmin",
                ".%0a.%2fadmin",
                "..%c0%afadmin",
            ] {
                let url = format!("{}/{way_out}", at.url());
                let mut refused = cx.recorder.fetch("GET", &url).send().await?;
                refused.is(403)?.has("durablefetch-error", "upstream-not-allowed")?;
                let said = refused.text().await?;
                holds(format!("{way_out}: {said}"), said.contains("write the path without it"))?;
                let by_header = cx.recorder.request("GET", "/").header("durablefetch-url", &url).send().await;
                by_header?.error(403, "upstream-not-allowed").await?;
                let hop = cx.replying(Reply::redirect(307, &url));
                let hop = hop.url().replace("127.0.0.1", "localhost");
                cx.recorder.fetch("GET", &hop).send().await?.error(403, "upstream-not-allowed").await?;
            }
            at.hits(0)?;
            for plain in
                ["a%20b", "a%2Fb", "%C3%A4", "...", "..foo", "foo..", "a..b%2Fc", "", "%25", "x;y=.."]
            {
                let url = format!("{}/{plain}", at.url());
                cx.recorder.fetch("GET", &url).send().await?.is(200)?;
                holds(plain, at.last()?.target.ends_with(&format!("/stream/{plain}")))?;
            }
            // An entry without a path has no boundary within its origin.
            let url = format!("http://{free}{}/..%2fx", at.path());
            cx.recorder.fetch("GET", &url).send().await?.is(200)?;
            Ok(())
        },
    );
    suite.launching("W9", "a redirect out of the allowlist is refused", async |cx| {
        let outside = cx.replying(Reply::ok("x"));
        let at = cx.replying(Reply::redirect(302, &outside.url()));
        let (cx, _own) = cx.launch(Settings { allow: vec![at.url()], ..Settings::default() }).await?;
        cx.get(&at).send().await?.error(403, "upstream-not-allowed").await?;
        Ok(outside.hits(0)?)
    });
    suite.launching("W3 W8", "an origin that was named is allowed besides loopback", async |cx| {
        let origins = vec!["https://app.example".to_owned()];
        let (cx, _own) = cx.launch(Settings { origins, ..Settings::default() }).await?;
        let at = cx.replying(Reply::ok("x"));
        let response = cx.get(&at).header("origin", "https://app.example").send().await?;
        response.is(200)?.has("access-control-allow-origin", "https://app.example")?;
        let refused = cx.get(&at).header("origin", "https://app.example.evil.example").send().await?;
        refused.is(403)?;
        Ok(())
    });
    suite.launching("W3 W8", "any origin of a page can be named, and a refusal says how", async |cx| {
        let origins = [
            "https://app.example",
            "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
            "moz-extension://9c1d3b6e-5d5f-4a63-9d2c-0c5d1c9e2b10",
            "tauri://localhost",
            "capacitor://localhost",
            "app://.",
            "file://",
        ];
        let (first, _own) = cx.launch(Settings::default()).await?;
        let at = cx.replying(Reply::ok("x"));
        for origin in origins.into_iter().chain(["null"]) {
            let mut refused = first.get(&at).header("origin", origin).send().await?;
            refused.is(403)?.has("durablefetch-error", "forbidden-origin")?;
            let said = refused.text().await?;
            let ways = match origin {
                "null" => ["--origin-null".to_owned(), "the variable ORIGIN_NULL".to_owned()],
                _ => [format!("--origin {origin}"), format!("add {origin} to the variable ORIGINS")],
            };
            holds(&said, ways.iter().any(|way| said.contains(way)))?;
        }
        let named = origins.map(str::to_owned).to_vec();
        let settings = Settings { origins: named, origin_null: true, ..Settings::default() };
        let (second, _own) = cx.launch(settings).await?;
        for origin in origins.into_iter().chain(["null"]) {
            let response = second.get(&at).header("origin", origin).send().await?;
            response.is(200)?.has("access-control-allow-origin", origin)?;
        }
        for other in ["app://x", "tauri://localhost:1", "chrome-extension://other", "capacitor://"] {
            second.get(&at).header("origin", other).send().await?.error(403, "forbidden-origin").await?;
        }
        Ok(())
    });
    suite.launching("W3", "a star names all hosts of a scheme that is not http or https", async |cx| {
        let origins = vec!["chrome-extension://*".to_owned()];
        let (cx, _own) = cx.launch(Settings { origins, ..Settings::default() }).await?;
        let at = cx.replying(Reply::ok("x"));
        for origin in ["chrome-extension://abc", "chrome-extension://def"] {
            let response = cx.get(&at).header("origin", origin).send().await?;
            response.is(200)?.has("access-control-allow-origin", origin)?;
        }
        for other in ["null", "moz-extension://abc", "https://abc", "chrome-extension://a/b"] {
            cx.get(&at).header("origin", other).send().await?.error(403, "forbidden-origin").await?;
        }
        Ok(())
    });
}
