//! What the upstream gets to see of a request.

use crate::case::Suite;
use crate::check::{holds, same};
use crate::launch::Ability;
use crate::upstream::Reply;

pub(super) fn add(suite: &mut Suite) {
    suite.case(
        "A5",
        "method, path, query, headers and body reach the upstream as they were sent",
        async |cx| {
            let at = cx.replying(Reply::ok("x"));
            for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "REPORT"] {
                let request = cx.recorder.fetch(method, &format!("{}/a%20b/%C3%A4?q=1&&r=%2F+x&s", at.url()));
                let request =
                    request.mode("restart").header("authorization", "Bearer t").header("x-api-key", "k");
                let request =
                    request.header("content-type", "application/json").header("accept", "text/event-stream");
                request.body("{\"a\": 1}").send().await?.is(200)?;
                let got = at.last()?;
                same("method", got.method.as_str(), method)?;
                holds(&got.target, got.target.ends_with("/stream/a%20b/%C3%A4?q=1&&r=%2F+x&s"))?;
                same("body", got.body.as_slice(), b"{\"a\": 1}")?;
                for (name, value) in [
                    ("authorization", "Bearer t"),
                    ("x-api-key", "k"),
                    ("content-type", "application/json"),
                    ("accept", "text/event-stream"),
                    ("content-length", "8"),
                    ("host", cx.upstream.authority().as_str()),
                ] {
                    same(format!("{method}: {name}"), got.headers.get(name), Some(value))?;
                }
            }
            Ok(())
        },
    );
    suite.case("A5", "a GET reaches the upstream as it was sent", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        let request = cx.recorder.fetch("GET", &format!("{}/a%20b?q=1&&r=%2F+x&s", at.url()));
        request.header("authorization", "Bearer t").header("accept", "text/plain").send().await?.is(200)?;
        let got = at.last()?;
        same("method", got.method.as_str(), "GET")?;
        holds(&got.target, got.target.ends_with("/stream/a%20b?q=1&&r=%2F+x&s"))?;
        same("authorization", got.headers.get("authorization"), Some("Bearer t"))?;
        Ok(same("accept", got.headers.get("accept"), Some("text/plain"))?)
    });
    suite.needing(Ability::GetBody, "A5", "the body of a GET reaches the upstream", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        cx.recorder.fetch("GET", &at.url()).body("{\"a\": 1}").send().await?.is(200)?;
        Ok(same("body", at.last()?.body.as_slice(), b"{\"a\": 1}")?)
    });
    suite.case("H4", "an upgrade to WebSocket is refused, other upgrades are not taken up", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        let request = cx.get(&at).header("connection", "upgrade").header("upgrade", "websocket");
        let request =
            request.header("sec-websocket-version", "13").header("sec-websocket-key", "dGhlIHNhbXBsZQ==");
        request.send().await?.error(400, "bad-request").await?;
        at.hits(0)?;
        cx.get(&at).header("connection", "upgrade").header("upgrade", "h2c").send().await?.is(200)?;
        Ok(same("upgrade", at.last()?.headers.get("upgrade"), None)?)
    });
    suite.case("H1", "no durablefetch header ever reaches the upstream", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        let request = cx.get(&at).mode("join").id(&cx.uuid()).header("durablefetch-url", at.url());
        request.header("durablefetch-future", "x").send().await?.is(200)?;
        for (name, _) in &at.last()?.headers.0 {
            holds(format!("{name} stays here"), !name.starts_with("durablefetch-"))?;
        }
        Ok(())
    });
    suite.case("A5", "hop-by-hop headers of the request are not forwarded", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        let request = cx.get(&at).header("connection", "keep-alive, x-hop").header("x-hop", "1");
        let request = request.header("keep-alive", "timeout=5").header("te", "trailers");
        let request = request.header("proxy-authorization", "Basic x").header("proxy-connection", "close");
        request.header("x-end", "2").send().await?.is(200)?;
        let got = at.last()?.headers;
        for name in ["x-hop", "keep-alive", "te", "proxy-authorization", "proxy-connection"] {
            same(name, got.get(name), None)?;
        }
        Ok(same("x-end", got.get("x-end"), Some("2"))?)
    });
    suite.case("B1", "the upstream is asked for identity, whatever the reader accepts", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        cx.get(&at).header("accept-encoding", "gzip, br, zstd").send().await?.is(200)?;
        Ok(same("accept-encoding", at.last()?.headers.get("accept-encoding"), Some("identity"))?)
    });
    suite.case("B6", "Range is not forwarded and the whole is recorded", async |cx| {
        let at = cx.replying(Reply::ok("0123456789"));
        let request = cx.get(&at).header("range", "bytes=5-").header("if-range", "\"x\"");
        let mut response = request.send().await?;
        response.is(200)?.lacks("content-range")?.lacks("accept-ranges")?;
        response.ends_with("0123456789").await?;
        let got = at.last()?.headers;
        same("range", got.get("range"), None)?;
        same("if-range", got.get("if-range"), None)?;
        let replay = cx.get(&at).header("range", "bytes=5-").send().await?;
        replay.is(200)?.has("content-length", "10")?;
        Ok(())
    });
    suite.case(
        "B6",
        "conditional headers are not forwarded: a 304 would leave the reader with nothing",
        async |cx| {
            let at = cx.replying(Reply::ok("x"));
            let request = cx.get(&at).header("if-none-match", "\"x\"");
            request.header("if-modified-since", "Thu, 01 Jan 1970 00:00:00 GMT").send().await?.is(200)?;
            same("if-none-match", at.last()?.headers.get("if-none-match"), None)?;
            Ok(same("if-modified-since", at.last()?.headers.get("if-modified-since"), None)?)
        },
    );
    suite.case("W7", "sec-fetch headers are not forwarded", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        let request = cx.get(&at).header("sec-fetch-site", "same-origin").header("sec-fetch-mode", "cors");
        request.header("sec-fetch-dest", "empty").send().await?.is(200)?;
        for (name, _) in &at.last()?.headers.0 {
            holds(format!("{name} stays here"), !name.starts_with("sec-fetch-"))?;
        }
        Ok(())
    });
    suite.case("W6", "between loopback ends cookies go up", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        cx.get(&at).header("cookie", "a=b; c=d").send().await?.is(200)?;
        Ok(same("cookie", at.last()?.headers.get("cookie"), Some("a=b; c=d"))?)
    });
    suite.case("A8", "the recorder names itself in Via", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        cx.get(&at).header("via", "1.1 somebody").send().await?.is(200)?;
        let headers = at.last()?.headers;
        let via: Vec<_> = headers.all("via").collect();
        holds(format!("{via:?} begins with what was there"), via.join(", ").starts_with("1.1 somebody, "))?;
        Ok(())
    });
}
