//! Zstandard, which workerd does not decode.

use durablefetch_protocol::ErrorCode;
use ruzstd::decoding::FrameDecoder;

/// A frame's header has 18 bytes at most.
const HEADER: usize = 18;
/// Decoded at once.
const PIECE: usize = 64 << 10;

/// Decodes frame after frame as the bytes come.
#[derive(Default)]
pub(crate) struct Zstd {
    frame: Option<FrameDecoder>,
    /// Bytes that make no whole block yet.
    rest: Vec<u8>,
}

impl Zstd {
    /// Takes more of the coded bytes and returns what they decode to, possibly nothing.
    pub(crate) fn decode(&mut self, coded: &[u8]) -> Result<Vec<u8>, ErrorCode> {
        self.rest.extend_from_slice(coded);
        self.run(HEADER)
    }

    /// The coded bytes have ended. So must a frame have.
    pub(crate) fn end(&mut self) -> Result<(), ErrorCode> {
        let more = self.run(1)?;
        if more.is_empty() && self.rest.is_empty() && self.frame.is_none() {
            Ok(())
        } else {
            Err(ErrorCode::UpstreamFailed)
        }
    }

    fn run(&mut self, header: usize) -> Result<Vec<u8>, ErrorCode> {
        let mut out = Vec::new();
        let mut piece = vec![0; PIECE];
        loop {
            if self.frame.is_none() && self.rest.len() < header {
                return Ok(out);
            }
            let frame = self.frame.get_or_insert_with(FrameDecoder::new);
            let (read, written) =
                frame.decode_from_to(&self.rest, &mut piece).map_err(|_| ErrorCode::UpstreamFailed)?;
            self.rest.drain(..read);
            out.extend_from_slice(&piece[..written]);
            if frame.is_finished() && frame.can_collect() == 0 {
                self.frame = None;
            } else if read == 0 && written == 0 {
                return Ok(out);
            }
        }
    }
}
