//! CORS, on errors too.

use serde_json::json;

use crate::case::Suite;
use crate::check::{Checked, holds};
use crate::client::Response;
use crate::upstream::Reply;

const PAGE: &str = "http://localhost:5173";

/// What every answer to an allowed page carries.
fn readable(response: &Response, origin: &str) -> Checked {
    response.has("access-control-allow-origin", origin)?;
    response.has("access-control-allow-credentials", "true")?;
    holds("vary: origin", response.headers.lists("vary", "origin"))?;
    for (name, _) in &response.headers.0 {
        let own = name.starts_with("access-control-")
            || matches!(name.as_str(), "vary" | "set-cookie" | "connection" | "transfer-encoding" | "date");
        let exposed = response.headers.lists("access-control-expose-headers", name);
        let of_all = matches!(name.as_str(), "cache-control" | "content-length" | "content-type");
        holds(format!("{name} is exposed"), own || exposed || of_all)?;
    }
    Ok(())
}

pub(super) fn add(suite: &mut Suite) {
    suite.case(
        "W8",
        "a preflight lists the requested headers and all of durablefetch, for two hours",
        async |cx| {
            let at = cx.endpoint();
            let request = cx.recorder.fetch("OPTIONS", &at.url()).header("origin", PAGE);
            let request = request.header("access-control-request-method", "PATCH");
            let asked = "authorization, content-type, x-anything, durablefetch-mode";
            let response = request.header("access-control-request-headers", asked).send().await?;
            holds("2xx", (200..300).contains(&response.status))?;
            response.state("none")?.has("access-control-allow-origin", PAGE)?;
            response
                .has("access-control-allow-credentials", "true")?
                .has("access-control-max-age", "7200")?;
            holds("vary", response.headers.lists("vary", "origin"))?;
            holds("PATCH", response.headers.lists("access-control-allow-methods", "PATCH"))?;
            for name in ["url", "mode", "request", "recording", "offset", "token", "authorization"] {
                let name = format!("durablefetch-{name}");
                holds(&name, response.headers.lists("access-control-allow-headers", &name))?;
            }
            for name in ["authorization", "content-type", "x-anything"] {
                holds(name, response.headers.lists("access-control-allow-headers", name))?;
            }
            Ok(at.hits(0)?)
        },
    );
    suite.case("W8", "a preflight of a control call or of a bad URL is answered all the same", async |cx| {
        for path in ["/in-progress", "/stop", "/delete", "/", "/nothing-here", "/demo/x"] {
            let request = cx.recorder.request("OPTIONS", path).header("origin", PAGE);
            let response = request.header("access-control-request-method", "POST").send().await?;
            holds(format!("{path} → {}", response.status), (200..300).contains(&response.status))?;
            response.has("access-control-allow-origin", PAGE)?;
        }
        Ok(())
    });
    suite.case("W8", "an OPTIONS that is not a preflight goes to the upstream", async |cx| {
        let at = cx.replying(Reply::ok("options"));
        let request = cx.recorder.fetch("OPTIONS", &at.url()).header("origin", PAGE);
        request.send().await?.ends_with("options").await?;
        Ok(at.hits(1)?)
    });
    suite.case(
        "W8",
        "any loopback origin is echoed with credentials, and every header exposed",
        async |cx| {
            let at =
                cx.replying(Reply::ok("x").header("x-a", "b").header("access-control-allow-origin", "*"));
            for origin in [
                PAGE,
                "http://127.0.0.1:3000",
                "https://localhost",
                "http://[::1]:1",
                "http://app.localhost:80",
            ] {
                // Browsers serialise a default port away; this one is not an origin.
                if origin.ends_with(":80") {
                    continue;
                }
                let response = cx.get(&at).header("origin", origin).send().await?;
                response.is(200)?.has("x-a", "b")?;
                readable(&response, origin)?;
            }
            Ok(())
        },
    );
    suite.case("W8", "errors, 204 and control answers carry CORS too", async |cx| {
        let requests = [
            (204, cx.get(&cx.endpoint()).mode("resume")),
            (404, cx.get(&cx.endpoint()).mode("replay")),
            (410, cx.rest_of(&cx.endpoint(), "x", 0)),
            (400, cx.get(&cx.endpoint()).mode("bad")),
            (404, cx.recorder.request("GET", "/nothing-here")),
            (405, cx.recorder.request("GET", "/delete")),
            (400, cx.recorder.request("POST", "/delete").body("x")),
            (
                200,
                cx.recorder
                    .request("POST", "/in-progress")
                    .body(json!({"url": cx.endpoint().url()}).to_string()),
            ),
            (500, cx.get(&cx.replying(Reply::new(500)))),
        ];
        for (status, request) in requests {
            let response = request.header("origin", PAGE).send().await?;
            response.is(status)?;
            readable(&response, PAGE)?;
        }
        Ok(())
    });
    suite.case("W8", "a page of the recorder's own origin is told no list of headers", async |cx| {
        let at = cx.replying(Reply::ok("x").header("x-a", "b"));
        let requests = [
            (200, cx.get(&at)),
            (404, cx.get(&cx.endpoint()).mode("replay")),
            (500, cx.get(&cx.replying(Reply::new(500)))),
        ];
        for (status, request) in requests {
            let request = request.header("origin", PAGE).header("sec-fetch-site", "same-origin");
            let response = request.send().await?;
            response.is(status)?.lacks("access-control-expose-headers")?;
            response.has("access-control-allow-origin", PAGE)?;
        }
        // Of the same site is another origin.
        let sibling = cx.get(&at).header("origin", PAGE).header("sec-fetch-site", "same-site").send().await?;
        Ok(readable(&sibling, PAGE)?)
    });
    suite.case(
        "W8",
        "40 headers and their list fit into a proxy's 4 KiB, and the protocol's are in it",
        async |cx| {
            let mut reply = Reply::ok("x");
            for number in 0..40 {
                reply = reply.header(&format!("x-upstream-header-{number}"), &"v".repeat(48));
            }
            let at = cx.replying(reply);
            let start = || cx.post(&at, "{}").header("origin", PAGE);
            for response in
                [start().send().await?, start().header("content-type", "text/plain").send().await?]
            {
                response.is(200)?.has("x-upstream-header-39", &"v".repeat(48))?;
                let sizes = response.headers.0.iter().map(|(name, value)| name.len() + value.len() + 4);
                let size = sizes.sum::<usize>() + "HTTP/1.1 200 OK\r\n\r\n".len();
                holds(format!("a head of {size} bytes"), size <= 4096)?;
                for name in ["state", "recording", "offset", "protocol"] {
                    let name = format!("durablefetch-{name}");
                    holds(&name, response.headers.lists("access-control-expose-headers", &name))?;
                }
            }
            Ok(())
        },
    );
    suite.case("R3", "nothing varies on everything, whatever the upstream says", async |cx| {
        for status in [200, 404] {
            let reply = Reply::new(status).header("vary", "accept, *");
            for request in [cx.get(&cx.replying(reply.clone())), cx.get(&cx.endpoint()).mode("replay")] {
                let response = request.header("origin", PAGE).send().await?;
                holds("vary: *", !response.headers.lists("vary", "*"))?;
                holds("vary", response.headers.lists("vary", "origin"))?;
                response.has("cache-control", "private, no-store, no-transform")?;
            }
        }
        Ok(())
    });
    suite.case("W8", "an answer to no origin still varies on it", async |cx| {
        let response = cx.get(&cx.replying(Reply::ok("x"))).send().await?;
        holds("vary", response.headers.lists("vary", "origin"))?;
        response.lacks("access-control-allow-origin")?;
        Ok(())
    });
    suite.case("W8", "the upstream's own Vary stays besides the recorder's", async |cx| {
        let at = cx.replying(Reply::ok("x").header("vary", "accept-language"));
        let response = cx.get(&at).header("origin", PAGE).send().await?;
        holds("accept-language", response.headers.lists("vary", "accept-language"))?;
        Ok(holds("origin", response.headers.lists("vary", "origin"))?)
    });
    suite.case("W8", "CORS headers of one reader do not leak to another", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        for origin in [PAGE, "http://localhost:3000", "http://127.0.0.1:1"] {
            let response = cx.get(&at).header("origin", origin).send().await?;
            response.has("access-control-allow-origin", origin)?;
        }
        cx.get(&at).send().await?.lacks("access-control-allow-origin")?;
        Ok(at.hits(1)?)
    });
}
