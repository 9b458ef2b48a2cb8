//! Bytes on their way to readers: one copy for all that are abreast, in a buffer that is used again.
//!
//! JavaScript's collector does not know how much a buffer weighs before it looks. Without the pool, a recording of
//! 64 MB left as much garbage behind.

use std::cell::{Cell, RefCell};

use js_sys::Uint8Array;

use crate::sys;

/// The bytes of a pooled buffer.
const BUFFER: u32 = 64 << 10;
/// Less than this is not worth a buffer.
const SMALL: usize = 4 << 10;
/// Buffers that lie idle, in an isolate: 2 MiB.
const IDLE: usize = 32;

thread_local! {
    static POOL: RefCell<Vec<Uint8Array>> = const { RefCell::new(Vec::new()) };
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
