//! Whether the recorder fetches what the app wants from it.

use durablefetch_protocol::{ErrorCode, name};
use http::Method;
use url::Url;

use super::probe::{PATIENCE, Way, causes_of, text};
use super::{Finding, advice};

/// Asks for this URL through the recorder, and leaves nothing behind.
pub(super) async fn fetched(way: &Way, upstream: Option<&Url>) -> Vec<Finding> {
    let Some(upstream) = upstream else {
        return vec![Finding::fair(
            "no upstream was asked for, so that --allow and --map are not looked at",
            "name a URL that the app fetches, one that answers GET: --upstream https://api.example.com/v1/models",
        )];
    };
    let shown = crate::observe::redact::url(upstream.as_str());
    // HEAD is passed through and records nothing.
    let request = way.request(Method::HEAD, "/").header(name::URL, upstream.as_str()).timeout(PATIENCE);
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => {
            return vec![Finding::bad(format!("{shown} is not answered: {}", causes_of(error)), "see above")];
        }
    };
    let (status, code) = (response.status(), text(response.headers(), name::ERROR).to_owned());
    if !response.headers().contains_key(name::STATE) {
        return vec![advice::not_a_recorder(status.as_u16(), "another server")];
    }
    vec![match ErrorCode::parse(&code) {
        None if status.as_u16() == 405 || !status.is_server_error() => {
            Finding::good(format!("{shown} is fetched (its status is {})", status.as_u16()))
        }
        None => Finding::fair(
            format!("{shown} is fetched, and answers {}", status.as_u16()),
            "the recorder passes this on: look at that service",
        ),
        Some(code) => Finding::bad(format!("{shown} is not fetched: {code}"), remedy(code, upstream)),
    }]
}

fn remedy(code: ErrorCode, upstream: &Url) -> String {
    let origin = upstream.origin().ascii_serialization();
    match code {
        ErrorCode::UpstreamNotAllowed => format!("start the recorder with --allow {origin}"),
        ErrorCode::UpstreamUnreachable => format!(
            "from the recorder's machine nothing answers there: is the name right, is it up, and where --map names another \
             address for {origin}, is it that of a service that runs? Inside a container, localhost is the container"
        ),
        ErrorCode::LoopDetected => {
            "that is the recorder itself: name the service that it is to ask".to_owned()
        }
        ErrorCode::UpstreamTimeout | ErrorCode::UpstreamIdle => {
            "that service does not answer in time".to_owned()
        }
        ErrorCode::Unauthorized => {
            "say who you are: --header 'durablefetch-token:…' or --header 'authorization:…'".to_owned()
        }
        _ => "see the table of errors in docs/errors.md".to_owned(),
    }
}
