//! The harness against itself: the raw client talks to the scripted upstream directly.

use durablefetch_conformance::Cut;
use durablefetch_conformance::check::Checked;
use durablefetch_conformance::client::{End, Recorder, Request};
use durablefetch_conformance::upstream::{Endpoint, Nobody, Reply, Upstream};

/// A request straight to the upstream, with no recorder in between.
fn direct(upstream: &Upstream, endpoint: &Endpoint, method: &str) -> Request {
    let base = format!("http://{}", upstream.authority());
    let path = endpoint.url()[base.len()..].to_owned();
    Recorder::at(&base).expect("a base URL").request(method, &path)
}

fn check(result: Checked) {
    if let Err(oops) = result {
        panic!("{oops}");
    }
}

#[tokio::test]
async fn a_played_response_arrives_byte_for_byte_with_its_end() {
    let run = async {
        let upstream = Upstream::listen().await?;
        let endpoint = upstream.endpoint();
        let open = direct(&upstream, &endpoint, "POST").header("x-a", "b").body("ask").open().await?;
        let mut call = endpoint.accept().await?;
        assert_eq!(call.request.method, "POST");
        assert_eq!(call.request.body, b"ask");
        assert_eq!(call.request.headers.get("x-a"), Some("b"));
        call.head_with_reason(201, "Made Up", &[("x-c", "d")]).await?;
        let mut response = open.response().await?;
        response.is(201)?.has("x-c", "d")?;
        assert_eq!(response.reason, "Made Up");
        call.send("one ").await?;
        response.next("one ").await?;
        call.send("two").await?;
        response.next("tw").await?;
        call.end_with_trailers(&[("x-t", "u")]).await?;
        response.ends_with("o").await?;
        endpoint.hits(1)
    };
    check(run.await);
}

#[tokio::test]
async fn the_client_tells_a_reset_a_fin_and_an_end_apart() {
    let run = async {
        let upstream = Upstream::listen().await?;
        for (how, expected) in
            [("end", End::Clean), ("fin", End::Broken(Cut::Fin)), ("reset", End::Broken(Cut::Reset))]
        {
            let endpoint = upstream.endpoint();
            let open = direct(&upstream, &endpoint, "GET").open().await?;
            let mut call = endpoint.accept().await?;
            call.head(200, &[]).await?;
            call.send("x").await?;
            let mut response = open.response().await?;
            response.next("x").await?;
            match how {
                "end" => call.end().await?,
                "fin" => call.close(),
                _ => call.reset(),
            }
            assert_eq!(response.rest().await?, (Vec::new(), expected), "{how}");
        }
        Ok(())
    };
    check(run.await);
}

#[tokio::test]
async fn a_body_without_framing_ends_with_a_fin_and_breaks_with_a_reset() {
    let run = async {
        let upstream = Upstream::listen().await?;
        for (reset, expected) in [(false, End::Clean), (true, End::Broken(Cut::Reset))] {
            let endpoint = upstream.endpoint();
            let open = direct(&upstream, &endpoint, "GET").http10().open().await?;
            let mut call = endpoint.accept().await?;
            call.raw(b"HTTP/1.0 200 OK\r\n\r\nabc").await?;
            let mut response = open.response().await?;
            response.next("abc").await?;
            if reset {
                call.reset()
            } else {
                call.close()
            }
            assert_eq!(response.rest().await?.1, expected);
        }
        Ok(())
    };
    check(run.await);
}

#[tokio::test]
async fn the_upstream_sees_when_its_client_leaves() {
    let run = async {
        let upstream = Upstream::listen().await?;
        for reset in [false, true] {
            let endpoint = upstream.endpoint();
            let open = direct(&upstream, &endpoint, "GET").open().await?;
            let mut call = endpoint.accept().await?;
            call.head(200, &[]).await?;
            let response = open.response().await?;
            assert!(!call.is_closed());
            if reset {
                response.reset()
            } else {
                drop(response)
            }
            assert_eq!(call.closed().await?, if reset { Cut::Reset } else { Cut::Fin });
        }
        Ok(())
    };
    check(run.await);
}

#[tokio::test]
async fn a_short_content_length_is_no_end() {
    let run = async {
        let upstream = Upstream::listen().await?;
        let endpoint = upstream.replying(Reply::ok("short").broken());
        let mut response = direct(&upstream, &endpoint, "GET").send().await?;
        assert_eq!(response.rest().await?, (b"short".to_vec(), End::Broken(Cut::Fin)));
        Ok(())
    };
    check(run.await);
}

#[tokio::test]
async fn an_upload_can_be_cut() {
    let run = async {
        let upstream = Upstream::listen().await?;
        let endpoint = upstream.endpoint();
        let mut open = direct(&upstream, &endpoint, "POST").announce(Some(10)).await?;
        open.write(b"four").await?;
        open.reset();
        let mut whole = direct(&upstream, &endpoint, "POST").announce(Some(4)).await?;
        whole.write(b"four").await?;
        assert_eq!(endpoint.accept().await?.request.body, b"four");
        endpoint.hits(1)
    };
    check(run.await);
}

#[tokio::test]
async fn an_error_is_checked_in_status_header_and_json() {
    let run = async {
        let upstream = Upstream::listen().await?;
        let good = r#"{"error":{"code":"gone","message":"It is gone."}}"#;
        for (body, code, holds) in [(good, "gone", true), (good, "other", false), ("{}", "gone", false)] {
            let reply =
                Reply::new(410).header("durablefetch-error", code).header("content-type", "application/json");
            let endpoint = upstream.replying(reply.header("durablefetch-state", "none").body(body));
            let mut response = direct(&upstream, &endpoint, "GET").send().await?;
            assert_eq!(response.error(410, code).await.is_ok(), holds, "{body} {code}");
        }
        Ok(())
    };
    check(run.await);
}

#[tokio::test]
async fn nobody_listens_at_nobody() {
    let run = async {
        let nobody = Nobody::bind()?;
        let refused = tokio::net::TcpStream::connect(nobody.authority()).await;
        assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
        Ok(())
    };
    check(run.await);
}
