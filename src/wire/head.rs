//! What a response's head says to the reader.

use durablefetch_protocol::follow::{Answer, Head};
use durablefetch_protocol::name;
use web_sys::{Response, ResponseType};

use crate::js::sys;

/// The head of one response, taken over from JavaScript.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) answer: Answer,
    pub(crate) recording: Option<String>,
    pub(crate) offset: Option<u64>,
    pub(crate) length: Option<u64>,
    pub(crate) error: Option<String>,
    /// Of a refusal that holds for now.
    pub(crate) retry_after: Option<u64>,
    /// The recorder's protocol; 0.2 says none.
    pub(crate) protocol: Option<u64>,
    /// The type of what is not a recorder's.
    pub(crate) content_type: Option<String>,
}

impl Seen {
    pub(crate) fn of(response: &Response) -> Self {
        let number = |name| text(response, name).and_then(|text| text.parse().ok());
        let answer = match response.type_() {
            // What a browser tells of a redirect.
            ResponseType::Opaqueredirect => Answer::Redirect,
            _ => Answer::parse(text(response, name::STATE).as_deref()).with_status(response.status()),
        };
        Self {
            status: response.status(),
            answer,
            recording: text(response, name::RECORDING),
            offset: number(name::OFFSET),
            length: number(name::LENGTH),
            error: text(response, name::ERROR),
            retry_after: if response.status() == 503 { number("retry-after") } else { None },
            protocol: number(name::PROTOCOL),
            content_type: if answer == Answer::Foreign { text(response, "content-type") } else { None },
        }
    }

    pub(crate) fn head(&self) -> Head<'_> {
        Head {
            status: self.status,
            answer: self.answer,
            recording: self.recording.as_deref(),
            offset: self.offset,
            length: self.length,
            error: self.error.as_deref(),
            retry_after: self.retry_after,
        }
    }
}

/// One header.
pub(crate) fn text(response: &Response, name: &str) -> Option<String> {
    response.headers().get(name).ok().flatten()
}

/// The upstream's reason phrase, which HTTP/2 leaves out.
pub(crate) fn status_text(response: &Response) -> String {
    text(response, name::STATUS_TEXT)
        .and_then(|encoded| sys::decode_uri_component(&encoded).ok())
        .unwrap_or_else(|| response.status_text())
}
