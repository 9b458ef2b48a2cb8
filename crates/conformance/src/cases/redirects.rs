//! Redirects of the upstream, which the recorder follows.

use crate::case::Suite;
use crate::check::{holds, same};
use crate::launch::Settings;
use crate::upstream::{Endpoint, Reply, Upstream};

pub(super) fn add(suite: &mut Suite) {
    suite.case(
        "W9",
        "redirects are followed and the answer is recorded under the URL that was asked",
        async |cx| {
            for status in [301, 302, 303, 307, 308] {
                let there = cx.replying(Reply::ok("arrived"));
                let at = cx.replying(Reply::redirect(status, &there.url()));
                for _ in 0..2 {
                    cx.get(&at).send().await?.ends_with("arrived").await?;
                }
                at.hits(1)?;
                there.hits(1)?;
            }
            Ok(())
        },
    );
    suite.case("W9", "307 and 308 send method and body again, 303 makes a GET", async |cx| {
        for (status, method, body) in [(307, "POST", "body"), (308, "POST", "body"), (303, "GET", "")] {
            let there = cx.replying(Reply::ok("arrived"));
            let at = cx.replying(Reply::redirect(status, &there.url()));
            cx.post(&at, "body").send().await?.ends_with("arrived").await?;
            let got = there.last()?;
            same(format!("{status}: method"), got.method.as_str(), method)?;
            same(format!("{status}: body"), String::from_utf8_lossy(&got.body).as_ref(), body)?;
        }
        Ok(())
    });
    suite.case("W9", "a relative redirect is followed", async |cx| {
        let at = cx.endpoint();
        let open = cx.get(&at).open().await?;
        let mut first = at.accept().await?;
        first.head(302, &[("location", "there?x=1"), ("content-length", "0")]).await?;
        first.end().await?;
        let call = at.accept().await?;
        same("path", call.request.target.ends_with("/there?x=1"), true)?;
        call.answers("arrived").await?;
        Ok(open.response().await?.ends_with("arrived").await?)
    });
    suite.case("W9", "five redirects are followed, a sixth is a 502", async |cx| {
        for (hops, fine) in [(5, true), (6, false)] {
            let mut at = cx.replying(Reply::ok("arrived"));
            for _ in 0..hops {
                at = cx.replying(Reply::redirect(302, &at.url()));
            }
            let mut answer = cx.get(&at).send().await?;
            if fine {
                answer.ends_with("arrived").await?;
            } else {
                answer.error(502, "too-many-redirects").await?;
            }
        }
        Ok(())
    });
    suite.case("W9", "authorization does not follow a redirect to another origin", async |cx| {
        let there = cx.replying(Reply::ok("arrived"));
        let elsewhere = there.url().replace("127.0.0.1", "localhost");
        for (location, kept) in [(there.url(), true), (elsewhere, false)] {
            let at = cx.replying(Reply::redirect(307, &location));
            let get = cx.get(&at).header("authorization", "Bearer x").header("cookie", "a=b");
            get.send().await?.ends_with("arrived").await?;
            let last = there.last()?;
            same("authorization", last.headers.get("authorization").is_some(), kept)?;
            same("cookie", last.headers.get("cookie").is_some(), kept)?;
        }
        Ok(())
    });
    suite.case("A8 W9", "a redirect to the recorder itself is refused", async |cx| {
        let own = format!("http://{}/healthz", cx.recorder.authority);
        let at = cx.replying(Reply::redirect(302, &own));
        Ok(cx.get(&at).send().await?.error(508, "loop-detected").await?)
    });
    suite.case("W9", "a redirect to another scheme than http and https is refused", async |cx| {
        for location in ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:text/plain,x"] {
            let at = cx.replying(Reply::redirect(302, location));
            cx.get(&at).send().await?.is(502)?.state("none")?;
        }
        Ok(())
    });
    suite.launching(
        "W9 W11",
        "what is allowed beside anything may be private, and a redirect from elsewhere does not lead to this machine",
        async |cx| {
            let elsewhere = Upstream::listen_elsewhere().await?;
            let allow = vec![format!("http://{}/", elsewhere.authority())];
            let (cx, _own) = cx.launch(Settings { allow, allow_any: true, ..Settings::default() }).await?;
            let here = cx.replying(Reply::ok("here"));
            cx.get(&here).send().await?.ends_with("here").await?;
            // In the path, what is not loopback is https unless it says http.
            let get = |at: &Endpoint| cx.recorder.request("GET", &at.url().replacen("http://", "/http:/", 1));
            get(&elsewhere.replying(Reply::ok("there"))).send().await?.ends_with("there").await?;
            let hop = cx.replying(Reply::redirect(302, &here.url()));
            cx.get(&hop).send().await?.ends_with("here").await?;
            let detour = elsewhere.replying(Reply::redirect(302, &here.url()));
            let round = cx.replying(Reply::redirect(302, &detour.url()));
            for at in [&detour, &round] {
                let mut refused = get(at).send().await?;
                refused.is(403)?;
                let said = refused.text().await?;
                holds("it names the redirect", said.contains("the upstream redirected elsewhere"))?;
            }
            Ok(here.hits(2)?)
        },
    );
}
