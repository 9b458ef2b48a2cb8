//! A stream of text out of the events that carry it: the lines of `data` of one event joined by line ends, as the
//! [standard](https://html.spec.whatwg.org/multipage/server-sent-events.html) has it. Other events tell of the stream
//! and are passed over.

use anyhow::Result;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Its name has yet to end: these many bytes of it match, of the names in this order.
    Name(usize),
    /// `data:` of an event that carries the stream.
    Data,
    /// `event:`, and whether all of it so far is `data`.
    Event(usize, bool),
    /// Of no interest.
    Other,
}

/// Takes the text out, however the body is cut.
#[derive(Debug)]
pub struct Events {
    line: Line,
    /// The first bytes of a line, until they tell what it is.
    name: [u8; NAME],
    /// Whether the event is one that carries the stream, and has had a line.
    carries: bool,
    had_line: bool,
}

const NAME: usize = 6;
const OF_INTEREST: &[u8] = b" data";

impl Default for Events {
    fn default() -> Self {
        Self { line: Line::Name(0), name: [0; NAME], carries: false, had_line: false }
    }
}

impl Events {
    /// Takes more of the body and gives the stream's bytes to `sink`.
    ///
    /// # Errors
    /// Those of `sink`.
    pub fn take(&mut self, mut wire: &[u8], mut sink: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        while let Some((&first, rest)) = wire.split_first() {
            if self.line == Line::Data {
                let end = wire.iter().position(|byte| *byte == b'\n').unwrap_or(wire.len());
                if end > 0 {
                    sink(&wire[..end])?;
                }
                wire = &wire[end..];
                if !wire.is_empty() {
                    wire = &wire[1..];
                    self.line = Line::Name(0);
                }
                continue;
            }
            wire = rest;
            match (self.line, first) {
                (Line::Name(0), b'\n') => (self.carries, self.had_line) = (false, false),
                (Line::Event(matched, so_far), b'\n') => {
                    self.carries = so_far && matched == OF_INTEREST.len();
                    self.line = Line::Name(0);
                }
                (_, b'\n') => self.line = Line::Name(0),
                (Line::Name(at), byte) => {
                    self.name[at] = byte;
                    let name = &self.name[..=at];
                    self.line = match name {
                        b"data:" if self.carries => {
                            if self.had_line {
                                sink(b"\n")?;
                            }
                            self.had_line = true;
                            Line::Data
                        }
                        b"event:" => Line::Event(1, true),
                        _ if at + 1 < NAME => Line::Name(at + 1),
                        _ => Line::Other,
                    };
                }
                // A blank after the colon is not part of the value.
                (Line::Event(1, true), b' ') => {}
                (Line::Event(matched, so_far), byte) => {
                    let fits = OF_INTEREST.get(matched) == Some(&byte);
                    self.line = Line::Event(matched + 1, so_far && fits);
                }
                (Line::Data | Line::Other, _) => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_comes_out_however_the_body_is_cut() {
        let wire = b"event: control\ndata:{\"upToDate\":true}\n\nevent: data\ndata:one\ndata:two\ndata:\n\n\
                     event: control\ndata:{}\n\nevent: data\ndata:data: three\ndata:\n\nevent: dataset\ndata:no\n\n";
        for cut in 1..=wire.len() {
            let (mut events, mut text) = (Events::default(), Vec::new());
            for part in wire.chunks(cut) {
                let mut sink = |bytes: &[u8]| {
                    text.extend_from_slice(bytes);
                    Ok(())
                };
                events.take(part, &mut sink).unwrap();
            }
            assert_eq!(String::from_utf8_lossy(&text), "one\ntwo\ndata: three\n", "{cut}");
        }
    }
}
