//! A stream of text out of the events that carry it: the lines of `data` of one event joined by line ends, as the
//! [standard](https://html.spec.whatwg.org/multipage/server-sent-events.html) has it. Other events tell of the stream
//! and are passed over.

use anyhow::Result;

/// The field of the lines that carry the stream.
const DATA: &[u8] = b"data:";
/// The field that names an event,
const EVENT: &[u8] = b"event:";
/// and those that carry the stream.
const CARRIES: [&[u8]; 2] = [b"event:data", b"event: data"];
/// Of a longer line no more is kept: it is none of these.
const LONGEST: usize = 12;

/// Takes the text out, however the body is cut.
#[derive(Debug, Default)]
pub struct Events {
    /// The beginning of the current line, where its bytes are not the stream's.
    line: Vec<u8>,
    /// The bytes up to the line's end are the stream's.
    in_data: bool,
    /// The event carries the stream.
    carries: bool,
    /// It has had a line of it.
    had_line: bool,
}

impl Events {
    /// Takes more of the body and gives the stream's bytes to `sink`.
    ///
    /// # Errors
    /// Those of `sink`.
    pub fn take(&mut self, mut wire: &[u8], mut sink: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        while let Some(&first) = wire.first() {
            if self.in_data {
                let end = wire.iter().position(|byte| *byte == b'\n').unwrap_or(wire.len());
                sink(&wire[..end])?;
                self.in_data = end == wire.len();
                wire = &wire[(end + 1).min(wire.len())..];
                continue;
            }
            wire = &wire[1..];
            if first == b'\n' {
                match &self.line[..] {
                    b"" => (self.carries, self.had_line) = (false, false),
                    line if line.starts_with(EVENT) => self.carries = CARRIES.contains(&line),
                    _ => {}
                }
                self.line.clear();
                continue;
            }
            if self.line.len() < LONGEST {
                self.line.push(first);
            }
            if self.carries && self.line == DATA {
                if self.had_line {
                    sink(b"\n")?;
                }
                self.line.clear();
                (self.in_data, self.had_line) = (true, true);
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
