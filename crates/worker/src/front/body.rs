//! Request bodies are read whole before anything is done with them.

use durablefetch_protocol::control_json::CONTROL_BODY_MAX;
use durablefetch_protocol::{ErrorCode, ProtocolError};

use crate::js::sys;

/// The most bytes of one read.
const PIECE: u32 = 64 * 1024;

/// Reads a body of at most `max` bytes.
pub(crate) async fn read(request: &web_sys::Request, max: u64) -> Result<Vec<u8>, ProtocolError> {
    let too_large = || {
        ProtocolError::new(ErrorCode::RequestTooLarge, format!("the request body is longer than {max} bytes"))
    };
    let announced = request.headers().get("content-length").ok().flatten();
    let announced = announced.and_then(|text| text.parse::<u64>().ok());
    if announced.is_some_and(|length| length > max) {
        return Err(too_large());
    }
    let Some(stream) = request.body() else { return Ok(Vec::new()) };
    let incomplete = |_| ProtocolError::from(ErrorCode::RequestIncomplete);
    let mut reader = sys::Reader::new(&stream, PIECE).map_err(incomplete)?;
    let mut body = Vec::with_capacity(announced.unwrap_or_default() as usize);
    while let Some(piece) = reader.read().await.map_err(incomplete)? {
        let at = body.len();
        if (at + piece.length() as usize) as u64 > max {
            reader.cancel();
            return Err(too_large());
        }
        body.resize(at + piece.length() as usize, 0);
        piece.copy_to(&mut body[at..]);
    }
    Ok(body)
}

/// Reads the body of a control call.
pub(crate) async fn read_control(request: &web_sys::Request) -> Result<Vec<u8>, ProtocolError> {
    read(request, CONTROL_BODY_MAX as u64).await
}
