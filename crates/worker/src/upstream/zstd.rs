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
    /// Takes more of the coded bytes. `publish` gets what they decode to, piece by piece and never none, since a few of
    /// them may be gigabytes, and says whether to go on. False where it said no.
    pub(crate) fn decode(
        &mut self,
        coded: &[u8],
        publish: impl FnMut(Vec<u8>) -> bool,
    ) -> Result<bool, ErrorCode> {
        self.rest.extend_from_slice(coded);
        self.run(HEADER, publish)
    }

    /// The coded bytes have ended. So must a frame have: what it still had to give has been given.
    pub(crate) fn end(&mut self) -> Result<(), ErrorCode> {
        let nothing_more = self.run(1, |_| false)?;
        if nothing_more && self.rest.is_empty() && self.frame.is_none() {
            Ok(())
        } else {
            Err(ErrorCode::UpstreamFailed)
        }
    }

    fn run(&mut self, header: usize, mut publish: impl FnMut(Vec<u8>) -> bool) -> Result<bool, ErrorCode> {
        loop {
            if self.frame.is_none() && self.rest.len() < header {
                return Ok(true);
            }
            let frame = self.frame.get_or_insert_with(FrameDecoder::new);
            let mut piece = vec![0; PIECE];
            let (read, written) =
                frame.decode_from_to(&self.rest, &mut piece).map_err(|_| ErrorCode::UpstreamFailed)?;
            self.rest.drain(..read);
            if frame.is_finished() && frame.can_collect() == 0 {
                self.frame = None;
            } else if read == 0 && written == 0 {
                return Ok(true);
            }
            piece.truncate(written);
            if !piece.is_empty() && !publish(piece) {
                return Ok(false);
            }
        }
    }
}
