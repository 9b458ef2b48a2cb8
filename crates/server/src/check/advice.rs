//! What to change, by what was found.

use durablefetch_protocol::ErrorCode;

use super::Finding;

/// A proxy collects an answer before it passes it on.
pub(crate) const BUFFERED: &str = "something in front of the recorder buffers. nginx: proxy_buffering off, and no proxy_ignore_headers for \
     X-Accel-Buffering; Cloudflare, CDNs: no cache and no compression for this path; Next: rewrites, not a route \
     handler that awaits the body (docs/deploy.md)";
/// A proxy compresses.
pub(crate) const COMPRESSED: &str = "something in front of the recorder compresses, which holds bytes back: switch it off for this path (nginx: \
     gzip off; Next: compress: false)";
/// HTTP/1.1 over TLS.
pub(crate) const HTTP1: &str = "browsers open six connections to a host over HTTP/1.1, and every open answer takes one: switch HTTP/2 on \
     (nginx: http2 on)";
/// No TLS.
pub(crate) const PLAIN: &str = "without TLS browsers speak HTTP/1.1 with six connections to a host, and what passes \
                                can be read on the way";
/// Something cuts what is silent.
pub(crate) const SILENCE: &str = "the client continues where it was, so that this costs one request; to spare it, raise the idle timeout (nginx: \
     proxy_read_timeout 1h)";
/// Something cuts what takes long.
pub(crate) const LIFETIME: &str = "something in front of the recorder limits how long a request may take in all. The client continues where it was, \
     so that this costs one request each time; to spare them, raise that limit (HAProxy: timeout tunnel; Cloud Run: request \
     timeout; API Gateway: a hard limit)";
/// A body is too large for a proxy.
pub(crate) const UPLOAD: &str =
    "raise the limit for request bodies in front of the recorder (nginx: client_max_body_size 32m)";

/// An error of the recorder itself.
pub(crate) fn recorder_error(code: &str, message: &str) -> Finding {
    let remedy = match ErrorCode::parse(code) {
        Some(ErrorCode::MisdirectedHost) => {
            "have the proxy pass the Host on (nginx: proxy_set_header Host $host), and start the recorder with \
             --public-origin of exactly this origin"
        }
        Some(ErrorCode::ForwardedRequest) => {
            "start the recorder with --public-origin, since it is behind a proxy"
        }
        Some(ErrorCode::ForbiddenOrigin) => "name the origin with --origin",
        Some(ErrorCode::Unauthorized) => {
            "say who you are: --header 'durablefetch-token:…' or --header 'authorization:…'"
        }
        Some(ErrorCode::NotFound) => {
            "the path that reaches the recorder is not the one it is mounted at: have the proxy leave it as it is and \
             start the recorder with --base-path, or have it take the prefix off"
        }
        _ => "see the table of errors in PROTOCOL.md",
    };
    Finding::bad(format!("the recorder refuses: {code}: {message}"), remedy)
}

/// An answer that is not a recorder's.
pub(crate) fn not_a_recorder(status: u16, server: &str) -> Finding {
    let remedy = match status {
        502..=504 => {
            "the proxy is there and the recorder is not: is it running, and is the proxy's target its address?"
        }
        404 => "this path is not passed to the recorder: add it to the proxy's configuration",
        401 | 403 => "something in front of the recorder asks for a login, or refuses",
        _ => "this path leads to something else than a recorder",
    };
    Finding::bad(format!("no recorder answers here, but {server} with status {status}"), remedy)
}
