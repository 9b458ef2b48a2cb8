//! Which upstream URL a request names.

use serde_json::json;

use crate::case::Suite;
use crate::check::{holds, same};
use crate::launch::Settings;
use crate::upstream::Reply;

pub(super) fn add(suite: &mut Suite) {
    suite.case(
        "A1 A2 A3",
        "authority in the path, scheme spelled out with one or two slashes and durablefetch-url are one key",
        async |cx| {
            let at = cx.replying(Reply::ok("once"));
            let url = at.url();
            let address = url.trim_start_matches("http://").to_owned();
            for path in [
                address.clone(),
                format!("http://{address}"),
                format!("http:/{address}"),
                format!("HTTP:/{address}"),
            ] {
                cx.recorder.request("GET", &format!("/{path}")).send().await?.ends_with("once").await?;
            }
            let by_header =
                cx.recorder.request("GET", "/whatever/this?is=here").header("durablefetch-url", url.clone());
            by_header.send().await?.ends_with("once").await?;
            let status = cx.control("in-progress", json!({ "url": url })).await?.json().await?;
            same("completed", &status["completed"], &json!(true))?;
            Ok(at.hits(1)?)
        },
    );
    suite.case("A1", "where durablefetch-url is present the path is decoration", async |cx| {
        let at = cx.replying(Reply::ok("right"));
        for path in
            ["/", "/fetch", "/in-progress", "/healthz", "/demo/x", "/other.example/wrong?x=y", "/a/b/c"]
        {
            let request = cx.recorder.request("GET", path).header("durablefetch-url", at.url());
            request.mode("restart").send().await?.ends_with("right").await?;
        }
        let mut post = cx.recorder.request("POST", "/delete").header("durablefetch-url", at.url());
        post = post.mode("restart").body("not a control call");
        post.send().await?.ends_with("right").await?;
        Ok(at.hits(8)?)
    });
    suite.case("A5", "path and query reach the upstream byte for byte", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        for tail in [
            "?a=b&c=d",
            "?a=%20+%2B&&=&x",
            "?q=http://x.example/?y=z",
            "/double//slash///here",
            "/percent%2Fslash%20blank",
            "?",
            "/dots...in.names/~user/@x:y;p=1,2",
            "?u=%E2%82%AC&l=%FF",
        ] {
            cx.recorder.fetch("GET", &format!("{}{tail}", at.url())).send().await?.is(200)?;
            let got = at.last()?.target;
            let expected = format!("/stream{tail}");
            holds(format!("{got} ends with {expected}"), got.ends_with(&expected))?;
        }
        Ok(())
    });
    suite.case("A5", "a URL of 8,000 characters reaches the upstream whole", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        let long = format!("{}?q={}", at.url(), "long".repeat(2000));
        cx.recorder.fetch("GET", &long).send().await?.is(200)?;
        same("length", at.last()?.target.len(), long.len() - at.url().len() + at.path().len())?;
        let by_header = cx.recorder.request("GET", "/").header("durablefetch-url", long.clone());
        by_header.send().await?.is(200)?;
        Ok(at.hits(1)?)
    });
    suite.case("A5", "another query is another key", async |cx| {
        let at = cx.replying(Reply::ok("x"));
        for query in ["", "?a=1", "?a=2", "?a=1&b", "?"] {
            cx.recorder.fetch("GET", &format!("{}{query}", at.url())).send().await?.is(200)?;
        }
        Ok(at.hits(5)?)
    });
    suite.case("A5", "a fragment is dropped: it makes no other key and does not go upstream", async |cx| {
        let at = cx.replying(Reply::ok("once"));
        for fragment in ["", "#one", "#two"] {
            let url = format!("{}{fragment}", at.url());
            let request = cx.recorder.request("GET", "/").header("durablefetch-url", url.clone());
            request.send().await?.ends_with("once").await?;
            let status = cx.control("in-progress", json!({ "url": url })).await?.json().await?;
            same("state", &status["state"], &json!("complete"))?;
        }
        Ok(at.hits(1)?)
    });
    suite.case("A5", "URLs that WHATWG serialises the same are one key", async |cx| {
        let at = cx.replying(Reply::ok("once"));
        let upper = at.url().replace("http://", "HTTP://");
        let dotted = at.url().replace("/stream", "/x/../stream");
        for url in [at.url(), upper, dotted] {
            let request = cx.recorder.request("GET", "/").header("durablefetch-url", url);
            request.send().await?.ends_with("once").await?;
        }
        Ok(at.hits(1)?)
    });
    suite.case("A3", "localhost with a port is fetched over http", async |cx| {
        let at = cx.replying(Reply::ok("here"));
        let url = at.url().replace("http://127.0.0.1", "localhost");
        cx.recorder.request("GET", &format!("/{url}")).send().await?.ends_with("here").await?;
        Ok(at.hits(1)?)
    });
    suite.case("A4", "a single label without a port is not an authority", async |cx| {
        for path in ["/nothing", "/nothing/", "/nothing/at/all", "/demo", "/demos/x", "/api/chat?x=y"] {
            cx.recorder.request("GET", path).send().await?.error(404, "not-found").await?;
        }
        Ok(())
    });
    suite.case("A6", "a URL that cannot be fetched is a 400", async |cx| {
        for url in
            ["ftp://a.example/", "file:///etc/passwd", "/relative", "", "http://", "http://u:p@127.0.0.1/"]
        {
            let request = cx.recorder.request("GET", "/").header("durablefetch-url", url);
            request.send().await?.error(400, "invalid-url").await?;
        }
        Ok(())
    });
    suite.case("A4", "favicon.ico, robots.txt and metrics are the recorder's own", async |cx| {
        for path in ["/favicon.ico", "/robots.txt", "/metrics"] {
            let response = cx.recorder.request("GET", path).send().await?;
            holds(format!("{path}: {}", response.status), matches!(response.status, 200 | 204 | 404))?;
            response.state("none")?;
        }
        Ok(())
    });
    suite.launching("A1", "a recorder mounted under a path answers there and only there", async |cx| {
        let mount = Some("/df".to_owned());
        let (cx, _own) = cx.launch(Settings { mount, ..Settings::default() }).await?;
        same("mount", cx.recorder.mount.as_str(), "/df")?;
        let at = cx.replying(Reply::ok("here"));
        cx.get(&at).send().await?.ends_with("here").await?;
        same("completed", &cx.status(&at).await?["completed"], &json!(true))?;
        let mut root = cx.recorder.clone();
        root.mount = String::new();
        root.fetch("GET", &at.url()).send().await?.error(404, "not-found").await?;
        root.request("GET", "/dfx").send().await?.error(404, "not-found").await?;
        Ok(at.hits(1)?)
    });
}
