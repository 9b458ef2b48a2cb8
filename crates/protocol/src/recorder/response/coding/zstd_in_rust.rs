//! Zstandard without C, for WebAssembly. Bytes come out a window later than they could be had: the crate that decodes
//! keeps the window back.

use std::io::{Error, ErrorKind, Read as _, Result};

use compression_codecs::DecodeV2;
use compression_codecs::core::util::{PartialBuffer, WriteBuffer};
use ruzstd::decoding::FrameDecoder;

/// RFC 9659 §3: what codes for HTTP needs no larger window. A larger one would be memory that the sender chooses.
const WINDOW_MAX: u64 = 8 << 20;
/// The first four bytes of a skippable frame, whose lowest four bits are its own (RFC 8878 §3.1.2).
const SKIPPABLE: u64 = 0x184d_2a50;

/// Decodes one frame, or skips one. It takes no byte behind it.
#[derive(Default)]
pub(crate) struct ZstdDecoder {
    frame: Option<FrameDecoder>,
    has_checksum: bool,
    /// What the next part of the frame is.
    part: Part,
    /// What has come of it.
    came: Vec<u8>,
}

/// A part of a frame, which is decoded whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Part {
    /// The magic number and the byte behind it, which tells how long the header is.
    #[default]
    Prefix,
    Header(usize),
    SkippableHeader,
    /// So many bytes are skipped.
    Skipped(usize),
    BlockHeader,
    /// With its header and, where it is the last, the checksum.
    Block(usize),
    /// There are no more.
    Ended,
}

impl Part {
    fn len(self) -> usize {
        match self {
            Self::Prefix => 5,
            Self::SkippableHeader => 8,
            Self::BlockHeader => 3,
            Self::Header(len) | Self::Block(len) | Self::Skipped(len) => len,
            Self::Ended => 0,
        }
    }
}

fn invalid(why: impl ToString) -> Error {
    Error::new(ErrorKind::InvalidData, why.to_string())
}

impl ZstdDecoder {
    /// Takes what the part still lacks. False where it is not whole yet.
    fn fill(&mut self, input: &mut PartialBuffer<&[u8]>) -> bool {
        if let Part::Skipped(left) = &mut self.part {
            let taken = input.unwritten().len().min(*left);
            input.advance(taken);
            *left -= taken;
            return *left == 0;
        }
        let lacks = self.part.len().saturating_sub(self.came.len());
        let taken = input.unwritten().len().min(lacks);
        self.came.extend_from_slice(&input.unwritten()[..taken]);
        input.advance(taken);
        taken == lacks
    }

    /// Decodes the part that is whole, and says what follows.
    fn next(&mut self) -> Result<Part> {
        let came = &self.came[..];
        let next = match self.part {
            Part::Prefix => match little_endian(came, 4) & 0xffff_fff0 {
                SKIPPABLE => return Ok(Part::SkippableHeader),
                _ => return Ok(Part::Header(header_len(came[4]))),
            },
            Part::SkippableHeader => Part::Skipped(little_endian(&came[4..], 4) as usize),
            Part::Skipped(_) | Part::Ended => Part::Ended,
            Part::Header(_) => {
                if window(came) > WINDOW_MAX {
                    return Err(invalid("its window is larger than 8 MiB"));
                }
                let mut frame = FrameDecoder::new();
                frame.init(came).map_err(invalid)?;
                self.has_checksum = came[4] >> 2 & 1 == 1;
                self.frame = Some(frame);
                Part::BlockHeader
            }
            Part::BlockHeader => {
                let header = little_endian(came, 3);
                // RFC 8878 §3.1.1.2: whether it is the last, its type (1 is one byte over and over), its size.
                let (is_last, kind, size) = (header & 1 == 1, header >> 1 & 3, header >> 3);
                let content = if kind == 1 { 1 } else { size as usize };
                return Ok(Part::Block(3 + content + if is_last && self.has_checksum { 4 } else { 0 }));
            }
            Part::Block(_) => {
                let frame = self.frame.as_mut().ok_or_else(|| invalid("no frame"))?;
                let (taken, _) = frame.decode_from_to(came, &mut []).map_err(invalid)?;
                if taken != came.len() {
                    return Err(invalid("a block is not as long as it says"));
                }
                if frame.is_finished() { Part::Ended } else { Part::BlockHeader }
            }
        };
        self.came.clear();
        Ok(next)
    }
}

/// The length of a frame's header by its descriptor (RFC 8878 §3.1.1.1), with the magic number.
fn header_len(descriptor: u8) -> usize {
    let is_single = descriptor >> 5 & 1 == 1;
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let content = [usize::from(is_single), 2, 4, 8][usize::from(descriptor >> 6)];
    5 + usize::from(!is_single) + dictionary + content
}

/// The window of a frame with this header, in bytes: what its descriptor says, or all of its content.
fn window(header: &[u8]) -> u64 {
    let descriptor = header[4];
    if descriptor >> 5 & 1 == 0 {
        let (exponent, mantissa) = (header[5] >> 3, u64::from(header[5] & 7));
        let base = 1 << (10 + exponent);
        return base + base / 8 * mantissa;
    }
    match descriptor >> 6 {
        0 => little_endian(&header[header.len() - 1..], 1),
        1 => little_endian(&header[header.len() - 2..], 2) + 256,
        2 => little_endian(&header[header.len() - 4..], 4),
        _ => little_endian(&header[header.len() - 8..], 8),
    }
}

fn little_endian(bytes: &[u8], len: usize) -> u64 {
    bytes[..len].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

impl DecodeV2 for ZstdDecoder {
    fn reinit(&mut self) -> Result<()> {
        *self = Self::default();
        Ok(())
    }

    fn decode(&mut self, input: &mut PartialBuffer<&[u8]>, output: &mut WriteBuffer<'_>) -> Result<bool> {
        loop {
            if let Some(frame) = &mut self.frame {
                let given = frame.read(output.initialize_unwritten())?;
                output.advance(given);
                if output.has_no_spare_space() {
                    return Ok(false);
                }
            }
            if self.part == Part::Ended {
                let is_right = |frame: &FrameDecoder| {
                    !self.has_checksum || frame.get_checksum_from_data() == frame.get_calculated_checksum()
                };
                return if self.frame.as_ref().is_none_or(is_right) {
                    Ok(true)
                } else {
                    Err(invalid("the checksum is another"))
                };
            }
            if !self.fill(input) {
                return Ok(false);
            }
            self.part = self.next()?;
        }
    }

    fn flush(&mut self, output: &mut WriteBuffer<'_>) -> Result<bool> {
        self.decode(&mut PartialBuffer::new(&[]), output)
    }

    fn finish(&mut self, output: &mut WriteBuffer<'_>) -> Result<bool> {
        let is_done = self.decode(&mut PartialBuffer::new(&[]), output)?;
        if is_done || output.has_no_spare_space() {
            Ok(is_done)
        } else {
            Err(ErrorKind::UnexpectedEof.into())
        }
    }
}
