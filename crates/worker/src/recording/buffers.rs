//! Bytes on their way to readers: one copy for all that are abreast, in a buffer that is used again; and what was
//! read from storage last, for the other readers that are behind.
//!
//! JavaScript's collector lets buffers pile up to 64 MB before it looks: what is not made need not be collected.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use durablefetch_protocol::RecordingId;
use js_sys::Uint8Array;

use crate::js::sys;
use crate::store::{Store, StoreError};

/// The bytes of a pooled buffer.
const BUFFER: u32 = 64 << 10;
/// Less than this is not worth a buffer.
const SMALL: usize = 4 << 10;
/// Buffers that lie idle, in an isolate: 2 MiB.
const IDLE: usize = 32;
/// About how much is read from storage at once.
const PAGE: u32 = 256 << 10;
/// Pages that are kept for other readers, in an isolate: 8 MiB at most.
const PAGES: usize = 16;

thread_local! {
    static RECENT: RefCell<VecDeque<Page>> = const { RefCell::new(VecDeque::new()) };
    static POOL: RefCell<Vec<Uint8Array>> = const { RefCell::new(Vec::new()) };
}

/// Bytes of a recording as storage has them. They never change.
struct Page {
    of: RecordingId,
    start: u64,
    piece: Rc<Piece>,
}

impl Page {
    /// The bytes from an offset on, where the page has it.
    fn from(&self, of: RecordingId, offset: u64) -> Option<(Rc<Piece>, Uint8Array)> {
        let view = self.piece.view();
        let skip = u32::try_from(offset.checked_sub(self.start)?).ok()?;
        let has = self.of == of && skip < view.length();
        has.then(|| (Rc::clone(&self.piece), view.subarray(skip, view.length())))
    }
}

/// Some stored bytes of a recording from an offset on; storage has those up to `until`. The piece keeps the view.
pub(crate) fn stored(
    store: &Store,
    id: RecordingId,
    offset: u64,
    until: u64,
) -> Result<(Rc<Piece>, Uint8Array), StoreError> {
    if let Some(found) = RECENT.with_borrow(|recent| recent.iter().find_map(|page| page.from(id, offset))) {
        return Ok(found);
    }
    let (start, bytes) = store.rows(id, offset, until, PAGE)?;
    let view = bytes.subarray((offset - start) as u32, bytes.length());
    let piece = Rc::new(Piece::of(bytes));
    RECENT.with_borrow_mut(|recent| {
        recent.truncate(PAGES - 1);
        recent.push_front(Page { of: id, start, piece: Rc::clone(&piece) });
    });
    Ok((piece, view))
}

/// Bytes that nobody writes to while somebody holds them.
pub(crate) struct Piece {
    view: Uint8Array,
    /// The buffer that it is the beginning of, where that goes back to the pool.
    buffer: Cell<Option<Uint8Array>>,
}

impl Piece {
    /// Bytes that JavaScript has already.
    pub(crate) fn of(view: Uint8Array) -> Self {
        Self { view, buffer: Cell::new(None) }
    }

    /// A copy for JavaScript.
    pub(crate) fn copy(bytes: &[u8]) -> Self {
        if bytes.len() < SMALL || bytes.len() > BUFFER as usize {
            return Self::of(sys::to_js(bytes));
        }
        let pooled = POOL.with_borrow_mut(Vec::pop);
        let buffer = pooled.unwrap_or_else(|| Uint8Array::new_with_length(BUFFER));
        let view = buffer.subarray(0, bytes.len() as u32);
        view.copy_from(bytes);
        Self { view, buffer: Cell::new(Some(buffer)) }
    }

    /// The bytes.
    pub(crate) fn view(&self) -> &Uint8Array {
        &self.view
    }

    /// A write of it was cut short, and something may still look at the buffer.
    pub(crate) fn keep_from_pool(&self) {
        self.buffer.take();
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if let Some(buffer) = self.buffer.take() {
            POOL.with_borrow_mut(|pool| {
                if pool.len() < IDLE {
                    pool.push(buffer);
                }
            });
        }
    }
}
