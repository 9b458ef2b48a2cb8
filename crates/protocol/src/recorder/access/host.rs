//! The Host of a request.

use http::header::{self, HeaderMap};
use url::Url;

use crate::recorder::address::is_loopback_host;
use crate::words::{ErrorCode, ProtocolError};

/// The Hosts that a request names: in its target and in its header, where it has them. At least one.
pub(super) fn hosts<'a>(
    authority: Option<&'a str>,
    headers: &'a HeaderMap,
) -> Result<Vec<&'a str>, ProtocolError> {
    let mut values = headers.get_all(header::HOST).iter();
    let host = match (values.next(), values.next()) {
        (None, _) => None,
        // What is not ASCII is nobody's name.
        (Some(value), None) => Some(value.to_str().unwrap_or("(not ASCII)")),
        (Some(_), Some(_)) => {
            return Err(ProtocolError::new(ErrorCode::BadRequest, "the request has two Host headers"));
        }
    };
    let named: Vec<&str> = [authority, host].into_iter().flatten().collect();
    if named.is_empty() {
        return Err(ProtocolError::new(ErrorCode::MisdirectedHost, "the request names no Host"));
    }
    Ok(named)
}

/// Whether this value of Host leads to the machine itself, whatever the port.
pub(super) fn is_loopback_authority(host: &str) -> bool {
    Url::parse(&format!("http://{host}/"))
        .is_ok_and(|url| url.path() == "/" && url.username().is_empty() && is_loopback_host(url.host()))
}
