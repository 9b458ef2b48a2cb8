//! Recorded bytes are identity-coded: what the upstream encodes although it was asked not to is decoded here,
//! as it comes. workerd decodes gzip and brotli by itself.

use bytes::Bytes;
use durablefetch_protocol::ErrorCode;
use wasm_bindgen::JsValue;

use crate::sys;

/// The most bytes of one read.
const PIECE: u32 = 64 << 10;

/// A body, decoded.
pub(crate) struct Decoded {
    reader: sys::Reader,
}

/// Reads a body of this `content-encoding`.
///
/// # Errors
/// [`ErrorCode::UpstreamFailed`] for a coding that nobody here can undo.
pub(crate) fn identity(body: web_sys::ReadableStream, coding: Option<&str>) -> Result<Decoded, ErrorCode> {
    match coding {
        None | Some("" | "identity" | "gzip" | "x-gzip" | "br") => {}
        Some(_) => return Err(ErrorCode::UpstreamFailed),
    }
    let reader = sys::Reader::new(&body, PIECE).map_err(|_| ErrorCode::UpstreamFailed)?;
    Ok(Decoded { reader })
}

impl Decoded {
    /// The next bytes; `None` at the end.
    pub(crate) async fn read(&mut self) -> Result<Option<Bytes>, JsValue> {
        Ok(self.reader.read().await?.map(|view| Bytes::from(view.to_vec())))
    }

    /// Says that no more will be read.
    pub(crate) fn cancel(&self) {
        self.reader.cancel();
    }
}
