//! The decoders of other crates, in one form.

use bytes::{Buf as _, Bytes};
use compression_codecs::core::util::{PartialBuffer, WriteBuffer};
use compression_codecs::{BrotliDecoder, DecodeV2, DeflateDecoder, GzipDecoder, ZlibDecoder};

use super::{Coding, Undecodable};

#[cfg(target_arch = "wasm32")]
use super::zstd_in_rust::ZstdDecoder;
#[cfg(not(target_arch = "wasm32"))]
use compression_codecs::ZstdDecoder;

/// One decoder, which decodes member after member.
pub(super) struct Codec {
    coding: Coding,
    member: Member,
    /// The last piece was as long as it may be: there may be more without another byte.
    was_full: bool,
    /// There was a member before.
    is_later: bool,
    /// What a piece is decoded into.
    room: Vec<u8>,
}

impl std::fmt::Debug for Codec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Codec").field("coding", &self.coding).finish_non_exhaustive()
    }
}

/// What decodes one member.
enum Member {
    /// None has begun.
    None,
    Gzip(Box<GzipDecoder>),
    Zlib(Box<ZlibDecoder>),
    Deflate(Box<DeflateDecoder>),
    Brotli(BrotliDecoder),
    Zstd(Box<ZstdDecoder>),
}

impl Coding {
    fn undecodable(self, why: impl ToString) -> Undecodable {
        Undecodable { coding: self, why: why.to_string() }
    }
}

impl Codec {
    pub(super) fn new(coding: Coding) -> Self {
        Self { coding, member: Member::None, was_full: false, is_later: false, room: Vec::new() }
    }

    pub(super) fn is_inside(&self) -> bool {
        !matches!(self.member, Member::None)
    }

    /// Begins a member if there is a byte of one. False if there is not.
    fn begin(&mut self, coded: &mut Bytes) -> bool {
        if self.coding == Coding::Gzip && self.is_later {
            // Tapes are padded with zeros, and `gzip` skips them behind a member.
            let zeros = coded.iter().take_while(|byte| **byte == 0).count();
            coded.advance(zeros);
        }
        let Some(first) = coded.first() else { return false };
        self.member = match self.coding {
            Coding::Gzip => Member::Gzip(Box::default()),
            // RFC 1950: the method, 8, and a window of 32 KiB at most. A bare stream never begins so, since its bits
            // up to a stored block's next byte are zeros.
            Coding::Deflate if first & 0x0f == 8 && first >> 4 <= 7 => Member::Zlib(Box::default()),
            Coding::Deflate => Member::Deflate(Box::default()),
            Coding::Brotli => Member::Brotli(BrotliDecoder::new()),
            Coding::Zstd => Member::Zstd(Box::default()),
        };
        self.is_later = true;
        true
    }

    /// Decodes up to this many bytes. `None` where that takes more coded ones.
    pub(super) fn step(&mut self, coded: &mut Bytes, most: usize) -> Result<Option<Bytes>, Undecodable> {
        loop {
            if !self.is_inside() && !self.begin(coded) {
                return Ok(None);
            }
            if coded.is_empty() && !self.was_full {
                return Ok(None);
            }
            let before = coded.len();
            let (piece, is_done) = self.decode(coded, most)?;
            self.was_full = piece.len() == most;
            if is_done {
                self.member = Member::None;
                self.was_full = false;
            }
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
            if !is_done && before != 0 && coded.len() == before {
                return Err(self.coding.undecodable("its decoder does not go on"));
            }
        }
    }

    /// What is left when no coded byte is to come. `None` once that is all.
    pub(super) fn finish(&mut self, most: usize) -> Result<Option<Bytes>, Undecodable> {
        if !self.is_inside() {
            return Ok(None);
        }
        let (piece, is_done) = self.with(most, |decoder, output| decoder.finish(output))?;
        if is_done {
            self.member = Member::None;
        }
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }

    fn decode(&mut self, coded: &mut Bytes, most: usize) -> Result<(Bytes, bool), Undecodable> {
        let mut input = PartialBuffer::new(&coded[..]);
        let decoded = self.with(most, |decoder, output| {
            if input.unwritten().is_empty() {
                decoder.flush(output).map(|_| false)
            } else {
                decoder.decode(&mut input, output)
            }
        });
        let taken = input.written_len();
        coded.advance(taken);
        decoded
    }

    fn with(
        &mut self,
        most: usize,
        run: impl FnOnce(&mut dyn DecodeV2, &mut WriteBuffer<'_>) -> std::io::Result<bool>,
    ) -> Result<(Bytes, bool), Undecodable> {
        let decoder: &mut dyn DecodeV2 = match &mut self.member {
            Member::None => return Ok((Bytes::new(), true)),
            Member::Gzip(decoder) => &mut **decoder,
            Member::Zlib(decoder) => &mut **decoder,
            Member::Deflate(decoder) => &mut **decoder,
            Member::Brotli(decoder) => decoder,
            Member::Zstd(decoder) => &mut **decoder,
        };
        self.room.resize(most, 0);
        let mut output = WriteBuffer::new_initialized(&mut self.room);
        let is_done = run(decoder, &mut output).map_err(|error| self.coding.undecodable(error))?;
        Ok((Bytes::copy_from_slice(output.written()), is_done))
    }
}
