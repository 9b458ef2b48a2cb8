//! The bytes of recordings: written in pieces, read page by page.

use bytes::Bytes;
use durablefetch_protocol::RecordingId;
use durablefetch_protocol::limits::RING_MAX;
use js_sys::{Array, Uint8Array};

use super::{RANGE, Store, StoreError, Stored, integer, number};
use crate::js::sys;

/// A row may have 2 MB on the platform; what a reader holds is a row at least.
const PIECE_MAX: usize = RING_MAX;

impl Store {
    /// Bytes at this offset. Returns the offset after them.
    pub(crate) fn append(
        &self,
        id: RecordingId,
        mut offset: u64,
        pieces: &[Bytes],
        chunks: u64,
    ) -> Stored<u64> {
        let total: usize = pieces.iter().map(Bytes::len).sum();
        if total == 0 {
            return Ok(offset);
        }
        let base = self.number_of(id)? * RANGE;
        // SQLite copies what it is given before `exec` returns, so one buffer serves all writes: JavaScript's
        // garbage would otherwise be as large as the recording.
        let data = self.buffer(total as u32);
        match pieces {
            [piece] => data.copy_from(piece),
            _ => data.copy_from(&pieces.concat()),
        }
        let mut from = 0;
        while from < total as u32 {
            let until = (from + PIECE_MAX as u32).min(total as u32);
            let bindings = Array::of3(&number(base + offset), &number(chunks), &data.subarray(from, until));
            self.sql.exec(&self.append, &bindings)?;
            offset += u64::from(until - from);
            from = until;
        }
        Ok(offset)
    }

    /// A view of this length of the buffer that writes go through.
    fn buffer(&self, length: u32) -> Uint8Array {
        let mut buffer = self.buffer.borrow_mut();
        if buffer.length() < length {
            *buffer = Uint8Array::new_with_length(length.next_power_of_two());
        }
        buffer.subarray(0, length)
    }

    /// How far the bytes of a recording go, and how many chunks they were.
    pub(super) fn extent(&self, n: u64) -> Stored<(u64, u64)> {
        let rows = self.query(
            "SELECT at, chunks, length(data) FROM body WHERE at >= ? AND at < ? ORDER BY at DESC LIMIT 1",
            &[number(n * RANGE), number((n + 1) * RANGE)],
        )?;
        let Some(row) = rows.first() else { return Ok((0, 0)) };
        let at = integer(row, 0).unwrap_or_default() - n * RANGE;
        Ok((at + integer(row, 2).unwrap_or_default(), integer(row, 1).unwrap_or_default()))
    }

    /// All bytes of a recording, which are few.
    pub(super) fn whole(&self, n: u64) -> Stored<Vec<u8>> {
        match self.extent(n)? {
            (0, _) => Ok(Vec::new()),
            (len, _) => Ok(self.range(n, 0, len, u32::MAX)?.1.to_vec()),
        }
    }

    /// Bytes from `from` up to `until`, about `max` of them at once. They never enter this module's memory.
    pub(crate) fn page(&self, id: RecordingId, from: u64, until: u64, max: u32) -> Stored<Uint8Array> {
        let (start, rows) = self.rows(id, from, until, max)?;
        Ok(rows.subarray((from - start) as u32, rows.length()))
    }

    /// The same from the beginning of a row on, and where that is.
    pub(crate) fn rows(&self, id: RecordingId, from: u64, until: u64, max: u32) -> Stored<(u64, Uint8Array)> {
        self.range(self.number_of(id)?, from, until, max)
    }

    fn range(&self, n: u64, from: u64, until: u64, max: u32) -> Stored<(u64, Uint8Array)> {
        let base = n * RANGE;
        let query = "SELECT at, data FROM body WHERE at >= \
                     (SELECT max(at) FROM body WHERE at >= ? AND at <= ?) AND at < ? ORDER BY at";
        let rows = self.exec(query, &[number(base), number(base + from), number(base + until)])?.raw();
        let mut pieces = Vec::new();
        let mut total = 0;
        let (mut start, mut offset) = (from, from);
        while total < max && offset < until {
            let Some(row) = rows.row()? else { break };
            let at = integer(&row, 0).unwrap_or_default() - base;
            let Some(data) = sys::to_bytes(&row.get(1)) else { break };
            start = start.min(at);
            let piece = data.subarray(0, data.length().min((until - at) as u32));
            total += piece.length();
            offset = at + u64::from(piece.length());
            pieces.push(piece);
        }
        if offset <= from {
            let message = format!("bytes {from} to {until} of recording {n} are not there");
            return Err(StoreError::failed(message));
        }
        if pieces.len() == 1 {
            return Ok((start, pieces.remove(0)));
        }
        let page = Uint8Array::new_with_length(total);
        let mut at = 0;
        for piece in pieces {
            page.set(&piece, at);
            at += piece.length();
        }
        Ok((start, page))
    }

    /// Lets go of the bytes of a recording.
    pub(crate) fn discard(&self, id: RecordingId) -> Stored<()> {
        let n = self.numbers.borrow_mut().remove(&id);
        n.filter(|_| self.made.get()).map_or(Ok(()), |n| self.discard_number(n))
    }

    /// Lets go of the bytes that no row of `recordings` has: an instance died before they were.
    pub(crate) fn sweep(&self) -> Stored<()> {
        let known: Vec<u64> = self.numbers.borrow().values().copied().collect();
        let mut from = 0;
        while let Some(at) = self.query("SELECT min(at) FROM body WHERE at >= ?", &[number(from)])?.first() {
            let Some(at) = integer(at, 0) else { break };
            let n = at / RANGE;
            if !known.contains(&n) {
                self.discard_number(n)?;
            }
            from = (n + 1) * RANGE;
        }
        Ok(())
    }

    fn discard_number(&self, n: u64) -> Stored<()> {
        self.run("DELETE FROM body WHERE at >= ? AND at < ?", &[number(n * RANGE), number((n + 1) * RANGE)])
    }
}
