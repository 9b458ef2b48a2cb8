//! What is told of an upstream that could not be connected to.

use crate::words::{ErrorCode, ProtocolError};

/// Makes one error of all that a name can come to before a connection is made: the name does not exist, it leads to an
/// address that is refused, nobody listens, the certificate is for another name.
///
/// Where anybody may have anything fetched, the difference is a map of the network around the recorder. The cause is for
/// its log.
#[must_use]
pub fn hush(error: ProtocolError) -> ProtocolError {
    match error.code {
        ErrorCode::UpstreamUnreachable | ErrorCode::UpstreamNotAllowed => ProtocolError::new(
            ErrorCode::UpstreamUnreachable,
            "the upstream could not be connected to; why is in the recorder's log",
        ),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_before_a_connection_is_one_error_and_the_rest_is_as_it_was() {
        let hushed = |code, message: &str| hush(ProtocolError::new(code, message));
        let gone = hushed(ErrorCode::UpstreamUnreachable, "no such name");
        assert_eq!(gone, hushed(ErrorCode::UpstreamNotAllowed, "`intern` has a private address"));
        assert_eq!(gone.code, ErrorCode::UpstreamUnreachable);
        assert!(!gone.message.contains("name"), "{gone}");
        for code in [ErrorCode::UpstreamFailed, ErrorCode::UpstreamTimeout, ErrorCode::InvalidUrl] {
            assert_eq!(hushed(code, "x"), ProtocolError::new(code, "x"));
        }
    }
}
