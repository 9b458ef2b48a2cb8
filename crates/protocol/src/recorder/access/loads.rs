//! What a browser loads for: `sec-fetch-dest` (Fetch Metadata).

use http::header::HeaderMap;

use super::origin::navigates;
use crate::words::{ErrorCode, ProtocolError};

/// Refuses what a page would make part of itself: scripts, styles, images, workers and all that is to come.
///
/// An upstream's script would run in the page's origin, and `script-src 'self'` would let it, since the URL is the
/// recorder's. What an app fetches itself goes to `empty`; who opens a URL navigates, and gets it in a sandbox (W7).
/// Programs other than browsers send neither header.
///
/// # Errors
/// [`ErrorCode::Subresource`].
pub(crate) fn refuse_subresource(headers: &HeaderMap) -> Result<(), ProtocolError> {
    let Some(destination) = headers.get("sec-fetch-dest") else { return Ok(()) };
    match destination.as_bytes() {
        b"empty" => return Ok(()),
        b"document" | b"iframe" | b"frame" if navigates(headers) => return Ok(()),
        _ => {}
    }
    let shown = destination.to_str().unwrap_or("(not ASCII)");
    Err(ProtocolError::new(
        ErrorCode::Subresource,
        format!(
            "a page wants to load this as a part of itself (sec-fetch-dest: {shown}), where it would speak for the \
             page's origin: fetch() it and make a blob: URL of the answer, or load it from its own address"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::header::testing::map;

    fn refused(headers: &[(&'static str, &'static str)]) -> bool {
        refuse_subresource(&map(headers)).is_err_and(|error| error.code == ErrorCode::Subresource)
    }

    #[test]
    fn fetches_navigations_and_programs_pass() {
        assert!(!refused(&[]));
        for mode in ["cors", "no-cors", "same-origin", "navigate"] {
            assert!(!refused(&[("sec-fetch-dest", "empty"), ("sec-fetch-mode", mode)]), "{mode}");
        }
        for destination in ["document", "iframe", "frame"] {
            assert!(!refused(&[("sec-fetch-dest", destination), ("sec-fetch-mode", "navigate")]));
        }
    }

    #[test]
    fn every_part_of_a_page_is_refused_those_to_come_too() {
        for destination in [
            "script",
            "style",
            "image",
            "font",
            "audio",
            "video",
            "track",
            "manifest",
            "worker",
            "sharedworker",
            "serviceworker",
            "audioworklet",
            "paintworklet",
            "json",
            "text",
            "xslt",
            "report",
            "webidentity",
            "speculationrules",
            "dictionary",
            "embed",
            "object",
            "fencedframe",
            "to-come",
            "",
            "Empty",
            "empty, script",
        ] {
            for mode in ["navigate", "no-cors", "cors", "same-origin"] {
                assert!(
                    refused(&[("sec-fetch-dest", destination), ("sec-fetch-mode", mode)]),
                    "{destination}"
                );
            }
        }
        for mode in ["no-cors", "cors", "nested-navigate", ""] {
            assert!(refused(&[("sec-fetch-dest", "document"), ("sec-fetch-mode", mode)]), "{mode}");
        }
        assert!(refused(&[("sec-fetch-dest", "iframe")]));
    }
}
