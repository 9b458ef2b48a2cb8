//! Cookies, where redirects lead from one origin to another.

use crate::case::Suite;
use crate::check::same;
use crate::launch::{Ability, Settings};
use crate::upstream::{Endpoint, Reply};

/// The same path under another origin of this machine.
fn by_another_name(at: &Endpoint) -> String {
    at.url().replace("127.0.0.1", "localhost")
}

pub(super) fn add(suite: &mut Suite) {
    suite.case(
        "W6",
        "between loopback ends no cookie comes down once another origin was on the way, and none goes up",
        async |cx| {
            let end = cx.replying(Reply::ok("x").header("set-cookie", "planted=1"));
            let other = cx.replying(Reply::redirect(307, &end.url()).header("set-cookie", "planted=2"));
            let detour = cx.replying(Reply::redirect(307, &by_another_name(&other)));
            let straight = cx.replying(Reply::redirect(307, &end.url()));
            let away = cx.replying(Reply::redirect(307, &by_another_name(&end)));
            for method in ["GET", "POST", "HEAD"] {
                for (at, passes) in [(&straight, true), (&detour, false), (&away, false)] {
                    let request =
                        cx.recorder.fetch(method, &at.url()).mode("restart").header("cookie", "sid=1");
                    let answer = request.send().await?;
                    answer.is(200)?;
                    if passes {
                        answer.has("set-cookie", "planted=1")?
                    } else {
                        answer.lacks("set-cookie")?
                    };
                    same("cookie", end.last()?.headers.get("cookie"), passes.then_some("sid=1"))?;
                    same("the first hop's", at.last()?.headers.get("cookie"), Some("sid=1"))?;
                }
            }
            Ok(())
        },
    );
    suite.needing(
        Ability::PublicOrigin,
        "W6",
        "under a public origin cookies cross to it alone, and not once a stranger was on the way",
        async |cx| {
            let app = cx.replying(Reply::ok("x").header("set-cookie", "planted=1"));
            let stranger = cx.replying(Reply::redirect(307, &app.url()));
            let round = cx.replying(Reply::redirect(307, &by_another_name(&stranger)));
            let straight = cx.replying(Reply::redirect(307, &app.url()));
            let leaves = cx.replying(Reply::redirect(307, &by_another_name(&app)));
            let authority = cx.upstream.authority();
            let settings = Settings {
                public_origin: Some(format!("http://{authority}")),
                allow: vec![format!("http://{authority}/"), by_another_name(&app).replace(app.path(), "/")],
                unguessable_urls: true,
                ..Settings::default()
            };
            let (cx, _own) = cx.launch(settings).await?;
            for (url, passes) in [
                (app.url(), true),
                (straight.url(), true),
                (by_another_name(&app), false),
                (by_another_name(&stranger), false),
                (round.url(), false),
                (leaves.url(), false),
            ] {
                let request = cx.recorder.request("GET", "/").header("durablefetch-url", &url);
                let answer = request.header("host", &authority).header("cookie", "sid=1").send().await?;
                answer.is(200)?;
                if passes {
                    answer.has("set-cookie", "planted=1")?
                } else {
                    answer.lacks("set-cookie")?
                };
                same(&url, app.last()?.headers.get("cookie"), passes.then_some("sid=1"))?;
            }
            Ok(same("a stranger", stranger.last()?.headers.get("cookie"), None)?)
        },
    );
}
