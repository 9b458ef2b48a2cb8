//! What came from elsewhere is inert when a browser opens it.

use crate::case::Suite;
use crate::client::Response;
use crate::upstream::Reply;

fn is_inert(response: &Response) -> crate::check::Checked {
    response.has("content-security-policy", "sandbox")?.has("x-content-type-options", "nosniff").map(drop)
}

pub(super) fn add(suite: &mut Suite) {
    suite.case(
        "W7",
        "proxied content is sandboxed and not sniffed, live, replayed, continued and passed through",
        async |cx| {
            let page = Reply::ok("<script>1</script>").header("content-type", "text/html");
            let page = page
                .header("content-security-policy", "default-src *")
                .header("x-content-type-options", "sniff");
            let at = cx.replying(page);
            let mut first = cx.get(&at).send().await?;
            let recording = first.recording()?;
            first.rest().await?;
            is_inert(&first)?;
            is_inert(&cx.get(&at).send().await?)?;
            is_inert(&cx.get(&at).mode("replay").send().await?)?;
            is_inert(&cx.rest_of(&at, &recording, 3).send().await?)?;
            let error =
                cx.replying(Reply::new(404).header("content-type", "text/html").body("<script>1</script>"));
            is_inert(&cx.get(&error).send().await?)?;
            is_inert(&cx.recorder.fetch("HEAD", &at.url()).send().await?)?;
            Ok(())
        },
    );
    suite.case(
        "W7",
        "headers that speak for somebody else are dropped, recorded and passed through",
        async |cx| {
            let dropped = [
                ("service-worker-allowed", "/"),
                ("clear-site-data", "\"*\""),
                ("strict-transport-security", "max-age=31536000"),
                ("alt-svc", "h3=\":443\""),
                ("refresh", "0; url=https://evil.example/"),
                ("nel", "{}"),
                ("report-to", "{}"),
                ("reporting-endpoints", "x=\"https://evil.example/\""),
                ("public-key-pins", "pin-sha256=\"x\""),
                (
                    "content-security-policy-report-only",
                    "default-src 'none'; report-uri https://evil.example/",
                ),
                ("cross-origin-opener-policy", "same-origin"),
                ("origin-agent-cluster", "?1"),
                ("accept-ch", "sec-ch-ua-model"),
                ("critical-ch", "sec-ch-ua-model"),
                ("origin-trial", "x"),
                ("speculation-rules", "\"https://evil.example/\""),
                ("set-login", "logged-out"),
                ("set-cookie2", "a=b"),
                ("secure-session-registration", "(ES256);path=\"/x\""),
                ("sec-session-registration", "(ES256);path=\"/x\""),
                ("attribution-reporting-register-source", "{}"),
                ("sourcemap", "https://evil.example/x.map"),
                ("cdn-cache-control", "max-age=600"),
                ("cloudflare-cdn-cache-control", "max-age=600"),
                ("surrogate-control", "max-age=600"),
                ("surrogate-key", "all"),
                ("cache-tag", "all"),
                ("edge-control", "cache-maxage=1d"),
                ("x-sendfile", "/etc/passwd"),
                ("x-accel-redirect", "/internal"),
                ("x-accel-expires", "600"),
                ("x-lighttpd-send-file", "/etc/passwd"),
                ("x-litespeed-location", "/internal"),
                ("x-reproxy-url", "http://10.0.0.1/"),
                ("x-envoy-immediate-health-check-fail", "true"),
                ("x-middleware-rewrite", "/admin"),
                ("proxy-status", "x"),
                ("proxy-authenticate", "Basic"),
                ("timing-allow-origin", "*"),
                ("access-control-allow-origin", "*"),
                ("access-control-allow-private-network", "true"),
                ("access-control-expose-headers", "*"),
            ];
            for status in [200, 500] {
                let mut reply = Reply::new(status).body("x");
                for (name, value) in dropped {
                    reply = reply.header(name, value);
                }
                let at = cx.replying(reply.header("x-kept", "1"));
                for _ in 0..2 {
                    let response = cx.get(&at).send().await?;
                    response.is(status)?.has("x-kept", "1")?;
                    for (name, _) in dropped {
                        response.lacks(name)?;
                    }
                }
            }
            Ok(())
        },
    );
    suite.case("W7", "plain headers of APIs pass, recorded and passed through", async |cx| {
        let plain = [
            ("x-request-id", "1"),
            ("x-ratelimit-remaining-tokens", "9"),
            ("ratelimit-policy", "\"x\";q=1"),
            ("retry-after", "7"),
            ("x-total-count", "42"),
            ("x-vercel-ai-ui-message-stream", "v1"),
            ("x-goog-hash", "x"),
            ("x-ms-request-id", "x"),
            ("openai-processing-ms", "5"),
            ("server-timing", "db;dur=5"),
            ("content-disposition", "attachment"),
            ("content-location", "/x"),
            ("deprecation", "@1"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
        ];
        for status in [200, 400] {
            let reply =
                plain.into_iter().fold(Reply::new(status), |reply, (name, value)| reply.header(name, value));
            let at = cx.replying(reply.body("x"));
            for _ in 0..2 {
                let response = cx.get(&at).send().await?;
                response.is(status)?;
                for (name, value) in plain {
                    response.has(name, value)?;
                }
            }
        }
        Ok(())
    });
    suite.case("W7 R4", "a link header reaches who fetches, and not who opens the URL", async |cx| {
        let link = "<https://api.example/items?page=2>; rel=\"next\"";
        for status in [200, 404] {
            let at = cx.replying(Reply::new(status).header("link", link).header("x-kept", "1").body("x"));
            for (mode, dest, passes) in
                [("navigate", "document", false), ("cors", "empty", true), ("navigate", "iframe", false)]
            {
                let request = cx.get(&at).header("sec-fetch-mode", mode).header("sec-fetch-dest", dest);
                let response = request.send().await?;
                response.is(status)?.has("x-kept", "1")?;
                if passes {
                    response.has("link", link)?
                } else {
                    response.lacks("link")?
                };
            }
            cx.get(&at).send().await?.has("link", link)?;
        }
        Ok(())
    });
    suite.case(
        "W21",
        "of an upstream's challenges those that scripts answer pass, and the others have another name",
        async |cx| {
            const BEARER: &str = "Bearer realm=\"a, Basic b\", error=\"invalid_token\"";
            const BASIC: &str = "Basic realm=\"Bearer\", charset=\"UTF-8\"";
            let both = format!("{BASIC}, {BEARER}");
            for status in [401, 403, 200] {
                for (said, pass, others) in [
                    (&[BEARER][..], Some(BEARER), None),
                    (&["DPoP algs=\"ES256\""], Some("DPoP algs=\"ES256\""), None),
                    (&["bearer"], Some("bearer"), None),
                    (&[BASIC], None, Some(BASIC)),
                    (&["Negotiate oYG2MIGz==", "NTLM"], None, Some("Negotiate oYG2MIGz==, NTLM")),
                    (
                        &["Digest qop=\"auth, auth-int\", nonce=x"],
                        None,
                        Some("Digest qop=\"auth, auth-int\", nonce=x"),
                    ),
                    (&[&both], Some(BEARER), Some(BASIC)),
                    (&[BASIC, BEARER], Some(BEARER), Some(BASIC)),
                    (&["Basic realm=\"x"], None, None),
                    (&["Basic realm=\"x\"; Bearer"], None, None),
                ] {
                    let reply = Reply::new(status).body("x").header("durablefetch-challenge", "forged");
                    let add = |reply: Reply, line: &&str| reply.header("www-authenticate", line);
                    let at = cx.replying(said.iter().fold(reply, add));
                    for _ in 0..2 {
                        let answer = cx.get(&at).send().await?;
                        answer.is(status)?;
                        for (name, value) in [("www-authenticate", pass), ("durablefetch-challenge", others)]
                        {
                            match value {
                                Some(value) => answer.has(name, value)?,
                                None => answer.lacks(name)?,
                            };
                        }
                    }
                }
            }
            Ok(())
        },
    );
}
