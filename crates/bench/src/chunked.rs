//! Bodies on the wire: chunked, by length, or until the connection closes. No copy is made.

use anyhow::{Result, bail, ensure};

/// Where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `transfer-encoding: chunked`.
    Chunked,
    /// `content-length`.
    Length(u64),
    /// When the connection closes.
    Close,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In a chunk's size, which is this so far.
    Size(u64),
    /// In an extension after a chunk's size.
    Extension(u64),
    Data(u64),
    /// The line end after a chunk.
    AfterData,
    /// In the trailers; whether the line has something in it.
    Trailers(bool),
    UntilClose,
    Done,
}

/// Takes a body out of what comes from a socket.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    /// By length: no chunk follows.
    is_plain: bool,
}

impl Decoder {
    /// A body of this framing.
    #[must_use]
    pub const fn new(framing: Framing) -> Self {
        match framing {
            Framing::Chunked => Self { state: State::Size(0), is_plain: false },
            Framing::Length(0) => Self { state: State::Done, is_plain: true },
            Framing::Length(length) => Self { state: State::Data(length), is_plain: true },
            Framing::Close => Self { state: State::UntilClose, is_plain: true },
        }
    }

    /// Whether the body has come to its end.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Whether the connection may close now.
    #[must_use]
    pub fn may_close(&self) -> bool {
        matches!(self.state, State::Done | State::UntilClose)
    }

    /// Takes bytes from the wire and gives those of the body to `sink`.
    ///
    /// # Errors
    /// Where the framing is broken, something follows the end, or `sink` fails.
    pub fn take(&mut self, mut wire: &[u8], mut sink: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        while let Some((&first, rest)) = wire.split_first() {
            match self.state {
                State::Data(left) => {
                    let n = left.min(wire.len() as u64) as usize;
                    sink(&wire[..n])?;
                    wire = &wire[n..];
                    let left = left - n as u64;
                    self.state = match left {
                        0 if self.is_plain => State::Done,
                        0 => State::AfterData,
                        left => State::Data(left),
                    };
                    continue;
                }
                State::UntilClose => return sink(wire),
                State::Done => bail!("{} bytes follow the end of the body", wire.len()),
                State::Size(size) => match first {
                    b'\r' => {}
                    b'\n' if size == 0 => self.state = State::Trailers(false),
                    b'\n' => self.state = State::Data(size),
                    b';' | b' ' => self.state = State::Extension(size),
                    digit => {
                        let Some(digit) = (digit as char).to_digit(16) else {
                            bail!("byte {digit:#x} in a chunk's size");
                        };
                        ensure!(size < 1 << 40, "a chunk's size is beyond reason");
                        self.state = State::Size(size * 16 + u64::from(digit));
                    }
                },
                State::Extension(size) => match first {
                    b'\n' if size == 0 => self.state = State::Trailers(false),
                    b'\n' => self.state = State::Data(size),
                    _ => {}
                },
                State::AfterData => match first {
                    b'\r' => {}
                    b'\n' => self.state = State::Size(0),
                    other => bail!("byte {other:#x} after a chunk"),
                },
                State::Trailers(has_text) => match first {
                    b'\r' => {}
                    b'\n' if has_text => self.state = State::Trailers(false),
                    b'\n' => self.state = State::Done,
                    _ => self.state = State::Trailers(true),
                },
            }
            wire = rest;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(framing: Framing, wire: &[u8], cut: usize) -> (Vec<u8>, Decoder) {
        let (mut decoder, mut body) = (Decoder::new(framing), Vec::new());
        for part in wire.chunks(cut) {
            let mut sink = |bytes: &[u8]| {
                body.extend_from_slice(bytes);
                Ok(())
            };
            decoder.take(part, &mut sink).unwrap();
        }
        (body, decoder)
    }

    #[test]
    fn chunks_are_put_together_however_they_are_cut() {
        let wire = b"3\r\nabc\r\n10;x=y\r\n0123456789abcdef\r\n0\r\nx-trailer: 1\r\n\r\n";
        for cut in 1..=wire.len() {
            let (body, decoder) = decode(Framing::Chunked, wire, cut);
            assert_eq!(body, b"abc0123456789abcdef", "{cut}");
            assert!(decoder.is_done());
        }
    }

    #[test]
    fn a_cut_is_no_end() {
        let (body, decoder) = decode(Framing::Chunked, b"3\r\nabc\r\n", 100);
        assert_eq!(body, b"abc");
        assert!(!decoder.may_close());
        assert!(!decode(Framing::Length(4), b"abc", 2).1.may_close());
        assert!(decode(Framing::Length(3), b"abc", 2).1.is_done());
        assert!(decode(Framing::Close, b"abc", 2).1.may_close());
    }
}
