//! The names in a wasm module: what it imports and exports. All else is carried over byte by byte.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

const IMPORTS: u8 = 2;
const EXPORTS: u8 = 7;
const ELEMENTS: u8 = 9;
const CUSTOM: u8 = 0;
const FUNCTION: u8 = 0;
/// Within the section `name`.
const FUNCTION_NAMES: u8 = 1;

/// One import or export.
pub(crate) struct Entry {
    /// Module and field of an import; the one name of an export.
    pub(crate) names: Vec<String>,
    /// What kind of thing it is, and which.
    what: Vec<u8>,
}

/// A module taken apart.
pub(crate) struct Sections {
    header: Vec<u8>,
    sections: Vec<(u8, Vec<u8>)>,
    pub(crate) imports: Vec<Entry>,
    pub(crate) exports: Vec<Entry>,
}

impl Sections {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        let mut rest = bytes;
        let header = take(&mut rest, 8)?.to_vec();
        if !header.starts_with(b"\0asm") {
            bail!("this is no wasm module");
        }
        let mut read = Self { header, sections: Vec::new(), imports: Vec::new(), exports: Vec::new() };
        while !rest.is_empty() {
            let id = take(&mut rest, 1)?[0];
            let length = number(&mut rest)?;
            let body = take(&mut rest, length)?;
            match id {
                IMPORTS => read.imports = entries(body, 2)?,
                EXPORTS => read.exports = entries(body, 1)?,
                _ => {}
            }
            read.sections.push((id, body.to_vec()));
        }
        if read.imports.iter().any(|import| import.what[0] != FUNCTION) {
            bail!("the module imports more than functions: did wasm-bindgen change?");
        }
        Ok(read)
    }

    /// The sections with this number.
    pub(crate) fn bodies(&self, id: u8) -> impl Iterator<Item = &[u8]> {
        self.sections.iter().filter(move |(known, _)| *known == id).map(|(_, body)| &body[..])
    }

    /// The first section with this number.
    pub(crate) fn body(&self, id: u8) -> Option<&[u8]> {
        self.bodies(id).next()
    }

    /// The names of functions by number, from the custom section `name`; empty where there is none.
    pub(crate) fn function_names(&self) -> Result<BTreeMap<usize, String>> {
        let mut names = BTreeMap::new();
        for mut body in self.bodies(CUSTOM) {
            if text(&mut body)? != "name" {
                continue;
            }
            while !body.is_empty() {
                let id = take(&mut body, 1)?[0];
                let length = number(&mut body)?;
                let mut part = take(&mut body, length)?;
                if id == FUNCTION_NAMES {
                    for _ in 0..number(&mut part)? {
                        names.insert(number(&mut part)?, text(&mut part)?);
                    }
                }
            }
        }
        Ok(names)
    }

    /// Puts another function wherever the table of functions has one of these. Returns how often.
    pub(crate) fn replace_in_table(
        &mut self,
        unwanted: impl Fn(usize) -> bool,
        with: usize,
    ) -> Result<usize> {
        let Some((_, section)) = self.sections.iter_mut().find(|(id, _)| *id == ELEMENTS) else {
            return Ok(0);
        };
        let mut rest = &section[..];
        // One segment of functions for the one table, from a constant on: `flags 0, i32.const n, end`.
        if number(&mut rest)? != 1 || number(&mut rest)? != 0 || take(&mut rest, 1)? != [0x41] {
            bail!("the table of functions is filled in another way: did the linker change?");
        }
        number(&mut rest)?;
        if take(&mut rest, 1)? != [0x0b] {
            bail!("the table of functions does not begin at a constant: did the linker change?");
        }
        let mut made = section[..section.len() - rest.len()].to_vec();
        let count = number(&mut rest)?;
        push_number(&mut made, count);
        let mut replaced = 0;
        for _ in 0..count {
            let function = number(&mut rest)?;
            let unwanted = unwanted(function);
            replaced += usize::from(unwanted);
            push_number(&mut made, if unwanted { with } else { function });
        }
        *section = made;
        Ok(replaced)
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let mut bytes = self.header.clone();
        for (id, body) in &self.sections {
            let body = match *id {
                IMPORTS => joined(&self.imports),
                EXPORTS => joined(&self.exports),
                _ => body.clone(),
            };
            bytes.push(*id);
            push_number(&mut bytes, body.len());
            bytes.extend(body);
        }
        bytes
    }
}

/// A function's import is names, kind and number of its type; an export is name, kind and number.
fn entries(mut body: &[u8], names: usize) -> Result<Vec<Entry>> {
    let count = number(&mut body)?;
    let entry = |_| {
        let names = (0..names).map(|_| text(&mut body)).collect::<Result<_>>()?;
        let before = body;
        take(&mut body, 1)?;
        number(&mut body)?;
        Ok(Entry { names, what: before[..before.len() - body.len()].to_vec() })
    };
    (0..count).map(entry).collect()
}

fn joined(entries: &[Entry]) -> Vec<u8> {
    let mut body = Vec::new();
    push_number(&mut body, entries.len());
    for Entry { names, what } in entries {
        for name in names {
            push_number(&mut body, name.len());
            body.extend(name.as_bytes());
        }
        body.extend(what);
    }
    body
}

pub(crate) fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(length).context("the module ends too early")?;
    *rest = after;
    Ok(taken)
}

/// A name: its length and that many bytes of UTF-8.
pub(crate) fn text(rest: &mut &[u8]) -> Result<String> {
    let length = number(rest)?;
    String::from_utf8(take(rest, length)?.to_vec()).context("a name is no UTF-8")
}

/// A number in LEB128, unsigned.
pub(crate) fn number(rest: &mut &[u8]) -> Result<usize> {
    let mut number = 0;
    for shift in (0..35).step_by(7) {
        let byte = take(rest, 1)?[0];
        number |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    bail!("a number is too long")
}

fn push_number(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::{Sections, push_number};

    /// A module with an import `m.f`, an export `e` of it, and a custom section that nobody knows.
    fn module() -> Vec<u8> {
        let mut bytes = b"\0asm\x01\0\0\0".to_vec();
        bytes.extend([1, 4, 1, 0x60, 0, 0]);
        bytes.extend([2, 7, 1, 1, b'm', 1, b'f', 0, 0]);
        bytes.extend([7, 5, 1, 1, b'e', 0, 0]);
        bytes.extend([0, 3, 1, b'x', 9]);
        bytes
    }

    #[test]
    fn what_is_read_is_written_again() {
        let read = Sections::read(&module()).unwrap();
        assert_eq!(read.imports[0].names, ["m", "f"]);
        assert_eq!(read.exports[0].names, ["e"]);
        assert_eq!(read.write(), module());
    }

    #[test]
    fn names_may_grow_and_entries_may_go() {
        let mut read = Sections::read(&module()).unwrap();
        read.imports[0].names[1] = "x".repeat(200);
        read.exports.clear();
        let again = Sections::read(&read.write()).unwrap();
        assert_eq!(again.imports[0].names[1].len(), 200);
        assert!(again.exports.is_empty());
    }

    #[test]
    fn the_table_forgets_functions() {
        let mut bytes = module();
        bytes.extend([9, 8, 1, 0, 0x41, 1, 0x0b, 2, 0, 3]);
        let mut read = Sections::read(&bytes).unwrap();
        assert_eq!(read.replace_in_table(|function| function == 3, 0).unwrap(), 1);
        assert!(read.write().ends_with(&[9, 8, 1, 0, 0x41, 1, 0x0b, 2, 0, 0]));
    }

    #[test]
    fn what_is_no_module_or_cut_is_an_error() {
        assert!(Sections::read(b"\0elf\x01\0\0\0").is_err());
        assert!(Sections::read(&module()[..module().len() - 1]).is_err());
    }

    #[test]
    fn numbers_are_leb128() {
        let mut bytes = Vec::new();
        push_number(&mut bytes, 624_485);
        assert_eq!(bytes, [0xe5, 0x8e, 0x26]);
    }
}
