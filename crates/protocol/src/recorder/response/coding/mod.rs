//! Content codings: recorded bytes are identity-coded, so what an upstream codes although it was asked not to is
//! decoded as it comes (RFC 9110 §8.4.1).

mod codec;
#[cfg(test)]
mod tests;
#[cfg(any(test, target_arch = "wasm32"))]
mod zstd_in_rust;

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use crate::words::{ErrorCode, ProtocolError};
use codec::Codec;

/// The most codings that are undone, one after the other.
pub const LAYERS_MAX: usize = 3;
/// The most bytes of one decoded piece.
const PIECE: usize = 16 << 10;

/// One way of coding a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// One or more members (RFC 1952).
    Gzip,
    /// With the wrapper that RFC 9110 asks for (RFC 1950), or bare (RFC 1951), as many servers send it.
    Deflate,
    /// RFC 7932.
    Brotli,
    /// One or more frames, and skippable ones (RFC 8878).
    Zstd,
}

impl Coding {
    /// Reads a name, in any case.
    fn named(name: &str) -> Option<Self> {
        let is = |names: &[&str]| names.iter().any(|known| name.eq_ignore_ascii_case(known));
        if is(&["gzip", "x-gzip"]) {
            Some(Self::Gzip)
        } else if is(&["deflate"]) {
            Some(Self::Deflate)
        } else if is(&["br"]) {
            Some(Self::Brotli)
        } else if is(&["zstd"]) {
            Some(Self::Zstd)
        } else {
            None
        }
    }
}

/// The codings of a body, in the order in which they were applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Codings(Vec<Coding>);

impl Codings {
    /// Reads `content-encoding`. A name that is not a coding, where it stands alone (`none`, `utf-8`, nothing at all),
    /// means a body that is not coded, as browsers take it.
    ///
    /// # Errors
    /// [`ErrorCode::UpstreamFailed`] for an unknown name in a list with others, and for more than [`LAYERS_MAX`].
    pub fn of(headers: &HeaderMap) -> Result<Self, ProtocolError> {
        let values: Vec<_> = headers
            .get_all(CONTENT_ENCODING)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        let is_coded = |name: &&str| !name.is_empty() && !name.eq_ignore_ascii_case("identity");
        let names: Vec<_> =
            values.iter().flat_map(|value| value.split(',')).map(str::trim).filter(is_coded).collect();
        if let [alone] = names[..] {
            return Ok(Self(Coding::named(alone).into_iter().collect()));
        }
        let codings: Option<Vec<_>> = names.iter().map(|name| Coding::named(name)).collect();
        codings.filter(|codings| codings.len() <= LAYERS_MAX).map(Self).ok_or_else(|| {
            ProtocolError::new(
                ErrorCode::UpstreamFailed,
                format!(
                    "the upstream coded its answer in a way that the recorder cannot decode: `content-encoding: {}`",
                    names.join(", ")
                ),
            )
        })
    }

    /// Whether there is nothing to undo.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A body that is not what its `content-encoding` says, or is not all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecodable {
    coding: Coding,
    why: String,
}

impl std::fmt::Display for Undecodable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the body is not {:?} or not all of it: {}", self.coding, self.why)
    }
}

impl std::error::Error for Undecodable {}

/// Undoes the codings of one body: [push](Self::push) what comes, then take [pieces](Self::piece) until there is none.
///
/// A few coded bytes may be gigabytes: no more than a piece is decoded ahead of who takes them.
#[derive(Debug)]
pub struct Decoder {
    /// As it came, and not yet taken by the outermost layer.
    coded: Bytes,
    /// The coding that was applied last comes first.
    layers: Vec<Layer>,
    has_ended: bool,
    /// The most bytes of a piece.
    most: usize,
}

/// One coding that is undone, and what it has to decode next.
#[derive(Debug)]
struct Layer {
    codec: Codec,
    coded: Bytes,
}

impl Decoder {
    /// For a body with these codings.
    #[must_use]
    pub fn new(codings: &Codings) -> Self {
        let layer = |&coding| Layer { codec: Codec::new(coding), coded: Bytes::new() };
        let layers = codings.0.iter().rev().map(layer).collect();
        Self { coded: Bytes::new(), layers, has_ended: false, most: PIECE }
    }

    /// Takes more of the coded body. [`Self::piece`] must have given `None` since the last time.
    pub fn push(&mut self, coded: Bytes) {
        debug_assert!(self.coded.is_empty(), "what came before was not taken");
        self.coded = coded;
    }

    /// The coded body has ended as HTTP says that a body ends.
    pub fn end(&mut self) {
        self.has_ended = true;
    }

    /// Whether the coded body has ended: without a piece, none is to come.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// The next decoded bytes, 16 KiB at most and never none. `None` until more is pushed; after the
    /// [end](Self::end), there are no more.
    ///
    /// # Errors
    /// [`Undecodable`] where the bytes are not in their coding, or end within a member. What was given before is right.
    pub fn piece(&mut self) -> Result<Option<Bytes>, Undecodable> {
        let Self { coded, layers, has_ended, most } = self;
        pull(layers, coded, *has_ended, *most)
    }
}

/// The next bytes out of these layers, the last of which is the innermost.
fn pull(
    layers: &mut [Layer],
    coded: &mut Bytes,
    has_ended: bool,
    most: usize,
) -> Result<Option<Bytes>, Undecodable> {
    let Some((layer, outer)) = layers.split_last_mut() else {
        return Ok(Some(std::mem::take(coded)).filter(|coded| !coded.is_empty()));
    };
    loop {
        if let Some(piece) = layer.codec.step(&mut layer.coded, most)? {
            return Ok(Some(piece));
        }
        match pull(outer, coded, has_ended, most)? {
            Some(more) => layer.coded = more,
            None if has_ended => return layer.codec.finish(most),
            None => return Ok(None),
        }
    }
}
