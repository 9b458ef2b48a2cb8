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
        "headers that speak for an origin are dropped, recorded and passed through",
        async |cx| {
            let dropped = [
                ("service-worker-allowed", "/"),
                ("clear-site-data", "\"*\""),
                ("strict-transport-security", "max-age=31536000"),
                ("alt-svc", "h3=\":443\""),
                ("refresh", "0; url=https://evil.example/"),
                ("nel", "{}"),
                ("report-to", "{}"),
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
    suite.case("W7", "a 401 of the upstream keeps its challenge", async |cx| {
        let at = cx.replying(Reply::new(401).header("www-authenticate", "Bearer realm=\"x\""));
        cx.get(&at).send().await?.is(401)?.has("www-authenticate", "Bearer realm=\"x\"")?;
        Ok(())
    });
}
