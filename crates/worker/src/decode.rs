//! Recorded bytes are identity-coded: what the upstream encodes although it was asked not to is decoded here,
//! as it comes. workerd decodes gzip and brotli by itself.

use bytes::Bytes;
use durablefetch_protocol::ErrorCode;

use crate::sys;
use crate::zstd::Zstd;

/// The most bytes of one read.
const PIECE: u32 = 64 << 10;

/// A body, decoded.
pub(crate) struct Decoded {
    reader: sys::Reader,
    zstd: Option<Zstd>,
}

/// Reads a body of this `content-encoding`.
///
/// # Errors
/// [`ErrorCode::UpstreamFailed`] for a coding that nobody here can undo.
pub(crate) fn identity(body: web_sys::ReadableStream, coding: Option<&str>) -> Result<Decoded, ErrorCode> {
    let (body, zstd) = match coding {
        None | Some("" | "identity" | "gzip" | "x-gzip" | "br") => (body, None),
        Some("deflate") => (sys::inflate(&body), None),
        Some("zstd") => (body, Some(Zstd::default())),
        Some(_) => return Err(ErrorCode::UpstreamFailed),
    };
    let reader = sys::Reader::new(&body, PIECE).map_err(|_| ErrorCode::UpstreamFailed)?;
    Ok(Decoded { reader, zstd })
}

impl Decoded {
    /// The next bytes, possibly none; `None` at the end.
    ///
    /// # Errors
    /// [`ErrorCode::UpstreamFailed`] where the body broke or is not in its coding.
    pub(crate) async fn read(&mut self) -> Result<Option<Bytes>, ErrorCode> {
        let read = self.reader.read().await.map_err(|_| ErrorCode::UpstreamFailed)?;
        match (read, &mut self.zstd) {
            (Some(view), None) => Ok(Some(Bytes::from(view.to_vec()))),
            (Some(view), Some(zstd)) => zstd.decode(&view.to_vec()).map(|bytes| Some(Bytes::from(bytes))),
            (None, None) => Ok(None),
            (None, Some(zstd)) => zstd.end().map(|()| None),
        }
    }

    /// Says that no more will be read.
    pub(crate) fn cancel(&self) {
        self.reader.cancel();
    }
}
