//! What streams are made of: records of one size, each with its date and its number in hexadecimal, so that they
//! survive programs that decode bodies as text, and those that cut or join chunks.

use std::sync::OnceLock;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

/// Bytes of a record: date, number, a space, a newline.
pub const RECORD_MIN: usize = HEAD + 2;
/// Larger chunks would measure the generator's memory.
pub const RECORD_MAX: usize = 1 << 20;
const DATE: usize = 16;
const NUMBER: usize = 8;
const HEAD: usize = DATE + NUMBER;

/// Nanoseconds on this process's own clock.
#[must_use]
pub fn now() -> u64 {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    u64::try_from(EPOCH.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// A record of this size, to be dated with [`stamp`].
#[must_use]
pub fn blank(size: usize) -> Vec<u8> {
    let mut record = vec![b'.'; size];
    record[HEAD] = b' ';
    record[size - 1] = b'\n';
    record
}

/// Writes date and number into a record.
pub fn stamp(record: &mut [u8], date: u64, number: u64) {
    let hex = |to: &mut [u8], mut value: u64| {
        for digit in to.iter_mut().rev() {
            *digit = b"0123456789abcdef"[(value & 15) as usize];
            value >>= 4;
        }
    };
    hex(&mut record[..DATE], date);
    hex(&mut record[DATE..HEAD], number);
}

/// Finds the records in a body, however it is cut.
#[derive(Debug)]
pub struct Records {
    size: usize,
    head: [u8; HEAD],
    /// Bytes of the current record so far.
    at: usize,
    next: u64,
}

impl Records {
    /// Records of this size, from the first one.
    #[must_use]
    pub const fn new(size: usize) -> Self {
        Self { size, head: [0; HEAD], at: 0, next: 0 }
    }

    /// Takes more of the body, and calls `each` with the date of every record that is complete.
    ///
    /// # Errors
    /// Where a record is missing, comes twice or is none: the body is not what the upstream sent.
    pub fn take(&mut self, mut bytes: &[u8], mut each: impl FnMut(u64)) -> Result<()> {
        while !bytes.is_empty() {
            if self.at < HEAD {
                let n = bytes.len().min(HEAD - self.at);
                self.head[self.at..self.at + n].copy_from_slice(&bytes[..n]);
                self.at += n;
                bytes = &bytes[n..];
                continue;
            }
            let n = bytes.len().min(self.size - self.at);
            self.at += n;
            bytes = &bytes[n..];
            if self.at == self.size {
                self.at = 0;
                let (date, number) = self.parse()?;
                let expected = self.next & u64::from(u32::MAX);
                ensure!(number == expected, "record {number} came instead of {expected}");
                self.next += 1;
                each(date);
            }
        }
        Ok(())
    }

    fn parse(&self) -> Result<(u64, u64)> {
        let text = std::str::from_utf8(&self.head).context("a record's head is not text")?;
        let hex =
            |text: &str| u64::from_str_radix(text, 16).with_context(|| format!("`{text}` dates nothing"));
        Ok((hex(&text[..DATE])?, hex(&text[DATE..])?))
    }

    /// Records so far.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.next
    }

    /// Whether a record has begun and not ended.
    #[must_use]
    pub const fn is_inside(&self) -> bool {
        self.at != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body() -> Vec<u8> {
        let mut body = Vec::new();
        for number in 0..5 {
            let mut record = blank(40);
            stamp(&mut record, 1000 + number, number);
            body.extend_from_slice(&record);
        }
        body
    }

    #[test]
    fn records_are_found_however_the_body_is_cut() {
        let body = body();
        for cut in [1, 7, 24, 39, 40, 41, 200] {
            let (mut records, mut dates) = (Records::new(40), Vec::new());
            for part in body.chunks(cut) {
                records.take(part, |date| dates.push(date)).unwrap();
            }
            assert_eq!(dates, [1000, 1001, 1002, 1003, 1004], "{cut}");
            assert_eq!((records.count(), records.is_inside()), (5, false));
        }
    }

    #[test]
    fn a_gap_and_a_repetition_are_errors() {
        let body = body();
        let mut records = Records::new(40);
        records.take(&body[..80], |_| ()).unwrap();
        assert!(records.take(&body[120..], |_| ()).is_err());
        let mut records = Records::new(40);
        records.take(&body[..80], |_| ()).unwrap();
        assert!(records.take(&body[40..], |_| ()).is_err());
    }
}
